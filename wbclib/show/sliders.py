"""Sliders in JupyterLab over what can be changed without training.

A page and an executed copy are not alive: there a sentence stands in their place, and the notebook has drawn a strip of
the same settings before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from wbclib import paths
from wbclib.show import figures
from wbclib.show.multiples import Missing

NOT_ALIVE = Missing("Sliders over the same settings: open this notebook in JupyterLab (`make lab`).")
Range = tuple[float, float, float]  # lowest, highest, first


def explore(draw: Callable[..., np.ndarray], ranges: Mapping[str, Range], before: np.ndarray | None = None) -> Any:
    """A slider a setting and the picture that they make.

    Args:
        draw: the settings by name -> uint8 (H, W, 3).
        ranges: setting -> lowest, highest and first value; whole numbers give a slider of whole numbers.
        before: what is shown beside it, uint8 (H, W, 3).

    Returns:
        A widget, or in a notebook that is executed for its page a sentence in its place.
    """
    if os.environ.get(paths.STATIC):
        return NOT_ALIVE
    import ipywidgets

    def slider(low: float, high: float, first: float) -> Any:
        whole = all(isinstance(value, int) for value in (low, high, first))
        kind = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
        step = 1 if whole else (high - low) / 100
        return kind(min=low, max=high, value=first, step=step, continuous_update=False)

    def show(**settings: float) -> figures.Figure:
        picture = draw(**settings)
        return figures.strip([picture] if before is None else [before, picture])

    return ipywidgets.interactive(show, **{name: slider(*values) for name, values in ranges.items()})
