"""Colours of a still that are named by code points (ITU-T H.273): PNG's chunk cICP, the box colr of AVIF and HEIF."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

UNKNOWN = (0, 2, 3)  # transfer characteristics: reserved, or not specified
HDR = (16, 18)  # transfer characteristics: PQ and HLG
D65, C, DCI = (0.3127, 0.3290), (0.310, 0.316), (0.314, 0.351)
# H.273, table 2: x and y of white, red, green, blue by the code of the primaries
PRIMARIES = {
    1: (*D65, 0.640, 0.330, 0.300, 0.600, 0.150, 0.060),
    4: (*C, 0.670, 0.330, 0.210, 0.710, 0.140, 0.080),
    5: (*D65, 0.640, 0.330, 0.290, 0.600, 0.150, 0.060),
    6: (*D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    7: (*D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    8: (*C, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049),
    9: (*D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (*DCI, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    22: (*D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077),
}
# Table 3: transfer characteristics that are powers. The curves of cameras (BT.709, BT.601, BT.2020) are taken for that
# of sRGB, and so is the power of 2.2, which approximates it.
POWERS = {5: 2.8, 8: 1.0, 17: 2.6}


class Coding(NamedTuple):
    """Codes of H.273; ``primaries`` and ``transfer`` are 2 where the file does not say."""

    primaries: int
    transfer: int

    @property
    def hdr(self) -> bool:
        """High dynamic range: brightnesses of a screen that no picture of 8 bits has."""
        return self.transfer in HDR

    @property
    def known(self) -> bool:
        """Whether both codes say something."""
        return self.primaries in PRIMARIES and self.transfer not in UNKNOWN

    @property
    def space(self) -> tuple[tuple[float, ...], float | None] | None:
        """Chromaticities and power (None: sRGB's curve) for :func:`wbclib.colours.matrix_profile`; None: sRGB."""
        gamma = POWERS.get(self.transfer)
        if self.primaries not in PRIMARIES or (self.primaries == 1 and gamma is None):
            return None
        return PRIMARIES[self.primaries], gamma


def coding(data: bytes) -> Coding | None:
    """What the bytes of a PNG, AVIF or HEIF say of their first picture; None: nothing, or what cannot be read."""
    try:
        return _png(data) if data.startswith(b"\x89PNG") else _heif(data) if data[4:8] == b"ftyp" else None
    except (struct.error, IndexError):  # cut short: the decoder says so
        return None


def _png(data: bytes) -> Coding | None:
    place = 8
    while (kind := data[place + 4 : place + 8]) not in (b"IDAT", b"IEND", b""):
        (length,) = struct.unpack_from(">I", data, place)
        if kind == b"cICP":
            return Coding(data[place + 8], data[place + 9])
        place += 12 + length
    return None


def _heif(data: bytes) -> Coding | None:
    """The colr of the primary item alone: gain maps and thumbnails have others (ISO/IEC 23008-12, clause 9.3)."""
    meta = dict(_boxes(data)).get(b"meta", b"")
    parts = dict(_boxes(meta[4:]))
    inside = dict(_boxes(parts.get(b"iprp", b"")))
    properties = list(_boxes(inside.get(b"ipco", b"")))
    first = parts.get(b"pitm", b"")
    if not first or b"ipma" not in inside:
        return None
    (item,) = struct.unpack_from(">I" if first[0] else ">H", first, 4)
    for index in _associated(inside[b"ipma"], item):
        kind, body = properties[index - 1] if index else (b"", b"")
        if kind == b"colr" and body.startswith(b"nclx"):
            return Coding(*struct.unpack_from(">HH", body, 4))
    return None


def _associated(ipma: bytes, item: int) -> list[int]:
    """Numbers (from 1) of the properties of an item."""
    version, long = ipma[0], ipma[3] & 1
    (count,), place = struct.unpack_from(">I", ipma, 4), 8
    for _ in range(count):
        (name,) = struct.unpack_from(">I" if version else ">H", ipma, place)
        place += 4 if version else 2
        number, place = ipma[place], place + 1
        found = struct.unpack_from(f">{number}{'H' if long else 'B'}", ipma, place)
        if name == item:
            return [value & (0x7FFF if long else 0x7F) for value in found]  # the first bit says "essential"
        place += number * (2 if long else 1)
    return []


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of the boxes of ISO/IEC 14496-12 that lie one behind the other."""
    place = 0
    while place + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        head = 8
        if size == 1:
            (size,), head = struct.unpack_from(">Q", data, place + 8), 16
        end = place + size if size else len(data)
        if end < place + head:
            return
        yield kind, data[place + head : end]
        place = end
