"""Any picture file in, the same kind of file out: colours and alpha apart, written whole or not at all."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, features

from wbclib import images
from wbclib.files import UserError, write_bytes

JPEG: Mapping[str, object] = {"quality": 95, "subsampling": 0}
AVIF: Mapping[str, object] = {
    "quality": 95,
    "subsampling": "4:4:4",
    "codec": "aom",
    "speed": 8,  # 0 to 10; slower ones take many times as long and gain next to nothing at this quality
    "advanced": {"alpha:lossless": "1"},
}


@dataclass(frozen=True)
class Kind:
    """How files of a suffix are written: Pillow's format, its options, whether alpha fits in, the longest side."""

    format: str
    options: Mapping[str, object]
    alpha: bool
    longest: int = 2**31 - 1


KINDS = {
    ".png": Kind("PNG", {}, True),
    ".jpg": Kind("JPEG", JPEG, False, 65_535),
    ".jpeg": Kind("JPEG", JPEG, False, 65_535),
    ".webp": Kind("WEBP", {"quality": 95, "exact": True}, True, 16_383),
    ".tif": Kind("TIFF", {"compression": "tiff_lzw"}, True),
    ".tiff": Kind("TIFF", {"compression": "tiff_lzw"}, True),
    ".bmp": Kind("BMP", {}, False),
}
if features.check("avif"):
    KINDS[".avif"] = Kind("AVIF", AVIF, True, 32_768)  # more is not read again
OTHER_NAMES = dict.fromkeys((".jpe", ".jfif", ".jif", ".mpo"), ".jpg")  # of JPEG; these become the usual one


@dataclass(frozen=True)
class Picture:
    """A picture of 8 bits: ``rgb`` uint8 (H, W, 3) sRGB, ``alpha`` uint8 (H, W) or None, ``frames`` in its file."""

    rgb: np.ndarray
    alpha: np.ndarray | None = None
    frames: int = 1


def read(path: Path | str) -> Picture:
    """Read a picture of any size from 1 x 1, upright, in sRGB, with the alpha channel that its file has.

    16 bits a channel become 8. Of several frames or pages the first is taken. The colours are those that the file
    stores under its alpha, also where nothing of them can be seen.

    Raises:
        wbclib.images.ImageError: as :func:`wbclib.images.read`.
    """
    found = images.layers(images.fetch(path), path, smallest=1)
    return Picture(found.rgb, found.alpha, found.frames)


def suffix(name: str, alpha: bool = False, side: int = 1) -> str:
    """Suffix of the output for an input of suffix ``name`` with or without alpha, its longest side in pixels.

    The same where pictures of that kind are written and hold what there is to hold, ``.jpg`` for JPEG's other names;
    else ``.png``. A GIF always becomes a PNG, because 256 colours are too few for a cartoon's soft shading.
    """
    name = OTHER_NAMES.get(name.lower(), name)
    kind = KINDS.get(name.lower())
    return ".png" if kind is None or (alpha and not kind.alpha) or side > kind.longest else name


def write(path: Path | str, picture: Picture) -> None:
    """Write a picture atomically; its alpha is kept in PNG, WebP, AVIF and TIFF and laid on white elsewhere.

    JPEG, WebP and AVIF are written at quality 95, JPEG and AVIF at full colour resolution. Nothing else of the input's
    file is carried over: no EXIF (a photograph's place and time stay private), no profile (the colours are sRGB).

    Raises:
        UserError: as :func:`check`, or a file that cannot be written; what was there before is still there.
    """
    kind, stream = check(path, picture), io.BytesIO()
    _image(picture, kind.alpha).save(stream, format=kind.format, **kind.options)
    write_bytes(Path(path), stream.getvalue())


def check(path: Path | str, picture: Picture) -> Kind:
    """How ``picture`` would be written to ``path``.

    Raises:
        UserError: a suffix that is not written, or a side that the format cannot hold.
    """
    kind = KINDS.get(Path(path).suffix.lower())
    if kind is None:
        raise UserError(f"cannot write {path}: choose a name that ends in {', '.join(KINDS)}")
    if max(picture.rgb.shape) > kind.longest:
        raise UserError(f"cannot write {path}: {kind.format} holds at most {kind.longest} pixels a side; choose .png")
    return kind


def _image(picture: Picture, alpha: bool) -> Image.Image:
    colour = Image.fromarray(picture.rgb)
    if picture.alpha is None:
        return colour
    mask = Image.fromarray(picture.alpha)
    if not alpha:
        return Image.composite(colour, Image.new("RGB", colour.size, "white"), mask)
    colour.putalpha(mask)
    return colour
