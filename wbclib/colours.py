"""What the values of a decoded picture mean: depth, transparency, colour profile; from there to 8-bit sRGB."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms

BITS, PHOTOMETRIC, PLANES, SAMPLE_FORMAT = 258, 262, 284, 339  # TIFF tags
WHITE_IS_ZERO, APART, UNSIGNED = 0, 2, 1  # values of the last three
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
CODING = "cicp"  # where `wbclib.images` puts a picture's :class:`wbclib.cicp.Coding` into Pillow's ``info``
D65 = (0.3127, 0.3290)
SRGB = (*D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)  # x and y of white, red, green, blue
ADOBE_RGB = (*D65, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
ADOBE_GAMMA = 563 / 256
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
D50 = np.array([0.9642, 1.0, 0.8249])  # XYZ of the white that every profile refers to
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


class DepthError(ValueError):
    """Pixels of which nobody knows what white is, or that are not decoded rightly."""


def layers(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Upright colours (mode RGB, sRGB) and alpha (mode L, None where the file has none) of an opened picture.

    Raises:
        DepthError: numbers without a known white, Lab in planes; whatever a decoder raises on damaged bytes.
    """
    raw = _raw(image)
    key, low = _key(image, raw)
    if image.mode == "LAB" and getattr(image, "tag_v2", {}).get(PLANES) == APART:  # Pillow takes a and b for unsigned
        raise DepthError("Lab with its channels in planes, which is not read; save it interleaved, or as PNG")
    image.load()
    turn, profile = _turn(image), _profile(image)
    if image.mode in ("La", "RGBa"):
        image = image.convert({"La": "LA", "RGBa": "RGBA"}[image.mode])
    alpha = _alpha(image, key, low)
    grey = raw == "LA;16B"  # which Pillow decodes to RGBA
    colour = to_srgb(image.getchannel(0) if grey else _plain(image), profile)
    if turn is not None:
        colour, alpha = colour.transpose(turn), None if alpha is None else alpha.transpose(turn)
    return colour, alpha


def _turn(image: Image.Image) -> Image.Transpose | None:
    """What makes a picture upright by its EXIF orientation; unreadable EXIF means that it is."""
    try:
        return TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # EXIF is free-form bytes, and a photograph without it is still a photograph
        return None


# --- transparency


def _raw(image: Any) -> str:
    """How the file stores its pixels, in Pillow's words; known only before they are decoded."""
    raw = image.tile[0].args if image.tile else ""
    return raw if image.format == "PNG" and isinstance(raw, str) else ""


def _key(image: Any, raw: str) -> tuple[Any, Image.Image | None]:
    """Transparent colour of a PNG on the scale of its decoded pixels, of 16 bits a channel also their low bytes.

    Pillow scales grey of 2 and 4 bits to 8 but not the transparent value, and keeps the high byte of 16-bit colours,
    of which several may then look like the transparent one.
    """
    key = image.info.get("transparency")
    if key is None:
        return None, None
    if raw in ("L;2", "L;4"):
        return key * {"L;2": 85, "L;4": 17}[raw], None
    if raw != "RGB;16B":
        return key, None
    low: Any = Image.open(io.BytesIO(image.fp.getvalue()), formats=["PNG"])
    low.tile = [part._replace(args="RGB;16L") for part in low.tile]  # of big-endian values this takes the low byte
    return key, low


def _alpha(image: Image.Image, key: Any, low: Image.Image | None) -> Image.Image | None:
    """Alpha channel; a single transparent colour becomes one."""
    if image.mode in ("LA", "PA", "RGBA"):
        return image.getchannel("A")
    if key is None:
        return None
    if image.mode == "P" or isinstance(key, bytes):
        return image.convert("RGBA").getchannel("A")
    values = np.asarray(image.convert("L") if image.mode == "1" else image)
    if low is not None:
        values = values.astype(np.uint16) << 8 | np.asarray(low)
    same = values == np.asarray(key)
    return Image.fromarray(np.where(same if same.ndim == 2 else same.all(axis=2), 0, 255).astype(np.uint8))


# --- depth


def _plain(image: Image.Image) -> Image.Image:
    """Mode L, RGB, CMYK or LAB, without alpha; a palette of greys alone is L, so that a grey profile fits it."""
    if image.mode.startswith("I") or image.mode == "F":
        return _eight_bits(image)
    if image.mode in ("L", "RGB", "CMYK", "LAB"):
        return image
    if image.mode in ("1", "LA"):
        return image.convert("L")
    if image.mode not in ("P", "PA"):
        return image.convert("RGB")
    colour = image.convert("RGBA").convert("RGB")
    red, green, blue = (np.asarray(channel) for channel in colour.split())
    grey = np.array_equal(red, green) and np.array_equal(green, blue)
    return colour.getchannel(0) if grey else colour


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 bits scaled to 8 (65535 becomes 255), TIFF also of 12; deeper and signed ones have no known white."""
    tags: Any = getattr(image, "tag_v2", {})
    bits, white = tags.get(BITS, (16,))[0], 4095 if tags.get(BITS, (16,))[0] == 12 else 65535
    values = np.asarray(image).astype(np.float64)
    if tags.get(SAMPLE_FORMAT, (UNSIGNED,))[0] != UNSIGNED and bits <= 16:
        raise DepthError("pixels are signed numbers without a known white; save it as 8- or 16-bit PNG")
    if image.mode == "F" or bits > 16 or values.min() < 0 or values.max() > white:
        raise DepthError("pixels are 32-bit numbers without a known white; save it as 8- or 16-bit PNG")
    if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        values = white - values
    return Image.fromarray(np.rint(values * (255 / white)).astype(np.uint8))


# --- colour


def _profile(image: Image.Image) -> bytes | None:
    """ICC profile of a picture: its own, or one that says what code points, gAMA and cHRM or a camera's EXIF say.

    A PNG's code points go before its profile, those of AVIF and HEIF behind it (PNG, third edition, 4.3; ISO/IEC
    23008-12, 6.5.5). As in browsers, PNG's sRGB chunk goes before gAMA and cHRM, and gAMA of 1/2.2 (within 5 percent)
    means sRGB's curve, of which it is the usual approximation. Cameras set to Adobe RGB say so in EXIF (DCF:
    interoperability ``R03``) and often embed no profile; what browsers pass over is converted here.
    """
    info, coding = image.info, image.info.get(CODING)
    space = coding.space if coding else None
    if coding and coding.known and image.format == "PNG":
        return matrix_profile(*space) if space else None
    if info.get("icc_profile"):
        return bytes(info["icc_profile"])
    if space:
        return matrix_profile(*space)
    if image.format == "PNG" and info.get("gamma", 0) > 0 and "srgb" not in info:
        gamma = 1 / info["gamma"]
        return matrix_profile(info.get("chromaticity", SRGB), None if abs(gamma / 2.2 - 1) < 0.05 else gamma)
    return matrix_profile(ADOBE_RGB, ADOBE_GAMMA) if _says_adobe(image) else None


def _says_adobe(image: Image.Image) -> bool:
    try:
        exif = image.getexif()
        interop, told = exif.get_ifd(ExifTags.IFD.Interop), exif.get_ifd(ExifTags.IFD.Exif)
        return interop.get(ExifTags.Interop.InteropIndex) == "R03" or told.get(ExifTags.Base.ColorSpace) == 2
    except Exception:  # as in `_turn`
        return False


def matrix_profile(chromaticities: Sequence[float], gamma: float | None) -> bytes | None:
    """ICC profile of a colour space: x and y of white, red, green and blue; ``gamma``, or None for sRGB's curve.

    White is adapted to D50 by Bradford's matrix, as ICC.1:2022 annex E asks. None where the numbers are no colours.
    """
    xy = np.array(chromaticities, float).reshape(4, 2).T
    try:
        if not xy[1].all():
            return None
        xyz = np.stack([xy[0], xy[1], 1 - xy[0] - xy[1]]) / xy[1]
        scale = np.linalg.solve(xyz[:, 1:], xyz[:, 0])
        adapted = np.diag(BRADFORD @ D50 / (BRADFORD @ xyz[:, 0]))
        columns = np.linalg.solve(BRADFORD, adapted @ BRADFORD @ (xyz[:, 1:] * scale))
        curve = _fixed("para", (0, gamma)) if gamma else _fixed("para", (3, *SRGB_CURVE))
        tags = {name + "XYZ": _fixed("XYZ ", column) for name, column in zip("rgb", columns.T, strict=True)}
    except (ArithmeticError, np.linalg.LinAlgError, ValueError, struct.error):
        return None
    return _icc({"wtpt": _fixed("XYZ ", D50), **tags, **{name + "TRC": curve for name in "rgb"}})


def _fixed(kind: str, values: Sequence[float] | np.ndarray) -> bytes:
    """An element of an ICC profile; the first value of a parametric curve is its type, all others s15Fixed16."""
    head = kind.encode() + bytes(4)
    if kind == "para":
        head, values = head + struct.pack(">HH", int(values[0]), 0), values[1:]
    return head + struct.pack(f">{len(values)}i", *(round(float(value) * 65536) for value in values))


def _icc(tags: dict[str, bytes]) -> bytes:
    """A display profile of version 4 with these tags."""
    start, table, body = 132 + 12 * len(tags), b"", b""
    for name, element in tags.items():
        table += struct.pack(">4sII", name.encode(), start + len(body), len(element))
        body += element
    head = struct.pack(">I4xI4s4s4s12x4s", start + len(body), 0x04000000, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    head += bytes(68 - len(head)) + _fixed("XYZ ", D50)[8:]
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """RGB picture in sRGB (relative colorimetric, black point compensated) from mode L, RGB, CMYK or LAB.

    Without a usable profile - none, broken, of another colour model - values stand for sRGB. One that is sRGB by its
    numbers, whatever its name, changes nothing. Lab needs none.
    """
    if image.mode == "LAB":
        return _changed(image, ImageCms.createProfile("LAB"), ImageCms.Flags.NOOPTIMIZE)
    if profile:
        try:
            return _converted(image, ImageCms.ImageCmsProfile(io.BytesIO(profile)))
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass  # a broken profile says nothing about the pixels
    return image.convert("RGB")


def _converted(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    space, device = source.profile.xcolor_space.strip(), source.profile.device_class
    if image.mode == "L" and space == "RGB":
        image = image.convert("RGB")
    if {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}.get(space) != image.mode or device in ("link", "abst", "nmcl"):
        raise ValueError("a profile of something else")
    if image.mode == "CMYK":
        return _changed(image, source)
    sample = _sample(image.mode)
    # On its way from one grey to three colours littleCMS would draw straight lines between 33 greys.
    found = _changed(sample, source, ImageCms.Flags.NOOPTIMIZE if image.mode == "L" else ImageCms.Flags.NONE)
    apart = np.abs(np.asarray(found).astype(int) - np.asarray(sample.convert("RGB"))).max()
    if apart <= 1:  # rounding
        return image.convert("RGB")
    return Image.fromarray(np.asarray(found)[0][np.asarray(image)]) if image.mode == "L" else _changed(image, source)


def _changed(image: Image.Image, source: Any, more: ImageCms.Flags = ImageCms.Flags.NONE) -> Image.Image:
    flags, intent = ImageCms.Flags.BLACKPOINTCOMPENSATION | more, ImageCms.Intent.RELATIVE_COLORIMETRIC
    change = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), image.mode, "RGB", intent, flags)
    return ImageCms.applyTransform(image, change) or image


def _sample(mode: str) -> Image.Image:
    """Every grey, or colours at 18 levels a channel."""
    if mode == "L":
        return Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    steps = np.arange(0, 256, 15, dtype=np.uint8)
    return Image.fromarray(np.stack(np.meshgrid(steps, steps, steps), -1).reshape(len(steps), -1, 3))
