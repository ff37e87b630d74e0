"""Enlarging: steps stay steps of about a pixel, shading is interpolated, nothing leaves the range of what was there."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from wbclib.represent.enlarge import enlarge


def drawing(side: int) -> np.ndarray:
    """A disc, a ring of ink and a slanted line, eight times as fine and averaged: the same drawing at any side."""
    fine = side * 8
    sheet = np.full((fine, fine, 3), (240, 220, 120), np.uint8)
    cv2.circle(sheet, (fine // 2, fine // 2), fine // 3, (40, 90, 200), -1)
    cv2.circle(sheet, (fine // 2, fine // 2), fine // 3, (10, 10, 10), fine // 32)
    cv2.line(sheet, (fine // 9, fine // 7), (fine * 7 // 8, fine * 8 // 9), (10, 10, 10), fine // 40)
    return cv2.resize(sheet, (side, side), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("times", [2, 3, 4.5])
def test_lines_come_nearer_to_the_same_drawing_at_full_size_than_by_interpolation(times: float) -> None:
    small = drawing(96)
    side = round(96 * times)
    wanted, found = drawing(side).astype(float), enlarge(small, (side, side)).astype(float)
    cubic = np.asarray(Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC)).astype(float)
    assert np.abs(found - wanted).mean() < 0.6 * np.abs(cubic - wanted).mean()


def test_a_step_takes_two_pixels_however_large_it_becomes() -> None:
    small = np.full((20, 20, 3), 230, np.uint8)
    small[:, 10:] = 30
    for times in (3, 8):
        row = enlarge(small, (20 * times, 20 * times))[7, :, 0]
        assert row[0] == 230 and row[-1] == 30
        assert ((row > 31) & (row < 229)).sum() <= 2
        assert (row > 130).sum() == 10 * times, "and stays in its place"


def test_shading_is_interpolated() -> None:
    ramp = np.broadcast_to(np.arange(40, 140, 2, dtype=np.uint8)[None, :, None], (30, 50, 3))
    found = enlarge(np.ascontiguousarray(ramp), (77, 131))
    wanted = np.asarray(Image.fromarray(ramp.copy()).resize((131, 77), Image.Resampling.BICUBIC))
    inside = (slice(6, -6), slice(6, -6))  # Pillow weighs borders in another way
    assert np.abs(found[inside].astype(int) - wanted[inside]).max() <= 1


def test_nothing_leaves_the_range_around_it_and_one_colour_stays() -> None:
    noise = np.random.default_rng(0).integers(60, 200, (23, 31, 3), dtype=np.uint8)
    found = enlarge(noise, (91, 160))
    square = np.ones((5, 5), np.uint8)
    for extreme, sign in ((cv2.erode(noise, square), -1), (cv2.dilate(noise, square), 1)):
        near = cv2.resize(extreme, (160, 91), interpolation=cv2.INTER_NEAREST_EXACT)
        assert (sign * (found.astype(int) - near) <= 0).all()
    plain = np.full((9, 7, 3), (3, 100, 255), np.uint8)
    assert (enlarge(plain, (40, 50)) == plain[0, 0]).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3)])
def test_the_smallest_pictures(size: tuple[int, int]) -> None:
    assert enlarge(np.full((*size, 3), 77, np.uint8), (17, 19)).shape == (17, 19, 3)


def test_any_number_of_threads_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    small = drawing(60)
    found = []
    for cores in (1, 2, 7):
        monkeypatch.setattr(torch, "get_num_threads", lambda cores=cores: cores)
        found.append(enlarge(small, (201, 150)))
    assert all(np.array_equal(each, found[0]) for each in found)
    assert np.array_equal(enlarge(small, (60, 60)), small)


@pytest.mark.parametrize("image", [np.zeros((4, 4, 3)), np.zeros((4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)])
def test_what_is_no_picture_is_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        enlarge(image, (8, 8))


def test_smaller_is_refused() -> None:
    with pytest.raises(ValueError, match="at least"):
        enlarge(np.zeros((4, 4, 3), np.uint8), (8, 3))
