"""Pencil drawing: strokes by convolution with line segments, and tones of drawings.

Source: Lu, Xu, Jia, "Combining Sketch and Tone for Pencil Drawing Production", NPAR 2012, sections 3.1 and 3.2 (tone
mapping). Their texture of graphite, for which they scan a drawing, is left out: tones stay smooth. The three weights of
the tones, 11, 37 and 52, are here those of dark strokes, mild shading and bright paper, because drawings are mostly
paper; which is which in the paper was not checked.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from wbclib.files import UserError
from wbclib.values import AtLeastOne, NotNegative, Positive, Share

PAPER, DARK, MILD = 9.0, (90.0, 11.0), (105.0, 225.0)  # grey levels, of 255: decay below white; mean and sigma; range


@dataclass(frozen=True)
class Pencil:
    """Settings of :func:`pencil`."""

    length: Share = 1 / 30  # of a stroke, as a share of the picture's short side
    directions: AtLeastOne = 8
    strength: Positive = 1.0  # power of the strokes: above 1 darker; this study's own, 1 is the paper
    bright: NotNegative = 52.0  # weights of the tones
    mild: NotNegative = 37.0
    dark: NotNegative = 11.0
    colour: bool = True  # keep the photograph's colours; false: graphite

    def __post_init__(self) -> None:
        if not self.bright + self.mild + self.dark > 0:
            raise UserError("pencil: bright, mild and dark have no weight; say one of them above 0")


def pencil(photo: np.ndarray, options: Pencil | None = None) -> np.ndarray:
    """A pencil drawing of a photograph: strokes times tones.

    Args:
        photo: uint8 (H, W, 3), RGB.
        options: :class:`Pencil`.

    Returns:
        uint8 (H, W, 3).

    Raises:
        ValueError: another type or shape.
    """
    options = options or Pencil()
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[-1] != 3:
        raise ValueError(f"expected a uint8 photograph (H, W, 3), got {photo.dtype} {photo.shape}")
    planes = cv2.cvtColor(photo, cv2.COLOR_RGB2YCrCb)
    luma = planes[..., 0]
    drawn = strokes(luma, options) ** options.strength * tones(luma, options)
    planes[..., 0] = np.rint(255 * drawn)
    if not options.colour:
        planes[..., 1:] = 128
    return cv2.cvtColor(planes, cv2.COLOR_YCrCb2RGB)


def strokes(luma: np.ndarray, options: Pencil) -> np.ndarray:
    """Dark strokes on white, float32 (H, W) in [0, 1], of a luma uint8 (H, W).

    Every pixel's gradient belongs to the direction along which most gradient lies (a line segment through the pixel),
    and is smeared along that direction again: G_i = L_i * G, C_i = G where G_i is the largest, S' = sum of L_i * C_i.
    """
    values = luma.astype(np.float32) / 255
    down, right = np.diff(values, axis=0, append=values[-1:]), np.diff(values, axis=1, append=values[:, -1:])
    gradient = np.hypot(down, right)
    segments = [segment(options.length * min(luma.shape), k / options.directions) for k in range(options.directions)]
    along = np.stack([_convolved(gradient, line) for line in segments])
    nearest = along.argmax(0)
    found = sum(_convolved(np.where(nearest == k, gradient, 0), line) for k, line in enumerate(segments))
    most = float(np.max(found))
    return np.asarray(1 - found / most if most > 0 else np.ones_like(values), np.float32)


def segment(length: float, turn: float) -> np.ndarray:
    """A line segment through the middle of a square, float32 of sum 1, ``turn`` half turns from the horizontal."""
    reach = max(1, round(length / 2))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    for t in np.arange(-reach, reach + 1):
        x, y = reach + t * np.cos(np.pi * turn), reach - t * np.sin(np.pi * turn)
        left, top = int(np.floor(x + 1e-9)), int(np.floor(y + 1e-9))
        for column, across in ((left, 1 - (x - left)), (left + 1, x - left)):
            for row, down in ((top, 1 - (y - top)), (top + 1, y - top)):
                if across * down > 1e-6:
                    kernel[row, column] += across * down
    return kernel / kernel.sum()


def _convolved(values: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return cv2.filter2D(np.ascontiguousarray(values, np.float32), cv2.CV_32F, kernel, borderType=cv2.BORDER_REFLECT)


def tones(luma: np.ndarray, options: Pencil) -> np.ndarray:
    """The luma with the histogram of drawings (:func:`histogram`), float64 (H, W) in [0, 1]: histogram matching."""
    counts = np.bincount(luma.ravel(), minlength=256)
    middle = (np.cumsum(counts) - counts / 2) / luma.size  # of a level's share: a large even area is no extreme
    wanted = np.cumsum(histogram(options))
    return np.searchsorted(wanted, middle).clip(0, 255)[luma] / 255


def histogram(options: Pencil) -> np.ndarray:
    """Share of every grey level (256,) in pencil drawings: bright paper, mild shading, dark strokes (section 3.2)."""
    level = np.arange(256)
    bright = np.exp(-(255 - level) / PAPER)
    mild = ((level >= MILD[0]) & (level <= MILD[1])).astype(float)
    dark = np.exp(-((level - DARK[0]) ** 2) / (2 * DARK[1] ** 2))
    weights = (options.bright, options.mild, options.dark)
    found = [weight * part / part.sum() for weight, part in zip(weights, (bright, mild, dark), strict=True)]
    return np.asarray(np.sum(found, axis=0) / sum(weights))
