"""Felzenszwalb's graph-based superpixels, compiled: the regions of scikit-image in a fraction of its time.

Source: Felzenszwalb, Huttenlocher, "Efficient Graph-Based Image Segmentation", IJCV 59(2), 2004. Conventions (the eight
neighbours, Euclidean distance of smoothed colours, ``scale`` divided by 255, the joining of small regions) are those of
``skimage.segmentation.felzenszwalb``. Of edges of equal weight that of the earlier pixel goes first, where scikit-image
leaves the order to an unstable sort and with it to the processor.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from wbclib.represent.union_find import find_root

DIGIT = 10  # bits of a digit of the radix sort
TRUNCATE = 4.0  # standard deviations at which the Gaussian ends, as in SciPy


def felzenszwalb(image: np.ndarray, scale: float, sigma: float, min_size: int) -> np.ndarray:
    """Superpixels of an image.

    Args:
        image: uint8 (H, W, 3).
        scale: k, at least 0, in grey levels (0-255) times pixels; larger values give larger regions.
        sigma: of the Gaussian that smooths the image first, in pixels; 0 for none.
        min_size: smaller regions are joined to a neighbour, nearest colours first.

    Returns:
        int32 (H, W), labels 0 .. n-1 in the order of each region's first pixel. A region may hang together by corners.
    """
    radius = int(TRUNCATE * sigma + 0.5)
    kernel = np.exp(-0.5 / (sigma * sigma) * np.arange(-radius, radius + 1) ** 2) if radius else np.ones(1)
    smooth = _smooth(np.ascontiguousarray(image), (kernel / kernel.sum())[radius:])
    labels: np.ndarray = _segment(smooth, scale / 255, min_size)
    return labels


@njit(nogil=True, cache=True)
def _smooth(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Gaussian blur of an image in [0, 1], borders mirrored; ``kernel`` from its centre outwards."""
    height, width, channels = image.shape
    row = width * channels
    flat = image.reshape(height, row) * (1 / 255)
    down = np.empty((height, row))
    radius = len(kernel) - 1
    for y in range(height):
        for x in range(row):
            down[y, x] = flat[y, x] * kernel[0]
        for k in range(radius, 0, -1):
            above, below, weight = flat[_mirror(y - k, height)], flat[_mirror(y + k, height)], kernel[k]
            for x in range(row):
                down[y, x] += (above[x] + below[x]) * weight
    result = np.empty((height, row))
    padded = np.empty((width + 2 * radius) * channels)
    margin = radius * channels
    for y in range(height):
        for x in range(-radius, width + radius):
            for c in range(channels):
                padded[margin + x * channels + c] = down[y, _mirror(x, width) * channels + c]
        line = result[y]
        for x in range(row):
            line[x] = padded[margin + x] * kernel[0]
        for k in range(radius, 0, -1):
            reach, weight = k * channels, kernel[k]
            for x in range(row):
                line[x] += (padded[margin + x - reach] + padded[margin + x + reach]) * weight
    return result.reshape(height, width, channels)


@njit(nogil=True, cache=True)
def _mirror(i: int, size: int) -> int:
    """Index i mirrored at the edges of 0 .. size-1, the edge pixel repeated."""
    i = i % (2 * size)
    return min(i, 2 * size - 1 - i)


@njit(nogil=True, cache=True)
def _costs(image: np.ndarray) -> np.ndarray:
    """Distance of each pixel's colour to that of its neighbours right, down, down right and down left.

    Returns:
        (4 H W,), pixel by pixel; -1 where there is no such neighbour.
    """
    height, width, channels = image.shape
    costs = np.full((height, width, 4), -1.0)
    for y in range(height):
        for x in range(width):
            for k in range(4):
                v, u = y + (0, 1, 1, 1)[k], x + (1, 0, 1, -1)[k]
                if v < height and 0 <= u < width:
                    total = 0.0
                    for c in range(channels):
                        difference = image[v, u, c] - image[y, x, c]
                        total += difference * difference
                    costs[y, x, k] = np.sqrt(total)
    return costs.ravel()


@njit(nogil=True, cache=True)
def _order(costs: np.ndarray) -> np.ndarray:
    """Indices of the costs in [0, 2), in stable order; negative ones are left out.

    Numbers from 0 on are in the same order as their bits. A radix sort of the upper halves (30 bits below 2.0), then a
    merge sort of what is still in disorder among equal upper halves.
    """
    bits, low = costs.view(np.uint64), np.uint64(0xFFFFFFFF)
    items = np.empty(len(costs), np.uint64)  # upper half of the bits, index
    count = 0
    for e in range(len(costs)):
        if costs[e] >= 0:
            items[count] = (bits[e] & ~low) | np.uint64(e)
            count += 1
    items, other = items[:count], np.empty(count, np.uint64)
    mask = np.uint64((1 << DIGIT) - 1)
    for k in range(3):
        shift = np.uint64(32 + k * DIGIT)
        start = np.zeros((1 << DIGIT) + 1, np.int64)
        for item in items:
            start[((item >> shift) & mask) + np.uint64(1)] += 1
        start = np.cumsum(start)
        for item in items:
            digit = (item >> shift) & mask
            other[start[digit]] = item
            start[digit] += 1
        items, other = other, items
    order = (items & low).astype(np.int32)
    first, sorted_so_far = 0, True
    for i in range(1, count + 1):
        if i < count and items[i] >> np.uint64(32) == items[first] >> np.uint64(32):
            sorted_so_far &= costs[order[i - 1]] <= costs[order[i]]
            continue
        if not sorted_so_far:
            run = order[first:i].copy()
            order[first:i] = run[np.argsort(costs[run], kind="mergesort")]
        first, sorted_so_far = i, True
    return order


@njit(nogil=True, cache=True)
def _join(parent: np.ndarray, size: np.ndarray, a: int, b: int) -> int:
    """Join the regions of two roots; returns the root of both, which is the earlier pixel."""
    root, other = min(a, b), max(a, b)
    parent[other] = root
    size[root] += size[other]
    return root


@njit(nogil=True, cache=True)
def _segment(image: np.ndarray, scale: float, min_size: int) -> np.ndarray:
    """Labels of a smoothed image. A region's root is its first pixel."""
    height, width, _ = image.shape
    pixels = height * width
    costs = _costs(image)
    left = _order(costs)
    offset = np.array([1, width, width + 1, width - 1])
    rising = costs[left]
    parent, size = np.arange(pixels).astype(np.int32), np.ones(pixels, np.int32)
    limit = np.full(pixels, scale)  # below this cost a region joins another
    largest = scale  # of all limits, or more
    kept, place = 0, 0
    while place < len(left) and rising[place] < largest:
        e, cost = left[place], rising[place]
        place += 1
        a, b = parent[e >> 2], parent[(e >> 2) + offset[e & 3]]
        if a == b:  # most often; saves the climb to the root
            continue
        a, b = find_root(parent, a), find_root(parent, b)
        if a == b:
            continue
        if cost < min(limit[a], limit[b]):
            root = _join(parent, size, a, b)
            limit[root] = cost + scale / size[root]
            largest = max(scale, cost + scale / 2)
        else:
            left[kept] = e
            kept += 1
    left = np.concatenate((left[:kept], left[place:]))
    small = 0
    for i in range(pixels):
        small += parent[i] == i and size[i] < min_size
    for e in left:
        if small == 0:
            break
        a, b = parent[e >> 2], parent[(e >> 2) + offset[e & 3]]
        if a == b:
            continue
        a, b = find_root(parent, a), find_root(parent, b)
        if a != b and (size[a] < min_size or size[b] < min_size):
            small -= (size[a] < min_size) + (size[b] < min_size)
            small += size[_join(parent, size, a, b)] < min_size
    labels, count = np.empty(pixels, np.int32), 0
    for i in range(pixels):
        root = find_root(parent, i)
        if root == i:
            labels[i] = count
            count += 1
        else:
            labels[i] = labels[root]
    return labels.reshape(height, width)
