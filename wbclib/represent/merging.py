"""Second step of the structure representation: neighbouring superpixels are merged by selective search.

Source: Uijlings, van de Sande, Gevers, Smeulders, "Selective Search for Object Recognition", IJCV 104, 2013, section
3.2 (similarities, equations 1 to 6) and algorithm 1 (hierarchical grouping). Here the grouping stops at a number of
regions.

Similarities are whole multiples of 1 / UNIT, so that their sums are exact in every order of addition and every machine
merges the same pairs.
"""

from __future__ import annotations

import heapq

import numpy as np
from numba import njit

from wbclib.files import UserError
from wbclib.options import Structure
from wbclib.represent.regions import BINS, adjacent, region_statistics
from wbclib.represent.segments import check_image, check_labels
from wbclib.represent.union_find import find_root

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
    # 1. Shares: every region's histograms as whole numbers of equal sum.
    n = len(size)
    shares = np.empty_like(counts)
    for i in range(n):
        _set_shares(shares, counts, i, UNIT / (3 * size[i]))
    if first:
        counts[:], size[:], area = shares, 1, 3 * area

    # 2. Lists of neighbours and a heap of pairs, most similar first.
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

    # 3. The most similar pair becomes one region, until few enough are left.
    parent, name, row, seen = np.arange(n), np.arange(n), np.arange(2 * n), np.full(n, -1)
    live, pairs = n, len(start)
    while live > 1 and (pairs if by_pairs else live) > target:
        _, older, newer = heapq.heappop(heap)
        i, j = row[older], row[newer]
        if i < 0 or j < 0:
            continue
        new = 2 * n - live  # 3a. Names: both go, a new one comes in the row of the first.
        row[older], row[newer], row[new], name[i], parent[j] = -1, -1, i, new, i
        pairs -= degree[i] + degree[j] - 1
        live -= 1

        # 3b. What is known of the region: size, histograms, box.
        size[i] += size[j]
        for k in range(BINS):
            counts[i, k] += counts[j, k]
        _set_shares(shares, counts, i, 1 / size[i] if first else UNIT / (3 * size[i]))
        for k in range(2):
            box[i, k], box[i, k + 2] = min(box[i, k], box[j, k]), max(box[i, k + 2], box[j, k + 2])

        # 3c. Its neighbours: both lists chained, each neighbour kept once, and its pair put on the heap.
        border, last = tail[i], -1  # up to here the neighbours of i, then those of j
        after[border], tail[i] = head[j], tail[j]
        node, from_j, degree[i] = head[i], False, 0
        while node >= 0:
            k = find_root(parent, value[node])
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

    # 4. Labels 0, 1, ... in the order in which the roots are met.
    names, label, count = np.full(n, -1), np.empty(n, np.int32), 0
    for i in range(n):
        root = find_root(parent, i)
        if names[root] < 0:
            names[root] = count
            count += 1
        label[i] = names[root]
    return label
