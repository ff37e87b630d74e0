"""Figures of the control by weights: a measure over the factor of each weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from wbclib.show import figures, tables
from wbclib.show.figures import COLOURS, FULL, MARKERS, Figure
from wbclib.show.multiples import Missing

NO_SWEEPS = Missing("This profile sweeps no weight: give its `ablation` block a `control`.")


def sweeps(
    swept: pd.DataFrame, measures: Sequence[str], *, columns: int = 2, alt: str = "", width: float = FULL
) -> Figure | Missing:
    """A panel a measure, a line a term over the factor of its weight.

    The band: how far two full runs may differ (column by_chance), where there are several.
    """
    if swept.empty:
        return NO_SWEEPS
    terms = list(dict.fromkeys(swept["term"]))
    rows = -(-len(measures) // columns)
    drawn, axes = figures.figure(width, 1.75 * rows + 0.35, rows, columns, squeeze=False, sharex=True)
    for place in axes.flat[len(measures) :]:
        place.set_axis_off()
    for place, measure in zip(axes.flat, measures, strict=False):
        part = swept[swept["measure"] == measure]
        centre = part[part["factor"] == 1].iloc[0]
        chance = part["by_chance"].max()  # of single runs, also where the full run is a mean of several
        if np.isfinite(chance):
            band = (centre["value"] - chance, centre["value"] + chance)
            place.axhspan(*band, color="#dddddd", linewidth=0, zorder=0)
        for number, term in enumerate(terms):
            line = part[part["term"] == term].sort_values("factor")
            at = line["factor"] * 1.04 ** (
                number - (len(terms) - 1) / 2
            )  # side by side, so that bars can be told apart
            errors = [line["value"] - line["low"], line["high"] - line["value"]]
            style = {"fmt": f"{MARKERS[number % len(MARKERS)]}-", "color": COLOURS[number % len(COLOURS)]}
            place.errorbar(at, line["value"], yerr=errors, capsize=1.5, linewidth=1, label=term, **style)
        place.set_xscale("log")
        place.set_title(tables.head(measure))
    for place in axes[-1]:
        place.set_xlabel("factor of the weight")
    handles, labels = axes.flat[0].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside lower center", ncols=min(len(terms), 3 * columns))
    return figures.embed(drawn, alt)


def strips(lines: Mapping[str, Mapping[float, np.ndarray]], photo: np.ndarray, alt: str = "") -> Figure | Missing:
    """Pictures along every sweep: a row a term, a column a factor of its weight; the photograph first.

    Args:
        lines: term -> factor -> uint8 (H, W, 3). Where a term has no run with a factor the place stays empty.
    """
    if not lines:
        return NO_SWEEPS
    factors = sorted({factor for line in lines.values() for factor in line})
    empty = np.full_like(photo, 255)
    grid = [[photo, *(line.get(factor, empty) for factor in factors)] for line in lines.values()]
    return figures.rows(grid, list(lines), ["photograph", *(f"x{factor:g}" for factor in factors)], alt=alt)
