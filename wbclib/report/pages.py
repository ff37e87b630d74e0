"""Long tables as a page prints them: a row a run, a term or a claim, each number with its interval in one cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from wbclib.measure.verdicts import CONTRADICTED, OPEN, SUPPORTED
from wbclib.show.tables import interval
from wbclib.variants import FULL

READ = "Full: value; others: difference from it. Bold: can be told from chance, nothing more."  # for captions


def ablation(found: pd.DataFrame, measures: Sequence[str]) -> tuple[pd.DataFrame, dict[str, list[int]]]:
    """The table of :func:`grid.measure_variants`, and which cells may be bold: differences that can be told.

    Returns:
        A row a variant, a column a measure: of the full run its value, of the others their difference from it, each
        with its interval; and column -> numbers of rows.
    """
    bold: dict[str, list[int]] = {}
    lines = []
    for place, (run, part) in enumerate(found.groupby("run", sort=False)):
        line = {"run": "full, value" if run == FULL else str(run)}
        for measure, row in part.set_index("measure").loc[list(measures)].iterrows():
            if run == FULL:
                line[str(measure)] = _cell(row["value"], row["low"], row["high"])
            else:
                line[str(measure)] = _cell(row["difference"], row["diff_low"], row["diff_high"], digits=2, sign="+")
            if row["verdict"] in ("higher", "lower"):
                bold.setdefault(str(measure), []).append(place)
        lines.append(line)
    return pd.DataFrame(lines, columns=["run", *measures]), bold


def worked(found: pd.DataFrame, measure: str) -> str:
    """One row of the ablation's table in words: that of the version which changes a measure most."""
    rows = {str(row["run"]): row for row in found[found["measure"] == measure].to_dict("records")}
    full, others = rows[FULL], {run: row for run, row in rows.items() if not run.startswith(FULL)}
    run = max(others, key=lambda run: abs(float(others[run]["difference"])))
    row, name = others[run], measure.replace("_", " ")
    apart = _cell(row["difference"], row["diff_low"], row["diff_high"], sign="+")
    words = [
        f"*{run}*: {name} is {row['value']:.3g} in place of {full['value']:.3g}, a difference of {apart}, over "
        f"{row['n']:.0f} {row['over']}."
    ]
    if np.isfinite(row["share"]):
        words.append(f"That is {abs(row['share']):.0%} of what the full run changes in a photograph (*share*).")
    if np.isfinite(row["effect_size"]):
        words.append(f"It is {abs(row['effect_size']):.1f} times the spread between seeds (*effect size*).")
    if np.isfinite(row["by_chance"]):
        words.append(f"Equal runs, with other seeds, may differ by {row['by_chance']:.3g} (*by chance*).")
    return " ".join([*words, f"Verdict: {row['verdict']}."])


def follows(outcome: pd.DataFrame) -> pd.DataFrame:
    """The table of :func:`wbclib.studies.control.knobs.follows`: one column for the change, one for the weights."""
    rows = outcome.to_dict("records")
    shown = outcome[["term"]].assign(
        weight=[f"x{row['lowest']:g} to x{row['highest']:g}" for row in rows],
        measure=outcome["measure"].str.replace("_", " "),
        expected=outcome["expected"],
        change=[_cell(row["change"], row["low"], row["high"], sign="+") for row in rows],
    )
    return shown.join(outcome[["tau", "outcome", "monotonic"]])


def claims(found: pd.DataFrame) -> pd.DataFrame:
    """The table of :func:`claims.judge_claims`, as wide as a page: claim, verdict, effect, n, corrected p."""
    rows = found.to_dict("records")
    return found[["claim", "verdict"]].assign(
        effect=[_cell(row["effect"], row["low"], row["high"]) for row in rows],
        n=[f"{row['n']} {row['unit']}" if row["n"] else "–" for row in rows],
        p=[f"{row['corrected']:.2g}" if row["n"] and np.isfinite(row["corrected"]) else "–" for row in rows],
    )


def findings(found: pd.DataFrame, file: str) -> str:
    """Which claims are supported and contradicted, and what is missing of the others, in Markdown.

    Args:
        found: :func:`wbclib.report.claims.judge_claims`.
        file: where that table stands, for a link.
    """
    lines = [
        f"- **{row['verdict'].capitalize()}**: {row['claim']} ({row['source']}). {row['measure'][:1].upper()}"
        f"{row['measure'][1:]}: {interval(row['effect'], row['low'], row['high'])}, over {row['n']} {row['unit']}."
        for verdict in (SUPPORTED, CONTRADICTED)
        for row in found[found["verdict"] == verdict].to_dict("records")
    ]
    left = found[found["verdict"] == OPEN]
    why = ", ".join(f"{count} ({reason})" for reason, count in left["why_not"].value_counts().items())
    if len(left):
        lines.append(f"- **Cannot tell**: {len(left)} of {len(found)} claims: {why}.")
    about = f"90 % intervals; every claim with its measures and what is missing: [claims.csv]({file})."
    return "\n".join([*lines, "", about])


def _cell(value: float, low: float, high: float, digits: int = 3, sign: str = "") -> str:
    """``value [low, high]``, rounded; the value alone where it has no interval, a dash where there is none."""
    if np.isnan(value):
        return "–"
    value, low, high = (float(f"{x:.{digits}g}") for x in (value, low, high))
    return f"{value:{sign}g}" + ("" if not np.isfinite(low) else f" [{low:{sign}g}, {high:{sign}g}]")
