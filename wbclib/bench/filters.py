"""What the guided and the bilateral filter cost over the radius of their window."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
import torch

from wbclib.bench.timing import one_thread, seconds
from wbclib.measure.filters import bilateral
from wbclib.represent.surface import guided_filter


def over_radius(radii: Sequence[int], side: int, repeats: int = 3, seed: int = 0) -> pd.DataFrame:
    """Milliseconds for one plane of side x side pixels, over the radius of the window (even numbers).

    Columns radius, guided, bilateral, guided_ratio, bilateral_ratio (to the first radius). The least of ``repeats``
    times each; one thread, so that the ratios are of work and not of cores. Both windows are 2r + 1 pixels wide.
    """
    data = np.random.default_rng(seed).uniform(-1, 1, (side, side)).astype(np.float32)
    plane = torch.from_numpy(data)[None, None]
    with one_thread():
        rows = [
            {
                "radius": radius,
                "guided": 1e3 * seconds(partial(guided_filter, plane, plane, radius, 0.2), repeats),
                "bilateral": 1e3 * seconds(partial(bilateral, data, radius // 2, 0.5), repeats),
            }
            for radius in radii
        ]
    frame = pd.DataFrame(rows)
    return frame.assign(**{f"{name}_ratio": frame[name] / frame[name].iloc[0] for name in ("guided", "bilateral")})
