"""Damaged photographs: missing blocks, noise, JPEG; each a function of the photograph and a seed alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

GREY = 128  # what stands where a pixel is missing


@dataclass(frozen=True)
class Damage:
    """One kind of damage at one strength.

    Attributes:
        kind: missing blocks, salt and pepper, Gaussian noise, JPEG.
        strength: as readers say it.
        make: (image uint8 (H, W, 3), random) -> (damaged uint8, known (H, W) bool). Where all pixels are known none is
            as it was.
        mends: OpenCV's answer to it, (damaged, known) -> uint8.
        size: of what is missing in one piece, as a share of the shorter side; 0: single pixels, or none.
    """

    kind: str
    strength: str
    make: Callable[[np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]] = field(repr=False)
    mends: Callable[[np.ndarray, np.ndarray], np.ndarray] = field(repr=False)
    size: float = 0.0

    @property
    def name(self) -> str:
        """Kind and strength."""
        return f"{self.kind}, {self.strength}"


def blocks(side: float, share: float) -> Damage:
    """Square blocks of pixels are missing.

    Args:
        side: of a block, as a share of the image's shorter side; rounded to pixels, at least 1.
        share: of the grid's blocks that are missing, at least one and never all.
    """

    def make(image: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        height, width = image.shape[:2]
        pixels = max(1, round(side * min(height, width)))
        grid = (-(-height // pixels), -(-width // pixels))
        count = int(np.clip(round(share * grid[0] * grid[1]), 1, grid[0] * grid[1] - 1))
        missing = np.zeros(grid[0] * grid[1], bool)
        missing[random.permutation(missing.size)[:count]] = True
        whole = np.kron(missing.reshape(grid), np.ones((pixels, pixels), bool))[:height, :width]
        return np.where(whole[..., None], np.uint8(GREY), image), ~whole

    return Damage("missing blocks", f"{side:.0%} wide, {share:.0%} missing", make, diffused, side)


def salt_and_pepper(share: float) -> Damage:
    """Pixels are black or white, all channels alike; which ones is known, as of a camera with known dead pixels."""

    def make(image: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        drawn = random.random(image.shape[:2])
        value = np.where(drawn < share / 2, 0, 255).astype(np.uint8)
        known = drawn >= share
        return np.where(known[..., None], image, value[..., None]), known

    return Damage("salt and pepper", f"{share:.0%}", make, diffused)


def gaussian(sigma: float) -> Damage:
    """White noise of this standard deviation in grey levels, each channel its own."""

    def make(image: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        noisy = image + random.normal(0, sigma, image.shape)
        return np.rint(noisy.clip(0, 255)).astype(np.uint8), np.ones(image.shape[:2], bool)

    return Damage("Gaussian noise", f"{sigma:g} grey levels", make, lambda image, _: denoised(image, sigma))


def jpeg(quality: int) -> Damage:
    """Saved as JPEG (OpenCV, 4:2:0) and read again; mended as noise of 10 grey levels is."""

    def make(image: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        del random
        written = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        read = cv2.imdecode(written, cv2.IMREAD_COLOR)
        assert read is not None
        return np.ascontiguousarray(read[..., ::-1]), np.ones(image.shape[:2], bool)

    return Damage("JPEG", f"quality {quality}", make, lambda image, _: denoised(image, 10))


def diffused(image: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Missing pixels filled by OpenCV (Telea 2004, radius 3)."""
    return cv2.inpaint(np.ascontiguousarray(image), (~known).astype(np.uint8), 3, cv2.INPAINT_TELEA)


def denoised(image: np.ndarray, sigma: float) -> np.ndarray:
    """OpenCV's non-local means (Buades et al. 2005), strength ``sigma`` for luminance and colour."""
    return cv2.fastNlMeansDenoisingColored(np.ascontiguousarray(image), None, sigma, sigma)


DAMAGES = (
    blocks(1 / 16, 0.1),
    blocks(1 / 8, 0.1),
    blocks(1 / 8, 0.25),
    blocks(1 / 4, 0.25),
    salt_and_pepper(0.1),
    gaussian(10),
    gaussian(30),
    jpeg(30),
    jpeg(10),
)
