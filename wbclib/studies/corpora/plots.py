"""Corpora side by side: one small panel a measure, one dot with its interval a corpus."""

from __future__ import annotations

import textwrap

import pandas as pd

from wbclib.show.figures import COLOURS, FULL, MARKERS, Figure, embed, figure


def intervals(frame: pd.DataFrame, columns: int = 3, alt: str = "", width: float = FULL) -> Figure:
    """Means with intervals: columns measure, corpus, value, low, high; a panel a measure, each with its own axis.

    Args:
        columns: panels side by side.
    """
    measures = list(dict.fromkeys(frame["measure"]))
    names = list(dict.fromkeys(frame["corpus"]))
    count = -(-len(measures) // columns)
    drawn, axes = figure(width, count * (0.65 + 0.2 * len(names)), count, columns, squeeze=False, sharey=True)
    for place, measure in zip(axes.flat, measures, strict=False):
        part = frame[frame["measure"] == measure]
        for row in part.to_dict("records"):
            k = names.index(row["corpus"])
            style = {"color": COLOURS[k % len(COLOURS)], "marker": MARKERS[k % len(MARKERS)], "capsize": 2}
            error = [[row["value"] - row["low"]], [row["high"] - row["value"]]]
            place.errorbar(row["value"], k, xerr=error, linestyle="none", **style)
        place.set(
            title=textwrap.fill(measure, 28), yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.4, -0.6)
        )
        place.locator_params(axis="x", nbins=4)
    for place in axes.flat[len(measures) :]:
        place.set_visible(False)
    return embed(drawn, alt or f"means with intervals of {', '.join(measures)} for {', '.join(names)}")
