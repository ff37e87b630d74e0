"""Looks: a corpus printed in another way, so that styles can be told apart where nothing can be downloaded."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import cv2
import numpy as np

from wbclib.corpora.base import Corpus
from wbclib.files import UserError, digest
from wbclib.represent.texture import LUMA

VERSION = 1  # of the looks: raise it whenever one changes
DOTS = 40  # across the shorter side
INK, PAPER = np.array([20.0, 32.0, 84.0]), np.array([255.0, 236.0, 200.0])  # of the duotone


def screentone(image: np.ndarray) -> np.ndarray:
    """Black ink on white paper, greys as dots on a grid turned by 45 degrees (clustered-dot halftone).

    uint8 (H, W, 3) to the same. Darkest tones are solid, lightest ones are paper.
    """
    luma = image @ np.array(LUMA)
    step = 2 * np.pi * DOTS / min(luma.shape) / np.sqrt(2)
    y, x = np.mgrid[: luma.shape[0], : luma.shape[1]] + 0.5
    threshold = 127.5 - 45 * (np.cos(step * (x + y)) + np.cos(step * (x - y)))  # between 37.5 and 217.5
    return np.repeat(255 * (luma > threshold).astype(np.uint8)[..., None], 3, 2)


def duotone(image: np.ndarray) -> np.ndarray:
    """Two inks: what is dark is navy, what is light is cream, on a straight line between them by luma.

    uint8 (H, W, 3) to the same.
    """
    share = (image @ np.array(LUMA) / 255)[..., None]
    return np.rint(INK + share * (PAPER - INK)).astype(np.uint8)


def linocut(image: np.ndarray) -> np.ndarray:
    """One ink: white where a pixel is no darker than its surroundings (a Gaussian of 1/20 of the shorter side).

    uint8 (H, W, 3) to the same.
    """
    luma = (image @ np.array(LUMA)).astype(np.float32)
    around = cv2.GaussianBlur(luma, (0, 0), min(luma.shape) / 20)
    return np.repeat(255 * (luma >= around - 2).astype(np.uint8)[..., None], 3, 2)


def poster(image: np.ndarray) -> np.ndarray:
    """Three levels of each channel: 0, 128, 255. uint8 (H, W, 3) to the same."""
    return np.array([0, 128, 255], np.uint8)[np.minimum(image // 86, 2)]


LOOKS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "screentone": screentone,
    "duotone": duotone,
    "linocut": linocut,
    "poster": poster,
}


def redrawn(corpus: Corpus, look: str) -> Corpus:
    """The corpus with every image in a look of :data:`LOOKS`; an item's hash covers image, look and its version.

    Raises:
        UserError: unknown look.
    """
    if look not in LOOKS:
        raise UserError(f"unknown look {look!r}; known are: {', '.join(LOOKS)}")
    items = [dataclasses.replace(item, sha256=digest([item.sha256, look, VERSION])) for item in corpus.items]
    return Corpus(
        f"{corpus.name}, {look}", items, lambda index: LOOKS[look](corpus.image(index)), corpus.skipped,
        files=corpus.files,
    )  # fmt: skip
