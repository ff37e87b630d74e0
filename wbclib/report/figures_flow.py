"""Fields of directions as pictures: line integral convolution."""

from __future__ import annotations

import cv2
import numpy as np

from wbclib.represent import flow_kernels


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
