"""The classical cartoon filter: flat colours by a bilateral filter and few levels of brightness, dark lines on edges.

Source: Winnemöller, Olsen, Gooch, "Real-Time Video Abstraction", SIGGRAPH 2006, in its simplest form: the bilateral
filter (Tomasi & Manduchi 1998) of OpenCV, repeated; plain quantisation of the luminance; lines by a difference of
Gaussians.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from wbclib.values import Count, Number, Positive, Several, Share


@dataclass(frozen=True)
class Bilateral:
    """Settings of :func:`bilateral`; lengths in pixels of a 256-pixel image, scaled with the shorter side."""

    repeats: Count = 3
    diameter: Positive = 9.0
    sigma_colour: Positive = 30.0  # on the 0-255 scale of CIELAB in bytes; above 150 edges go, too
    sigma_space: Positive = 4.0
    levels: Several = 8  # of luminance
    line_sigma: Positive = 1.0  # of the narrower Gaussian; the wider is 1.6 times it
    line_threshold: Number = 2.5  # grey levels that a pixel must be darker than its surroundings to be on a line
    line_darkness: Share = 0.75  # share of the luminance that a line takes away


def bilateral(photos: np.ndarray, options: Bilateral | None = None) -> np.ndarray:
    """Cartoons of photographs, without any training.

    Args:
        photos: uint8 (N, H, W, 3), RGB.
        options: :class:`Bilateral`.

    Returns:
        uint8 (N, H, W, 3).

    Raises:
        ValueError: another type or shape, or fewer than 2 levels.
    """
    options = options or Bilateral()
    if photos.dtype != np.uint8 or photos.ndim != 4 or photos.shape[-1] != 3:
        raise ValueError(f"expected uint8 photographs (N, H, W, 3), got {photos.dtype} {photos.shape}")
    if options.levels < 2:
        raise ValueError(f"levels {options.levels}: at least 2")
    return np.stack([_one(photo, options) for photo in photos])


def _one(photo: np.ndarray, options: Bilateral) -> np.ndarray:
    scale = min(photo.shape[:2]) / 256
    lab = cv2.cvtColor(photo, cv2.COLOR_RGB2LAB)
    line = lines(lab[..., 0], scale, options)
    diameter = max(3, int(options.diameter * scale) | 1)
    for _ in range(options.repeats):
        lab = cv2.bilateralFilter(lab, diameter, options.sigma_colour, options.sigma_space * scale)
    luminance = quantised(lab[..., 0], options.levels) * np.where(line, 1 - options.line_darkness, 1.0)
    lab[..., 0] = np.rint(luminance)
    return cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)


def quantised(luminance: np.ndarray, levels: int) -> np.ndarray:
    """``levels`` equal steps of 0-255, each at its middle: float (H, W)."""
    step = 256 / levels
    return np.clip(np.floor(luminance / step) * step + step / 2, 0, 255)


def lines(luminance: np.ndarray, scale: float, options: Bilateral) -> np.ndarray:
    """Where the image is darker than around: difference of Gaussians below minus the threshold, bool (H, W)."""
    values = luminance.astype(np.float32)
    narrow, wide = (cv2.GaussianBlur(values, (0, 0), max(0.4, k * options.line_sigma * scale)) for k in (1.0, 1.6))
    return narrow - wide < -options.line_threshold
