"""Figures of runs and comparisons: small multiples of curves and intervals, maps laid over pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from wbclib.show import figures, tables
from wbclib.show.figures import COLOURS, FULL, MARKERS, Figure

Cell = np.ndarray | tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Missing:
    """A sentence in the place of a picture that cannot be made here; a notebook goes on."""

    text: str

    def _repr_markdown_(self) -> str:
        return f"*{self.text}*"


NO_METRICS = Missing("No curve: this run's folder holds no metrics.jsonl (the run was trained elsewhere).")
NO_SAMPLES = Missing("No picture over time: this run's folder holds no samples (its weights came from elsewhere).")
NO_TRAIL = Missing(
    "The runs of this profile's ablation have kept no generators on their way (`trail_every`), or left them where they "
    "were trained."
)
NO_DISCRIMINATORS = Missing(
    "The discriminators of this run are not here: only its generator came back from where it was trained. "
    "Unpack its last checkpoint to see what they see."
)
NO_RELEASED = Missing("The authors' released weights are not here: `wbclib/networks/official.py` says what goes where.")
NO_PAIRS = Missing("No pairs of photographs and official outputs are here, or not the weights to compare them with.")


def panels(
    frame: pd.DataFrame,
    x: str,
    ys: Mapping[str, str],
    *,
    columns: int = 3,
    smooth: int = 1,
    log_y: bool = False,
    xlabel: str = "",
    ylabel: str = "",
    alt: str = "",
) -> Figure | Missing:
    """One small plot a column of ``frame`` (``ys``: column -> title); raw values pale, running mean of rows strong."""
    if frame.empty:
        return NO_METRICS
    columns = min(columns, len(ys))
    rows = -(-len(ys) // columns)
    drawn, axes = figures.figure(FULL, 1.55 * rows + 0.2, rows, columns, squeeze=False, sharex=True)
    for place in axes.flat[len(ys) :]:
        place.set_axis_off()
    for place, (y, title) in zip(axes.flat, ys.items(), strict=False):
        if smooth > 1:
            place.plot(frame[x], frame[y], color=COLOURS[4], linewidth=0.6)
        values = frame[y].rolling(smooth, min_periods=1).mean()
        place.plot(frame[x], values, color=COLOURS[0], marker="o" if len(frame) < 8 else None)
        place.set_title(title)
        if log_y:
            place.set_yscale("log")
    for place in axes[-1]:
        place.set_xlabel(xlabel or x)
    for place in axes[:, 0]:
        place.set_ylabel(ylabel)
    return figures.embed(drawn, alt)


def over_time(samples: Sequence[tuple[int, np.ndarray]], photos: np.ndarray, alt: str = "") -> Figure | Missing:
    """Photographs in the first row, below them what a generator made of them at every sampled step."""
    if not samples:
        return NO_SAMPLES
    grid = [list(photos), *(list(pictures) for _, pictures in samples)]
    return figures.rows(grid, ["photograph", *(f"step {step}" for step, _ in samples)], alt=alt)


def maps(
    grid: Sequence[Sequence[Cell]],
    row_labels: Sequence[str],
    column_labels: Sequence[str] = (),
    *,
    limits: tuple[float, float],
    colours: str = "magma",
    label: str = "",
    alt: str = "",
) -> Figure:
    """A grid of pictures and maps with one colour bar.

    Args:
        grid: rows of cells: a picture, uint8 (H, W, 3); a map, float (H, W); or (picture, map), the map laid over the
            picture in grey.
        limits: values at the two ends of the colour bar.
        colours: name of a matplotlib colour map.
        label: what the maps show, with its unit.
    """
    columns = max(map(len, grid))
    side = (FULL - 0.9) / columns
    drawn, axes = figures.figure(FULL, side * len(grid) + 0.3, len(grid), columns, squeeze=False)
    drawn.get_layout_engine().set(w_pad=0.01, h_pad=0.01, wspace=0.01, hspace=0.01)  # type: ignore[union-attr, call-arg]
    words = {"cmap": colours, "vmin": limits[0], "vmax": limits[1]}
    shown = None
    for line, places, name in zip(grid, axes, row_labels, strict=True):
        places[0].text(
            -0.03, 0.5, name, transform=places[0].transAxes, rotation=90, ha="right", va="center", fontsize=7
        )
        for place in places:
            place.set_axis_off()
        for place, cell in zip(places, line, strict=False):
            picture, values = cell if isinstance(cell, tuple) else (None, cell)
            if picture is not None:
                place.imshow(picture.mean(2), cmap="gray", vmin=0, vmax=255)
            if values.ndim == 3:
                place.imshow(values)
            else:
                shown = place.imshow(values, alpha=1.0 if picture is None else 0.62, **words)
    for place, name in zip(axes[0], column_labels, strict=False):
        place.set_title(name, pad=3)
    if shown is not None:
        bar = drawn.colorbar(shown, ax=list(axes[:, -1]), label=label, fraction=0.12, pad=0.03, aspect=12 * len(grid))
        bar.ax.tick_params(labelsize=6)
    return figures.embed(drawn, alt)


def intervals(
    frame: pd.DataFrame,
    panel: str,
    name: str,
    *,
    hue: str = "",
    titles: Mapping[str, str] | None = None,
    columns: int = 2,
    alt: str = "",
    width: float = FULL,
    differences: bool = False,
) -> Figure:
    """Points with intervals (columns value, low, high): a panel for each ``panel``, a line for each ``name``.

    Args:
        differences: values are differences: a line stands at 0, and where few are far larger than the others the axis
            ends before them; their numbers stand at its ends.
    """
    parts = {str(key): part for key, part in frame.groupby(panel, sort=False)}
    names, hues = list(dict.fromkeys(frame[name])), list(dict.fromkeys(frame[hue])) if hue else [""]
    columns = min(columns, len(parts))
    rows = -(-len(parts) // columns)
    height = (0.55 + 0.2 * len(names)) * rows + (0.25 if hue else 0)
    drawn, axes = figures.figure(width, height, rows, columns, squeeze=False, sharey=True)
    for place in axes.flat[len(parts) :]:
        place.set_axis_off()
    for place, (key, part) in zip(axes.flat, parts.items(), strict=False):
        for i, kind in enumerate(hues):
            chosen = part[part[hue] == kind] if hue else part
            at = [names.index(method) + (i - (len(hues) - 1) / 2) * 0.28 for method in chosen[name]]
            errors = [chosen["value"] - chosen["low"], chosen["high"] - chosen["value"]]
            place.errorbar(
                chosen["value"], at, xerr=errors, fmt=MARKERS[i], color=COLOURS[i], capsize=2, label=str(kind)
            )
        place.set_title((titles or {}).get(key, tables.head(key)))
        if differences:
            _about_zero(place, part, [names.index(method) for method in part[name]])
        place.set_yticks(range(len(names)), names)
        place.set_ylim(len(names) - 0.5, -0.5)
    if hue:
        drawn.legend(*axes.flat[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(hues))
    return figures.embed(drawn, alt)


FAR = 4.0  # times the median reach, from which an axis ends before a value


def _about_zero(place: Any, part: pd.DataFrame, at: Sequence[int]) -> None:
    """A line at 0, and an axis on which most differences can be seen; what lies beyond is written at its end."""
    place.axvline(0, color="#333333", linewidth=0.8, zorder=1)
    ends = part[["value", "low", "high"]].abs().max(axis=1).to_numpy()
    reach = FAR / 2 * float(np.median(ends))
    if not 0 < 2 * reach < ends.max():
        return
    place.set_xlim(-reach, reach)
    for value, y in zip(part["value"], at, strict=True):
        if abs(value) > reach:
            side = float(np.sign(value))
            text, align = (f"{value:+.3g} ▸", "right") if side > 0 else (f"◂ {value:+.3g}", "left")
            place.text(side * reach * 0.97, y - 0.12, text, ha=align, va="bottom", fontsize=7)


def plane(frame: pd.DataFrame, *, title: str = "", alt: str = "", width: float = FULL, height: float = 3.4) -> Figure:
    """Distance to cartoons and to photographs of every method, with both intervals; one metric and network only."""
    wide = {to: part.set_index("method") for to, part in frame.groupby("to")}
    a, b = wide["cartoons"], wide["photographs"]
    drawn, axes = figures.figure(width, height)
    for i, method in enumerate(a.index):
        bars = [[[row["value"] - row["low"]], [row["high"] - row["value"]]] for row in (a.loc[method], b.loc[method])]
        place = a.loc[method, "value"], b.loc[method, "value"]
        colour = COLOURS[i % len(COLOURS)]
        marker = MARKERS[i // len(COLOURS) % len(MARKERS)]  # another colour first, then another marker: no two alike
        axes.errorbar(*place, xerr=bars[0], yerr=bars[1], fmt=marker, color=colour, elinewidth=0.8, label=method)
    axes.set(xlabel="distance to cartoons", ylabel="distance to photographs", title=title)
    drawn.legend(loc="outside right upper")  # beside the plot: methods lie close together
    return figures.embed(drawn, alt)


def bands(
    frame: pd.DataFrame, x: str, ys: Sequence[str], *, name: str = "name", xlabel: str = "", alt: str = ""
) -> Figure:
    """One plot a column of ``ys`` with its band (columns ``<y>_low``, ``<y>_high``), one line a value of ``name``."""
    drawn, axes = figures.figure(FULL, 2.4, 1, len(ys), squeeze=False)
    for place, y in zip(axes.flat, ys, strict=True):
        for (key, part), marker in zip(frame.groupby(name, sort=False), MARKERS, strict=False):
            (line,) = place.plot(part[x], part[y], marker=marker, label=str(key))
            place.fill_between(
                part[x], part[f"{y}_low"], part[f"{y}_high"], color=line.get_color(), alpha=0.18, linewidth=0
            )
        place.set(xlabel=xlabel or x, title=tables.head(y), xscale="log")
        place.set_xticks(sorted(set(frame[x])), [str(value) for value in sorted(set(frame[x]))], minor=False)
        place.minorticks_off()
    axes.flat[0].legend()
    return figures.embed(drawn, alt)


def differences(table: pd.DataFrame) -> pd.DataFrame:
    """Paired differences for readers: (style,) a, b, metric, network, "difference [low, high]", verdict."""
    keys = ["difference", "diff_low", "diff_high"]
    text = [tables.interval(*(row[key] for key in keys)) for row in table.to_dict("records")]
    styles = ["style"] * (table["style"].nunique() > 1)
    return table[[*styles, "a", "b", "metric", "network"]].assign(difference=text, verdict=table["verdict"])


def wide(table: pd.DataFrame) -> pd.DataFrame:
    """A distance table for readers: a row a (style, method, metric, network), a column a reference, with intervals.

    The style is left out where there is but one.
    A row with a ``note`` (no weights) has the note in place of its first value.
    """
    if "note" in table:
        absent = table[table["note"] != ""]
        found = wide(table[table["note"] == ""].drop(columns="note"))
        notes = pd.DataFrame({"method": absent["method"], found.columns[1]: absent["note"]})
        return pd.concat([found, notes], ignore_index=True).fillna("")
    text = [tables.interval(row["value"], row["low"], row["high"]) for row in table.to_dict("records")]
    styles = ["style"] * (table["style"].nunique() > 1)
    keys = [*styles, "network", "metric", "method"]
    long = table[[*keys, "to"]].assign(text=text)
    order = long[keys].drop_duplicates().sort_values(["network", "metric"], kind="stable")
    found = long.pivot(index=keys, columns="to", values="text").rename_axis(None, axis=1)
    found = found.loc[pd.MultiIndex.from_frame(order)].reset_index()
    return found[["method", *sorted(set(table["to"])), *styles, "metric", "network"]]
