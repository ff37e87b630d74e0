"""Pictures of filters: families of curves, and one edge before and after."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from wbclib.show.figures import COLOURS, DASHES, FULL, MARKERS, Figure, embed, figure


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
