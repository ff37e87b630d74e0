"""Pictures of filters: families of curves, and one edge before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.ticker import NullFormatter, ScalarFormatter

from wbclib.report.figures import COLOURS, COLUMN, FULL, MARKERS, Figure, embed, figure

DASHES = ("-", "--", "-.", ":")


def families(
    frame: pd.DataFrame,
    x: str,
    ys: Mapping[str, str],
    group: str,
    *,
    xlabel: str = "",
    title: str = "",
    log_x: bool = False,
    log_y: bool = False,
    same: bool = False,
    alt: str = "",
    width: float | None = None,
    height: float = 2.4,
) -> Figure:
    """One panel an entry of ``ys`` (column: axis label), one curve a value of column ``group``, over column ``x``.

    ``same`` gives all panels one vertical axis.
    """
    width = width or (COLUMN if len(ys) == 1 else FULL)
    drawn, axes = figure(width, height, 1, len(ys), squeeze=False, sharey=same)
    for place, (column, ylabel) in zip(axes.flat, ys.items(), strict=True):
        for k, (label, part) in enumerate(frame.groupby(group, sort=False)):
            style = {"color": COLOURS[k % len(COLOURS)], "marker": MARKERS[k % len(MARKERS)]}
            place.plot(part[x], part[column], linestyle=DASHES[k % len(DASHES)], label=str(label), **style)
        place.set(xlabel=xlabel or x, ylabel=ylabel)
        if log_x:
            powers = bool((np.log2(frame[x]) % 1 == 0).all())
            place.set_xscale("log", base=2 if powers else 10)
            place.xaxis.set_minor_formatter(NullFormatter())
            if powers:
                place.xaxis.set_major_formatter(ScalarFormatter())
        if log_y:
            place.set_yscale("log")
    axes.flat[0].legend(title=group, title_fontsize=7)
    drawn.suptitle(title, fontsize=8)
    return embed(drawn, alt or title or f"{', '.join(ys.values())} over {xlabel or x}, by {group}")


def edge(frame: pd.DataFrame, filters: Sequence[str], within: float = 20.0, alt: str = "") -> Figure:
    """Three panels of one edge: smoothed, detail layer, enhanced.

    Args:
        frame: columns x, input, and ``<filter> smooth``, ``<filter> detail``, ``<filter> enhanced`` in grey levels.
        filters: names in ``frame``.
        within: pixels shown on either side of the edge.
    """
    near = frame[frame["x"].abs() <= within]
    drawn, axes = figure(FULL, 2.4, 1, 3)
    for place, kind in zip(axes, ("smooth", "detail", "enhanced"), strict=True):
        if kind != "detail":
            place.plot(near["x"], near["input"], color="#777777", linewidth=1.0, label="input")
        for k, name in enumerate(filters):
            style = {"color": COLOURS[k], "linestyle": DASHES[k], "marker": MARKERS[k], "markersize": 2.5}
            place.plot(near["x"], near[f"{name} {kind}"], label=name, **style)
        place.set(title=kind, xlabel="pixels from the edge")
    axes[0].set_ylabel("grey levels")
    axes[0].legend()
    return embed(drawn, alt or f"an edge smoothed, its detail layer, and enhanced, by {', '.join(filters)}")


def maps(images: Sequence[np.ndarray], titles: Sequence[str], label: str, alt: str = "") -> Figure:
    """Maps of numbers in [0, 1] (H, W) side by side, with one scale."""
    ratio = max(image.shape[0] / image.shape[1] for image in images)
    drawn, axes = figure(FULL, ratio * (FULL - 0.6) / len(images) + 0.25, 1, len(images), squeeze=False)
    for place, image, title in zip(axes.flat, images, titles, strict=True):
        shown = place.imshow(image, cmap="cividis", vmin=0, vmax=1)
        place.set_title(title, pad=3)
        place.set_axis_off()
    drawn.colorbar(shown, ax=list(axes.flat), shrink=0.8, pad=0.01).set_label(label)
    return embed(drawn, alt or f"maps of {label}: {', '.join(titles)}")
