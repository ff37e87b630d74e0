"""Which files are pictures, by name and by first bytes, and what a reader can do about those that are not read."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping
from pathlib import Path

from PIL import Image, PngImagePlugin, TiffImagePlugin, features

# Pillow's name of every format that is read, and the suffixes of its files. No others are opened, because each decoder
# is one more that damaged or hostile bytes can reach.
READ: Mapping[str, tuple[str, ...]] = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "AVIF": (".avif", ".avifs"),
    "HEIF": (".heic", ".heif", ".hif", ".heics", ".heifs"),
    "JPEG2000": (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
    "ICO": (".ico",),
    "TGA": (".tga", ".icb", ".vda", ".vst"),
    "DIB": (".dib",),
}
UNMARKED = ("TGA", "DIB")  # begin like many other files, so that only their name tells
SUFFIXES = frozenset(suffix for suffixes in READ.values() for suffix in suffixes)

RAW = "a camera's raw file, which is not read; develop it and save it as JPEG, PNG or TIFF"
LAYERED = "an editor's working file, which is not read; export it as PNG, JPEG or TIFF"
VECTOR = "a drawing made of shapes, not of pixels; export it as PNG"
DOCUMENT = "a document, not a picture; export its pages as PNG"
JPEG_XL = "JPEG XL, which is not read; save it as PNG or JPEG"
HDR = "high dynamic range, which is not read; save it as PNG of 8 or 16 bits"
HDR_STILL = "high dynamic range (PQ or HLG), which has no colours of a photograph; convert it to sRGB first"
OTHER = "a picture format that is not read; save it as PNG or JPEG"
NO_HEIF = "HEIC needs the package pillow-heif: pip install pillow-heif, or save the picture as JPEG"
NO_AVIF = "this Pillow reads no AVIF; update it (pip install -U pillow), or save the picture as JPEG"
NO_IMAGE = "not an image, whatever its name says; name another file, or save it as PNG or JPEG"
DAMAGED = "damaged or cut short, or of a kind that is not read; fetch it again, or save it as PNG or JPEG"

_UNREAD = {
    RAW: ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .gpr .iiq .k25 .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf .raw "
    ".rw2 .rwl .sr2 .srf .srw .x3f",
    LAYERED: ".afphoto .clip .kra .ora .pdn .psb .psd .procreate .sai .xcf",
    VECTOR: ".cdr .emf .eps .svg .svgz .wmf",
    JPEG_XL: ".jxl",
    HDR: ".exr .hdr .pfm",
    OTHER: ".bpg .cur .dds .flif .icns .jng .jxr .pcx .qoi .ras .sgi .wdp .xbm .xpm",
}
UNREAD: Mapping[str, str] = {suffix: why for why, suffixes in _UNREAD.items() for suffix in suffixes.split()}

HEAD = 4096  # bytes that `signature` looks at
_HEIF = re.compile(rb"....ftyp(hei[cmsx]|hev[cmsx]|mif1|msf1)", re.DOTALL)
_AVIF = re.compile(rb"....ftypavi[fs]|....ftyp(mif1|msf1).{0,64}avi[fs]", re.DOTALL)
_PICTURE = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF....WEBP|BM....\0\0\0\0|II[*+]\0|MM\0[*+]"
    rb"|P[1-6]\r?\n(#[^\n]*\n)*\s*\d+\s+\d+\s|\0\0\x01\0[^\0]\0|\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51",
    re.DOTALL,
)
_OTHERS = (
    (re.compile(rb"8BPS\0|gimp xcf"), LAYERED),
    (re.compile(rb"\0\0\0\x0cJXL \r\n\x87\n"), JPEG_XL),
    (re.compile(rb"%PDF-"), DOCUMENT),
    (
        re.compile(rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!DOCTYPE svg[^>]*>\s*)?<svg[\s>]|%!PS-Adobe", re.DOTALL),
        VECTOR,
    ),
    (re.compile(rb"II[*]\0\x10\0\0\0CR|IIU\0|IIR[OS]|FUJIFILMCCD-RAW|....ftypcrx ", re.DOTALL), RAW),
)
DNG_VERSION = 50706  # TIFF tag

# A PNG's profile is unpacked up to this size. Pillow's 1 MiB refuses photographs with the profile of a scanner.
PngImagePlugin.MAX_TEXT_CHUNK = 16 * 2**20
# Pillow's own reader of uncompressed TIFFs takes 16-bit samples for bytes where the channels lie in planes. libtiff,
# which reads the compressed ones anyway, does not.
TiffImagePlugin.READ_LIBTIFF = True


def head(path: Path) -> bytes:
    """First bytes of a file; none of a pipe, which would wait for ever, and of what is closed to reading."""
    try:
        if not os.path.isfile(path):
            return b""
        with path.open("rb") as stream:
            return stream.read(HEAD)
    except OSError:
        return b""


def signature(data: bytes) -> str | None:
    """What the first bytes of a file say: ``""`` a picture that is read, a sentence for one that is not, None: neither.

    A picture of :data:`UNMARKED` is neither.
    """
    for pattern, reason in _OTHERS:
        if pattern.match(data):
            return reason
    return "" if any(pattern.match(data) for pattern in (_PICTURE, _HEIF, _AVIF)) else None


def readers(data: bytes, name: Path | str) -> list[str]:
    """Pillow's formats that may open ``data``: a whitelist, those without a signature only where the name says so."""
    end = Path(name).suffix.lower()
    last = [kind for kind in UNMARKED if end in READ[kind]]
    if _AVIF.match(data) and features.check("avif"):
        last.append("AVIF")
    if _HEIF.match(data) and heif():
        last.append("HEIF")
    return [kind for kind in READ if kind not in (*UNMARKED, "AVIF", "HEIF")] + last


def refusal(data: bytes, name: Path | str) -> str:
    """Why a picture is not read, by its first bytes and its name, and what to do; empty where it may be read."""
    if _AVIF.match(data):
        return "" if features.check("avif") else NO_AVIF
    if _HEIF.match(data):
        return "" if heif() else NO_HEIF
    found, named = signature(data[:HEAD]), UNREAD.get(Path(name).suffix.lower(), "")
    if found == "":  # most raw files are TIFFs, and what a decoder takes from one is a thumbnail
        return RAW if named == RAW and data.startswith((b"II*\0", b"MM\0*")) else ""
    return found or named


def unread(data: bytes) -> str:
    """Why no decoder took what is not refused, and what to do."""
    return NO_IMAGE if signature(data[:HEAD]) is None else DAMAGED


def is_raw(image: Image.Image) -> bool:
    """Whether an opened picture is a camera's raw file (DNG) under the name of a TIFF."""
    return image.format == "TIFF" and DNG_VERSION in image.tag_v2  # type: ignore[attr-defined]


@functools.cache
def heif() -> bool:
    """Whether HEIC can be read: the package pillow-heif is there (it is not required; its wheels are under the GPL)."""
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True
