"""Pictures of the speed study: ratios of the bench, and the roofline of a training step."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from wbclib.show import figures
from wbclib.show.figures import COLOURS, FULL, MARKERS, Figure


def ratios(frame: pd.DataFrame, alt: str = "") -> Figure:
    """A bar a row of the bench, logarithmic: how many times faster than ``other_is`` (names as they are)."""
    drawn, axes = figures.figure(FULL, 0.5 + 0.3 * len(frame))
    place = np.arange(len(frame))[::-1]
    colours = [COLOURS[0] if ratio >= 1 else COLOURS[1] for ratio in frame["ratio"]]
    axes.barh(place, frame["ratio"] - 1, left=1, color=colours)
    for y, ratio in zip(place, frame["ratio"].to_numpy(float), strict=True):
        axes.annotate(f" {ratio:.3g}", (max(ratio, 1.0), y), va="center", fontsize=7)
    axes.set_yticks(place, frame["name"])
    axes.axvline(1, color="#333333", linewidth=0.9)
    axes.set(xscale="log", xlabel="ratio (right of 1: ours is faster)")
    axes.margins(x=0.12)
    return figures.embed(drawn, alt)


def roofline(frame: pd.DataFrame, peaks: Mapping[str, float], alt: str = "") -> Figure:
    """Parts of a step under the machine's roof: operations a second over operations a byte, both logarithmic."""
    shown = frame[frame["gflop"] > 0]
    drawn, axes = figures.figure(FULL, 3.0)
    low, high = 0.3 * shown["intensity"].min(), 4 * shown["intensity"].max()
    x = np.geomspace(min(low, 0.3 * peaks["operations"] / peaks["bytes"]), high, 200)
    axes.plot(x, np.minimum(peaks["bytes"] * x, peaks["operations"]) / 1e9, color="#333333", label="this machine")
    for (_, row), marker, colour in zip(shown.iterrows(), MARKERS, COLOURS, strict=False):
        axes.plot(row["intensity"], row["gflop"] / row["ms"] * 1e3, marker, color=colour, label=row["part"])
    axes.set(xscale="log", yscale="log", xlabel="operations a byte", ylabel="Gflop/s")
    drawn.legend(loc="outside right upper")  # a point may lie anywhere
    return figures.embed(drawn, alt)
