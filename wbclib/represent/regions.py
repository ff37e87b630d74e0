"""What is known of regions before they are merged: histograms of colour and texture, sizes, boxes, neighbours.

Texture is uniform local binary patterns (Ojala, Pietikäinen, Mäenpää, IEEE TPAMI 24(7), 2002).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

COLOUR_BINS = 25  # a channel, of HSV
TEXTURE_BINS = 10  # a channel, of RGB: number of brighter neighbours of a uniform pattern (0 .. 8), all others (9)
TEXTURE_START = 3 * COLOUR_BINS  # columns of a region's histogram: H, S, V, then the patterns of R, G, B
BINS = 3 * (COLOUR_BINS + TEXTURE_BINS)


class Statistics(NamedTuple):
    """What the similarity of regions depends on."""

    counts: np.ndarray  # float64 (n, BINS): pixels in every bin of H, S, V and of the patterns of R, G, B
    size: np.ndarray  # int64 (n,), pixels
    box: np.ndarray  # int64 (n, 4): top, left, bottom, right; the last two lie one past the last pixel


def region_statistics(image: np.ndarray, labels: np.ndarray) -> Statistics:
    """Histograms, sizes and bounding boxes of the regions ``labels`` (0 .. n-1) of a uint8 image (H, W, 3)."""
    n = int(labels.max()) + 1
    counts, size, box = np.zeros((n, BINS)), np.zeros(n, np.int64), np.zeros((n, 4), np.int64)
    box[:, :2] = labels.size
    _count(image.astype(np.int16, order="C"), np.ascontiguousarray(labels), counts, size, box)  # signed: differences
    return Statistics(counts, size, box)


def adjacent(labels: np.ndarray) -> np.ndarray:
    """Pairs of labels (i < j) that share a side of a pixel: int64 (pairs, 2), sorted, each once."""
    pairs: np.ndarray = _adjacent(np.ascontiguousarray(labels), int(labels.max()) + 1)
    return pairs


def _pattern_bins() -> np.ndarray:
    """Texture bin of each of the 256 patterns of a ring of eight neighbours: uniform ones by their number of ones."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    turns = (bits != np.roll(bits, 1, 1)).sum(1)
    return np.where(turns <= 2, bits.sum(1), TEXTURE_BINS - 1)


PATTERN_BINS = _pattern_bins()


@njit(nogil=True, cache=True)
def _count(image: np.ndarray, labels: np.ndarray, counts: np.ndarray, size: np.ndarray, box: np.ndarray) -> None:
    """Fill the statistics in one pass over the pixels. Bins are found in whole numbers: exact at the edges of bins."""
    height, width, _ = image.shape
    for y in range(height):
        above, below = max(y - 1, 0), min(y + 1, height - 1)  # borders are repeated
        for x in range(width):
            region = labels[y, x]
            row = counts[region]
            size[region] += 1
            box[region, 0], box[region, 1] = min(box[region, 0], y), min(box[region, 1], x)
            box[region, 2], box[region, 3] = max(box[region, 2], y + 1), max(box[region, 3], x + 1)

            r, g, b = int(image[y, x, 0]), int(image[y, x, 1]), int(image[y, x, 2])
            top = max(r, g, b)
            delta = top - min(r, g, b)
            if delta == 0:
                row[0] += 1
                row[COLOUR_BINS] += 1
            else:
                turn = 6 * delta  # the hue is sextant / turn of a full turn
                sextant = g - b if r == top else (2 * delta + b - r if g == top else 4 * delta + r - g)
                row[(sextant + turn if sextant < 0 else sextant) * COLOUR_BINS // turn] += 1
                row[COLOUR_BINS + min(delta * COLOUR_BINS // top, COLOUR_BINS - 1)] += 1
            row[2 * COLOUR_BINS + min(top * COLOUR_BINS // 255, COLOUR_BINS - 1)] += 1

            left, right = max(x - 1, 0), min(x + 1, width - 1)
            for c in range(3):
                centre, code = image[y, x, c], 0
                code |= (image[above, left, c] >= centre) << 0
                code |= (image[above, x, c] >= centre) << 1
                code |= (image[above, right, c] >= centre) << 2
                code |= (image[y, right, c] >= centre) << 3
                code |= (image[below, right, c] >= centre) << 4
                code |= (image[below, x, c] >= centre) << 5
                code |= (image[below, left, c] >= centre) << 6
                code |= (image[y, left, c] >= centre) << 7
                row[TEXTURE_START + TEXTURE_BINS * c + PATTERN_BINS[code]] += 1


@njit(nogil=True, cache=True)
def _adjacent(labels: np.ndarray, n: int) -> np.ndarray:
    """See :func:`adjacent`: pairs are sorted by counting, then freed of repetitions."""
    height, width = labels.shape
    start = np.zeros(n + 1, np.int64)
    for fill in (False, True):
        if fill:
            start[1:] = np.cumsum(start[1:])
            found, place = np.empty(start[n], np.int64), start[:n].copy()
        for y in range(height):
            for x in range(width):
                a = labels[y, x]
                for down in (False, True):
                    v, u = (y + 1, x) if down else (y, x + 1)
                    if v == height or u == width or labels[v, u] == a:
                        continue
                    low, high = min(a, labels[v, u]), max(a, labels[v, u])
                    if fill:
                        found[place[low]] = high
                        place[low] += 1
                    else:
                        start[low + 1] += 1
    pairs, count = np.empty((len(found), 2), np.int64), 0
    for low in range(n):
        last = -1
        for high in np.sort(found[start[low] : start[low + 1]]):
            if high != last:
                pairs[count, 0], pairs[count, 1], last = low, high, high
                count += 1
    return pairs[:count]
