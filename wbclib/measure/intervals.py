"""How sure a mean is: percentile bootstrap intervals, seeded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Interval = tuple[float, float, float]


def mean_interval(
    values: Sequence[float] | np.ndarray, level: float = 0.90, resamples: int = 9999, seed: int = 0
) -> Interval:
    """(mean, low, high) of independent values (images, seeds): percentile bootstrap (Efron 1979).

    One value alone has no interval: low and high are NaN. Below about eight values the interval is too narrow.

    Raises:
        ValueError: no values, more than one dimension, or a value that is not finite.
    """
    data = np.asarray(values, np.float64)
    if data.ndim != 1 or data.size == 0:
        raise ValueError(f"expected a list of at least one number, got shape {data.shape}")
    if not np.isfinite(data).all():
        raise ValueError("a value is NaN or infinite")
    if data.size == 1:
        return float(data[0]), float("nan"), float("nan")
    means = data[np.random.default_rng(seed).integers(0, data.size, (resamples, data.size))].mean(1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(data.mean()), float(low), float(high)
