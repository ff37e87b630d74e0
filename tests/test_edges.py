"""The edge-smoothed set on images whose edges are known, and the study of it."""

from __future__ import annotations

import dataclasses
import math

import cv2
import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import distance_transform_cdt

from wbclib import images
from wbclib.corpora import toon
from wbclib.corpora.edges import dilated, edge_map, edge_smoothed
from wbclib.corpora.loader import Loader, crop
from wbclib.files import UserError
from wbclib.measure import content
from wbclib.options import Edges
from wbclib.studies.cartoongan import outlines
from wbclib.studies.common.discriminators import Seen

OPTIONS = Edges()


def step(low: int = 40, high: int = 200, width: int = 40, height: int = 24) -> np.ndarray:
    """A vertical edge between two plain halves."""
    image = np.full((height, width, 3), low, np.uint8)
    image[:, width // 2 :] = high
    return image


def box() -> tuple[np.ndarray, np.ndarray]:
    """A textured ground with a bright rectangle; its outline: pixels on either side of the border."""
    image = np.random.default_rng(0).integers(58, 63, (64, 80, 3), dtype=np.uint8)  # too weak for an edge
    image[20:44, 24:60] = 230
    inside = np.zeros((64, 80), bool)
    inside[20:44, 24:60] = True
    grown = cv2.dilate(inside.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    shrunk = cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return image, grown & ~shrunk


def distances(mask: np.ndarray) -> np.ndarray:
    """Chessboard distance of every pixel to the mask."""
    return distance_transform_cdt(~mask, metric="chessboard")


def gaussian(size: int) -> np.ndarray:
    """The window that OpenCV takes for a size alone: a table up to 7, then sigma = 0.3 ((size - 1) / 2 - 1) + 0.8."""
    table = {3: [1, 2, 1], 5: [1, 4, 6, 4, 1], 7: [2, 7, 14, 18, 14, 7, 2]}
    sigma = 0.3 * ((size - 1) * 0.5 - 1) + 0.8
    weights = table.get(size) or [math.exp(-((i - size // 2) ** 2) / (2 * sigma**2)) for i in range(size)]
    return np.array(weights) / sum(weights)


def test_pixels_near_the_outline_change_and_no_others() -> None:
    image, outline = box()
    changed = (edge_smoothed(image, OPTIONS) != image).any(2)
    near = distances(outline)
    assert not changed[near > OPTIONS.dilation // 2].any()
    assert changed[near == 0].mean() > 0.95
    assert (near > OPTIONS.dilation // 2).mean() > 0.5, "most of the picture is far from the outline"
    interior = np.zeros_like(changed)
    interior[24:40, 28:56] = True
    np.testing.assert_array_equal(edge_smoothed(image, OPTIONS)[interior], image[interior])


@pytest.mark.parametrize("dilation", [1, 3, 5, 9])
def test_the_square_reaches_half_its_side(dilation: int) -> None:
    options = dataclasses.replace(OPTIONS, dilation=dilation)
    found = edge_map(toon.draw(3, 96), options)
    np.testing.assert_array_equal(dilated(found, options), distances(found) <= dilation // 2)


def test_a_drawn_cartoon_changes_only_near_its_edges() -> None:
    cartoon = toon.draw(5, 128)
    result = edge_smoothed(cartoon, OPTIONS)
    edges = cv2.Canny(cv2.cvtColor(cartoon, cv2.COLOR_RGB2GRAY), 100, 200) > 0
    changed = (result != cartoon).any(2)
    assert not changed[distances(edges) > 2].any() and changed[edges].mean() > 0.95
    fall = 1 - content.gradient(result)[edges].sum() / content.gradient(cartoon)[edges].sum()
    assert fall == pytest.approx(outlines.contrast_removed(cartoon, result, OPTIONS)) and fall > 0.3


def test_nothing_changes_where_there_is_no_edge() -> None:
    ramp = np.repeat(np.tile(np.arange(0, 128, 2, dtype=np.uint8), (32, 1))[..., None], 3, 2)
    for image in (np.full((32, 32, 3), 90, np.uint8), ramp):
        np.testing.assert_array_equal(edge_smoothed(image, OPTIONS), image)


@pytest.mark.parametrize("blur", [3, 5, 7, 9])
def test_a_step_becomes_the_gaussian_of_a_step(blur: int) -> None:
    options = dataclasses.replace(OPTIONS, blur=blur, dilation=9)
    row = edge_smoothed(step(), options)[12, :, 0].astype(float)
    kernel = gaussian(blur)
    for x in range(16, 24):
        share = sum(kernel[i] for i in range(blur) if x + i - blur // 2 >= 20)
        assert row[x] == pytest.approx(40 + 160 * share, abs=1.0), x
    assert row[15] == 40 and row[24] == 200


def test_the_input_is_left_alone() -> None:
    image = step()
    image.flags.writeable = False
    edge_smoothed(image[:, ::-1], OPTIONS)
    np.testing.assert_array_equal(image, step())


@pytest.mark.parametrize(
    "wrong",
    [{"dilation": 4}, {"dilation": 0}, {"blur": 2}, {"blur": -1}, {"low": 210.0}, {"low": -1.0}, {"weight": -0.5}],
)
def test_options_out_of_range_say_which(wrong: dict[str, float]) -> None:
    options = dataclasses.replace(OPTIONS, **wrong)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=next(iter(wrong))):
        edge_smoothed(step(), options)


@pytest.mark.parametrize("image", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3), np.float32)])
def test_only_colour_images_of_bytes(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        edge_smoothed(image, OPTIONS)


def test_steps_are_those_of_the_set() -> None:
    image, _ = box()
    found = outlines.steps(image, OPTIONS)
    np.testing.assert_array_equal(found.smoothed, edge_smoothed(image, OPTIONS))
    np.testing.assert_array_equal(found.smoothed[found.near], found.blurred[found.near])
    np.testing.assert_array_equal(found.smoothed[~found.near], image[~found.near])
    assert found.edges[found.near].sum() == found.edges.sum() < found.near.sum()
    shown = found.pictures()
    assert len(shown) == len(found.LABELS) and all(x.shape == image.shape and x.dtype == np.uint8 for x in shown)
    assert (shown[1][found.edges] == 0).all() and (shown[1][~found.edges] == 255).all()


def test_detail_is_the_square_that_changed_most() -> None:
    image = np.full((64, 64, 3), 60, np.uint8)
    image[40:56, 44:60] = 220
    clear, *_, smoothed = outlines.steps(image, OPTIONS).detail(24)
    assert clear.shape == (24, 24, 3)
    assert np.abs(smoothed.astype(int) - clear).sum() == np.abs(edge_smoothed(image, OPTIONS).astype(int) - image).sum()


def test_touched_counts_pixels() -> None:
    flat, image = np.full((24, 40, 3), 9, np.uint8), step()
    found = outlines.touched(np.stack([flat, image]), ["flat", "step"], OPTIONS).set_index("kind")
    assert found.loc["flat", ["edges", "near", "changed", "largest"]].tolist() == [0, 0, 0, 0]
    assert found.loc["step", "edges"] == pytest.approx(1 / 40) and found.loc["step", "near"] == pytest.approx(5 / 40)
    assert found.loc["all", "near"] == pytest.approx(2.5 / 40) and found.loc["all", "n"] == 2
    outer = edge_smoothed(image, OPTIONS)[12, :, 0]
    assert found.loc["step", "changed"] == pytest.approx(np.count_nonzero(outer != image[12, :, 0]) / 40)


def test_contrast_removed_from_a_step_is_that_of_its_gaussian() -> None:
    image = step()
    smoothed = edge_smoothed(image, dataclasses.replace(OPTIONS, dilation=9))
    # Centred difference at the step: 160 before; 40 + 160 * (11 / 16) - (40 + 160 / 16) = 100 after 1 4 6 4 1 / 16.
    assert outlines.contrast_removed(image, smoothed, OPTIONS) == pytest.approx(1 - 100 / 160)
    assert outlines.contrast_removed(image, image, OPTIONS) == 0
    assert math.isnan(outlines.contrast_removed(image * 0, image, OPTIONS))


@pytest.fixture(scope="module")
def drawings() -> list[np.ndarray]:
    return [toon.draw(seed, 256) for seed in range(4)]


def test_order_makes_no_difference_where_nothing_is_shrunk(drawings: list[np.ndarray]) -> None:
    whole, cut = outlines.order(drawings, 256, OPTIONS).to_dict("records")
    assert whole["shrunk"] == 1 and whole["fall"] == cut["fall"]
    assert cut["difference"] == cut["diff_low"] == cut["diff_high"] == 0 and math.isnan(whole["difference"])


def test_shrinking_gives_the_edges_back(drawings: list[np.ndarray]) -> None:
    found = outlines.order(drawings, 64, OPTIONS, crops=2)
    whole, cut = found.to_dict("records")
    assert whole["way"] == outlines.WHOLE and cut["way"] == outlines.CROP
    assert whole["n"] == 8 and whole["cartoons"] == 4 and 2 <= whole["shrunk"] <= 4
    assert cut["fall"] > whole["fall"] + 0.2 and cut["difference"] == pytest.approx(cut["fall"] - whole["fall"])
    assert cut["diff_low"] > 0 and cut["low"] < cut["fall"] < cut["high"]
    pd.testing.assert_frame_equal(found, outlines.order(drawings, 64, OPTIONS, crops=2))
    assert "clearly more than" in outlines.order_sentence(found)
    same = outlines.order(drawings[:2], 256, OPTIONS)
    assert "cannot tell" in outlines.order_sentence(same)
    text = outlines.wide(pd.concat([found, same]))
    assert text["crop, px"].tolist() == [64, 256] and text["difference, points"][1] == "+0 [+0, +0]"


def test_both_ways_cut_the_same_place(drawings: list[np.ndarray]) -> None:
    clean, _, cut = outlines.both_ways(drawings[0], drawings[0], 48, OPTIONS, (0.7, 0.2, 0.9))
    np.testing.assert_array_equal(clean, crop(drawings[0], 48, 0.7, 0.2, 0.9))
    np.testing.assert_array_equal(cut, edge_smoothed(clean, OPTIONS))


def test_order_needs_edges() -> None:
    with pytest.raises(ValueError, match="edge"):
        outlines.order([np.zeros((32, 32, 3), np.uint8)], 16, OPTIONS)


def test_the_loader_smooths_crops_as_the_study_says(study: object) -> None:
    corpus = toon.cartoons(3, 96, 4)
    batch = Loader(corpus, corpus, 48, 3, seed=1, edges=OPTIONS).batch(0)
    crops, smoothed = images.to_uint8(batch["cartoon"]), images.to_uint8(batch["smoothed"])
    np.testing.assert_array_equal(smoothed, np.stack([edge_smoothed(x, OPTIONS) for x in crops]))


def test_milliseconds_compares_with_the_crop() -> None:
    found = outlines.milliseconds([toon.draw(0, 64)], 32, OPTIONS)
    assert len(found) == 2 and found["ratio"][0] == 1 and (found["milliseconds"] > 0).all()


def looks(clear: list[float], smoothed: list[float]) -> dict[str, dict[str, Seen]]:
    pictures = np.zeros((len(clear), 8, 8, 3), np.uint8)
    logits = {
        name: np.array(values, np.float32)[:, None, None] * np.ones((1, 2, 2), np.float32)
        for name, values in (("cartoon", clear), ("smoothed", smoothed))
    }
    return {name: {"cartoon": Seen(pictures, value)} for name, value in logits.items()}


def test_answers_are_means_over_images() -> None:
    seen = looks([1.0, 2.0, 3.0], [0.0, 2.5, 0.5])
    groups = dict.fromkeys(seen, ["a", "b", "c"])
    found = outlines.answers({"run": seen}, groups).set_index("images")
    assert found["logit"].tolist() == [2, 1] and found["n"].tolist() == [3, 3]
    assert found.loc["cartoon", "spread"] == pytest.approx(1)
    assert found.loc["smoothed", "told_apart"] == pytest.approx(7 / 9)  # pairs, counted by hand
    assert found.loc["cartoon", "low"] < 2 < found.loc["cartoon", "high"]
    assert outlines.answers({}, groups).empty


def test_edge_gap_is_paired_and_has_a_verdict() -> None:
    clear = [1.0, 5.0, 9.0, 2.0]
    above = outlines.edge_gap(looks(clear, [x - 0.5 for x in clear]), list("abcd"))
    assert above == pytest.approx((0.5, 0.5, 0.5)) and outlines.verdict(above) == "above 0"
    mixed = outlines.edge_gap(looks(clear, [2.0, 4.0, 10.0, 1.0]), list("abcd"))
    assert mixed[0] == 0 and outlines.verdict(mixed) == "cannot tell"
    assert outlines.verdict((-1.0, -2.0, -0.5)) == "below 0"
