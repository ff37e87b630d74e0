"""What several test files share: toy images and photographs, and the options of the structure they are tried with."""

from __future__ import annotations

import dataclasses
import struct
import zlib

import numpy as np
from skimage import data

from wbclib import images
from wbclib.options import Structure, build
from wbclib.presets import PRESETS

PHOTOS = ("astronaut", "coffee", "chelsea", "rocket")
BROKEN_EXIF = b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x05\x00\x12\x01\x03\x00\x01\x00\x00\x00\xff\xff"

MEAN = Structure(colouring="mean")
SWITCHED = {"merging": "pairs", "sizes": "first", "thresholds": "unit", "order": "official"}
READINGS = {
    "paper": Structure(regions=25),
    "official selective search": Structure(regions=40, **SWITCHED),
    "official default": dataclasses.replace(build(Structure, PRESETS["official"]["structure"], ""), segments=40),
}


def photograph(name: str = "astronaut", side: int = 48) -> np.ndarray:
    return images.square(getattr(data, name)(), side)


def noise(height: int = 24, width: int = 40, seed: int = 0, channels: int = 3) -> np.ndarray:
    """(H, W, channels), or (H, W) for one channel."""
    values = np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)
    return values[..., 0] if channels == 1 else values


def corpus_image(index: int) -> np.ndarray:
    """Noise of one size, another at every index: the images of toy corpora and of toy folders."""
    return noise(40, 48, index)


def four_colours(cell: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Four squares of plain colours, and which square each pixel belongs to."""
    squares = np.repeat(np.repeat(np.array([[0, 1], [2, 3]]), cell, 0), cell, 1)
    colours = np.array([[220, 40, 40], [40, 200, 60], [40, 60, 210], [240, 230, 60]], np.uint8)
    return colours[squares], squares


def negative(image: np.ndarray) -> np.ndarray:
    """A stylist whose output is known."""
    return 255 - image


def png_of_size(width: int, height: int) -> bytes:
    """A PNG that promises ``width`` x ``height`` pixels and holds almost none."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(10))) + chunk(b"IEND", b"")
