"""Colours, depth and transparency of files, against written-out curves, littleCMS and other libraries."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms
from skimage.color import lab2xyz
from toy_files import SRGB_COLUMNS, chunk, icc, png, tiff

from wbclib import colours, images

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)
GREY, COLOUR = Image.fromarray(RAMP), Image.fromarray(np.repeat(RAMP[..., None], 3, axis=2))


def encoded(linear: np.ndarray) -> np.ndarray:
    """sRGB's curve, IEC 61966-2-1, to 0...255."""
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 0) ** (1 / 2.4) - 0.055)


def file(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def off(data: bytes, expected: np.ndarray, name: str = "x.png") -> float:
    """Largest difference to a grey image."""
    return float(np.abs(images.decode(data, name, smallest=1) - expected[..., None]).max())


def with_alpha(image: Image.Image) -> Image.Image:
    image = image.copy()
    image.putalpha(255)
    return image


# --- profiles


LINEAR = encoded(RAMP / 255)


@pytest.mark.parametrize("title", ["toy", "sRGB linear", "sRGB IEC61966-2.1", ""])
@pytest.mark.parametrize(
    "image", [COLOUR, GREY, with_alpha(COLOUR), with_alpha(GREY), GREY.convert("P")], ids=lambda image: image.mode
)
def test_a_linear_profile_is_applied_whatever_its_title(image: Image.Image, title: str) -> None:
    assert off(file(image, icc_profile=icc(title=title)), LINEAR) <= 1.1


@pytest.mark.parametrize("image", [GREY, with_alpha(GREY), GREY.convert("P"), Image.fromarray(RAMP * np.uint16(257))])
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_a_grey_profile_is_applied_to_every_kind_of_grey(image: Image.Image, format: str) -> None:
    assert off(file(image, format, icc_profile=icc("GRAY")), LINEAR) <= 0.6, "rounding alone"


def test_a_grey_profile_goes_with_transparency() -> None:
    data = file(GREY, icc_profile=icc("GRAY"), transparency=3)
    found = images.layers(data)
    assert found.alpha is not None and (np.argwhere(found.alpha == 0) == [[0, 3]]).all()
    assert np.abs(found.rgb - LINEAR[..., None]).max() <= 0.6


def test_a_grey_profile_is_applied_to_16_bits_with_alpha() -> None:
    profile = chunk(b"iCCP", b"x\0\0" + zlib.compress(icc("GRAY")))
    found = images.layers(png(2, 16, 4, struct.pack(">4H", 0x6464, 0x8080, 0, 65535), profile), smallest=1)
    assert found.alpha is not None and found.alpha.tolist() == [[128, 255]]
    assert np.abs(found.rgb[0, :, 0] - encoded(np.array([100, 0]) / 255)).max() <= 0.6


def test_a_palette_of_colours_keeps_them_under_a_profile_and_transparency() -> None:
    colours_ = bytes([200, 40, 40, 40, 200, 60, 40, 60, 210])
    profile = icc()
    deflated = chunk(b"iCCP", b"x\0\0" + zlib.compress(profile))
    data = png(3, 8, 3, bytes([0, 1, 2]), deflated, chunk(b"PLTE", colours_), chunk(b"tRNS", bytes([0, 128])))
    found = images.layers(data, smallest=1)
    assert found.alpha is not None and found.alpha.tolist() == [[0, 128, 255]]
    expected = encoded(np.frombuffer(colours_, np.uint8).reshape(1, 3, 3) / 255)
    assert np.abs(found.rgb - expected).max() <= 1


def test_littlecms_agrees_on_the_plain_mode() -> None:
    profile = icc(gamma=1.8)
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    flags, intent = ImageCms.Flags.BLACKPOINTCOMPENSATION, ImageCms.Intent.RELATIVE_COLORIMETRIC
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8))
    plain = ImageCms.profileToProfile(noise, source, ImageCms.createProfile("sRGB"), intent, flags=flags)
    np.testing.assert_array_equal(images.decode(file(with_alpha(noise), icc_profile=profile)), np.asarray(plain))


@pytest.mark.parametrize("version", [2, 4])
def test_a_profile_that_is_srgb_changes_nothing(version: int) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    if version == 4:
        profile = colours.matrix_profile(colours.SRGB, None) or b""
    noise = np.random.default_rng(1).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    np.testing.assert_array_equal(images.decode(file(Image.fromarray(noise), icc_profile=profile)), noise)


@pytest.mark.parametrize(
    "profile",
    [icc("GRAY"), icc("Lab "), icc("XYZ "), icc("CMYK"), icc(kind="link"), icc(kind="abst"), icc(kind="nmcl"), b"\0"],
)
def test_a_profile_of_something_else_is_ignored(profile: bytes) -> None:
    assert off(file(COLOUR, icc_profile=profile), RAMP) == 0


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_a_profile_of_megabytes_is_applied(format: str) -> None:
    profile = icc(more=np.random.default_rng(2).bytes(1_500_000))
    options = {"lossless": True} if format == "WEBP" else {"quality": 100} if format == "JPEG" else {}
    assert off(file(COLOUR, format, icc_profile=profile, **options), LINEAR) <= 1.1


# --- colours without a profile


def gama(gamma: float) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", round(100_000 / gamma)))


CHRM = chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000))
ADOBE_CHRM = chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000))


def one(value: bytes, *chunks: bytes) -> list[int]:
    return images.decode(png(1, 8, 2, value, *chunks), smallest=1)[0, 0].tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("value", [0, 20, 100, 200, 255])
@pytest.mark.parametrize("gamma", [1.0, 1.8])
def test_gama_of_a_png_is_applied(value: int, gamma: float) -> None:
    expected = float(encoded(np.array((value / 255) ** gamma)))
    for chunks in ((gama(gamma),), (gama(gamma), CHRM)):
        assert np.abs(np.array(one(bytes([value] * 3), *chunks)) - expected).max() <= 1
    grey = images.decode(png(1, 8, 0, bytes([value]), gama(gamma)), smallest=1)
    assert np.abs(grey - expected).max() <= 1


def test_gama_that_stands_for_srgb_or_for_nothing_changes_nothing() -> None:
    colour = bytes([7, 120, 250])
    srgb = chunk(b"sRGB", b"\0")
    for chunks in ((gama(2.2),), (gama(2.2), CHRM), (gama(2.25), CHRM), (gama(1.0), srgb), (chunk(b"gAMA", bytes(4)),)):
        assert one(colour, *chunks) == list(colour)
    for numbers in ([0] * 8, [31270, 0, 64000, 33000, 30000, 60000, 15000, 6000], [33000] * 8):
        broken = chunk(b"cHRM", struct.pack(">8I", *numbers))
        assert one(colour, gama(1.0), broken) == list(colour), "numbers that are no colours"


def test_a_profile_goes_before_gama() -> None:
    profile = chunk(b"iCCP", b"x\0\0" + zlib.compress(icc(gamma=1.8)))
    expected = encoded(np.array((100 / 255) ** 1.8))
    assert np.abs(np.array(one(bytes([100] * 3), profile, gama(1.0))) - expected).max() <= 1


def adobe(values: tuple[int, int, int]) -> np.ndarray:
    """Closed form: Adobe RGB (1998) to XYZ (D65) to sRGB, clipped."""
    to_xyz = np.array([[0.57667, 0.18556, 0.18823], [0.29734, 0.62736, 0.07529], [0.02703, 0.07069, 0.99134]])
    to_rgb = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
    return encoded(np.clip(to_rgb @ to_xyz @ (np.array(values) / 255) ** (563 / 256), 0, 1))


def test_chrm_of_a_png_is_applied() -> None:
    for values in ((120, 140, 130), (140, 110, 120)):
        assert np.abs(np.array(one(bytes(values), gama(563 / 256), ADOBE_CHRM)) - adobe(values)).max() <= 2
        assert np.abs(np.array(one(bytes(values), gama(1.8), ADOBE_CHRM)) - one(bytes(values), gama(1.8))).max() >= 3


@pytest.mark.parametrize(
    ("told", "applied"),
    [
        ({ExifTags.Base.ColorSpace: 0xFFFF, ExifTags.IFD.Interop: {1: "R03"}}, True),
        ({ExifTags.Base.ColorSpace: 2}, True),
        ({ExifTags.Base.ColorSpace: 1, ExifTags.IFD.Interop: {1: "R98"}}, False),
        ({ExifTags.Base.ColorSpace: 0xFFFF}, False),
    ],
)
def test_adobe_rgb_that_only_exif_tells_of(told: dict[int, object], applied: bool) -> None:
    values, exif = (120, 140, 130), Image.Exif()
    exif[ExifTags.Base.Make] = "camera"
    exif.get_ifd(ExifTags.IFD.Exif).update(told)
    data = file(Image.new("RGB", (16, 16), values), "JPEG", quality=100, subsampling=0, exif=exif)
    expected = adobe(values) if applied else np.array(values)
    assert np.abs(images.decode(data)[8, 8] - expected).max() <= 2


def test_lab_is_converted_by_its_definition() -> None:
    values = [(50, 20, -30), (80, -40, 40), (30, 10, 10), (100, 0, 0), (0, 0, 0), (75, 5, -5)]
    row = b"".join(struct.pack("<Bbb", round(L * 2.55), a, b) for L, a, b in values)
    stored = np.array([(round(L * 2.55) / 2.55, a, b) for L, a, b in values])
    linear = lab2xyz(stored, illuminant="D50") @ np.linalg.inv(np.array(list(SRGB_COLUMNS.values())))
    found = images.decode(tiff(6, 8, [8] * 3, row), "x.tif", smallest=1)
    assert np.abs(found - encoded(np.clip(linear, 0, 1))).max() <= 0.6, "rounding alone, white is white"


def test_cmyk_without_a_profile_is_complements() -> None:
    data = tiff(3, 5, [8] * 4, bytes([0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 255]))
    assert images.decode(data, "x.tif", smallest=1)[0].tolist() == [[255] * 3, [0, 255, 255], [0] * 3]


# --- depth and transparency


@pytest.mark.parametrize(
    ("bits", "row", "key", "greys", "alpha"),
    [
        (16, struct.pack(">4H", 0, 0x8001, 0x8000, 65535), 0x8001, [0, 128, 128, 255], [255, 0, 255, 255]),
        (8, bytes([1, 2, 3, 2]), 2, [1, 2, 3, 2], [255, 0, 255, 0]),
        (4, bytes([0x05, 0xAF]), 5, [0, 85, 170, 255], [255, 0, 255, 255]),
        (2, bytes([0b00011011]), 2, [0, 85, 170, 255], [255, 255, 0, 255]),
        (1, bytes([0b01010000]), 1, [0, 255, 0, 255], [255, 0, 255, 0]),
        (1, bytes([0b01010000]), 0, [0, 255, 0, 255], [0, 255, 0, 255]),
    ],
)
def test_transparent_grey_of_every_depth(bits: int, row: bytes, key: int, greys: list[int], alpha: list[int]) -> None:
    found = images.layers(png(4, bits, 0, row, chunk(b"tRNS", struct.pack(">H", key))), smallest=1)
    assert found.rgb[0].tolist() == [[value] * 3 for value in greys]
    assert found.alpha is not None and found.alpha[0].tolist() == alpha


def test_transparent_colour_of_16_bits_is_compared_in_full() -> None:
    row = struct.pack(">9H", 0x8001, 0x8001, 0x8001, 0x8001, 0x8002, 0x8001, 0, 1, 2)
    found = images.layers(png(3, 16, 2, row, chunk(b"tRNS", struct.pack(">3H", *[0x8001] * 3))), smallest=1)
    assert found.alpha is not None and found.alpha[0].tolist() == [0, 255, 255]
    assert found.rgb[0].tolist() == [[128] * 3, [128] * 3, [0] * 3]


@pytest.mark.parametrize(
    ("photometric", "bits", "row", "greys"),
    [
        (1, 16, struct.pack("<3H", 0, 0x4000, 65535), [0, 64, 255]),
        (0, 16, struct.pack("<3H", 0, 0x4000, 65535), [255, 191, 0]),
        (0, 8, bytes([0, 64, 255]), [255, 191, 0]),
        (1, 12, bytes([0xFF, 0xF8, 0x00, 0x00, 0x00]), [255, 128, 0]),
    ],
)
def test_grey_tiff_of_every_depth(photometric: int, bits: int, row: bytes, greys: list[int]) -> None:
    found = images.decode(tiff(3, photometric, [bits], row), "x.tif", smallest=1)
    assert found[0].tolist() == [[value] * 3 for value in greys]


def test_sixteen_bits_of_colour_become_eight() -> None:
    expected = [[0, 128, 255]]
    assert images.decode(png(1, 16, 2, struct.pack(">3H", 0, 0x8000, 65535)), smallest=1)[0].tolist() == expected
    data = tiff(1, 2, [16] * 3, struct.pack("<3H", 0, 0x8000, 65535))
    assert images.decode(data, "x.tif", smallest=1)[0].tolist() == expected


@pytest.mark.parametrize(
    ("photometric", "row", "colour", "alpha"),
    [(2, bytes([100, 50, 25, 128]), [199, 100, 50], 128), (1, bytes([100, 128]), [199] * 3, 128)],
)
def test_premultiplied_alpha_of_a_tiff_is_divided_out(
    photometric: int, row: bytes, colour: list[int], alpha: int
) -> None:
    found = images.layers(tiff(1, photometric, [8] * len(row), row, {338: 1}), "x.tif", smallest=1)
    assert found.alpha is not None and found.alpha.tolist() == [[alpha]]
    assert np.abs(found.rgb[0, 0].astype(int) - colour).max() <= 1
