"""The classical cartoon filter: flat in flat areas, lines on the dark side of edges, few levels of brightness."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from toy_images import photograph

from wbclib.baselines.bilateral import Bilateral, bilateral, lines, quantised


def step(side: int = 256) -> np.ndarray:
    """Left half dark, right half bright grey, each amid one of eight levels of lightness."""
    image = np.full((side, side, 3), 200, np.uint8)
    image[:, : side // 2] = 75
    return image


def test_luminance_has_the_levels_that_were_asked_for() -> None:
    ramp = np.arange(256.0)[None]
    found = quantised(ramp, 8)
    assert np.unique(found).tolist() == [16, 48, 80, 112, 144, 176, 208, 240]
    assert np.abs(found - ramp).max() == 16


def test_a_line_lies_on_the_dark_side_of_an_edge_and_nowhere_else() -> None:
    luminance = cv2.cvtColor(step(), cv2.COLOR_RGB2LAB)[..., 0]
    columns = np.flatnonzero(lines(luminance, 1.0, Bilateral()).any(0))
    assert columns.size and 128 - 5 <= columns.min() and columns.max() == 127


def test_flat_areas_stay_flat_and_noise_goes() -> None:
    noisy = np.clip(step() + np.random.default_rng(0).normal(0, 4, (256, 256, 1)), 0, 255).astype(np.uint8)
    found = bilateral(noisy[None])[0]
    for area in (np.s_[20:230, 20:100], np.s_[20:230, 150:230]):
        assert noisy[area].std() > 3
        values, counts = np.unique(found[area].reshape(-1, 3), axis=0, return_counts=True)
        assert counts.max() > 0.95 * counts.sum(), values


def test_photographs_keep_size_and_grow_flatter() -> None:
    photos = np.stack([photograph("astronaut", 128), photograph("coffee", 128)])
    found = bilateral(photos, Bilateral(line_darkness=0.0))
    assert found.shape == photos.shape and found.dtype == np.uint8
    still = [(np.diff(x.astype(int), axis=2) == 0).all(3).mean() for x in (photos, found)]
    assert still[1] > 3 * still[0]
    darker = bilateral(photos)
    assert (darker.mean((1, 2, 3)) < found.mean((1, 2, 3))).all()


@pytest.mark.parametrize("bad", [np.zeros((2, 4, 4, 3)), np.zeros((4, 4, 3), np.uint8)])
def test_wrong_arrays_and_options_are_refused(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        bilateral(bad)
    with pytest.raises(ValueError, match="at least 2"):
        bilateral(np.zeros((1, 4, 4, 3), np.uint8), Bilateral(levels=1))
