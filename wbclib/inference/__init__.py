"""A trained generator on one's own photographs and films: ``wbc cartoonize``, ``from wbclib import cartoonize``."""

from __future__ import annotations

import contextlib
import functools
import operator
import os
import reprlib
from pathlib import Path
from typing import Any

import numpy as np

from wbclib import images
from wbclib.files import UserError
from wbclib.inference.drawing import Drawing, open_drawing, without_generator
from wbclib.inference.kinds import FILM, judge
from wbclib.inference.styles import DEFAULT, weights_file


def cartoonize(
    image: np.ndarray | str | os.PathLike[str],
    style: str | os.PathLike[str] | None = None,
    sharpness: float = 0.0,
    detail: int | None = None,
) -> np.ndarray:
    """A photograph as a cartoon, in its own size.

    Args:
        image: uint8 (H, W, 3) RGB, or the path of a picture (upright, in sRGB, transparency laid on white).
        style: a shipped style, ``PROFILE/RUN``, ``official-whitebox`` or a file of weights, as text or as a path;
            default: ``inked`` (:func:`wbclib.inference.styles.load_style`). Loaded once, and again when its
            file changes. Or ``ink``, ``flat``, ``bilateral``, ``pencil``, without a network
            (:mod:`wbclib.inference.classical`), with settings as in ``ink:rho=0.98,bins=8``; or ``nst:PICTURE``, any
            picture by style transfer (:mod:`wbclib.inference.by_picture`), which takes minutes.
        sharpness: 0 (smooth) to 1 (the network's own output).
        detail: short side in pixels at which larger pictures are drawn (:mod:`wbclib.inference.drawing`); 0: the
            picture's own; by default 512, and 256 in the style of a picture.

    Returns:
        uint8 (H, W, 3) RGB; computed on a GPU where there is one, else as the engine ``auto`` chooses
        (:mod:`wbclib.inference.engine`).

    Raises:
        UserError: no image, no such style, a value outside its range, or something of a wrong type; says what to do.
    """
    name, sharp, side = _name(style), _number(sharpness), _pixels(detail)
    if isinstance(image, (str, os.PathLike)):
        image = _read(Path(_text(image, "image")))
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        kind = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise UserError(f"expected a path or a uint8 array (H, W, 3), got {kind}")
    image = np.asarray(image)  # of masked arrays and the like the values alone
    if image.size == 0:
        raise UserError(f"expected an image of at least 1 x 1 pixels, got {image.shape[1]} x {image.shape[0]}")
    if without_generator(name):
        return open_drawing(name, sharp, side)(image)
    file = weights_file(name).resolve()
    return _drawing(name, sharp, side, str(file), file.stat().st_mtime_ns)(image)


def _read(path: Path) -> np.ndarray:
    try:
        return images.read(path, smallest=1)
    except images.ImageError as error:
        if os.path.isfile(path) and judge(path).kind == FILM:
            raise UserError(f"{path}: a film, not a picture; films are drawn by `wbc cartoonize FILM`") from error
        raise


def _text(value: Any, what: str) -> str:
    """A path as text; one of bytes would be something else to everything that follows."""
    text = os.fspath(value)
    if not isinstance(text, str) or "\0" in text:
        raise UserError(f"{what}: expected text or a path, got {value!r}")
    return text


def _name(style: Any) -> str:
    """Name of a style; None and an empty one mean the default."""
    if style is None or (isinstance(style, str) and not style):
        return DEFAULT
    if isinstance(style, (str, os.PathLike)):
        return _text(style, "style")
    raise UserError(
        f"style: expected a name or the path of a file of weights, got {type(style).__name__} {reprlib.repr(style)}"
    )


def _number(sharpness: Any) -> float:
    """Sharpness as a number from 0 to 1; numpy's and tensors of one value are numbers too, text and bool are none."""
    try:
        value = sharpness.item() if hasattr(sharpness, "item") else sharpness
    except (ValueError, RuntimeError, TypeError):  # an array of several values
        value = None
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= 1:
        raise UserError(
            f"sharpness: expected a number between 0 (smooth) and 1 (the network's own output), got "
            f"{type(sharpness).__name__} {reprlib.repr(sharpness)}"
        )
    return float(value)


def _pixels(detail: Any) -> int | None:
    """Detail as a whole number, or None; what it may be is for :class:`Drawing` to say."""
    if detail is None:
        return None
    with contextlib.suppress(TypeError):
        if not isinstance(detail, bool):
            return operator.index(detail)
    raise UserError(
        f"detail: expected a whole number of pixels, or 0, got {type(detail).__name__} {reprlib.repr(detail)}"
    )


@functools.lru_cache(maxsize=4)
def _drawing(name: str, sharpness: float, detail: int | None, file: str, changed: int) -> Drawing:
    """What draws in a style; ``file`` and ``changed`` are there to notice other weights under the same name."""
    del file, changed
    return open_drawing(name, sharpness, detail)
