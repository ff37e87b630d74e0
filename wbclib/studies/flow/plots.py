"""The flow in pictures: fields of directions (line integral convolution), and what settings draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import pandas as pd

from wbclib.represent import flow_kernels
from wbclib.show.figures import COLOURS, DASHES, FULL, MARKERS, Figure, embed, figure


def line_integral_convolution(
    field: np.ndarray, photo: np.ndarray | None = None, length: int = 15, seed: int = 0
) -> np.ndarray:
    """White noise averaged along the curves of a field, so that it shows which way they run (Cabral & Leedom 1993).

    Args:
        field: (2, H, W) unit vectors, 0 where there is none.
        photo: uint8 (H, W, 3): its lightness is laid under the streaks, so that one sees what they belong to.
        length: pixels each way.

    Returns:
        uint8 (H, W), or (H, W, 3) over a photograph.
    """
    field = np.ascontiguousarray(field, np.float64)
    noise = np.random.default_rng(seed).random(field.shape[1:])
    streaks = flow_kernels.mean_along(noise, field, np.ones(length + 1))
    spread = np.abs(streaks - 0.5).max() or 1.0
    low, high = np.quantile(streaks, [0.02, 0.98])
    shown = ((streaks - low) / max(high - low, 1e-9 * spread)).clip(0, 1)
    if photo is None:
        return np.rint(255 * shown).astype(np.uint8)
    lightness = cv2.cvtColor(photo, cv2.COLOR_RGB2Lab).astype(np.float32)
    lightness[..., 0] = 255 * (0.25 + 0.75 * shown) * (0.4 + 0.6 * lightness[..., 0] / 255)
    return cv2.cvtColor(np.rint(lightness).clip(0, 255).astype(np.uint8), cv2.COLOR_Lab2RGB)


def choice(means: pd.DataFrame, rhos: Mapping[str, float], beside: Sequence[str], alt: str = "") -> Figure:
    """Lines a region: against the edges found, over rho, one curve a size; and over the size, one curve a setting.

    Args:
        means: setting, size, lines_per_region, edges_inked.
        rhos: setting -> its rho; the setting ``chosen`` is ringed.
        beside: settings of the second panel.
    """
    drawn, (left, right) = figure(FULL, 2.8, 1, 2, sharey=True)
    by = means.set_index(["setting", "size"])
    sizes, names = sorted(means["size"].unique()), sorted(rhos, key=lambda name: rhos[name])
    for k, size in enumerate(sizes):
        part = by.xs(size, level="size")
        style = {"color": COLOURS[k], "marker": MARKERS[k], "linestyle": DASHES[k % len(DASHES)]}
        left.plot(*part.loc[names, ["edges_inked", "lines_per_region"]].to_numpy().T, label=f"{size} px", **style)
        ring = part.loc["chosen", ["edges_inked", "lines_per_region"]]
        name = "chosen" if size == sizes[-1] else ""  # once in the legend
        left.plot(*ring, "o", markersize=9, fillstyle="none", color="black", label=name)
    for name in names:
        at = by.loc[(name, sizes[-1]), ["edges_inked", "lines_per_region"]]
        words = {"xytext": (0, 6), "textcoords": "offset points", "fontsize": 6, "ha": "right"}
        left.annotate(f"{rhos[name]:g}", at, **words)
    for k, name in enumerate(beside):
        style = {"color": COLOURS[-1 - k], "marker": MARKERS[-1 - k], "linestyle": DASHES[k % len(DASHES)]}
        right.plot(sizes, by["lines_per_region"].unstack().loc[name, sizes], label=name, **style)
    left.set(xlabel="strongest edges found, share", ylabel="lines per region")
    right.set(xlabel="short side, pixels", xticks=sizes)
    left.legend(title="rho, at", loc="upper left")
    right.legend()
    return embed(
        drawn, alt or f"Lines per region over rho at {len(sizes)} sizes, and over the size: {', '.join(beside)}"
    )
