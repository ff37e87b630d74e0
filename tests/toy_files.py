"""Image files made byte by byte: PNG, TIFF and ICC profiles of kinds that Pillow does not write."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence

SRGB_COLUMNS = {  # of sRGB's primaries on D50, IEC 61966-2-1 adapted by Bradford's matrix
    "r": (0.43607, 0.22249, 0.01392),
    "g": (0.38515, 0.71687, 0.09708),
    "b": (0.14307, 0.06061, 0.71410),
}
WHITE = (0.9642, 1.0, 0.8249)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, bits: int, colour: int, row: bytes, *chunks: bytes) -> bytes:
    """A PNG of one row; ``colour`` is its type: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA."""
    head = struct.pack(">IIBBBBB", width, 1, bits, colour, 0, 0, 0)
    parts = (chunk(b"IHDR", head), *chunks, chunk(b"IDAT", zlib.compress(b"\0" + row)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(width: int, photometric: int, bits: Sequence[int], row: bytes, more: Mapping[int, int] | None = None) -> bytes:
    """A little-endian TIFF of one row, not compressed; ``more`` are tags of one short value."""
    tags = {256: width, 257: 1, 259: 1, 262: photometric, 273: 0, 277: len(bits), 278: 1, 279: len(row), **(more or {})}
    start = 8 + 2 + 12 * (len(tags) + 1) + 4
    far = struct.pack(f"<{len(bits)}H", *bits)
    tags[273], entries = start + len(far), []
    for tag, value in sorted({**tags, 258: 0}.items()):
        short = (tag, 3, 1, value) if tag != 258 else (258, 3, len(bits), start if len(bits) > 2 else 0)
        entry = struct.pack("<HHII", *short)
        entries.append(entry[:8] + far.ljust(4, b"\0") if tag == 258 and len(bits) <= 2 else entry)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + b"".join(entries) + bytes(4) + far + row


def icc(space: str = "RGB ", gamma: float = 1.0, title: str = "toy", kind: str = "mntr", more: bytes = b"") -> bytes:
    """An ICC profile of version 2 with sRGB's primaries, or of a grey, and a curve that is a power."""

    def numbers(*values: float) -> bytes:
        return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))

    curve = b"curv" + bytes(4) + struct.pack(">IHxx", 1, round(gamma * 256))
    text = b"desc" + bytes(4) + struct.pack(">I", len(title) + 1) + title.encode() + bytes(79)
    tags = {"desc": text.ljust(-len(text) % 4 + len(text), b"\0"), "wtpt": numbers(*WHITE)}
    if space == "GRAY":
        tags["kTRC"] = curve
    else:
        tags |= {f"{name}XYZ": numbers(*column) for name, column in SRGB_COLUMNS.items()}
        tags |= {f"{name}TRC": curve for name in SRGB_COLUMNS}
    if more:
        tags["junk"] = b"text" + bytes(4) + more
    start, table, body = 132 + 12 * len(tags), b"", b""
    for name, element in tags.items():
        table += struct.pack(">4sII", name.encode(), start + len(body), len(element))
        body += element
    marks = (kind.encode(), space.encode(), b"XYZ ", b"acsp")
    head = struct.pack(">I4xI4s4s4s12x4s", start + len(body), 0x02400000, *marks)
    head += bytes(68 - len(head)) + numbers(*WHITE)[8:]
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body
