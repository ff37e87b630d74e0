"""Is method A nearer to a reference than method B? Both on the same photographs, the difference with its interval.

Two distances that were measured on the same photographs and against the same reference move together when either
is replaced by other images; what they share cancels in their difference, whose interval is therefore narrower than
the two intervals beside each other suggest. How images are drawn: :mod:`wbclib.measure.resampling`. The bias of a
Frechet distance at a small N is a part of both distances and need not cancel; the kernel distance has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from wbclib.measure.resampling import METRICS, Groups, distances, interval_of

COLUMNS = ["a", "b", "metric", "network", "to", "n", "photographs", "difference", "diff_low", "diff_high", "verdict"]


def paired_differences(
    outputs_features: Mapping[str, np.ndarray],
    reference: np.ndarray,
    groups: Groups,
    *,
    network: str,
    to: str,
    metrics: Iterable[str] = METRICS,
    pairs: Iterable[tuple[str, str]] | None = None,
    bootstraps: int = 100,
    seed: int = 0,
    reference_groups: Groups | None = None,
) -> pd.DataFrame:
    """Which of two methods is nearer to a reference, for every pair of methods and every metric.

    Args:
        outputs_features: method -> features (N, D) of its version of the same N inputs.
        network, to: what measured and what the reference is, for the columns of these names.
        metrics: of ``frechet``, ``fid``, ``kid``.
        pairs: (a, b) to compare; by default every two methods, in the order given.

    Returns:
        One row a (a, b, metric): columns :data:`COLUMNS`. ``difference`` is d(a) - d(b), its interval of 90 %;
        ``verdict``: a is ``nearer`` or ``farther``, or one ``cannot tell`` (the interval holds 0, or there is none).
    """
    chosen = list(combinations(outputs_features, 2)) if pairs is None else list(pairs)
    index = {name: column for column, name in enumerate(outputs_features)}
    if unknown := {name for pair in chosen for name in pair} - set(index):
        raise ValueError(f"no features of {sorted(unknown)[0]}; there are those of {', '.join(index)}")
    rows = []
    for metric in metrics:
        values, drawn = distances(outputs_features, reference, groups, metric, bootstraps, seed, reference_groups)
        for a, b in chosen:
            i, j = index[a], index[b]
            found = interval_of(values[i] - values[j], drawn[:, i] - drawn[:, j])
            size = (len(groups), len(np.unique(np.asarray(groups))))
            rows.append((a, b, metric, network, to, *size, *found, verdict(*found[1:])))
    return pd.DataFrame(rows, columns=COLUMNS)


def verdict(low: float, high: float) -> str:
    """On which side of 0 the interval of d(a) - d(b) lies: ``nearer``, ``farther`` or ``cannot tell``."""
    return "nearer" if high < 0 else "farther" if low > 0 else "cannot tell"
