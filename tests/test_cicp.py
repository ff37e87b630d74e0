"""Stills whose colours are named by code points: PNG's cICP, AVIF's and HEIF's nclx."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image
from toy_files import chunk, icc, png

from wbclib import cicp, images

# CSS Color 4, section 18, and Rec. ITU-R BT.2087-0: linear RGB to linear sRGB
TO_SRGB = {
    12: [[1.22494, -0.22494, 0.0], [-0.04206, 1.04206, 0.0], [-0.01964, -0.07864, 1.09827]],
    9: [[1.6605, -0.5877, -0.0728], [-0.1246, 1.1330, -0.0084], [-0.0182, -0.1006, 1.1187]],
}
COLOURS = np.array([[200, 60, 50], [60, 180, 70], [50, 70, 190], [128, 128, 128], [255, 255, 255], [0, 0, 0]], np.uint8)


def decoded(values: np.ndarray) -> np.ndarray:
    values = values / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def encoded(linear: np.ndarray) -> np.ndarray:
    linear = np.clip(linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def tagged_png(*codes: int, more: bytes = b"") -> bytes:
    return png(len(COLOURS), 8, 2, COLOURS.tobytes(), chunk(b"cICP", bytes([*codes, 0, 1])), more)


def tagged_avif(
    primaries: int, transfer: int, colour: tuple[int, ...], profile: bytes = b"", alpha: int = 255
) -> bytes:
    stream = io.BytesIO()
    picture = Image.new("RGBA", (32, 32), (*colour, alpha))
    (picture if alpha < 255 else picture.convert("RGB")).save(stream, "AVIF", quality=100, icc_profile=profile)
    data, wanted = stream.getvalue(), b"colrnclx"
    assert data.count(wanted) == 1
    place = data.index(wanted) + 8
    return data[:place] + struct.pack(">HH", primaries, transfer) + data[place + 4 :]


@pytest.mark.parametrize("transfer", [16, 18])
@pytest.mark.parametrize("primaries", [1, 9, 12])
def test_high_dynamic_range_is_refused(primaries: int, transfer: int) -> None:
    avif = tagged_avif(primaries, transfer, (9, 99, 199))
    for data in (tagged_png(primaries, transfer), avif, tagged_avif(primaries, transfer, (9, 99, 199), alpha=100)):
        with pytest.raises(images.ImageError, match=r"high dynamic range \(PQ or HLG\).*convert it to sRGB first"):
            images.decode(data, "x.png", smallest=1)


@pytest.mark.parametrize("transfer", [1, 6, 13, 14])
@pytest.mark.parametrize("primaries", TO_SRGB)
def test_wide_colours_become_srgb(primaries: int, transfer: int) -> None:
    expected = encoded(decoded(COLOURS) @ np.array(TO_SRGB[primaries]).T)
    found = images.decode(tagged_png(primaries, transfer), smallest=1)[0]
    assert np.abs(found - expected).max() <= 1.5
    assert np.abs(found[:3].astype(int) - COLOURS[:3]).max() > 10, "it does matter"
    for colour, right in zip(COLOURS[:4], expected, strict=False):
        avif = images.decode(tagged_avif(primaries, transfer, tuple(colour)))[16, 16]
        assert np.abs(avif - right).max() <= 4, "the codec's own rounding"


@pytest.mark.parametrize("codes", [(1, 13), (1, 1), (1, 6), (2, 2), (2, 13), (0, 0), (3, 200), (255, 255)])
def test_what_is_srgb_or_unknown_changes_nothing(codes: tuple[int, int]) -> None:
    np.testing.assert_array_equal(images.decode(tagged_png(*codes), smallest=1)[0], COLOURS)


def test_linear_light_is_encoded() -> None:
    found = images.decode(tagged_png(1, 8), smallest=1)[0]
    assert np.abs(found - encoded(COLOURS / 255)).max() <= 1.1


def test_code_points_of_a_png_go_before_its_profile_and_those_of_avif_behind() -> None:
    stream = io.BytesIO()
    Image.fromarray(COLOURS[None]).save(stream, "PNG", icc_profile=icc(gamma=1.0))
    plain = stream.getvalue()
    both = plain[:33] + chunk(b"cICP", bytes([1, 13, 0, 1])) + plain[33:]
    unknown = plain[:33] + chunk(b"cICP", bytes([2, 2, 0, 1])) + plain[33:]
    linear = encoded(COLOURS / 255)
    np.testing.assert_array_equal(images.decode(both, smallest=1)[0], COLOURS)
    for data in (plain, unknown):
        assert np.abs(images.decode(data, smallest=1)[0] - linear).max() <= 1.1
    found = images.decode(tagged_avif(12, 13, (100, 100, 100), profile=icc(gamma=1.0)))[16, 16]
    assert np.abs(found - encoded(np.full(3, 100 / 255))).max() <= 2


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


@pytest.mark.parametrize("wide", [False, True])
def test_the_primary_item_counts_and_not_its_gain_map(wide: bool) -> None:
    """A photograph of BT.709 with a second item in PQ, in both lengths of numbers."""
    nclx = [box(b"colr", b"nclx", struct.pack(">HHHB", *codes, 1, 128)) for codes in ((9, 16), (1, 13))]
    number, index, flags = (">I", ">H", b"\1\0\0\1") if wide else (">H", ">B", bytes(4))
    links = b"".join(
        struct.pack(number, item) + b"\2" + struct.pack(index, first) + struct.pack(index, second)
        for item, first, second in ((1, 1, 2), (7, 1, 3))
    )
    for primary, expected in ((7, (1, 13)), (1, (9, 16))):
        pitm = box(b"pitm", bytes([wide, 0, 0, 0]), struct.pack(number, primary))
        ipco = box(b"ipco", box(b"ispe", bytes(12)), *nclx)
        iprp = box(b"iprp", ipco, box(b"ipma", flags, struct.pack(">I", 2), links))
        data = box(b"ftyp", b"heic", bytes(4)) + box(b"meta", bytes(4), pitm, iprp)
        assert cicp.coding(data) == expected
        for cut in range(len(data)):
            cicp.coding(data[:cut])  # no error, whatever is missing


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"\0\0\0\x08ftyp" + b"\xff" * 200])
def test_what_says_nothing_says_nothing(data: bytes) -> None:
    assert cicp.coding(data) is None
