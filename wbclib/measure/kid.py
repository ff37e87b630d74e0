"""Kernel distance between two sets of features: unbiased also for few images (Binkowski et al., ICLR 2018).

Over pytorch-fid's Inception it is the KID; over other networks say which.
"""

from __future__ import annotations

import numpy as np

from wbclib.measure.fid import checked


def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Polynomial kernel (x.y / D + 1)^3 of all pairs: (N, D), (M, D) -> (N, M)."""
    return (x @ y.T / x.shape[1] + 1) ** 3


def mmd2(a: np.ndarray, b: np.ndarray) -> float:
    """Unbiased squared maximum mean discrepancy of (N, D) and (M, D); may be negative.

    The mean kernel of different images within each side, minus twice the mean kernel across (Gretton et al. 2012,
    eq. 3).
    """
    a, b = checked(a, b)
    n, m = len(a), len(b)
    within_a, within_b = kernel(a, a), kernel(b, b)
    first = (within_a.sum() - np.trace(within_a)) / (n * (n - 1))
    second = (within_b.sum() - np.trace(within_b)) / (m * (m - 1))
    return float(first + second - 2 * kernel(a, b).mean())


def kid(
    a: np.ndarray, b: np.ndarray, subsets: int = 100, subset_size: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Mean and standard deviation of :func:`mmd2` over random subsets drawn without replacement.

    The subsets are those that torch-fidelity draws from the same seed, so that the two agree to the last digits.
    The deviation is that of one subset's value: it is no standard error, because subsets overlap.

    Raises:
        ValueError: fewer than 2 images, a subset larger than either side, values that are not finite.
    """
    a, b = checked(a, b)
    if subsets < 1 or subset_size < 2:
        raise ValueError(f"at least 1 subset of at least 2 images, got {subsets} of {subset_size}")
    if subset_size > min(len(a), len(b)):
        raise ValueError(f"subsets of {subset_size} images from sets of {len(a)} and {len(b)}; make them smaller")
    random = np.random.RandomState(seed)
    values = np.empty(subsets)
    for i in range(subsets):
        first = random.choice(len(a), subset_size, replace=False)
        second = random.choice(len(b), subset_size, replace=False)
        values[i] = mmd2(a[first], b[second])
    return float(values.mean()), float(values.std())
