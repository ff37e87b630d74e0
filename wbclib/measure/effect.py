"""What a method does to photographs, in numbers with intervals, and the control of sharpness.

Crops of one photograph resemble each other, so an interval over crops as if they were independent would be too
narrow. Here photographs are resampled, each with all of its crops (cluster bootstrap, Davison & Hinkley 1997, 3.8).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from wbclib.measure.content import describe
from wbclib.measure.intervals import Interval

UNITS = {
    "gradient_inside_regions": "grey levels per pixel",
    "number_of_colours": "cells of a 16 x 16 x 16 grid",
    "edge_strength": "grey levels per pixel",
    "line_density": "share of pixels",
    "high_frequency_energy": "grey levels",
    "colour_shift": "CIEDE2000",
    "edge_agreement": "correlation",
    "flat_to_edge": "gradient inside regions over edge strength",
}


def clustered_interval(
    values: np.ndarray, groups: Sequence[str] | np.ndarray, level: float = 0.90, resamples: int = 9999, seed: int = 0
) -> Interval:
    """(mean, low, high) of values that belong to groups, the groups being what is independent.

    With one value a group this is the percentile bootstrap of the mean. One group alone has no interval: NaN.
    """
    data, labels = np.asarray(values, np.float64), np.asarray(groups)
    if data.ndim != 1 or data.size == 0 or data.shape != labels.shape or not np.isfinite(data).all():
        raise ValueError(f"expected finite values and as many groups, got {data.shape} and {labels.shape}")
    names, index = np.unique(labels, return_inverse=True)
    if len(names) < 2:
        return float(data.mean()), float("nan"), float("nan")
    sums, counts = np.bincount(index, data), np.bincount(index)
    draws = np.random.default_rng(seed).integers(0, len(names), (resamples, len(names)))
    low, high = np.quantile(sums[draws].sum(1) / counts[draws].sum(1), [(1 - level) / 2, (1 + level) / 2])
    return float(data.mean()), float(low), float(high)


def effect(
    outputs: Mapping[str, np.ndarray],
    photos: np.ndarray,
    groups: Sequence[str] | np.ndarray,
    against: np.ndarray | None = None,
) -> pd.DataFrame:
    """Every measure of :mod:`wbclib.measure.content` for every method, and its difference from the photograph.

    Args:
        outputs: method -> uint8 (N, H, W, 3); the photographs themselves may be among them.
        photos: uint8 (N, H, W, 3), what the outputs were made from.
        groups: photograph that each crop was cut from.
        against: what differences are taken from in place of the photographs: a method's output, uint8 (N, H, W, 3).

    Returns:
        One row a (method, measure): method, measure, unit, value, low, high, difference, diff_low, diff_high, n,
        photographs. Intervals are of 90 %; differences are paired (method minus photograph or ``against``,
        crop by crop).
    """
    base = measured(photos if against is None else against, photos)
    rows = []
    for method, pictures in outputs.items():
        found = measured(pictures, photos)
        for measure, unit in UNITS.items():
            value, low, high = clustered_interval(found[measure].to_numpy(), groups)
            paired = clustered_interval((found[measure] - base[measure]).to_numpy(), groups)
            rows.append((method, measure, unit, value, low, high, *paired, len(photos), len(np.unique(groups))))
    columns = ["method", "measure", "unit", "value", "low", "high", "difference", "diff_low", "diff_high", "n"]
    return pd.DataFrame(rows, columns=[*columns, "photographs"])


def measured(pictures: np.ndarray, photos: np.ndarray) -> pd.DataFrame:
    """:func:`wbclib.measure.content.describe` with the quotient that tells flattening from blur."""
    found = describe(list(pictures), list(photos))
    strength = found["edge_strength"].to_numpy()
    flat = found["gradient_inside_regions"].to_numpy()
    return found.assign(flat_to_edge=np.divide(flat, strength, out=np.zeros_like(flat), where=strength > 0))


def relative(table: pd.DataFrame, method: str, measure: str) -> float:
    """Change of a measure against the photograph, as a share of the photograph's value."""
    row = at(table, method, measure)
    base = row["value"] - row["difference"]
    return float(row["difference"] / base) if base else float("nan")


def verdict(table: pd.DataFrame, method: str, measure: str) -> str:
    """``lower``, ``higher`` or ``cannot tell``: on which side of 0 the interval of the difference lies."""
    row = at(table, method, measure)
    return "lower" if row["diff_high"] < 0 else "higher" if row["diff_low"] > 0 else "cannot tell"


def kind_of_change(table: pd.DataFrame, method: str) -> str:
    """Flattened, softened or neither, in words: from the verdicts on flatness, edges and their quotient."""
    flat, edges, quotient = (
        verdict(table, method, name) for name in ("gradient_inside_regions", "edge_strength", "flat_to_edge")
    )
    if flat == "lower" and quotient == "lower":
        return "areas were flattened more than edges were weakened"
    if flat == "lower" and edges == "lower":
        return "edges were weakened as much as areas were flattened, which is blur rather than a cartoon"
    if flat == "lower":
        return "areas were flattened, but whether more than edges were weakened cannot be told"
    return "areas were not clearly flattened"


def phrase(table: pd.DataFrame, method: str, measure: str) -> str:
    """The change of a measure as part of a sentence, with its interval; the verdict is computed."""
    row, name = at(table, method, measure), measure.replace("_", " ")
    base = row["value"] - row["difference"]
    spread = f"change {row['diff_low']:+.3g} to {row['diff_high']:+.3g}"
    values = f"{base:.3g} in the photographs, {row['value']:.3g} after, {spread}"
    if verdict(table, method, measure) == "cannot tell":
        return f"{name} is not clearly changed ({values})"
    return f"{name} is {abs(relative(table, method, measure)):.0%} {verdict(table, method, measure)} ({values})"


def at(table: pd.DataFrame, method: str, measure: str) -> pd.Series:
    """The one row of a method and a measure."""
    return table[(table["method"] == method) & (table["measure"] == measure)].iloc[0]
