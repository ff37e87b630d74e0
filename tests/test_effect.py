"""The effect table against toy pictures, and its intervals against the plain bootstrap."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from wbclib import images
from wbclib.measure import effect
from wbclib.measure.intervals import mean_interval
from wbclib.options import OutputFilter
from wbclib.represent.surface import output_filter
from wbclib.studies.common import sharpness
from wbclib.train.loop import Trained

RANDOM = np.random.default_rng(1)


def grainy(count: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of two flat halves, and the same with grain."""
    flat = np.full((count, 64, 64, 3), 70, np.uint8)
    flat[:, :, 32:] = 190
    grain = RANDOM.integers(-14, 15, flat.shape[:3])[..., None]
    return flat, (flat + grain).astype(np.uint8)


def test_one_value_a_group_is_the_plain_bootstrap() -> None:
    values = RANDOM.normal(3, 1, 12)
    assert effect.clustered_interval(values, list("abcdefghijkl")) == pytest.approx(mean_interval(values))


def test_copies_of_a_photograph_do_not_narrow_the_interval() -> None:
    values = RANDOM.normal(0, 1, 8)
    once = effect.clustered_interval(values, np.arange(8))
    often = effect.clustered_interval(np.repeat(values, 20), np.repeat(np.arange(8), 20))
    assert often == pytest.approx(once)
    low, high = mean_interval(np.repeat(values, 20))[1:]
    assert high - low < (often[2] - often[1]) / 3, "crops taken as independent would look far surer"


def test_one_group_has_no_interval_and_bad_values_are_refused() -> None:
    mean, low, high = effect.clustered_interval(np.array([1.0, 3.0]), ["a", "a"])
    assert mean == 2 and np.isnan(low) and np.isnan(high)
    for values, groups in (([1.0, np.nan], "ab"), ([1.0], "ab"), ([], "")):
        with pytest.raises(ValueError):
            effect.clustered_interval(np.array(values), list(groups))


def test_flattening_and_blur_are_told_apart() -> None:
    flat, photos = grainy()
    blurred = np.stack([cv2.GaussianBlur(image, (0, 0), 3) for image in photos])
    made = {"photograph": photos, "flattened": flat, "blurred": blurred}
    table = effect.effect(made, photos, np.arange(len(photos)))
    assert len(table) == 3 * len(effect.UNITS)
    assert effect.at(table, "photograph", "colour_shift")["value"] == 0
    assert effect.verdict(table, "photograph", "edge_strength") == "cannot tell"
    for method in ("flattened", "blurred"):
        assert effect.verdict(table, method, "gradient_inside_regions") == "lower"
        assert effect.verdict(table, method, "colour_shift") == "higher"
    assert effect.at(table, "flattened", "gradient_inside_regions")["value"] == 0
    assert effect.relative(table, "flattened", "gradient_inside_regions") == pytest.approx(-1)
    assert "100% lower" in effect.phrase(table, "flattened", "gradient_inside_regions")
    assert "not clearly changed" in effect.phrase(table, "photograph", "number_of_colours")
    assert effect.kind_of_change(table, "flattened") == "areas were flattened more than edges were weakened"
    assert effect.kind_of_change(table, "photograph") == "areas were not clearly flattened"
    assert effect.at(table, "blurred", "edge_strength")["difference"] < -20


def test_blur_that_weakens_everything_alike_is_called_blur() -> None:
    _, photos = grainy()
    faded = (photos // 2 + 50).astype(np.uint8)  # half the contrast, flat areas and edges alike
    table = effect.effect({"faded": faded}, photos, np.arange(len(photos)))
    assert "blur rather than a cartoon" in effect.kind_of_change(table, "faded")


def test_sharpness_goes_from_the_filtered_to_the_raw_output() -> None:
    config = SimpleNamespace(output=OutputFilter(radius=2, infer_eps=0.05))
    method: Any = SimpleNamespace(
        modules={"generator": lambda x: -x}, config=config, fabric=SimpleNamespace(device=torch.device("cpu"))
    )
    _, photos = grainy(2)
    found = sharpness.sharpened(Trained({}, method), photos, [0.0, 0.5, 1.0])
    x = images.to_tensor(photos)
    np.testing.assert_array_equal(found[1.0], 255 - photos)
    np.testing.assert_array_equal(found[0.0], images.to_uint8(output_filter(x, -x, config.output)))
    middle = (found[0.0].astype(float) + found[1.0]) / 2
    assert np.abs(found[0.5] - middle).max() <= 1
