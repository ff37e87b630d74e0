"""First step of the structure representation: superpixels."""

from __future__ import annotations

import numpy as np
from skimage.segmentation import slic

from wbclib.files import UserError
from wbclib.options import Structure
from wbclib.represent.felzenszwalb import felzenszwalb


def segment(image: np.ndarray, options: Structure) -> np.ndarray:
    """Cut an image into superpixels.

    ``felzenszwalb`` (Felzenszwalb & Huttenlocher, IJCV 2004; the paper's choice): the regions are those of
    scikit-image. ``options.scale`` is the k of the publication's 0-255 images. (Scikit-image takes a float image's own
    range: on [-1, 1] data, as in the official code, the same ``scale`` is half as large. So uint8 is asked for.)

    ``slic`` (Achanta et al., TPAMI 2012; the official code's default): k-means in CIELAB and place, without smoothing;
    ``options.segments`` seeds give somewhat fewer regions.

    Args:
        image: uint8 (H, W, 3), any size from 1 x 1.
        options: ``segmenter`` and that segmenter's parameters.

    Returns:
        int32 (H, W), labels 0 .. n-1, each in use. Regions of ``felzenszwalb`` may hang together by corners only.

    Raises:
        ValueError: not a uint8 RGB image.
        UserError: unknown segmenter, or a parameter out of its range.
    """
    check_image(image)
    if options.segmenter == "felzenszwalb":
        if options.scale < 0 or options.sigma < 0 or options.min_size < 1:
            raise UserError("structure: scale and sigma must be at least 0 and min_size at least 1")
        return felzenszwalb(image, options.scale, options.sigma, options.min_size)
    if options.segmenter == "slic":
        if options.segments < 1 or options.compactness <= 0:
            raise UserError("structure: segments must be at least 1 and compactness above 0")
        return contiguous(slic(image, options.segments, compactness=options.compactness, start_label=0))
    raise UserError(f"structure.segmenter: {options.segmenter!r} is unknown; say felzenszwalb or slic")


def contiguous(labels: np.ndarray) -> np.ndarray:
    """Labels at least 0 renumbered 0 .. n-1 in the same order, int32; no sorting of pixels."""
    used = np.bincount(labels.ravel()) > 0
    return (np.cumsum(used, dtype=np.int32) - 1)[labels]


def check_image(image: np.ndarray) -> None:
    """ValueError unless uint8 (H, W, 3) with pixels."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(f"expected a uint8 image (H, W, 3), got {image.dtype} {image.shape}")


def check_labels(image: np.ndarray, labels: np.ndarray) -> None:
    """ValueError unless ``labels`` are whole numbers 0 .. n-1, each in use, one for each pixel of ``image``."""
    if labels.shape != image.shape[:2] or labels.dtype.kind not in "iu":
        raise ValueError(f"expected one whole-number label a pixel, got {labels.dtype} {labels.shape}")
    if labels.min() < 0 or not np.bincount(labels.ravel()).all():
        raise ValueError("labels must be 0 .. n-1, each in use; wbclib.represent.segments.contiguous renumbers them")
