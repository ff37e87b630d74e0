"""Pencil drawing: strokes against a plain loop, tones against scikit-image, and what a drawing keeps."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy import ndimage
from skimage.exposure import match_histograms

from wbclib.baselines.pencil import Pencil, histogram, pencil, segment, strokes, tones
from wbclib.files import UserError


def noise(height: int = 24, width: int = 31, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)


def test_segments_lie_where_they_should() -> None:
    flat, diagonal, upright = (segment(6, turn) for turn in (0.0, 0.25, 0.5))
    wanted = np.zeros((7, 7), np.float32)
    wanted[3] = 1 / 7
    np.testing.assert_allclose(flat, wanted, atol=1e-6)
    np.testing.assert_allclose(upright, wanted.T, atol=1e-6)
    assert diagonal.sum() == pytest.approx(1, abs=1e-6)
    rows, columns = np.nonzero(diagonal > 0.05)
    assert np.corrcoef(rows, columns)[0, 1] < -0.9, "an eighth of a turn goes up to the right"


def test_strokes_are_those_of_a_plain_loop() -> None:
    luma, options = noise(), Pencil(length=0.2, directions=4)
    values = luma / 255
    gradient = np.zeros_like(values)
    for y in range(24):
        for x in range(31):
            down = values[y + 1, x] - values[y, x] if y < 23 else 0
            right = values[y, x + 1] - values[y, x] if x < 30 else 0
            gradient[y, x] = np.sqrt(down**2 + right**2)
    lines = [segment(0.2 * 24, k / 4) for k in range(4)]
    along = [ndimage.convolve(gradient, line, mode="reflect") for line in lines]
    found = np.zeros_like(values)
    for k, line in enumerate(lines):
        own = np.where(np.argmax(along, axis=0) == k, gradient, 0)
        found += ndimage.convolve(own, line, mode="reflect")
    np.testing.assert_allclose(strokes(luma, options), 1 - found / found.max(), atol=1e-4)


def test_a_stroke_goes_on_beyond_the_end_of_an_edge() -> None:
    luma = np.full((60, 60), 200, np.uint8)
    luma[20:40, :30] = 50
    drawn = strokes(luma, Pencil(length=0.3))
    assert drawn[30, 29] < 0.4 and drawn[30, 10] > 0.9
    assert drawn[42, 29] < 0.9, "below the corner, where the square has no edge"
    assert (strokes(np.full((20, 20), 7, np.uint8), Pencil()) == 1).all()


def test_tones_are_matched_as_by_scikit_image() -> None:
    luma, options = noise(200, 210), Pencil()
    counts = np.rint(histogram(options) * 2_000_000).astype(int)
    drawing = np.repeat(np.arange(256), counts)[None]
    wanted = match_histograms(luma, drawing)
    assert np.abs(255 * tones(luma, options) - wanted).mean() < 1.0
    assert histogram(options).sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("weights", "low", "high"), [((1, 0, 0), 215, 255), ((0, 1, 0), 105, 225), ((0, 0, 1), 57, 123)]
)
def test_each_tone_where_the_paper_puts_it(weights: tuple[float, ...], low: int, high: int) -> None:
    """Bright falls by e in 9 levels below white, mild is even from 105 to 225, dark is normal about 90 with 11."""
    share = histogram(Pencil(**dict(zip(("bright", "mild", "dark"), weights, strict=True))))
    assert share[low : high + 1].sum() > 0.98
    if weights[0]:
        assert share[246] / share[255] == pytest.approx(np.exp(-1))
    if weights[2]:
        assert share.argmax() == 90 and share[101] / share[90] == pytest.approx(np.exp(-0.5))


def test_colours_stay_or_go() -> None:
    photo = np.full((40, 40, 3), (140, 120, 110), np.uint8)
    photo[:, 20:] = (110, 120, 130)
    before, after = (cv2.cvtColor(x, cv2.COLOR_RGB2YCrCb).astype(int) for x in (photo, pencil(photo)))
    assert np.abs(before[..., 1:] - after[..., 1:])[:, 30].max() <= 1  # the other half is white now, and has none
    grey = pencil(photo, Pencil(colour=False))
    assert np.ptp(grey.astype(int), axis=-1).max() <= 1
    varied = np.stack([noise()] * 3, axis=-1)
    light, darker = (pencil(varied, Pencil(strength=power)) for power in (1.0, 3.0))
    assert (darker <= light).all() and darker.mean() < light.mean() - 5


def test_a_large_dark_area_stays_darker_than_the_rest() -> None:
    """The black of sixty in a hundred pixels is drawn as the tone of the thirtieth, not of the sixtieth."""
    luma = np.full((100, 100), 230, np.uint8)
    luma[:60] = 5
    black, white = 255 * tones(luma, Pencil())[[0, 99], 0]
    share = np.cumsum(histogram(Pencil()))
    assert round(black) == np.searchsorted(share, 0.3) and round(white) == np.searchsorted(share, 0.8)
    assert black < 190 < white


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 9, 3), (7, 2, 3)])
def test_any_size(shape: tuple[int, ...]) -> None:
    assert pencil(np.zeros(shape, np.uint8)).shape == shape


def test_what_is_no_photograph_and_no_setting_is_named() -> None:
    with pytest.raises(ValueError, match="uint8 photograph"):
        pencil(np.zeros((4, 4, 3)))
    with pytest.raises(UserError, match="say one of them above 0"):
        Pencil(bright=0, mild=0, dark=0)
