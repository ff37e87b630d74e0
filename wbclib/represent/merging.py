"""Second step of the structure representation: neighbouring superpixels are merged by selective search.

Source: Uijlings, van de Sande, Gevers, Smeulders, "Selective Search for Object Recognition", IJCV 104, 2013, section
3.2 (similarities, equations 1 to 6) and algorithm 1 (hierarchical grouping), with local binary patterns (Ojala et al.
1996) as texture. Here the grouping stops at a number of regions.

Similarities are whole multiples of 1 / UNIT, so that their sums are exact in every order of addition and every machine
merges the same pairs.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numpy as np
from numba import njit

from wbclib.files import UserError
from wbclib.options import Structure
from wbclib.represent.segments import check_image, check_labels

COLOUR_BINS = 25  # a channel, of HSV
TEXTURE_BINS = 10  # a channel, of RGB: number of brighter neighbours of a uniform pattern (0 .. 8), all others (9)
TEXTURE_START = 3 * COLOUR_BINS  # columns of a region's histogram: H, S, V, then the patterns of R, G, B
BINS = 3 * (COLOUR_BINS + TEXTURE_BINS)
UNIT = 2.0**36


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
    check_options(options)
    if options.merging == "none":
        return labels.astype(np.int32)
    start = region_statistics(image, labels)
    pairs, first = options.merging == "pairs", options.sizes == "first"
    named: np.ndarray = _group(*start, labels.size, adjacent(labels), first, pairs, options.regions)
    return named[labels]


def check_options(options: Structure) -> None:
    """UserError where an option of the merging is unknown."""
    if options.merging not in ("regions", "pairs", "none"):
        raise UserError(f"structure.merging: {options.merging!r} is unknown; say regions, pairs or none")
    if options.sizes not in ("true", "first"):
        raise UserError(f"structure.sizes: {options.sizes!r} is unknown; say true or first")
    if options.regions < 1:
        raise UserError(f"structure.regions: {options.regions} must be at least 1")


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


@njit(nogil=True, cache=True, fastmath={"reassoc", "nsz", "nnan"})
def _similarity(shares: np.ndarray, box: np.ndarray, area: int, i: int, j: int) -> int:
    """Similarity of the regions in rows i and j, in units of 1 / UNIT.

    The sizes cancel in the sum of the last two terms: 1 - (a + b) / area + 1 - (box - a - b) / area is 2 - box / area.
    """
    common, first, second = 0.0, shares[i], shares[j]
    for k in range(BINS):  # whole numbers below 2 ** 53: the order of the additions does not matter
        common += min(first[k], second[k])
    height = max(box[i, 2], box[j, 2]) - min(box[i, 0], box[j, 0])
    width = max(box[i, 3], box[j, 3]) - min(box[i, 1], box[j, 1])
    return int(common) + int(2 * UNIT) - int(np.floor(height * width * (UNIT / area)))


@njit(nogil=True, cache=True)
def _set_shares(shares: np.ndarray, counts: np.ndarray, i: int, factor: float) -> None:
    for k in range(BINS):
        shares[i, k] = np.floor(counts[i, k] * factor)


@njit(nogil=True, cache=True)
def _find(parent: np.ndarray, i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(nogil=True, cache=True)
def _group(
    counts: np.ndarray,
    size: np.ndarray,
    box: np.ndarray,
    area: int,
    start: np.ndarray,
    first: bool,
    by_pairs: bool,
    target: int,
) -> np.ndarray:
    """New label of every start region. ``counts``, ``size`` and ``box`` are used up.

    A merged region takes the row of one of its two; ``name`` says when it was made, and entries of the heap that speak
    of names that are gone are passed over. Lists of neighbours are chained when regions merge; what they say of regions
    that are gone is put right when they are next read.
    """
    n = len(size)
    shares = np.empty_like(counts)
    for i in range(n):
        _set_shares(shares, counts, i, UNIT / (3 * size[i]))
    if first:
        counts[:], size[:], area = shares, 1, 3 * area

    # Neighbours of region i: value[head[i]], value[after[head[i]]], ... to tail[i].
    value, after = np.empty(2 * len(start), np.int64), np.full(2 * len(start), -1)
    head, tail, degree = np.full(n, -1), np.full(n, -1), np.zeros(n, np.int64)
    heap: list[tuple[int, int, int]] = [(0, 0, 0)]  # the compiler wants to know what it holds
    heap.pop()
    for p in range(len(start)):
        i, j = start[p]
        heap.append((-_similarity(shares, box, area, i, j), i, j))
        for k in range(2):
            node, owner = 2 * p + k, start[p, k]
            value[node] = start[p, 1 - k]
            if head[owner] < 0:
                head[owner] = node
            else:
                after[tail[owner]] = node
            tail[owner] = node
            degree[owner] += 1
    heapq.heapify(heap)

    parent, name, row, seen = np.arange(n), np.arange(n), np.arange(2 * n), np.full(n, -1)
    live, pairs = n, len(start)
    while live > 1 and (pairs if by_pairs else live) > target:
        _, older, newer = heapq.heappop(heap)
        i, j = row[older], row[newer]
        if i < 0 or j < 0:
            continue
        new = 2 * n - live
        row[older], row[newer], row[new], name[i], parent[j] = -1, -1, i, new, i
        pairs -= degree[i] + degree[j] - 1
        live -= 1

        size[i] += size[j]
        for k in range(BINS):
            counts[i, k] += counts[j, k]
        _set_shares(shares, counts, i, 1 / size[i] if first else UNIT / (3 * size[i]))
        for k in range(2):
            box[i, k], box[i, k + 2] = min(box[i, k], box[j, k]), max(box[i, k + 2], box[j, k + 2])

        border, last = tail[i], -1  # up to here the neighbours of i, then those of j
        after[border], tail[i] = head[j], tail[j]
        node, from_j, degree[i] = head[i], False, 0
        while node >= 0:
            k = _find(parent, value[node])
            if k != i and seen[k] < 2 * new:
                seen[k] = 2 * new + from_j
                degree[i] += 1
                heapq.heappush(heap, (-_similarity(shares, box, area, i, k), name[k], new))
                value[node] = k
                if last < 0:
                    head[i] = node
                else:
                    after[last] = node
                last = node
            elif k != i and from_j and seen[k] == 2 * new:
                seen[k] += 1
                degree[k] -= 1  # it was a neighbour of both
            from_j |= node == border
            node = after[node]
        if last >= 0:
            after[last] = -1
        tail[i] = last
        pairs += degree[i]

    names, label, count = np.full(n, -1), np.empty(n, np.int32), 0
    for i in range(n):
        root = _find(parent, i)
        if names[root] < 0:
            names[root] = count
            count += 1
        label[i] = names[root]
    return label
