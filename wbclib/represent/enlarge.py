"""Enlarging a cartoon: flat areas stay flat, and what is a step in the small picture is a step in the large one.

Every other filter spreads a step over as many pixels as the picture is enlarged by, and lines turn soft. A cartoon is
all steps, so more can be known: where a pixel lies between the darkest and the lightest of its small neighbours is
found on a smooth surface (uniform cubic B-spline), whose contours do not show the small pixels, and is pushed to one
of the two ends, so that the step takes about a pixel of the large picture. Contours taken from a smooth field are how
lettering is enlarged on graphics cards (Green, "Improved Alpha-Tested Magnification for Vector Textures and Special
Effects", SIGGRAPH courses 2007); the local range in place of a known inside and outside is this study's own. Where
neighbours differ by less than a step of a cartoon, shading that is, the picture is interpolated (Keys 1981).
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numba import njit
from numpy import ndarray

from wbclib.represent.threads import threads

SHADE, STEP = 12.0, 36.0  # grey levels: neighbours that differ by less are shading, by more a step; both in between
KEYS = -0.5


def enlarge(image: ndarray, size: tuple[int, int]) -> ndarray:
    """Enlarge a cartoon with crisp steps.

    Args:
        image: uint8 (h, w, 3).
        size: (height, width), neither smaller than the image's.

    Returns:
        uint8 (height, width, 3). Every value lies within the range of the 5 x 5 small pixels around it; an image of one
        colour stays what it is.

    Raises:
        ValueError: another type or shape, or a size that is smaller.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"expected a uint8 image (h, w, 3), got {image.dtype} {image.shape}")
    if size[0] < image.shape[0] or size[1] < image.shape[1]:
        raise ValueError(f"expected a size of at least {image.shape[:2]}, got {size}")
    if size == image.shape[:2]:
        return image.copy()
    square = np.ones((3, 3), np.uint8)
    small = (np.ascontiguousarray(image), cv2.erode(image, square), cv2.dilate(image, square))
    down, across = (_places(len_small, len_large) for len_small, len_large in zip(image.shape, size, strict=False))
    gain = max(size[0] / image.shape[0], size[1] / image.shape[1])
    result = np.empty((*size, 3), np.uint8)
    cuts = np.linspace(0, size[0], max(1, torch.get_num_threads()) + 1).astype(int)

    def part(first: int, last: int) -> None:
        _rows(*small, down, across, gain, result, first, last)

    list(threads("enlarge").map(part, cuts[:-1], cuts[1:]))
    return result


def _places(small: int, large: int) -> tuple[ndarray, ndarray, ndarray, ndarray]:
    """Of every large pixel: its 4 small neighbours, and their weights by Keys, by the B-spline, and bilinear."""
    at = (np.arange(large) + 0.5) * small / large - 0.5
    first = np.floor(at).astype(np.int64)
    t = (at - first)[:, None]
    d = np.abs(t + np.array([1.0, 0.0, -1.0, -2.0]))
    near, far = d <= 1, (d > 1) & (d < 2)
    keys = near * ((KEYS + 2) * d**3 - (KEYS + 3) * d**2 + 1)
    keys += far * KEYS * (d**3 - 5 * d**2 + 8 * d - 4)
    spline = near * (2 / 3 - d**2 + d**3 / 2) + far * (2 - d) ** 3 / 6
    linear = np.maximum(0, 1 - d)
    neighbours = np.clip(first[:, None] + np.arange(-1, 3), 0, small - 1)
    return neighbours, *(weights.astype(np.float32) for weights in (keys, spline, linear))


@njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "reassoc", "arcp", "nsz"})
def _rows(  # type: ignore[no-untyped-def]
    image: ndarray, low: ndarray, high: ndarray, down, across, gain: float, result: ndarray, first: int, last: int
) -> None:
    """Rows ``first`` to ``last`` of the result: along the columns into four rows of small pixels, then along those."""
    width = image.shape[1]
    rows = np.empty((4, width, 3), np.float32)  # by Keys, by the B-spline, least, largest
    above, keys_y, spline_y, linear_y = down
    beside, keys_x, spline_x, linear_x = across
    found = np.empty(4, np.float32)
    for y in range(first, last):
        rows[:] = 0
        for k in range(4):
            row = above[y, k]
            for x in range(width):
                for c in range(3):
                    rows[0, x, c] += keys_y[y, k] * image[row, x, c]
                    rows[1, x, c] += spline_y[y, k] * image[row, x, c]
                    rows[2, x, c] += linear_y[y, k] * low[row, x, c]
                    rows[3, x, c] += linear_y[y, k] * high[row, x, c]
        for x in range(result.shape[1]):
            for c in range(3):
                found[:] = 0
                for k in range(4):
                    column = beside[x, k]
                    found[0] += keys_x[x, k] * rows[0, column, c]
                    found[1] += spline_x[x, k] * rows[1, column, c]
                    found[2] += linear_x[x, k] * rows[2, column, c]
                    found[3] += linear_x[x, k] * rows[3, column, c]
                plain = min(max(found[0], found[2]), found[3])
                contrast = found[3] - found[2]
                share = min(max((contrast - SHADE) / (STEP - SHADE), 0.0), 1.0)
                if share > 0:
                    t = min(max(0.5 + ((found[1] - found[2]) / contrast - 0.5) * gain, 0.0), 1.0)
                    t = t * t * (3 - 2 * t)
                    plain += share * (found[2] + contrast * t - plain)
                result[y, x, c] = np.uint8(min(max(plain + 0.5, 0.0), 255.0))
