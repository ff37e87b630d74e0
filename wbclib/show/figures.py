"""Figures in one style: readable at column width, safe for colour-blind readers, with a text alternative.

Every function returns a :class:`Figure`. As the last expression of a notebook cell it shows itself once,
with its title as the alternative text; nothing is registered with pyplot, so nothing has to be closed.
Importing this module sets the style.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure as BaseFigure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from wbclib import paths
from wbclib.files import UserError, atomic

COLUMN, FULL = 3.3, 7.0  # inches: one column, the whole width of a page
# Okabe and Ito (2008): eight colours that colour-blind readers can tell apart; yellow is left out (pale on white).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = "osD^vP*"
DASHES = ("-", "--", "-.", ":")
STYLE: dict[Any, Any] = {
    "figure.dpi": 150,
    "savefig.dpi": 200,
    "figure.constrained_layout.use": True,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: the same picture everywhere
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.4,
    "lines.markersize": 4,
    "axes.prop_cycle": cycler(color=list(COLOURS)),
    "svg.fonttype": "none",
    "svg.hashsalt": "wbclib",  # equal figures give equal files
}
matplotlib.rcParams.update(STYLE)


class Figure(BaseFigure):
    """A matplotlib figure that knows what it shows.

    Attributes:
        alt: one sentence for those who cannot see it; the titles where none was given.
    """

    alt: str = ""

    def text_alternative(self) -> str:
        """``alt``, or the figure's and its axes' titles."""
        titles = [self.get_suptitle(), *(axes.get_title() for axes in self.axes)]
        return self.alt or "; ".join(dict.fromkeys(title for title in titles if title)) or "figure"

    def png(self) -> bytes:
        """The figure as PNG."""
        stream = io.BytesIO()
        self.savefig(stream, format="png", dpi=STYLE["figure.dpi"], facecolor="white", metadata={"Software": None})
        return stream.getvalue()

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        alt = self.text_alternative()
        data = {"image/png": base64.b64encode(self.png()).decode("ascii"), "text/plain": alt}
        return data, {"image/png": {"alt": alt}}


def figure(
    width: float = FULL, height: float = 2.4, rows: int = 1, columns: int = 1, **words: Any
) -> tuple[Figure, Any]:
    """A figure (sizes in inches) and its axes: one, or an array of (rows, columns) with length-1 sides dropped."""
    drawn = Figure(figsize=(width, height))
    return drawn, drawn.subplots(rows, columns, **words)


def embed(drawn: BaseFigure, alt: str = "") -> Figure:
    """A figure with a text alternative, ready to be the last expression of a cell."""
    if not isinstance(drawn, Figure):
        raise UserError("make the figure with wbclib.show.figures.figure, then embed it")
    drawn.alt = alt or drawn.alt
    return drawn


def _picture(axes: Axes, image: np.ndarray | None, title: str = "") -> None:
    axes.set_axis_off()
    if image is not None:
        small = image.ndim == 2 or min(image.shape[:2]) < 64
        axes.imshow(
            image, cmap="gray" if image.ndim == 2 else None, interpolation="nearest" if small else "antialiased"
        )
    if title:
        axes.set_title(title, pad=3)


def strip(
    images: Sequence[np.ndarray],
    titles: Sequence[str] = (),
    columns: int | None = None,
    alt: str = "",
    width: float = FULL,
) -> Figure:
    """Pictures side by side, ``columns`` in a row, each with its title.

    Args:
        images: uint8 (H, W, 3), or (H, W) shown in grey.
        titles: one a picture, or none at all.
    """
    if not len(images) or (len(titles) and len(titles) != len(images)):
        raise UserError(f"strip: {len(images)} images with {len(titles)} titles; give images, and one title each")
    columns = min(columns or len(images), len(images))
    grid = [list(images[i : i + columns]) for i in range(0, len(images), columns)]
    names = [list(titles[i : i + columns]) for i in range(0, len(titles), columns)]
    return _grid(grid, names, alt=alt, width=width)


def _grid(grid: Sequence[Sequence[np.ndarray]], titles: Sequence[Sequence[str]], alt: str, width: float) -> Figure:
    columns = max(map(len, grid))
    ratios = [max(image.shape[0] / image.shape[1] for image in line) for line in grid]
    heights = [ratio * width / columns + (0.22 if i < len(titles) else 0.0) for i, ratio in enumerate(ratios)]
    drawn, axes = figure(width, sum(heights), len(grid), columns, squeeze=False, height_ratios=heights)
    drawn.get_layout_engine().set(w_pad=0.01, h_pad=0.03, wspace=0.01, hspace=0.01)  # type: ignore[union-attr, call-arg]
    for i, line in enumerate(axes):
        for j, place in enumerate(line):
            image = grid[i][j] if j < len(grid[i]) else None
            _picture(place, image, titles[i][j] if i < len(titles) and j < len(titles[i]) else "")
    return embed(drawn, alt)


def rows(
    images: Sequence[Sequence[np.ndarray]],
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
    alt: str = "",
    width: float = FULL,
) -> Figure:
    """A grid of pictures: ``images[row][column]``, labels on the left and on top."""
    drawn = _grid(images, [list(column_labels)] if len(column_labels) else [], alt=alt, width=width)
    columns = max(map(len, images))
    for axes, label in zip(drawn.axes[::columns], row_labels, strict=True) if len(row_labels) else ():
        axes.text(-0.03, 0.5, label, transform=axes.transAxes, rotation=90, ha="right", va="center", fontsize=8)
    if not alt:
        drawn.alt = "; ".join([*row_labels, *column_labels])
    return drawn


def _finish(drawn: Figure, axes: Axes, xlabel: str, ylabel: str, title: str, alt: str) -> Figure:
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if len(axes.get_legend_handles_labels()[1]) > 1:
        axes.legend()
    return embed(drawn, alt or title or f"{ylabel} over {xlabel}")


def curves(
    frame: pd.DataFrame,
    x: str,
    ys: Iterable[str],
    *,
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
    labels: Mapping[str, str] | None = None,
    band: Mapping[str, tuple[str, str]] | None = None,
    log_x: bool = False,
    log_y: bool = False,
    smooth: int = 1,
    alt: str = "",
    width: float = COLUMN,
    height: float = 2.3,
) -> Figure:
    """Columns ``ys`` over column ``x``; ``band[y] = (low, high)`` shades, ``smooth`` is a running mean in rows."""
    drawn, axes = figure(width, height)
    for y, marker in zip(ys, MARKERS * 9, strict=False):
        values = frame[y].rolling(smooth, min_periods=1).mean()
        shown = marker if len(frame) <= 25 else None
        (line,) = axes.plot(frame[x], values, marker=shown, label=(labels or {}).get(y, y))
        if band and y in band:
            axes.fill_between(frame[x], *(frame[c] for c in band[y]), color=line.get_color(), alpha=0.2, linewidth=0)
    if log_x:
        axes.set_xscale("log")
    if log_y:
        axes.set_yscale("log")
    return _finish(drawn, axes, xlabel or x, ylabel or "value", title, alt)


def bars(
    frame: pd.DataFrame,
    x: str,
    y: str,
    *,
    low: str = "",
    high: str = "",
    xlabel: str = "",
    title: str = "",
    alt: str = "",
    width: float = COLUMN,
) -> Figure:
    """Horizontal bars of column ``y`` named by column ``x``; ``low`` and ``high`` name the interval's columns."""
    drawn, axes = figure(width, 0.55 + 0.26 * len(frame))
    errors = [frame[y] - frame[low], frame[high] - frame[y]] if low and high else None
    axes.barh(frame[x].astype(str), frame[y], xerr=errors, height=0.65, color=COLOURS[0], ecolor="#333333", capsize=2)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    return _finish(drawn, axes, xlabel or y, "", title, alt or title or f"{y} by {x}")


def scatter(
    frame: pd.DataFrame,
    x: str,
    y: str,
    *,
    group: str = "",
    name: str = "",
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
    alt: str = "",
    width: float = COLUMN,
    height: float = 2.6,
) -> Figure:
    """Points; column ``group`` gives colour and marker, column ``name`` is written beside each point."""
    drawn, axes = figure(width, height)
    groups = frame.groupby(group, sort=False) if group else [("", frame)]
    for (label, part), marker in zip(groups, MARKERS * 9, strict=False):
        axes.scatter(part[x], part[y], s=18, marker=marker, label=str(label) or None)
    for row in frame.to_dict("records") if name else ():
        axes.annotate(str(row[name]), (row[x], row[y]), xytext=(3, 3), textcoords="offset points", fontsize=6.5)
    return _finish(drawn, axes, xlabel or x, ylabel or y, title, alt)


def histograms(
    values: Mapping[str, Any],
    *,
    bins: int = 50,
    limits: tuple[float, float] | None = None,
    xlabel: str = "value",
    ylabel: str = "density",
    title: str = "",
    alt: str = "",
    width: float = COLUMN,
    height: float = 2.3,
) -> Figure:
    """Densities of several samples over one set of bins."""
    drawn, axes = figure(width, height)
    arrays = {name: np.asarray(sample, dtype=float).ravel() for name, sample in values.items()}
    edges = np.histogram_bin_edges(np.concatenate(list(arrays.values())), bins=bins, range=limits)
    for style, (name, sample) in zip(("-", "--", "-.", ":") * 9, arrays.items(), strict=False):
        heights, _ = np.histogram(sample, bins=edges, density=True)
        axes.stairs(heights, edges, label=name, linestyle=style, linewidth=1.4)
    return _finish(drawn, axes, xlabel, ylabel, title, alt)


def save(drawn: Figure, name: str, profile: str) -> Figure:
    """Write ``reports/<profile>/figures/<name>`` as .png, .svg and .pdf, each atomically, and return the figure."""
    folder = paths.report(profile, "figures")
    with atomic(folder / f"{name}.png") as temporary:
        drawn.savefig(temporary, format="png", facecolor="white", metadata={"Software": None})
    with atomic(folder / f"{name}.svg") as temporary:
        drawn.savefig(temporary, format="svg", facecolor="white", metadata={"Date": None, "Creator": None})
    with atomic(folder / f"{name}.pdf") as temporary:
        drawn.savefig(temporary, format="pdf", facecolor="white", metadata={"CreationDate": None, "Creator": None})
    return drawn


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
