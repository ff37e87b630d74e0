"""Does a change make a difference? Several seeds, each with and without it.

A seed gives a run and its changed twin the same discriminators, batches and colour shifts; what they share cancels in
their difference. All of them start from one initialisation: what another one would change is in no interval.
Differences of seeds are few numbers: their interval is Student's, which with three seeds is 2.9 standard errors wide
either way, and with one there is none.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from wbclib.measure.intervals import Interval

COLUMNS = ["run", "seeds", "measure", "value", "low", "high", "difference", "diff_low", "diff_high", "effect_size"]


def student(values: np.ndarray, level: float = 0.90) -> Interval:
    """(mean, low, high) of independent values of about normal spread; one alone has no interval: NaN.

    Raises:
        ValueError: no values, more than one dimension, or a value that is not finite.
    """
    data = np.asarray(values, np.float64)
    if data.ndim != 1 or data.size == 0 or not np.isfinite(data).all():
        raise ValueError(f"expected a list of finite numbers, got {data}")
    mean = float(data.mean())
    if data.size == 1:
        return mean, float("nan"), float("nan")
    half = float(stats.t.ppf((1 + level) / 2, data.size - 1) * data.std(ddof=1) / np.sqrt(data.size))
    return mean, mean - half, mean + half


def compare_over_seeds(values: pd.DataFrame, base: str) -> pd.DataFrame:
    """Every measure of every run over the seeds, and its difference from one of the runs, paired by seed.

    Args:
        values: run, seed, measure, value; every run with every seed of ``base``.
        base: the run that the others are compared with.

    Returns:
        Columns :data:`COLUMNS`; intervals of 90 % over seeds. ``effect_size``: the difference over the standard
        deviation of ``base`` and the run between seeds, pooled (Cohen's d). Differences of ``base`` are missing.
    """
    rows = []
    for measure, part in values.groupby("measure", sort=False):
        by_run = part.pivot(index="seed", columns="run", values="value")
        if by_run.isna().to_numpy().any():
            raise ValueError(f"{measure}: a run lacks a seed that another one has")
        for run in dict.fromkeys(part["run"]):
            own, other = by_run[run].to_numpy(), by_run[base].to_numpy()
            spread = float(np.sqrt((own.var(ddof=1) + other.var(ddof=1)) / 2)) if len(own) > 1 else float("nan")
            difference = student(own - other) if run != base else (float("nan"),) * 3
            size = difference[0] / spread if spread > 0 else float("nan")
            rows.append((run, len(own), measure, *student(own), *difference, size))
    order = {run: place for place, run in enumerate(dict.fromkeys(values["run"]))}
    found = pd.DataFrame(rows, columns=COLUMNS)
    return found.sort_values("run", key=lambda names: names.map(order), kind="stable").reset_index(drop=True)


def noise(values: np.ndarray, level: float = 0.90) -> float:
    """How far two runs may differ by chance, from at least two runs that differ in their seed alone.

    The half width of Student's interval for the difference of two such runs: spread * sqrt(2) * t.
    """
    data = np.asarray(values, np.float64)
    if data.ndim != 1 or data.size < 2 or not np.isfinite(data).all():
        raise ValueError(f"expected finite values of at least two runs, got {data}")
    return float(stats.t.ppf((1 + level) / 2, data.size - 1) * np.sqrt(2) * data.std(ddof=1))
