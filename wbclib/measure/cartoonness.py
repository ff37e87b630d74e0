"""What cartoons have and photographs lack, as one number an image.

Images are uint8 (H, W, 3) RGB. Every measure depends on the size in pixels: compare images of one size.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy import fft
from skimage.color import rgb2lab

from wbclib.measure import content

FLAT = 1.0  # grey levels per pixel: below this a gradient counts as none
OUTLINE_WIDTH, OUTLINE_DEPTH, OUTLINE_LUMA = 7, 40.0, 96.0  # pixels, grey levels, grey levels
LABELS = {
    "flat_share": "near-zero gradient, share of pixels",
    "exactly_flat_share": "no gradient at all, share of pixels",
    "edge_concentration": "gradient on the 10 % strongest pixels, share",
    "outline_share": "dark outline, share of pixels",
    "number_of_colours": "number of colours",
    "chroma": "chroma (saturation)",
    "spectral_slope": "spectral slope",
}


def flat_share(image: np.ndarray, below: float = FLAT) -> float:
    """Share of pixels whose luma gradient is under ``below`` grey levels per pixel; 0 to 1."""
    return float((content.gradient(image) < below).mean())


def exactly_flat_share(image: np.ndarray) -> float:
    """Share of pixels whose 3x3 neighbourhood has one single colour; 0 to 1."""
    kernel = np.ones((3, 3), np.uint8)
    return float((cv2.dilate(image, kernel) == cv2.erode(image, kernel)).all(-1).mean())


def edge_concentration(image: np.ndarray, share: float = 0.1) -> float:
    """Part of all luma gradient that lies on the ``share`` of pixels where it is strongest; ``share`` if uniform."""
    values = np.sort(content.gradient(image), axis=None)
    total = float(values.sum())
    return float(values[-max(1, round(share * values.size)) :].sum() / total) if total > 0 else share


def outline_mask(image: np.ndarray) -> np.ndarray:
    """Pixels of thin dark lines, bool (H, W).

    A pixel counts if its luma is under 96 grey levels and at least 40 below what a closing with a disc of 7 pixels
    puts there (the black top hat; Serra 1982): it is dark, and lighter things lie within three pixels on two sides.
    """
    y = content.luma(image).astype(np.float32)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (OUTLINE_WIDTH, OUTLINE_WIDTH))
    return (cv2.morphologyEx(y, cv2.MORPH_BLACKHAT, disc) >= OUTLINE_DEPTH) & (y < OUTLINE_LUMA)


def chroma(image: np.ndarray) -> float:
    """Mean CIELAB chroma, the distance from grey; 0 is grey, sRGB reaches about 134.

    Chroma stands for saturation here, because HSV saturation is undefined in the black of outlines.
    """
    lab = rgb2lab(image)
    return float(np.hypot(lab[..., 1], lab[..., 2]).mean())


def spectral_slope(image: np.ndarray, bands: int = 12) -> float:
    """Slope of log amplitude over log frequency of the luma; about -1 for natural scenes (Field 1987), 0 for noise.

    The amplitude is the root mean square of the cosine transform in ``bands`` rings from 1/32 to 1/2 cycles per pixel.
    """
    y = content.luma(image)
    power = np.square(fft.dctn(y - y.mean(), norm="ortho"))
    down, right = (np.arange(side) / (2 * side) for side in y.shape)
    frequency = np.hypot(down[:, None], right[None, :])
    edges = np.geomspace(1 / 32, 1 / 2, bands + 1)
    ring = np.digitize(frequency, edges)
    rows = [
        (np.sqrt(a * b), power[ring == i + 1].mean()) for i, (a, b) in enumerate(zip(edges, edges[1:], strict=False))
    ]
    centres, means = np.array(rows).T
    if not (means > 1e-12).all():
        return float("nan")  # an image of one colour has no spectrum
    return float(np.polyfit(np.log(centres), 0.5 * np.log(means), 1)[0])


MEASURES = {
    "flat_share": flat_share,
    "exactly_flat_share": exactly_flat_share,
    "edge_concentration": edge_concentration,
    "outline_share": lambda image: float(outline_mask(image).mean()),
    "number_of_colours": lambda image: float(content.number_of_colours(image)),
    "chroma": chroma,
    "spectral_slope": spectral_slope,
}
