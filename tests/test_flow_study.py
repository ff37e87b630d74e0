"""What the study of the flow says of fields and lines with known answers."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

from wbclib import images
from wbclib.bench import flow
from wbclib.corpora import bundled
from wbclib.measure import content
from wbclib.options import Flow
from wbclib.studies.flow import stages
from wbclib.studies.flow.plots import line_integral_convolution


def turned(degrees: float, size: int = 12) -> np.ndarray:
    """A field of one direction."""
    angle = np.radians(degrees)
    return np.full((2, size, size), [[[np.cos(angle)]], [[np.sin(angle)]]])


def test_a_tangent_has_no_sign() -> None:
    for degrees, angle in ((0, 0), (30, 30), (90, 90), (150, 30), (180, 0), (270, 90)):
        assert stages.between(turned(0), turned(degrees)) == pytest.approx(angle, abs=1e-6)


def test_one_direction_is_coherent_and_random_ones_are_not() -> None:
    assert stages.coherence(turned(37)) == pytest.approx(1)
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, (200, 200))
    assert stages.coherence(np.stack([np.cos(angle), np.sin(angle)])) == pytest.approx(2 / np.pi, abs=0.01)
    empty = turned(0)
    empty[:, :, 6:] = 0  # where there is none, nothing is compared
    assert stages.coherence(empty) == pytest.approx(1)


def test_a_pixel_belongs_to_a_line_of_its_length() -> None:
    drawn = np.zeros((20, 20), bool)
    assert stages.line_length(drawn) == 0
    drawn[2, :10] = True
    drawn[np.arange(10, 15), np.arange(5)] = True  # connected at the corners
    assert stages.line_length(drawn) == pytest.approx((10 * 10 + 5 * 5) / 15)


def test_lines_are_the_same_within_two_pixels() -> None:
    first, second, far = (np.zeros((20, 20), bool) for _ in range(3))
    first[5], second[7], far[8] = True, True, True
    assert stages.same_lines(first, second) == 1 and stages.same_lines(first, far) == 0
    assert stages.same_lines(first, first | far) == pytest.approx(2 * 1 * 0.5 / 1.5)
    nothing = np.zeros((20, 20), bool)
    assert stages.same_lines(nothing, nothing) == 1 and stages.same_lines(first, nothing) == 0


def test_three_ways_draw_equally_much() -> None:
    photo = images.to_tensor(images.square(bundled.photographs().image(0), 96)[None]).double()
    luma = content.luma(images.to_uint8(photo)[0])
    lengths = [way(luma).sum() for way in stages.drawers(photo, Flow()).values()]
    assert lengths[0] > 300 and lengths[1:] == pytest.approx([lengths[0]] * 2, rel=0.05)


def test_methods_are_compared_photograph_by_photograph() -> None:
    rows = [(0, "flow", 5, 10, 0.9), (0, "Canny", 5, 4, 0.5), (1, "Canny", 5, 7, 0.6), (1, "flow", 5, 8, 0.2)]
    frame = pd.DataFrame(rows, columns=["photo", "method", "noise", "length", "again"])
    found = stages.minus(frame, "flow", "Canny").set_index("photo")
    assert found["length"].tolist() == [6, 1] and found["again"].tolist() == pytest.approx([0.4, -0.4])
    assert set(found["method"]) == {"flow minus Canny"}


def test_edges_are_compared_at_equal_texture() -> None:
    points = [("a", 0.2, 0.5), ("a", 1.0, 0.9), ("b", 0.4, 0.6), ("b", 0.8, 1.0)]
    rows = [{"photo": 0, "filter": name, "texture": t, "edges": e} for name, t, e in points]
    rows += [{"photo": 1, "filter": "a", "texture": 0.9, "edges": 1.0}, {**rows[2], "photo": 1}]
    found = stages.edges_at(pd.DataFrame(rows), 0.6)
    assert len(found) == 1  # the second photograph's filters do not come to 0.6
    assert found.loc[0, ["a", "b"]].tolist() == pytest.approx([0.7, 0.8])


def test_streaks_run_along_the_field() -> None:
    streaks = line_integral_convolution(turned(0, 64)).astype(float)
    assert np.abs(np.diff(streaks, axis=1)).mean() < 0.3 * np.abs(np.diff(streaks, axis=0)).mean()
    over = line_integral_convolution(turned(90, 64), np.full((64, 64, 3), 128, np.uint8))
    assert over.shape == (64, 64, 3) and over.dtype == np.uint8


def test_steps_are_there_in_order() -> None:
    photo = images.to_tensor(images.square(bundled.photographs().image(2), 64)[None])
    made = stages.steps(photo, Flow())
    assert list(made) == ["photograph", "smoothed", "quantised", "with lines"]
    table = stages.fields(photo, Flow(), iterations=(0, 2)).set_index(["window", "iterations"])
    assert table.loc[("full", 0), "turned"] == pytest.approx(0, abs=1e-3)
    assert table.loc[("full", 2), "coherence"] > table.loc[("full", 0), "coherence"]
    assert torch.equal(images.to_tensor(made["photograph"]), images.to_tensor(images.to_uint8(photo)))


def test_the_bench_multiplies_what_the_reference_took(monkeypatch: pytest.MonkeyPatch) -> None:
    def timed(ours: Callable[[], object], other: Callable[[], np.ndarray], rounds: int) -> tuple[float, float, float]:
        assert other().shape == (3, 6, 8)  # a hundredth of the picture
        assert (torch.get_num_threads(), cv2.getNumThreads()) == (1, 1)
        return 0.5, 0.2, 0.4

    monkeypatch.setattr(flow, "SIZE", (60, 80))
    monkeypatch.setattr(flow, "paired", timed)
    before = torch.get_num_threads(), cv2.getNumThreads()
    found = flow.flow_600x800()
    assert (torch.get_num_threads(), cv2.getNumThreads()) == before
    assert (found["ours"], found["other"], found["ratio"]) == pytest.approx((500.0, 20_000.0, 40.0))


def test_memory_is_counted_beside_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "LARGE", (600, 800))
    found = flow.flow_12_megapixels()
    peak, picture = found["ours"], found["other"]
    assert picture == pytest.approx(3 * 600 * 800 * 4 / 2**20)
    assert np.isnan(peak) or picture < peak < 100 * picture  # at least what it returns
