"""Smoothing filters side by side: guided, bilateral, Gaussian; what they do equally well and what they cost.

Arrays are float (H, W) or (H, W, 3) on the [-1, 1] scale; numbers are given in grey levels (steps of 1/127.5) where a
reader would think so. The bilateral filter (Tomasi & Manduchi 1998) is OpenCV's.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch

from wbclib.represent.surface import guided_filter

LEVELS = 127.5  # grey levels in one unit of [-1, 1] data
Smooth = Callable[[np.ndarray], np.ndarray]


def guided(image: np.ndarray, radius: int, eps: float) -> np.ndarray:
    """Guided filter of an array by itself: float (H, W) or (H, W, C) on the [-1, 1] scale, same shape, not rounded."""
    planes = torch.from_numpy(np.atleast_3d(image).astype(np.float64)).movedim(-1, 0)[None]
    smooth = guided_filter(planes, planes, radius, eps)[0].movedim(0, -1).numpy()
    return smooth.reshape(image.shape)


def bilateral(image: np.ndarray, radius: int, sigma_range: float) -> np.ndarray:
    """Bilateral filter of an array, channel by channel as the guided filter works; same scale and shape, not rounded.

    Where nothing but noise is left, the guided filter averages twice over its windows: a kernel of radius 2r. The
    bilateral filter gets the same radius, with sigma r + 1/2 in space, so that on flat ground it can smooth as much.
    ``sigma_range`` is in units of the [-1, 1] data.
    """
    planes = np.atleast_3d(image).astype(np.float32)
    d, space = 4 * radius + 1, radius + 0.5
    channels = [
        cv2.bilateralFilter(np.ascontiguousarray(planes[..., c]), d, sigma_range, space, borderType=cv2.BORDER_REFLECT)
        for c in range(planes.shape[-1])
    ]
    return np.stack(channels, -1).astype(np.float64).reshape(image.shape)


def gaussian(image: np.ndarray, sigma: float) -> np.ndarray:
    """Plain Gaussian blur, which knows no edges; same scale and shape."""
    return cv2.GaussianBlur(image.astype(np.float64), (0, 0), sigma, borderType=cv2.BORDER_REFLECT)


def slope(image: np.ndarray, radius: int, eps: float) -> np.ndarray:
    """a_k = var / (var + eps) of every window, (H, W) in [0, 1): 1 keeps what is there, 0 averages it away.

    Args:
        image: float (H, W) on the [-1, 1] scale.
    """
    size = (2 * radius + 1, 2 * radius + 1)
    mean, square = (cv2.blur(v, size, borderType=cv2.BORDER_REFLECT) for v in (image, image * image))
    variance = np.maximum(square - mean * mean, 0)
    return variance / (variance + eps)


def half_point(eps: float) -> float:
    """Standard deviation, in grey levels, that the filter halves (a_k = 1/2): sqrt(eps) on [-1, 1] data."""
    return LEVELS * float(np.sqrt(eps))


def match(target: float, measure: Callable[[float], float], low: float, high: float, steps: int = 30) -> float:
    """Argument in [low, high] at which the falling function ``measure`` comes to ``target`` (bisection of logarithms).

    Raises:
        ValueError: the target is not between the function's values at the ends.
    """
    if not measure(low) >= target >= measure(high):
        raise ValueError(f"{target:.4g} is not reached between {low:.4g} and {high:.4g}")
    for _ in range(steps):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if measure(middle) > target else (low, middle)
    return float(np.sqrt(low * high))


def equal_smoothing(radius: int, eps: float, noise: float = 6.0, size: int = 64, seed: int = 0) -> float:
    """sigma_range, on [-1, 1] data, at which the bilateral filter leaves as much noise on flat ground as the guided.

    Args:
        radius, eps: of the guided filter.
        noise: standard deviation of the white noise, in grey levels.
        size, seed: of the noise field.
    """
    field = np.random.default_rng(seed).normal(0, noise / LEVELS, (size, size))
    target = float(guided(field, radius, eps).std())
    return match(target, lambda sigma: float(bilateral(field, radius, sigma).std()), 0.005, 8.0)


def rounded(data: np.ndarray) -> np.ndarray:
    """[-1, 1] data as uint8, clipped."""
    return np.clip(np.rint((data + 1) * LEVELS), 0, 255).astype(np.uint8)


def enhanced(image: np.ndarray, smooth: Smooth, boost: float = 4.0) -> np.ndarray:
    """uint8 image with its detail layer boosted: I + boost (I - q), clipped."""
    data = image / LEVELS - 1
    return rounded(data + boost * (data - smooth(data)))
