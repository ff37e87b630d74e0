"""Pictures of the structure representation: borders, the life of borders, sigma and its branches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib
import matplotlib.patches
import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap, LogNorm, to_rgb
from matplotlib.ticker import NullFormatter, ScalarFormatter

from wbclib.options import Structure
from wbclib.show import figures
from wbclib.show.figures import COLOURS, FULL, MARKERS, Figure
from wbclib.studies.structure.fills import branch

LINE = "#ffffff"
BRANCH_COLOURS = ("#d9d9d9", COLOURS[4], COLOURS[1])


def outlined(image: np.ndarray, labels: np.ndarray, zoom: int = 2, colour: str = LINE) -> np.ndarray:
    """The picture with the borders of its regions, uint8 (zoom H, zoom W, 3).

    Enlarged first, by repeating pixels, so that a border of one pixel does not hide regions of a few pixels.
    """
    large, regions = (np.repeat(np.repeat(a, zoom, 0), zoom, 1) for a in (image, labels))
    on = np.zeros(regions.shape, bool)
    on[:, 1:] |= regions[:, 1:] != regions[:, :-1]
    on[1:] |= regions[1:] != regions[:-1]
    large[on] = np.rint(255 * np.array(to_rgb(colour)))
    return large


def merge_step(image: np.ndarray, before: np.ndarray, after: np.ndarray, alt: str = "") -> Figure:
    """One merge: the pair in two colours with the box around both, and the region that it becomes.

    Args:
        before, after: (H, W) regions, the second with one region less.
    """
    changed = {int(label): set(np.unique(before[after == label]).tolist()) for label in np.unique(after)}
    label, pair = max(changed.items(), key=lambda item: len(item[1]))
    first, second = (before == one for one in sorted(pair)[:2])
    rows, columns = np.nonzero(after == label)
    corner = (float(columns.min()) - 0.5, float(rows.min()) - 0.5)
    size = (float(np.ptp(columns)) + 1, float(np.ptp(rows)) + 1)
    drawn, axes = figures.figure(FULL, FULL / 2 + 0.3, 1, 2)
    parts = {"the next pair, and its box": ((first, 0), (second, 1)), "merged": ((after == label, 4),)}
    for place, (title, masks) in zip(axes, parts.items(), strict=True):
        shown = image.astype(float) / 255 * 0.5 + 0.5  # paler, so that the pair stands out
        for mask, colour in masks:
            shown[mask] = 0.35 * shown[mask] + 0.65 * np.array(to_rgb(COLOURS[colour]))
        place.imshow(shown, interpolation="nearest")
        place.add_patch(matplotlib.patches.Rectangle(corner, *size, fill=False, color="#333333", linewidth=1.2))
        place.set_axis_off()
        place.set_title(title, pad=3)
    return figures.embed(drawn, alt)


def contours(maps: Sequence[np.ndarray], titles: Sequence[str], alt: str = "") -> Figure:
    """Borders by how long they live (:func:`wbclib.studies.structure.regions.contour`), on a logarithmic scale.

    The last to go are the brightest, on black."""
    low, high = min(np.nanmin(m) for m in maps), max(np.nanmax(m) for m in maps)
    side, colours = (FULL - 0.8) / len(maps), matplotlib.colormaps["magma_r"].with_extremes(bad="black")
    drawn, axes = figures.figure(FULL, side + 0.3, 1, len(maps), squeeze=False)
    for place, values, title in zip(axes.flat, maps, titles, strict=True):
        place.set_axis_off()
        place.set_title(title, pad=3)
        shown = place.imshow(values, cmap=colours, norm=LogNorm(max(low, 1), high), interpolation="nearest")
    bar = drawn.colorbar(shown, ax=list(axes.flat), label="regions left when the border goes", shrink=0.8, pad=0.02)
    bar.ax.yaxis.set_major_formatter(ScalarFormatter())
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    bar.set_ticks([n for n in (5, 10, 20, 50, 100, 200, 400, 800, 1600) if low <= n <= high])
    return figures.embed(drawn, alt)


def sigma_maps(
    labels: np.ndarray, sigma: np.ndarray, difference: np.ndarray, options: Structure, alt: str = ""
) -> Figure:
    """Three maps side by side: sigma of every region, the branch it takes, and what the branch changes.

    Args:
        labels: (H, W) regions.
        sigma: (n,) grey levels.
        difference: (H, W) grey levels.
    """
    drawn, axes = figures.figure(FULL, 3.0, 1, 3)
    for place, title in zip(axes, ("sigma of the region", "branch of the equation", "|adaptive - mean|"), strict=True):
        place.set_axis_off()
        place.set_title(title, pad=3)
    shown = axes[0].imshow(sigma[labels], cmap="viridis", vmin=0)
    bar = drawn.colorbar(shown, ax=axes[0], location="bottom", label="grey levels", shrink=0.9, pad=0.02)
    for gamma in (options.gamma1, options.gamma2):
        bar.ax.axvline(gamma, color="white", linewidth=1.2)
    shown = axes[1].imshow(
        branch(sigma, options)[labels],
        cmap=ListedColormap(BRANCH_COLOURS),
        vmin=-0.5,
        vmax=2.5,
        interpolation="nearest",
    )
    bar = drawn.colorbar(shown, ax=axes[1], location="bottom", label="sigma: colour", shrink=0.9, pad=0.02)
    limits = (f"< {options.gamma1:g}", "between", f"> {options.gamma2:g}")
    colours = ("median", "half and half", "mean")
    bar.set_ticks(range(3), labels=[f"{limit}:\n{colour}" for limit, colour in zip(limits, colours, strict=True)])
    shown = axes[2].imshow(difference, cmap="magma", vmin=0)
    drawn.colorbar(shown, ax=axes[2], location="bottom", label="grey levels", shrink=0.9, pad=0.02)
    return figures.embed(drawn, alt)


def sigma_histogram(sigma: np.ndarray, options: Structure, bins: int = 60, alt: str = "") -> Figure:
    """sigma of many regions (0-255 scale) beside the thresholds in both readings, logarithmic in sigma."""
    unit = 127.5  # grey levels in one unit of [-1, 1] data
    drawn, axes = figures.figure(FULL, 2.0)
    edges = np.geomspace(0.2, 6000, bins + 1)
    axes.stairs(np.histogram(np.maximum(sigma, edges[0]), edges)[0], edges, fill=True, color=COLOURS[4])
    axes.set_ylim(0, 1.35 * axes.get_ylim()[1])
    for name, scale, colour in (("0-255", 1.0, COLOURS[0]), ("[-1, 1]", unit, COLOURS[1])):
        axes.axvspan(options.gamma1 * scale, options.gamma2 * scale, color=colour, alpha=0.25, linewidth=0)
        label = f"{options.gamma1:g} and {options.gamma2:g}\nof {name} data"
        axes.text(options.gamma1 * scale * 0.93, axes.get_ylim()[1], label, ha="right", va="top", color=colour)
    axes.axvline(unit, color="#333333", linestyle="--", linewidth=0.9)
    axes.text(unit * 1.07, axes.get_ylim()[1], "largest sigma\nthat can be", va="top", color="#333333")
    axes.set(xscale="log", xlabel="sigma of a region, grey levels", ylabel="regions")
    return figures.embed(drawn, alt)


def over_regions(frame: pd.DataFrame, ys: Mapping[str, str], name: str, alt: str = "") -> Figure:
    """One plot for each of ``ys`` (column -> title) over the regions left, a line for each value of ``name``."""
    drawn, axes = figures.figure(FULL, 2.2, 1, len(ys), squeeze=False)
    for place, (y, title) in zip(axes.flat, ys.items(), strict=True):
        for (key, part), marker in zip(frame.groupby(name, sort=False), MARKERS, strict=False):
            place.plot(part["regions"], part[y], marker=marker, markersize=3, label=str(key))
        place.set(xscale="log", title=title, xlabel="regions left")
        place.set_xticks([10, 100, 1000], ["10", "100", "1000"])
        place.invert_xaxis()
        place.set_ylim(bottom=0)
    axes.flat[-1].legend()
    return figures.embed(drawn, alt)


def collapse(frame: pd.DataFrame, alt: str = "") -> Figure:
    """Distance of blurred images to their own structure image, one line a setting, relative to the sharp ones."""
    titles = {
        "pixel": "pixels: |I - S(I)|",
        "structure": "features: structure loss",
        "content": "features: content loss",
    }
    drawn, axes = figures.figure(FULL, 2.3, 1, len(titles))
    for place, (y, title) in zip(axes, titles.items(), strict=True):
        for (key, part), marker in zip(frame.groupby("setting", sort=False), MARKERS, strict=False):
            first = part[y].iloc[0] if y != "content" else 1.0
            place.plot(part["blur"], part[y] / first, marker=marker, label=str(key))
            if y == "content":  # the same for all settings
                break
        place.set(title=title, xlabel="blur, pixels", ylim=(0, None))
        place.set_xscale("symlog", linthresh=0.5, base=2)
        place.set_xticks(sorted(set(frame["blur"])), [f"{b:g}" for b in sorted(set(frame["blur"]))])
        place.minorticks_off()
        place.set_xlim(-0.1, 1.15 * frame["blur"].max())
    axes[0].set_ylabel("sharp photograph = 1")
    axes[2].set_ylabel("loss")
    axes[0].legend()
    return figures.embed(drawn, alt)
