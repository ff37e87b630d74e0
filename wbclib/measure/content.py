"""What a cartoon changes in one image: flatness, palette, edges, fine detail, colours - and what it keeps.

Images are uint8 (H, W, 3) RGB; "grey levels" are steps of 1 on the 0-255 scale of the luma.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import cv2
import numpy as np
import pandas as pd
from scipy import fft
from skimage.color import deltaE_ciede2000, rgb2lab

LINES = (100, 200)  # Canny's thresholds on the 0-255 scale, as in CartoonGAN's edge-smoothed set
FLAT_SCALE, FLAT_SIGMA, FLAT_MIN_SIZE = 150.0, 0.8, 50  # segments inside which flatness is measured


def luma(image: np.ndarray) -> np.ndarray:
    """Luma (ITU-R BT.601), float64 (H, W), 0-255."""
    if image.ndim != 3 or image.shape[-1] != 3 or image.dtype != np.uint8:
        raise ValueError(f"expected a uint8 image (H, W, 3), got {image.dtype} {image.shape}")
    return image @ np.array([0.299, 0.587, 0.114])


def gradient(image: np.ndarray) -> np.ndarray:
    """Gradient magnitude of the luma (Sobel, divided by 8), grey levels per pixel: a ramp of slope 1 gives 1."""
    y = luma(image)
    along_x = cv2.Sobel(y, cv2.CV_64F, 1, 0, scale=1 / 8, borderType=cv2.BORDER_REPLICATE)
    along_y = cv2.Sobel(y, cv2.CV_64F, 0, 1, scale=1 / 8, borderType=cv2.BORDER_REPLICATE)
    return np.hypot(along_x, along_y)


def segments(image: np.ndarray) -> np.ndarray:
    """Regions of the image, int32 labels (H, W): graph segmentation (Felzenszwalb & Huttenlocher 2004)."""
    segmenter = cv2.ximgproc.segmentation.createGraphSegmentation(FLAT_SIGMA, FLAT_SCALE, FLAT_MIN_SIZE)
    return segmenter.processImage(np.ascontiguousarray(image))


@functools.lru_cache(maxsize=512)  # of 256 px: some 230 MB with the photographs themselves
def _segments_of(pixels: bytes, shape: tuple[int, ...]) -> np.ndarray:
    """:func:`segments` of a photograph that many versions are compared with."""
    found = segments(np.frombuffer(pixels, np.uint8).reshape(shape))
    found.flags.writeable = False
    return found


def interior(labels: np.ndarray) -> np.ndarray:
    """Pixels whose whole 3x3 neighbourhood has one label: bool (H, W)."""
    values = labels.astype(np.float32)
    kernel = np.ones((3, 3), np.uint8)
    return cv2.dilate(values, kernel) == cv2.erode(values, kernel)


def gradient_inside_regions(image: np.ndarray, labels: np.ndarray | None = None) -> float:
    """Mean gradient away from region borders, grey levels per pixel; the flatter, the smaller.

    Args:
        labels: (H, W) regions to look inside: those of the photograph, to compare a photograph with its cartoon
            on the same pixels. Without them, the image's own.
    """
    labels = segments(image) if labels is None else labels
    if labels.shape != image.shape[:2]:
        raise ValueError(f"labels {labels.shape} are not of the image's size {image.shape[:2]}")
    inside = interior(labels)
    return float(gradient(image)[inside].mean()) if inside.any() else 0.0


def number_of_colours(image: np.ndarray, levels: int = 16, coverage: float = 0.95) -> int:
    """How many cells of a ``levels``^3 RGB grid it takes to hold ``coverage`` of the pixels."""
    luma(image)
    bins = image.reshape(-1, 3).astype(np.int64) * levels // 256
    counts = np.unique(bins @ np.array([levels * levels, levels, 1]), return_counts=True)[1]
    covered = np.cumsum(np.sort(counts)[::-1])
    return int(np.searchsorted(covered, coverage * covered[-1] * (1 - 1e-12)) + 1)


def edge_strength(image: np.ndarray, share: float = 0.05) -> float:
    """Mean gradient of the ``share`` of pixels where it is strongest, grey levels per pixel.

    A share rather than a threshold: an image with weak edges has weak edges, not few.
    """
    values = np.sort(gradient(image), axis=None)
    return float(values[-max(1, round(share * values.size)) :].mean())


def line_density(image: np.ndarray) -> float:
    """Share of the pixels on which Canny's detector (1986) finds an edge of the luma, 0 to 1."""
    return float((cv2.Canny(np.rint(luma(image)).astype(np.uint8), *LINES) > 0).mean())


def high_frequency_energy(image: np.ndarray, cutoff: float = 0.25) -> float:
    """Root mean square, in grey levels, of the luma above ``cutoff`` cycles per pixel (0.5 is the finest).

    By the cosine transform, which, unlike the Fourier transform, sees no jump between opposite borders.
    """
    y = luma(image)
    coefficients = fft.dctn(y, norm="ortho")
    rows, columns = (np.arange(size) / (2 * size) for size in y.shape)
    fine = np.hypot(rows[:, None], columns[None, :]) > cutoff
    return float(np.sqrt(np.square(coefficients[fine]).sum() / y.size))


def colour_shift(photo: np.ndarray, output: np.ndarray) -> float:
    """Mean CIEDE2000 difference of two images of one size; about 1 is just noticeable, 100 is black and white."""
    _same_size(photo, output)
    return float(deltaE_ciede2000(rgb2lab(photo), rgb2lab(output)).mean())


def edge_agreement(photo: np.ndarray, output: np.ndarray) -> float:
    """Correlation of the two gradient magnitudes, -1 to 1; 0 where either image has no edge at all."""
    _same_size(photo, output)
    a, b = (gradient(image) - gradient(image).mean() for image in (photo, output))
    norm = float(np.sqrt(np.square(a).sum() * np.square(b).sum()))
    return float((a * b).sum() / norm) if norm > 1e-9 else 0.0


def edges_found(photo: np.ndarray, output: np.ndarray, share: float = 0.05, within: int = 2) -> float:
    """Share of the photograph's strongest edge pixels near an edge of the output that is as strong, 0 to 1.

    The photograph's are the ``share`` of its pixels with the largest gradient; "as strong" is at least the weakest of
    them, "near" within ``within`` pixels in both directions. Unlike :func:`edge_agreement` it does not mind what else
    the output draws.
    """
    _same_size(photo, output)
    own, drawn = gradient(photo), gradient(output)
    least = float(np.quantile(own, 1 - share))
    strong = (own >= least) & (own > 0)
    if not strong.any():
        return 0.0
    window = np.ones((2 * within + 1, 2 * within + 1), np.uint8)
    near = cv2.dilate(((drawn >= least) & (drawn > 0)).astype(np.uint8), window) > 0
    return float(near[strong].mean())


def describe(
    images: Sequence[np.ndarray], photos: Sequence[np.ndarray] | None = None, names: Sequence[str] | None = None
) -> pd.DataFrame:
    """One row an image, one column a measure.

    Args:
        photos: the photographs that the images were made from. With them flatness is measured inside the
            photographs' regions, and ``colour_shift`` and ``edge_agreement`` are added.
        names: index of the table.
    """
    if photos is not None and len(photos) != len(images):
        raise ValueError(f"{len(images)} images and {len(photos)} photographs")
    rows = [_row(image, None if photos is None else photos[i]) for i, image in enumerate(images)]
    return pd.DataFrame(rows, index=pd.Index(list(names) if names is not None else range(len(rows)), name="image"))


def _row(image: np.ndarray, photo: np.ndarray | None) -> dict[str, float]:
    regions = segments(image) if photo is None else _segments_of(photo.tobytes(), photo.shape)
    row: dict[str, float] = {
        "gradient_inside_regions": gradient_inside_regions(image, regions),
        "number_of_colours": number_of_colours(image),
        "edge_strength": edge_strength(image),
        "line_density": line_density(image),
        "high_frequency_energy": high_frequency_energy(image),
    }
    if photo is not None:
        row |= {"colour_shift": colour_shift(photo, image), "edge_agreement": edge_agreement(photo, image)}
    return row


def _same_size(photo: np.ndarray, output: np.ndarray) -> None:
    if photo.shape != output.shape:
        raise ValueError(f"photograph {photo.shape} and output {output.shape} are not of one size")
