"""Reading a distance table: who is nearer, whether that can be told, whether networks agree, and what N does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from wbclib.evaluate import fid, kid


def at(table: pd.DataFrame, method: str, to: str, metric: str, network: str) -> pd.Series:
    """The one row of a method, a reference, a metric and a network."""
    keys = {"method": method, "to": to, "metric": metric, "network": network}
    found = table[np.logical_and.reduce([table[key] == value for key, value in keys.items()])]
    if len(found) != 1:
        raise ValueError(f"{len(found)} rows of the distance table for {keys}")
    return found.iloc[0]


def verdict(table: pd.DataFrame, a: str, b: str, to: str, metric: str, network: str) -> str:
    """Is method ``a`` ``nearer`` to a reference than ``b``, ``farther``, or is it that one ``cannot tell``?

    Two intervals that overlap cannot be told apart. This is stricter than a paired test: the methods share their
    photographs and the reference, which moves both values the same way.
    """
    first, second = at(table, a, to, metric, network), at(table, b, to, metric, network)
    if first["high"] < second["low"]:
        return "nearer"
    return "farther" if first["low"] > second["high"] else "cannot tell"


def verdicts(table: pd.DataFrame, a: str, others: Sequence[str], to: str) -> pd.DataFrame:
    """:func:`verdict` of ``a`` against every other method, by every metric and network, with both values."""
    rows = []
    for network, metric in table[["network", "metric"]].drop_duplicates().itertuples(index=False):
        for b in others:
            values = (at(table, method, to, metric, network)["value"] for method in (a, b))
            rows.append((f"{a} and {b}", to, metric, network, *values, verdict(table, a, b, to, metric, network)))
    return pd.DataFrame(rows, columns=["compared", "to", "metric", "network", a, "other", "verdict"])


def agreement(table: pd.DataFrame) -> pd.DataFrame:
    """Spearman rank correlation of the methods' order between every two ways to measure.

    Returns:
        Columns to, first, second, rank_correlation, methods; a way to measure is "metric, network". 1: the same
        order; with few methods any other value is coarse.
    """
    rows = []
    for to, part in table.groupby("to", sort=True):
        wide = part.pivot(index="method", columns=["metric", "network"], values="value")
        for a, b in combinations(wide.columns, 2):
            rank = float(spearmanr(wide[a], wide[b]).statistic)
            rows.append((to, ", ".join(a), ", ".join(b), rank, len(wide)))
    return pd.DataFrame(rows, columns=["to", "first", "second", "rank_correlation", "methods"])


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
