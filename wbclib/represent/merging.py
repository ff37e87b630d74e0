"""Second step of the structure representation: neighbouring superpixels are merged by selective search.

Source: Uijlings, van de Sande, Gevers, Smeulders, "Selective Search for Object Recognition", IJCV 104, 2013, section
3.2 (similarities, equations 1 to 6) and algorithm 1 (hierarchical grouping), with local binary patterns (Ojala et al.
1996) as texture. Here the grouping stops at a number of regions.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

from wbclib.files import UserError
from wbclib.options import Structure
from wbclib.represent.segments import check_image, check_labels

COLOUR_BINS = 25  # a channel, of HSV
TEXTURE_BINS = 10  # a channel, of RGB: number of brighter neighbours of a uniform pattern (0 .. 8), all others (9)
DIGITS = 12  # similarities are compared after rounding, so that the order of additions cannot decide a tie


def merge_regions(image: np.ndarray, labels: np.ndarray, options: Structure) -> np.ndarray:
    """Merge the most similar pair of neighbours again and again, until few enough are left.

    The similarity of two regions is the sum of four terms: intersection of their colour histograms (25 bins for each of
    H, S, V), intersection of their texture histograms (uniform local binary patterns of each of R, G, B), 1 minus
    their common share of the image, and 1 minus the share of the image that their common bounding box holds beside
    them. A merged region has the size-weighted mean of the histograms. Regions are neighbours where a pixel of one lies
    beside or below a pixel of the other. Of equal similarities the pair of the earliest regions goes first.

    Args:
        image: uint8 (H, W, 3).
        labels: (H, W) whole numbers 0 .. n-1, each in use (:func:`wbclib.represent.segments.segment`).
        options: ``merging`` says when to stop. ``regions``: at ``options.regions`` regions (fewer stay as they are).
            ``pairs``: when at most ``options.regions`` pairs of neighbours are left, as the official code counts; that
            is always fewer regions, about half from a coarse start. ``none``: at once. ``sizes``: ``true``, or
            ``first`` as in the official code, where every start region has the size of region 1 and the image its
            area times three channels.

    Returns:
        int32 (H, W), labels 0 .. m-1 in the order of the first start region that each one holds.

    Raises:
        ValueError: image and labels do not fit, or labels are not 0 .. n-1.
        UserError: unknown option.
    """
    check_image(image)
    check_labels(image, labels)
    if options.merging not in ("regions", "pairs", "none"):
        raise UserError(f"structure.merging: {options.merging!r} is unknown; say regions, pairs or none")
    if options.sizes not in ("true", "first"):
        raise UserError(f"structure.sizes: {options.sizes!r} is unknown; say true or first")
    if options.regions < 1:
        raise UserError(f"structure.regions: {options.regions} must be at least 1")
    if options.merging == "none":
        return labels.astype(np.int32)
    return _group(_start(image, labels, options.sizes == "first"), options)[labels]


@dataclass
class _Regions:
    """Rows are regions: the start regions, then room for one more at each merge."""

    count: int  # start regions
    area: float  # of the image
    size: list[float]  # grows by one at each merge
    table: np.ndarray  # (2 count, bins + 4): histograms, colour and texture each of sum 1; box of _boxes
    neighbours: list[set[int]]

    def similarity(self, i: np.ndarray | int, j: np.ndarray) -> np.ndarray:
        """Similarity of region i (or regions i) with regions j, rounded.

        The sizes cancel in the sum of the last two terms: 1 - (a + b) / area + 1 - (box - a - b) / area is
        2 - box / area.
        """
        low = np.minimum(self.table[i], self.table.take(j, 0))
        box = (low[:, -2] + low[:, -4]) * (low[:, -1] + low[:, -3])  # both factors are negative
        return (low[:, :-4].sum(1) + (2 - box / self.area)).round(DIGITS)

    def merge(self, i: int, j: int, new: int) -> list[int]:
        """Region ``new`` from i and j; returns its neighbours, to which it is what i and j were."""
        first, second, table = self.size[i], self.size[j], self.table
        self.size.append(first + second)
        table[new] = (first * table[i] + second * table[j]) / (first + second)
        table[new, -4:] = np.minimum(table[i, -4:], table[j, -4:])
        around = self.neighbours[i] | self.neighbours[j]
        around -= {i, j}
        for k in around:
            beside = self.neighbours[k]
            beside.discard(i)
            beside.discard(j)
            beside.add(new)
        self.neighbours.append(around)
        return list(around)


def _start(image: np.ndarray, labels: np.ndarray, first_size: bool) -> _Regions:
    """Statistics of the start regions, one pass over the pixels for each."""
    n = int(labels.max()) + 1
    flat = labels.ravel().astype(np.int64)
    size = np.bincount(flat, minlength=n).astype(np.float64)
    parts = ((_hsv_bins(image), COLOUR_BINS), (_texture_bins(image), TEXTURE_BINS))
    histograms = [_histogram(flat, n, bins, width) / (3 * size[:, None]) for bins, width in parts]
    area = float(labels.size)
    if first_size and n > 1:
        size, area = np.full(n, size[1]), 3 * area
    neighbours: list[set[int]] = [set() for _ in range(n)]
    for i, j in adjacent(labels).tolist():
        neighbours[i].add(j)
        neighbours[j].add(i)
    table = np.pad(np.hstack([*histograms, _boxes(labels, n)]), [(0, n), (0, 0)])
    return _Regions(n, area, size.tolist(), table, neighbours)


class _Queue:
    """Most similar pair of live neighbours. Every region offers its best older neighbour, so a pair has one owner.

    Entries of merged regions stay in the heap until they come up; a region whose best neighbour is merged away offers
    the next one at once, so that among equal similarities the earliest pair always comes first.
    """

    def __init__(self, pairs: np.ndarray, similarities: np.ndarray, count: int) -> None:
        self.older: list[dict[int, float]] = [{} for _ in range(count)]  # neighbour: minus the similarity
        self.best = [-1] * count
        self.merged: set[int] = set()
        self.heap: list[tuple[float, int, int]] = []
        for (i, j), value in zip(pairs.tolist(), (-similarities).tolist(), strict=True):
            self.older[j][i] = value
        for region in range(count):
            self._offer(region)

    def _offer(self, region: int) -> None:
        older = self.older[region]
        if older:
            value, self.best[region] = min(zip(older.values(), older, strict=True))
            heapq.heappush(self.heap, (value, self.best[region], region))

    def pop(self) -> tuple[int, int]:
        """The pair (older, newer); both count as merged from here on."""
        while True:
            _, i, j = heapq.heappop(self.heap)
            if i not in self.merged and j not in self.merged:
                self.merged |= {i, j}
                return i, j

    def push(self, i: int, j: int, around: list[int], similarities: np.ndarray) -> None:
        """Put a new region, merged from i and j, with its neighbours and its similarity to each."""
        for k in around:
            older = self.older[k]
            older.pop(i, None)
            older.pop(j, None)
            if self.best[k] in (i, j):
                self._offer(k)
        self.older.append(dict(zip(around, (-similarities).tolist(), strict=True)))
        self.best.append(-1)
        self._offer(len(self.older) - 1)


def _group(regions: _Regions, options: Structure) -> np.ndarray:
    """New label of every start region."""
    n, beside = regions.count, regions.neighbours
    start = np.array([(i, j) for i in range(n) for j in beside[i] if i < j], np.int64).reshape(-1, 2)
    queue = _Queue(start, regions.similarity(start[:, 0], start[:, 1]), n)
    parent, pairs, new = list(range(2 * n)), len(start), n
    while new < 2 * n - 1 and (pairs if options.merging == "pairs" else 2 * n - new) > options.regions:
        i, j = queue.pop()
        pairs -= len(beside[i]) + len(beside[j]) - 1
        around = regions.merge(i, j, new)
        pairs += len(around)
        parent[i] = parent[j] = new
        queue.push(i, j, around, regions.similarity(new, np.array(around, np.int64)))
        new += 1
    for i in range(new - 1, -1, -1):  # parents come after their children
        parent[i] = parent[parent[i]]
    names: dict[int, int] = {}
    return np.array([names.setdefault(parent[i], len(names)) for i in range(n)], np.int32)


def adjacent(labels: np.ndarray) -> np.ndarray:
    """Pairs of labels (i < j) that share a side of a pixel: (pairs, 2), sorted, each once."""
    n = int(labels.max()) + 1
    keys = []
    for a, b in ((labels[:, 1:], labels[:, :-1]), (labels[1:], labels[:-1])):
        differ = a != b
        a, b = a[differ].astype(np.int64), b[differ].astype(np.int64)
        keys.append(np.minimum(a, b) * n + np.maximum(a, b))
    return np.stack(np.divmod(np.unique(np.concatenate(keys)), n), 1)


def _histogram(flat: np.ndarray, n: int, bins: np.ndarray, width: int) -> np.ndarray:
    """Counts (n, 3 width) of the bins (H, W, 3) of every region."""
    columns = [
        np.bincount(flat * width + bins[..., c].ravel(), minlength=n * width).reshape(n, width) for c in range(3)
    ]
    return np.hstack(columns)


def _hsv_bins(image: np.ndarray) -> np.ndarray:
    """Bin 0 .. 24 of hue, saturation and value of every pixel, in whole numbers: exact at the edges of bins."""
    r, g, b = np.moveaxis(image.astype(np.int32), -1, 0)
    top = np.maximum(np.maximum(r, g), b)
    delta = top - np.minimum(np.minimum(r, g), b)
    sextant = np.where(r == top, g - b, np.where(g == top, 2 * delta + b - r, 4 * delta + r - g))
    turn = np.maximum(6 * delta, 1)  # hue is sextant / turn of a full turn; 0 for grey
    hue, saturation, value = (
        sextant % turn * COLOUR_BINS // turn,
        delta * COLOUR_BINS // np.maximum(top, 1),
        top * COLOUR_BINS // 255,
    )
    return np.minimum(np.stack((hue, saturation, value), -1), COLOUR_BINS - 1)


def _texture_bins(image: np.ndarray) -> np.ndarray:
    """Uniform local binary pattern of the 3 x 3 neighbourhood, 0 .. 9, for every channel; borders are repeated."""
    height, width = image.shape[:2]
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="edge")
    ring = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
    brighter = [padded[y : y + height, x : x + width] >= image for y, x in ring]
    ones = sum(b.astype(np.int8) for b in brighter)
    turns = sum((brighter[k] != brighter[k - 1]).astype(np.int8) for k in range(8))
    return np.where(np.asarray(turns) <= 2, ones, TEXTURE_BINS - 1)


def _boxes(labels: np.ndarray, n: int) -> np.ndarray:
    """Bounding boxes (n, 4): top, left, -bottom, -right; bottom and right lie one past the last pixel."""
    flat = labels.ravel()
    y, x = np.divmod(np.arange(flat.size), labels.shape[1])
    box = np.full((4, n), np.iinfo(np.int64).max)
    for side, values in zip(box, (y, x, -y - 1, -x - 1), strict=True):
        np.minimum.at(side, flat, values)
    return box.T.astype(np.float64)
