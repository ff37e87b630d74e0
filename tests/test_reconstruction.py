"""Reconstruction measures against closed forms and toy images."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from wbclib.studies.pretrain import reconstruction

RANDOM = np.random.default_rng(0)


def edge() -> np.ndarray:
    image = np.full((40, 40, 3), 60, np.uint8)
    image[:, 20:] = 200
    return image


def test_quality_of_a_constant_error_has_its_closed_form() -> None:
    photos = RANDOM.integers(0, 200, (2, 32, 32, 3), dtype=np.uint8)
    table = reconstruction.quality(photos, photos + np.uint8(10), ["a", "b"]).set_index("photograph")
    assert table["psnr"].tolist() == pytest.approx([20 * math.log10(255 / 10)] * 2)
    assert table["error"].tolist() == [10, 10] and table["error_at_edges"].tolist() == pytest.approx([1, 1])
    assert (table["ssim"] < 1).all()
    with pytest.raises(ValueError, match="do not belong together"):
        reconstruction.quality(photos, photos[:1], ["a", "b"])


def test_ssim_of_an_image_with_itself_is_one_and_falls_without_structure() -> None:
    photos = RANDOM.integers(0, 255, (1, 32, 32, 3), dtype=np.uint8)
    other = RANDOM.permutation(photos.reshape(-1, 3)).reshape(photos.shape)
    ssim = [reconstruction.quality(photos, x, ["a"])["ssim"][0] for x in (photos[:, ::-1], other)]
    assert max(ssim) < 0.3
    noise = photos ^ np.uint8(1)
    assert reconstruction.quality(photos, noise, ["a"])["ssim"][0] > 0.99


def test_error_at_edges_is_large_where_only_the_edge_is_wrong() -> None:
    photo = edge()
    wrong = photo.copy()
    wrong[:, 19:21] = 130
    wrong[0, 0] += 1  # an error elsewhere, so that the quotient exists
    assert reconstruction.error_at_edges(photo, wrong) > 100
    assert math.isnan(reconstruction.error_at_edges(photo, photo))


def test_references_are_the_mean_colour_and_a_small_copy() -> None:
    photos = np.stack([edge(), np.full((40, 40, 3), 77, np.uint8)])
    found = reconstruction.references(photos)
    assert np.unique(found["mean colour"][0]).tolist() == [130]
    assert (found["quarter size and back"][1] == 77).all()
    halves = found["quarter size and back"][0]
    assert (halves[:, :16] == 60).all() and (halves[:, 24:] == 200).all() and 60 < halves[0, 20, 0] < 200


def test_summary_has_one_row_a_measure_and_encloses_the_mean() -> None:
    photos = RANDOM.integers(0, 200, (5, 16, 16, 3), dtype=np.uint8)
    wrong = photos + np.arange(1, 6, dtype=np.uint8)[:, None, None, None]
    row = reconstruction.summary(reconstruction.quality(photos, wrong, list("abcde"))).set_index("measure").loc["error"]
    assert row["value"] == 3 and 1 <= row["low"] < 3 < row["high"] <= 5 and row["n"] == 5


def test_sensitivity_compares_distortions_of_one_pixel_loss() -> None:
    photos = RANDOM.integers(30, 220, (2, 32, 32, 3), dtype=np.uint8)
    pixels: Any = lambda x: x  # noqa: E731
    means: Any = lambda x: x.mean((2, 3), keepdim=True)  # noqa: E731
    same = reconstruction.sensitivity(photos, pixels, level=0.05)
    assert same["pixel"].tolist() == pytest.approx([0.05] * 5, rel=1e-4)
    assert same["content"].tolist() == pytest.approx([0.05] * 5, rel=1e-4)
    table = reconstruction.sensitivity(photos, means, level=0.05).set_index("distortion")
    assert table.loc["brightness", "content"] == pytest.approx(0.05, rel=1e-4)
    assert table.loc["shift by 2 px", "content"] < 1e-5, "a shift leaves the mean colour"
    assert table.loc["noise", "content"] < 0.005
    assert table["relative"].mean() == pytest.approx(1)
