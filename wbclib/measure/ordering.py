"""Reading a distance table: whether ways to measure agree on the order of methods, and what N does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from wbclib.measure import fid, kid

FLOOR = "other cartoons"  # the row of cartoons that training saw, in place of a method's pictures


def agreement(table: pd.DataFrame) -> pd.DataFrame:
    """Spearman rank correlation of the methods' order between every two ways to measure, the floor left out.

    Returns:
        Columns style, to, first, second, rank_correlation, methods; a way to measure is "metric, network". 1: the same
        order; with few methods any other value is coarse.
    """
    rows = []
    for (style, to), part in table[table["method"] != FLOOR].groupby(["style", "to"], sort=False):
        wide = part.pivot(index="method", columns=["metric", "network"], values="value")
        for a, b in combinations(wide.columns, 2):
            rank = float(spearmanr(wide[a], wide[b]).statistic)
            rows.append((style, to, ", ".join(a), ", ".join(b), rank, len(wide)))
    return pd.DataFrame(rows, columns=["style", "to", "first", "second", "rank_correlation", "methods"])


def over_n(
    sets: Mapping[str, np.ndarray], reference: np.ndarray, counts: Sequence[int], repeats: int = 10, seed: int = 0
) -> pd.DataFrame:
    """Both distances of random subsets of N images to N reference images: what a small N does to them.

    Args:
        sets: name -> features (M, D).
        reference: features (R, D).
        counts: the values of N, none above M or R.

    Returns:
        One row a (name, n): name, n, frechet, frechet_low, frechet_high, kid, kid_low, kid_high: means over the
        repeats and their extremes.
    """
    rows = []
    for name, features in sets.items():
        for n in counts:
            random = np.random.default_rng([seed, n])
            values = [_pair(features, reference, n, random) for _ in range(repeats)]
            by_metric = np.array(values).T
            rows.append((name, n, *(float(f(v)) for v in by_metric for f in (np.mean, np.min, np.max))))
    columns = [f"{metric}{end}" for metric in ("frechet", "kid") for end in ("", "_low", "_high")]
    return pd.DataFrame(rows, columns=["name", "n", *columns])


def _pair(a: np.ndarray, b: np.ndarray, n: int, random: np.random.Generator) -> tuple[float, float]:
    first, second = (x[random.choice(len(x), n, replace=False)] for x in (a, b))
    return fid.frechet(first, second), kid.mmd2(first, second)
