"""A trained generator on one's own photographs and films: ``wbc cartoonize``, ``from wbclib import cartoonize``."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np

from wbclib import images
from wbclib.files import UserError
from wbclib.inference.styles import DEFAULT, load_style, weights_file
from wbclib.inference.stylist import Stylist


def cartoonize(image: np.ndarray | str | Path, style: str | None = None, sharpness: float = 0.0) -> np.ndarray:
    """A photograph as a cartoon, in its own size.

    Args:
        image: uint8 (H, W, 3) RGB, or the path of a picture (upright, in sRGB, transparency laid on white).
        style: a shipped style, ``PROFILE/RUN``, ``official-whitebox`` or a file of weights; default: ``peppercarrot``
            (:func:`wbclib.inference.styles.load_style`). Loaded once, and again when its file changes.
        sharpness: 0 (smooth) to 1 (the network's own output).

    Returns:
        uint8 (H, W, 3) RGB.

    Raises:
        UserError: no image, no such style, or a sharpness outside its range; says what to do.
    """
    if isinstance(image, (str, Path)):
        image = images.read(image, smallest=1)
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        kind = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise UserError(f"expected a path or a uint8 array (H, W, 3), got {kind}")
    if image.size == 0:
        raise UserError(f"expected an image of at least 1 x 1 pixels, got {image.shape[1]} x {image.shape[0]}")
    name = style or DEFAULT
    file = weights_file(name).resolve()
    return _stylist(name, sharpness, str(file), file.stat().st_mtime_ns)(image)


@functools.lru_cache(maxsize=4)
def _stylist(name: str, sharpness: float, file: str, changed: int) -> Stylist:
    """Stylist of a style; ``file`` and ``changed`` are there to notice other weights under the same name."""
    del file, changed
    return Stylist(load_style(name), sharpness)
