"""The Frechet distance that infinitely many images would have, from what it does as images are left out.

Estimated from N images, the distance is too large by an amount that is c / N to first order, c depending on the
network and on the images (Chong & Forsyth, "Effectively Unbiased FID and Inception Score and Where to Find Them",
CVPR 2020): two sets measured at different N, or two methods with different c, are compared wrongly. Their remedy:
measure at several N, fit a line over 1 / N by least squares and read it at 1 / N = 0.

They draw subsets of 50 000 images at random. Of a few hundred every image is wanted, so here a permutation is cut
into k parts of equal size and the distance at N / k is the mean over the parts: all images speak at every k, and
over k = N / n the line is straight too. Photographs are cut apart whole, with all of their crops.

What it cannot do: the expansion wants more images than the features have important directions. Below, the curve over
1 / N bends, and the end of a straight line is still too high, outside its interval too: the line removes the first
order of the bias, not the rest. A ``residual`` of more than a twentieth of the ``slope`` says so. Photographs against
cartoons over SqueezeNet's 512 features: 18 600 at N = 128, its line ending at 16 600; 10 700 at N = 1000, ending at
9 400.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from wbclib.measure import fid
from wbclib.measure.resampling import FEWEST, Groups, draw, indexed, interval_of

PARTS = (1, 2, 3, 4)
COLUMNS = ["name", "n", "frechet", "extrapolated", "low", "high", "slope", "residual", "straight"]
STRAIGHT = 1 / 20  # residual over slope, above which the end of the line is still too high


def curve(
    a: np.ndarray,
    reference: np.ndarray,
    parts: Sequence[int] = PARTS,
    repeats: int = 4,
    seed: int = 0,
    groups: Groups | None = None,
    reference_groups: Groups | None = None,
) -> np.ndarray:
    """Frechet distance at N / k for every k of ``parts``, on both sides: (parts,), mean over parts and repeats.

    Args:
        a, reference: features (N, D) and (M, D).
        parts: 1 for all images; photographs and reference images must be at least 2 k.
        repeats: permutations, each cut into parts.
        groups, reference_groups: photograph of every image; those of one stay together. By default all differ.

    Raises:
        ValueError: too few images for a part, or features that do not fit each other.
    """
    a, reference = fid.checked(a, reference)
    sides = _sides(a, reference, groups, reference_groups)
    _check(parts, sides)
    ones = [np.ones(index.max() + 1) for _, index in sides]
    return _curve(sides, ones, parts, repeats, np.random.default_rng(seed))


def at_infinity(values: np.ndarray, parts: Sequence[int] = PARTS) -> tuple[float, float, float]:
    """(intercept, slope, residual) of the line through the distances at N / k over k, by least squares.

    The intercept is the distance of infinitely many images, the slope the bias at N, the residual the largest
    distance of a value from the line: far below the slope where the line is one.
    """
    slope, intercept = np.polyfit(np.asarray(parts, float), values, 1)
    return float(intercept), float(slope), float(np.abs(values - intercept - slope * np.asarray(parts)).max())


def extrapolated(
    sets: Mapping[str, np.ndarray],
    reference: np.ndarray,
    parts: Sequence[int] = PARTS,
    repeats: int = 4,
    bootstraps: int = 50,
    seed: int = 0,
    groups: Groups | None = None,
    reference_groups: Groups | None = None,
) -> pd.DataFrame:
    """The extrapolated distance of every set, beside the one at all images.

    Args:
        sets: name -> features (N, D).
        bootstraps: draws of photographs and reference images (the same for every set), each with a permutation of
            its own; copies of an image stay in one part, so that a draw's line is steeper but ends at the same value.

    Returns:
        One row a set: columns :data:`COLUMNS`. ``low`` and ``high`` enclose 90 % (value -+ 1.645 standard
        deviations of the draws), NaN with fewer than five photographs or reference images; ``slope`` and
        ``residual`` as in :func:`at_infinity`; ``straight``: whether the residual is at most :data:`STRAIGHT` of the
        slope, without which the extrapolated value is no better than a smaller bias.
    """
    rows = []
    for name, features in sets.items():
        a, b = fid.checked(features, reference)
        sides = _sides(a, b, groups, reference_groups)
        values = curve(a, b, parts, repeats, seed, groups, reference_groups)
        intercept, slope, residual = at_infinity(values, parts)
        drawn = _drawn(sides, parts, bootstraps, seed)
        whole = fid.frechet(a, b)
        straight = residual <= STRAIGHT * abs(slope)
        rows.append((name, len(a), whole, *interval_of(intercept, drawn), slope, residual, straight))
    return pd.DataFrame(rows, columns=COLUMNS)


Side = tuple[np.ndarray, np.ndarray]  # features (N, D) and the number of each one's photograph (N,)


def _sides(a: np.ndarray, b: np.ndarray, groups: Groups | None, reference_groups: Groups | None) -> list[Side]:
    names = [np.arange(len(x)) if g is None else g for x, g in ((a, groups), (b, reference_groups))]
    return [(x, indexed(g, [len(x)])) for x, g in zip((a, b), names, strict=True)]


def _check(parts: Sequence[int], sides: list[Side]) -> None:
    fewest = min(int(index.max()) + 1 for _, index in sides)
    if len(set(parts)) < 2 or min(parts) < 1:
        raise ValueError(f"a line needs at least two numbers of parts, got {tuple(parts)}")
    if fewest < 2 * max(parts):
        raise ValueError(f"{fewest} photographs cannot be cut into {max(parts)} parts of at least 2")


def _drawn(sides: list[Side], parts: Sequence[int], bootstraps: int, seed: int) -> np.ndarray:
    """Intercepts (bootstraps,) of resampled photographs and reference images."""
    if min(index.max() for _, index in sides) + 1 < max(FEWEST, 4 * max(parts)):
        return np.full(bootstraps, np.nan)
    found, random = np.empty(bootstraps), np.random.default_rng([seed, 1])
    for i in range(bootstraps):
        counts = [draw(random, index) for _, index in sides]
        found[i] = at_infinity(_curve(sides, counts, parts, 1, random), parts)[0]
    return found


def _curve(
    sides: list[Side], counts: list[np.ndarray], parts: Sequence[int], repeats: int, random: np.random.Generator
) -> np.ndarray:
    """Mean distance of the parts of permuted photographs, for every number of parts; photographs counted."""
    values = np.zeros((repeats, len(parts)))
    for row in values:
        orders = [random.permutation(np.flatnonzero(count)) for count in counts]
        for column, k in enumerate(parts):
            cut = [[_moments(side, count, part) for part in np.array_split(order, k)]
                   for side, count, order in zip(sides, counts, orders, strict=True)]  # fmt: skip
            row[column] = np.mean([fid.between(first, second) for first, second in zip(*cut, strict=True)])
    return values.mean(0)


def _moments(side: Side, counts: np.ndarray, part: np.ndarray) -> fid.Moments:
    """Moments of the images of some photographs, each image as often as its photograph counts."""
    x, index = side
    chosen = np.zeros_like(counts)
    chosen[part] = counts[part]
    return fid.moments(x, chosen[index])
