"""Pictures of random weights: densities with their exact curves, and colours that become one grey."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from wbclib.show.figures import COLOURS, COLUMN, FULL, Figure, embed, figure

CHANNELS = (("R", "#D55E00", "-"), ("G", "#009E73", "--"), ("B", "#0072B2", "-."))  # name, colour, line


def weights(drawn_weights: Mapping[str, np.ndarray], bins: int = 60, alt: str = "") -> Figure:
    """Densities of the weights of R, G, B: one panel a variant, (draws, 3) each, one axis for all."""
    drawn, axes = figure(FULL, 2.2, 1, len(drawn_weights), squeeze=False, sharex=True, sharey=True)
    everything = np.concatenate(list(drawn_weights.values()))
    limits = float(everything.min()), float(everything.max())
    for place, (name, values) in zip(axes.flat, drawn_weights.items(), strict=True):
        for c, (channel, colour, line) in enumerate(CHANNELS):
            heights, edges = np.histogram(values[:, c], bins=bins, range=limits, density=True)
            place.stairs(heights, edges, color=colour, linestyle=line, label=channel)
        place.set(title=name, xlabel="weight of the channel")
    axes.flat[0].set_ylabel("density")
    axes.flat[0].legend()
    return embed(drawn, alt or f"densities of the weights of R, G and B: {', '.join(drawn_weights)}")


def density(
    sample: np.ndarray,
    x: np.ndarray,
    exact: np.ndarray,
    *,
    xlabel: str,
    mark: tuple[float, str] | None = None,
    alt: str = "",
) -> Figure:
    """A histogram with its exact density laid over it; ``mark`` (place, label) is a vertical line."""
    drawn, axes = figure(COLUMN, 2.3)
    axes.hist(sample, bins=50, density=True, color="#b8cfe0", label="drawn")
    axes.plot(x, exact, color=COLOURS[0], label="exact")
    if mark:
        axes.axvline(mark[0], color=COLOURS[1], linestyle="--", label=mark[1])
    axes.set(xlabel=xlabel, ylabel="density")
    axes.legend()
    return embed(drawn, alt or f"density of {xlabel}, drawn and exact")


def swatches(frame: pd.DataFrame, alt: str = "") -> Figure:
    """Pairs of colours beside the greys that they become: columns a, b (hex), difference, grey_a, grey_b (0-255)."""
    drawn, axes = figure(FULL, 1.5, 1, len(frame), squeeze=False)
    for place, row in zip(axes.flat, frame.to_dict("records"), strict=True):
        for k, side in enumerate("ab"):
            grey = float(np.clip(row[f"grey_{side}"] / 255, 0, 1))
            place.barh(1, 1, left=k, height=0.95, color=row[side])
            place.barh(0, 1, left=k, height=0.95, color=(grey, grey, grey))
        place.set_title(f"{row['a']}\n{row['b']}", fontsize=7)
        place.text(1, -0.75, f"ΔE {row['difference']:.0f}", ha="center", va="center", fontsize=7)
        place.set(xlim=(0, 2), ylim=(-1, 1.5))
        place.set_axis_off()
    return embed(drawn, alt or "pairs of different colours, and below them the greys that they become")
