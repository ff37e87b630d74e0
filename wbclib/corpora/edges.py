"""Edge-smoothed cartoons: what CartoonGAN's discriminator must learn to tell from real ones.

Source: Chen, Lai, Liu, "CartoonGAN", CVPR 2018, section 3.2: edges by Canny, dilated, and Gaussian smoothing there.
"""

from __future__ import annotations

import cv2
import numpy as np

from wbclib.files import UserError
from wbclib.options import Edges


def check(options: Edges) -> None:
    """UserError where an option is out of its range."""
    if not 0 <= options.low <= options.high:
        raise UserError(f"edges: low {options.low} and high {options.high}: say 0 <= low <= high")
    for name in ("dilation", "blur"):
        if (value := getattr(options, name)) < 1 or value % 2 == 0:
            raise UserError(f"edges.{name}: {value} must be odd and at least 1")
    if options.weight < 0:
        raise UserError(f"edges.weight: {options.weight} must be at least 0")


def edge_map(image: np.ndarray, options: Edges) -> np.ndarray:
    """Canny edges of the luma of a uint8 image (H, W, 3): bool (H, W)."""
    grey = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
    return cv2.Canny(grey, options.low, options.high) > 0


def dilated(edges: np.ndarray, options: Edges) -> np.ndarray:
    """Pixels less than half of ``options.dilation`` from an edge along rows and columns: bool (H, W)."""
    square = np.ones((options.dilation, options.dilation), np.uint8)
    return cv2.dilate(edges.astype(np.uint8), square) > 0


def edge_smoothed(image: np.ndarray, options: Edges) -> np.ndarray:
    """The image, blurred near its edges and nowhere else.

    Args:
        image: uint8 (H, W, 3).
        options: thresholds of Canny, side of the dilation's square, side of the Gaussian's window (its weights follow
            from that as in OpenCV: 1 4 6 4 1 / 16, a standard deviation of 1 pixel, for 5), in pixels of this image.

    Returns:
        uint8 (H, W, 3); equal to ``image`` outside of the dilated edges.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"expected a uint8 image (H, W, 3), got {image.dtype} {image.shape}")
    check(options)
    near = dilated(edge_map(image, options), options)
    blurred = cv2.GaussianBlur(np.ascontiguousarray(image), (options.blur, options.blur), 0)
    return np.where(near[..., None], blurred, image)
