"""Distances of several sets of images to one reference, and the same of resampled photographs and references.

Crops of one photograph resemble each other, so that photographs, not crops, are what is drawn (cluster bootstrap,
Davison & Hinkley 1997, 3.8), each with all of its crops, and the same draw for every set. Two troubles of
bootstrapping a distance, and what is done about them:

- A draw has fewer different images than the sample, which raises every Frechet distance, so that percentiles of the
  draws often lie above the value itself. Intervals are therefore the value -+ 1.645 standard deviations of the draws.
- Two copies of one image are no pair of different images, and the unbiased kernel distance is a mean over pairs of
  different images. Pairs of two copies of one photograph are left out of it.

What an interval says: where the value would lie with other photographs and other reference images, as many as
here. The bias of a Frechet distance at a small N is in the value and in both ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from wbclib.measure import fid
from wbclib.measure.intervals import Interval
from wbclib.measure.kid import kernel

NORMAL_90 = 1.6448536269514722  # 95 % quantile of the standard normal: a two-sided 90 % interval
METRICS = ("frechet", "kid")  # "fid" is a Frechet distance too, over another network
FEWEST = 5  # photographs or reference images, below which there is no interval
Groups = Sequence[str] | np.ndarray


def distances(
    sets: Mapping[str, np.ndarray],
    reference: np.ndarray,
    groups: Groups,
    metric: str = "frechet",
    bootstraps: int = 100,
    seed: int = 0,
    reference_groups: Groups | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Distances of several sets to one reference, and again in every draw: (methods,) and (bootstraps, methods).

    A draw takes photographs and reference images with replacement, each with all of its crops, and is the same for
    every set: differences and quotients of columns have their joint distribution.

    Args:
        sets: name -> features (N, D), row i of all of them from the same crop.
        reference: features (M, D).
        groups: (N,) which photograph each crop was cut from.
        metric: ``frechet`` (or ``fid``) or ``kid`` (unbiased MMD^2 of all images at once, not of subsets).
        reference_groups: (M,) which image each reference crop was cut from; by default each is an image of its own.

    Returns:
        The distances; those of the draws, NaN with fewer than :data:`FEWEST` photographs or reference images.

    Raises:
        ValueError: another metric, features or groups that do not fit each other, fewer than 2 bootstraps.
    """
    if metric not in MEASURES:
        raise ValueError(f"unknown metric {metric!r}; say one of {', '.join(MEASURES)}")
    if bootstraps < 2:
        raise ValueError("an interval needs at least 2 bootstraps")
    checked = [fid.checked(x, reference) for x in sets.values()]
    own = np.arange(len(reference)) if reference_groups is None else reference_groups
    photographs, images = indexed(groups, [len(x) for x, _ in checked]), indexed(own, [len(reference)])
    key = _key([x for x, _ in checked], checked[0][1], photographs, images, (metric == "kid", bootstraps, seed))
    if key in _KEPT:
        return _KEPT[key]
    measure = MEASURES[metric]([x for x, _ in checked], checked[0][1], photographs, images)
    whole = measure(*(np.ones(index.max() + 1) for index in (photographs, images)))
    if min(photographs.max(), images.max()) + 1 < FEWEST:
        return whole, np.full((bootstraps, len(checked)), np.nan)
    random = np.random.default_rng(seed)
    drawn = [measure(draw(random, photographs), draw(random, images)) for _ in range(bootstraps)]
    _KEPT[key] = whole, np.stack(drawn)
    return _KEPT[key]


# A table of distances and one of paired differences ask for the same draws, minutes of work where D is large.
_KEPT: dict[str, tuple[np.ndarray, np.ndarray]] = {}


def _key(
    sets: list[np.ndarray], reference: np.ndarray, photographs: np.ndarray, images: np.ndarray, options: tuple[int, ...]
) -> str:
    """Hash of all that the draws depend on."""
    found = hashlib.sha256(repr(options).encode())
    for values in (*sets, reference, photographs, images):
        found.update(repr((values.shape, values.dtype)).encode() + np.ascontiguousarray(values).tobytes())
    return found.hexdigest()


def interval(
    a: np.ndarray,
    reference: np.ndarray,
    groups: Groups,
    metric: str = "frechet",
    bootstraps: int = 100,
    seed: int = 0,
    reference_groups: Groups | None = None,
) -> Interval:
    """One distance with its 90 % interval, photographs and reference images being drawn; see :func:`distances`."""
    values, drawn = distances({"a": a}, reference, groups, metric, bootstraps, seed, reference_groups)
    return interval_of(values[0], drawn[:, 0])


_Measure = Callable[[np.ndarray, np.ndarray], np.ndarray]  # how often each photograph and image counts -> distances


class _Frechet:
    """Frechet distances of all sets, given how often each photograph and each reference image counts."""

    def __init__(self, sets: list[np.ndarray], reference: np.ndarray, groups: np.ndarray, images: np.ndarray) -> None:
        self.sets, self.reference, self.groups, self.images = sets, reference, groups, images

    def __call__(self, counts: np.ndarray, images: np.ndarray) -> np.ndarray:
        reference = fid.moments(self.reference, images[self.images])
        return np.array([fid.between(fid.moments(x, counts[self.groups]), reference) for x in self.sets])


class _WideFrechet:
    """The same of no more images than features, from the scalar products of images, which no draw changes.

    With centred rows A and B, counted and scaled, all of a Frechet distance is in A A^T, B B^T and A B^T, and centring
    is a matter of means of their rows and columns.
    """

    def __init__(self, sets: list[np.ndarray], reference: np.ndarray, groups: np.ndarray, images: np.ndarray) -> None:
        middle = reference.mean(0)  # taken away first: what all have in common would hide small differences
        second = reference - middle
        self.within, self.second, self.across = [], second @ second.T, []
        for x in sets:
            self.within.append((x - middle) @ (x - middle).T)
            self.across.append((x - middle) @ second.T)
        self.groups, self.images = groups, images

    def __call__(self, counts: np.ndarray, images: np.ndarray) -> np.ndarray:
        times, others = counts[self.groups], images[self.images]
        squared, spread = _mean_and_trace(self.second, others)
        found = []
        for within, across in zip(self.within, self.across, strict=True):
            own, trace = _mean_and_trace(within, times)
            rows, columns = times > 0, others > 0
            left, right = times[rows] / times.sum(), others[columns] / others.sum()
            part = across[rows][:, columns]
            means = left @ part, part @ right
            between = float(left @ means[1])
            centred = part - means[0] - means[1][:, None] + between
            scales = (w[kept] / (w.sum() - 1) for w, kept in ((times, rows), (others, columns)))
            scaled = np.sqrt(np.multiply.outer(*scales)) * centred
            cross = np.linalg.svd(scaled, compute_uv=False).sum()
            found.append(max(0.0, float(own + squared - 2 * between + trace + spread - 2 * cross)))
        return np.array(found)


def _mean_and_trace(products: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    """Squared length of the mean, and trace of the covariance, of rows with these scalar products, each counted."""
    share = counts / counts.sum()
    mean = float(share @ products @ share)
    return mean, float(counts @ np.diag(products) - counts.sum() * mean) / float(counts.sum() - 1)


class _Kernel:
    """Unbiased MMD^2 of all sets: Gretton et al. 2012, eq. 3, without the pairs of two copies of a photograph.

    All that a draw needs are the sums of the kernel over the crops of every two photographs.
    """

    def __init__(self, sets: list[np.ndarray], reference: np.ndarray, groups: np.ndarray, images: np.ndarray) -> None:
        self.reference = _within(reference, images)
        self.sets = [_within(x, groups) for x in sets]
        self.across = [_by_group(kernel(x, reference), groups, images) for x in sets]
        self.sizes = np.bincount(groups), np.bincount(images)

    def __call__(self, counts: np.ndarray, images: np.ndarray) -> np.ndarray:
        second = _mean_of_pairs(self.reference, images, self.sizes[1])
        size = (counts @ self.sizes[0]) * (images @ self.sizes[1])
        firsts = (_mean_of_pairs(sums, counts, self.sizes[0]) for sums in self.sets)
        return np.array([f + second - 2 * counts @ k @ images / size for f, k in zip(firsts, self.across, strict=True)])


def _frechet(sets: list[np.ndarray], reference: np.ndarray, groups: np.ndarray, images: np.ndarray) -> _Measure:
    few = max(len(x) for x in (reference, *sets)) <= reference.shape[1]
    return (_WideFrechet if few else _Frechet)(sets, reference, groups, images)


# A metric -> what it makes of all sets, the reference, and the numbers of their photographs and images.
MEASURES: Mapping[str, Callable[[list[np.ndarray], np.ndarray, np.ndarray, np.ndarray], _Measure]] = {
    "frechet": _frechet, "fid": _frechet, "kid": _Kernel
}  # fmt: skip


def _by_group(values: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Sums (G, H) of values (N, M) over the rows of each of G groups and the columns of each of H."""
    first, second = (np.eye(index.max() + 1)[index] for index in (rows, columns))
    return first.T @ values @ second


def _within(x: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Sums (G, G) of the kernel over pairs of different images of one set."""
    values = kernel(x, x)
    np.fill_diagonal(values, 0)
    return _by_group(values, groups, groups)


def _mean_of_pairs(sums: np.ndarray, counts: np.ndarray, sizes: np.ndarray) -> float:
    """Mean over pairs of different images; a photograph that counts c times holds c times its own pairs, not c^2."""
    excess = counts**2 - counts
    total = counts @ sums @ counts - excess @ np.diag(sums)
    images = counts @ sizes
    pairs = images**2 - excess @ sizes**2 - images
    return float(total / pairs)


def indexed(groups: Groups, lengths: list[int]) -> np.ndarray:
    """Number of each row's group, from 0; checked against the number of rows of every set."""
    names = np.asarray(groups)
    if names.ndim != 1 or any(length != len(names) for length in lengths):
        raise ValueError(f"sets of {lengths} images, which must be as many as their {names.shape} groups")
    return np.unique(names, return_inverse=True)[1]


def draw(random: np.random.Generator, groups: np.ndarray) -> np.ndarray:
    """How often each group is in one resample; a resample of one group alone has no pairs and is drawn again."""
    size = int(groups.max()) + 1
    while True:
        counts = np.bincount(random.integers(0, size, size), minlength=size).astype(np.float64)
        if np.count_nonzero(counts) > 1:
            return counts


def interval_of(value: float, drawn: np.ndarray) -> Interval:
    """(value, low, high): 90 % by the normal approximation, from what the draws give in the value's place."""
    half = NORMAL_90 * float(np.std(drawn, ddof=1))
    return float(value), float(value - half), float(value + half)
