"""Runs that differ from one run in one thing: what was changed, and what difference it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd

from wbclib.measure.effect import effect
from wbclib.options import SAVING, RunConfig
from wbclib.profiles import Profile
from wbclib.studies.common.history import flat


def variants(profile: Profile, base: str) -> list[str]:
    """Runs of a profile whose name begins with ``base-``, but for those that other runs start from."""
    starts = {config.init for config in profile.runs.values()}
    return [name for name in profile.runs if name.startswith(f"{base}-") and name not in starts]


def changed(base: RunConfig, other: RunConfig) -> str:
    """Every option in which a run differs, as "name: value -> value"; "nothing" where there is none."""
    before, after = flat(asdict(base)), flat(asdict(other))
    names = [name for name in before if before[name] != after[name] and name not in SAVING]
    return "; ".join(f"{name}: {_word(before[name])} -> {_word(after[name])}" for name in names) or "nothing"


def _word(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value) or "none"


def measure_versions(
    outputs: Mapping[str, np.ndarray],
    photos: np.ndarray,
    groups: Sequence[str] | np.ndarray,
    base: str,
    change: Mapping[str, str],
    measures: Sequence[str] = (),
) -> pd.DataFrame:
    """Every measure of every run with its interval, and its paired difference from one of the runs.

    Args:
        outputs: run -> uint8 (N, H, W, 3), made from ``photos``.
        photos: uint8 (N, H, W, 3).
        groups: photograph that each crop was cut from; what is resampled.
        base: the run that the others are compared with.
        change: run -> what was changed.
        measures: of :data:`wbclib.measure.effect.UNITS`; all of them by default.

    Returns:
        run, changed, seeds, measure, value, low, high, difference, diff_low, diff_high, unit, n, photographs; the
        differences of ``base`` itself are missing. Intervals are of 90 %, over photographs and not over seeds.
    """
    found = effect(outputs, photos, groups, against=outputs[base]).rename(columns={"method": "run"})
    found = found[found["measure"].isin(measures)] if measures else found
    found = found.assign(changed=found["run"].map(change).fillna(""), seeds=1)
    found.loc[found["run"] == base, ["difference", "diff_low", "diff_high"]] = float("nan")
    first = ["run", "changed", "seeds", "measure", "value", "low", "high", "difference", "diff_low", "diff_high"]
    return found[[*first, "unit", "n", "photographs"]].reset_index(drop=True)


def sentence(found: pd.DataFrame, run: str) -> str:
    """What a change clearly did, measure by measure; "cannot tell" where no interval of a difference excludes 0."""
    rows = found[found["run"] == run]
    clear = rows[(rows["diff_low"] > 0) | (rows["diff_high"] < 0)]
    parts = [
        f"{row['measure'].replace('_', ' ')} {'higher' if row['difference'] > 0 else 'lower'} by "
        f"{abs(row['difference']):.3g} [{row['diff_low']:+.3g}, {row['diff_high']:+.3g}]"
        for row in clear.to_dict("records")
    ]
    rest = len(rows) - len(clear)
    if not parts:
        return f"cannot tell: none of {len(rows)} measures is clearly changed"
    return ", ".join(parts) + (f"; {rest} more cannot be told" if rest else "")


def wide(found: pd.DataFrame) -> pd.DataFrame:
    """:func:`measure_versions` for readers: a row a run, a column a measure, "value (difference [low, high])"."""
    columns = (found[name] for name in ("value", "difference", "diff_low", "diff_high"))
    text = [f"{value:.3g}" + _difference(*rest) for value, *rest in zip(*columns, strict=True)]
    long = found[["run", "measure"]].assign(text=text)
    order = list(dict.fromkeys(found["measure"]))
    lines = long.pivot(index="run", columns="measure", values="text").loc[list(dict.fromkeys(found["run"])), order]
    return lines.rename_axis(None, axis=1).reset_index()


def _difference(difference: float, low: float, high: float) -> str:
    return "" if np.isnan(difference) else f" ({difference:+.2g} [{low:+.2g}, {high:+.2g}])"
