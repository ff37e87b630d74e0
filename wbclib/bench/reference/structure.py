"""The structure representation once more: plain, readable and slow. The oracle of wbclib/represent.

Nothing here is shared with the library but its definitions: Felzenszwalb's superpixels edge by edge, selective search
with pixel sets and a look at every pair before every merge, colours region by region. `make bench` times it, too.
"""

from __future__ import annotations

import colorsys
import itertools
import math
import statistics
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.segmentation import slic

from wbclib.options import Structure

UNIT = 2**36  # similarities are whole multiples of 1 / UNIT


def partition(image: np.ndarray, options: Structure) -> np.ndarray:
    """Superpixels, merged: labels (H, W)."""
    if options.segmenter == "slic":
        start = slic(image, options.segments, compactness=options.compactness, start_label=0)
        start = np.unique(start, return_inverse=True)[1].reshape(start.shape)
    else:
        start = felzenszwalb(image, options.scale, options.sigma, options.min_size)
    return merge(image, start, options)


def structure(image: np.ndarray, options: Structure) -> np.ndarray:
    """The structure image of a uint8 image, float64 on the 0-255 scale."""
    return fill(image, partition(image, options), options)


# --- superpixels


def felzenszwalb(image: np.ndarray, scale: float, sigma: float, min_size: int) -> np.ndarray:
    """Felzenszwalb & Huttenlocher 2004, in the conventions of scikit-image (distance in [0, 1], scale / 255)."""
    height, width, _ = image.shape
    smooth = ndimage.gaussian_filter(image * (1 / 255), (sigma, sigma, 0), mode="reflect")
    edges = []
    for y, x in itertools.product(range(height), range(width)):
        for v, u in ((y, x + 1), (y + 1, x), (y + 1, x + 1), (y + 1, x - 1)):
            if v < height and 0 <= u < width:
                difference = smooth[v, u] - smooth[y, x]
                cost = math.sqrt((difference[0] ** 2 + difference[1] ** 2) + difference[2] ** 2)
                edges.append((cost, y * width + x, v * width + u))
    edges.sort(key=lambda edge: edge[0])  # stable: of equal costs the earlier pixel's edge first

    owner = list(range(height * width))  # region of every pixel, named by its first pixel
    members = {i: [i] for i in owner}
    inside = dict.fromkeys(owner, 0.0)

    def join(a: int, b: int, cost: float) -> None:
        a, b = min(a, b), max(a, b)
        for pixel in members[b]:
            owner[pixel] = a
        members[a] += members.pop(b)
        inside[a] = cost

    k = scale / 255
    for cost, p, q in edges:
        a, b = owner[p], owner[q]
        if a != b and cost < min(inside[a] + k / len(members[a]), inside[b] + k / len(members[b])):
            join(a, b, cost)
    for cost, p, q in edges:
        a, b = owner[p], owner[q]
        if a != b and min(len(members[a]), len(members[b])) < min_size:
            join(a, b, cost)
    names = {region: n for n, region in enumerate(sorted(members))}
    return np.array([names[region] for region in owner], np.int32).reshape(height, width)


# --- selective search


@dataclass
class Region:
    """A region of the merging. ``weight`` is what the mean of two histograms is weighted by."""

    starts: list[int]  # labels of the start regions that it holds
    amounts: list[float]  # what is added up when regions merge
    weight: float
    box: tuple[int, int, int, int]  # top, left, bottom, right, the last two one past the end
    true_sizes: bool

    def shares(self) -> list[int]:
        """Histograms in units of 1 / UNIT, each third of the colours and of the textures of sum 1 / 3."""
        factor = UNIT / (3 * self.weight) if self.true_sizes else 1 / self.weight
        return [math.floor(amount * factor) for amount in self.amounts]

    def joined(self, other: Region) -> Region:
        top, left, bottom, right = zip(self.box, other.box, strict=True)
        return Region(
            self.starts + other.starts,
            [a + b for a, b in zip(self.amounts, other.amounts, strict=True)],
            self.weight + other.weight,
            (min(top), min(left), max(bottom), max(right)),
            self.true_sizes,
        )


def merge(image: np.ndarray, labels: np.ndarray, options: Structure) -> np.ndarray:
    """Uijlings et al. 2013, algorithm 1, down to a number of regions (or of pairs of neighbours)."""
    if options.merging == "none":
        return labels
    true_sizes = options.sizes == "true"
    area = labels.size if true_sizes else 3 * labels.size  # the official code counts the channels, too
    colour, texture = colour_bins(image), texture_bins(image)
    regions = {}
    for label in range(int(labels.max()) + 1):
        inside = labels == label
        counts = histogram(colour[inside], 25) + histogram(texture[inside], 10)
        rows, columns = np.nonzero(inside)
        box = (int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1)
        regions[label] = Region([label], counts, float(inside.sum()), box, True)
        if not true_sizes:  # every start region counts as large as region 1: only numbers of start regions are left
            regions[label] = Region([label], [float(s) for s in regions[label].shares()], 1.0, box, False)
    shares = {label: region.shares() for label, region in regions.items()}

    def similarity(i: int, j: int) -> int:
        top, left, bottom, right = regions[i].joined(regions[j]).box
        size_and_fill = 2 * UNIT - math.floor((bottom - top) * (right - left) * (UNIT / area))  # the sizes cancel
        return sum(map(min, shares[i], shares[j])) + size_and_fill

    # Every pair of neighbours (i < j) and its similarity; of equal ones the pair of the earliest regions goes first.
    pairs = {pair: similarity(*pair) for pair in neighbours(labels)}
    new = len(regions)
    while len(regions) > 1 and (len(regions) if options.merging == "regions" else len(pairs)) > options.regions:
        i, j = max(pairs, key=lambda pair: (pairs[pair], -pair[0], -pair[1]))
        beside = {k for pair in pairs if i in pair or j in pair for k in pair} - {i, j}
        regions[new] = regions[i].joined(regions[j])
        shares[new] = regions[new].shares()
        pairs = {pair: value for pair, value in pairs.items() if not {i, j} & set(pair)}
        pairs |= {(k, new): similarity(k, new) for k in beside}
        del regions[i], regions[j]
        new += 1
    names = {
        s: n for n, region in enumerate(sorted(regions.values(), key=lambda r: min(r.starts))) for s in region.starts
    }
    return np.array([names[label] for label in range(len(names))], np.int32)[labels]


def neighbours(labels: np.ndarray) -> set[tuple[int, int]]:
    """Pairs (smaller label first) that share a side of a pixel."""
    found = set()
    for y, x in np.ndindex(labels.shape):
        for v, u in ((y + 1, x), (y, x + 1)):
            if v < labels.shape[0] and u < labels.shape[1] and labels[y, x] != labels[v, u]:
                found.add(tuple(sorted((int(labels[y, x]), int(labels[v, u])))))
    return found  # type: ignore[return-value]


def histogram(bins: np.ndarray, width: int) -> list[float]:
    """Pixels in each bin, channel after channel."""
    return [float((bins[:, c] == k).sum()) for c in range(3) for k in range(width)]


def colour_bins(image: np.ndarray) -> np.ndarray:
    """Bins of hue, saturation and value from the standard library's formula; 1e-9 is for edges."""
    result = np.zeros(image.shape, int)
    for y, x in np.ndindex(image.shape[:2]):
        hsv = colorsys.rgb_to_hsv(*(image[y, x] / 255))
        result[y, x] = [min(int(v * 25 + 1e-9), 24) for v in hsv]
    return result


def texture_bins(image: np.ndarray) -> np.ndarray:
    """Uniform patterns of the eight neighbours, pixel by pixel."""
    height, width, _ = image.shape
    result = np.zeros(image.shape, int)
    ring = [(-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1)]
    for y, x, c in np.ndindex(image.shape):
        near = [image[min(max(y + v, 0), height - 1), min(max(x + u, 0), width - 1), c] for v, u in ring]
        bits = [int(n >= image[y, x, c]) for n in near]
        turns = sum(bits[k] != bits[k - 1] for k in range(8))
        result[y, x, c] = sum(bits) if turns <= 2 else 9
    return result


# --- colours


def fill(image: np.ndarray, labels: np.ndarray, options: Structure) -> np.ndarray:
    """White-box paper, section 3.2: (theta1 mean + theta2 median) ** mu, then one gain that keeps the mean."""
    colours = {}
    for label in range(int(labels.max()) + 1):
        pixels = image[labels == label].astype(float)
        mean, median = pixels.mean(0), np.array([statistics.median(channel) for channel in pixels.T])
        sigma = math.sqrt(((pixels - mean) ** 2).mean()) / (127.5 if options.thresholds == "unit" else 1)
        theta1 = 0.0 if sigma < options.gamma1 else 1.0 if sigma > options.gamma2 else 0.5
        theta1 = theta1 if options.order == "paper" else 1 - theta1
        colours[label] = mean if options.colouring == "mean" else theta1 * mean + (1 - theta1) * median
    flat = np.array([colours[label] for label in range(len(colours))])[labels]
    if options.colouring == "mean":
        return flat
    powered = (flat / 255) ** options.mu
    low, high = 0.0, 1e6  # bisection for the gain: the mean grows with it
    for _ in range(200):
        gain = (low + high) / 2
        low, high = (gain, high) if np.minimum(gain * powered, 1).mean() < flat.mean() / 255 else (low, gain)
    return 255 * np.minimum(high * powered, 1)
