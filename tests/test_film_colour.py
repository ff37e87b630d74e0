"""Colours of films in other primaries, ranges and codings, against matrices derived from the CIE chromaticities."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorTrc
from PIL import Image
from toy_films import motion_jpeg, number, numbered, pictures, same

from wbclib.files import UserError
from wbclib.inference.film import cartoonize_film
from wbclib.inference.film_colour import Colours, convert

PATCHES = [(200, 60, 40), (60, 190, 80), (50, 80, 200), (180, 170, 60), (128, 128, 128), (255, 255, 255), (0, 0, 0)]
D65, C, DCI = (0.3127, 0.3290), (0.310, 0.316), (0.314, 0.351)
# CIE x, y of red, green, blue and white, from the standards themselves: SMPTE RP 177 makes a matrix of them
SETS = {
    "BT709": (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, *D65),
    "BT2020": (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *D65),
    "SMPTE432": (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *D65),
    "SMPTE431": (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *DCI),
    "SMPTE170M": (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *D65),
    "SMPTE240M": (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *D65),
    "BT470BG": (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *D65),
    "BT470M": (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, *C),
    "FILM": (0.681, 0.319, 0.243, 0.692, 0.145, 0.049, *C),
    "EBU3213": (0.630, 0.340, 0.295, 0.605, 0.155, 0.077, *D65),
}


def to_xyz(name: str) -> np.ndarray:
    """RP 177: columns x, y, 1 - x - y of the primaries, scaled so that they sum to the white of luminance 1."""
    x, y = np.array(SETS[name])[::2], np.array(SETS[name])[1::2]
    columns = np.stack([x, y, 1 - x - y])
    white = columns[:, 3] / columns[1, 3]
    return columns[:, :3] * (np.linalg.inv(columns[:, :3]) @ white)


def expected(colours: list[tuple[int, ...]] | np.ndarray, name: str, srgb: bool = False) -> np.ndarray:
    """float64 (N, 3): 8-bit values in BT.709's primaries of the same colours, pixel by pixel in double precision."""
    value = np.asarray(colours, float) / 255
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4) if srgb else value**2.4
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    whites = [bradford @ to_xyz(each).sum(1) for each in (name, "BT709")]
    matrix = np.linalg.inv(bradford) @ np.diag(whites[1] / whites[0]) @ bradford
    light = np.clip(light @ (np.linalg.inv(to_xyz("BT709")) @ matrix @ to_xyz(name)).T, 0, 1)
    out = (
        np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) if srgb else light ** (1 / 2.4)
    )
    return 255 * out


def film(path: Path, primaries: int, depth: int = 8, trc: int = ColorTrc.BT709, matrix: int = 1) -> Path:
    """Flat patches side by side, without loss, in YCbCr 4:4:4 of limited range."""
    weights = {1: (0.2126, 0.0722), 9: (0.2627, 0.0593)}[matrix]
    red, blue = weights
    rgb = np.repeat(np.array(PATCHES, float) / 255, 16, 0)[None].repeat(16, 0)
    luma = rgb @ [red, 1 - red - blue, blue]
    chroma = [(rgb[..., 2] - luma) / (2 - 2 * blue), (rgb[..., 0] - luma) / (2 - 2 * red)]
    planes = np.rint(np.stack([16 + 219 * luma, *(128 + 224 * part for part in chroma)]) * 2 ** (depth - 8))
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=24)
        stream.height, stream.width = 16, 16 * len(PATCHES)
        stream.pix_fmt = "yuv444p" if depth == 8 else f"yuv444p{depth}le"
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = primaries, trc, matrix, 1
        for index in range(2):
            frame = VideoFrame(stream.width, stream.height, stream.pix_fmt)
            for plane, values in zip(frame.planes, planes.astype("u1" if depth == 8 else "<u2"), strict=True):
                rows = np.zeros((stream.height, plane.line_size), np.uint8)  # lines are longer than the picture
                rows[:, : values.shape[1] * values.itemsize] = values.view(np.uint8)
                plane.update(rows.tobytes())
            frame.pts, frame.time_base = index, Fraction(1, 24)
            frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range = primaries, trc, matrix, 1
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def met(source: Path, target: Path) -> np.ndarray:
    """(N, 3): what the stylist sees in the middle of each patch."""
    seen: list[np.ndarray] = []
    cartoonize_film(source, target, lambda x: seen.append(x) or x)  # type: ignore[func-returns-value]
    return seen[0][8, 8::16].astype(float)


@pytest.mark.parametrize("name", sorted(SETS))
def test_every_pair_of_primaries_is_converted_in_linear_light(name: str) -> None:
    colours = np.random.default_rng(1).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    for srgb in (False, True):
        found = convert(colours, ColorPrimaries[name], srgb)
        assert found.dtype == np.uint8 and found.shape == colours.shape
        wanted = expected(colours.reshape(-1, 3), name, srgb).reshape(colours.shape)
        assert np.abs(found - wanted).max() <= 0.6  # rounded once, and from a table
        greys = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, 2)
        assert np.abs(convert(greys, ColorPrimaries[name], srgb).astype(int) - greys).max() <= 1


@pytest.mark.parametrize(("name", "matrix"), [("BT2020", 9), ("SMPTE432", 1), ("SMPTE170M", 1), ("BT470BG", 1)])
@pytest.mark.parametrize("depth", [8, 10])
def test_a_film_in_other_primaries_keeps_its_colours(tmp_path: Path, name: str, matrix: int, depth: int) -> None:
    trc = ColorTrc.BT2020_10 if name == "BT2020" else ColorTrc.BT709
    source = film(tmp_path / "film.mkv", ColorPrimaries[name], depth, trc, matrix)
    found, wanted = met(source, tmp_path / "out.mp4"), expected(PATCHES, name)
    assert np.abs(found - wanted).max() <= 8  # one level of YCbCr, enlarged by the matrix
    assert np.abs(found - wanted).mean() <= 1.5
    assert np.abs(np.array(PATCHES) - wanted).max() > 10  # what ignoring the primaries would cost
    with av.open(str(tmp_path / "out.mp4")) as made:
        context = made.streams.video[0].codec_context
        assert (context.color_primaries, context.color_trc, context.colorspace) == (1, 1, 1)
    assert np.abs(pictures(tmp_path / "out.mp4")[0][0][8, 8::16] - found).max() <= 6


@pytest.mark.parametrize("primaries", [ColorPrimaries.BT709, ColorPrimaries.UNSPECIFIED])
@pytest.mark.parametrize("depth", [8, 10])
def test_bt709_is_left_alone(tmp_path: Path, primaries: int, depth: int) -> None:
    assert np.abs(met(film(tmp_path / "film.mkv", primaries, depth), tmp_path / "out.mp4") - PATCHES).max() <= 2


def test_a_film_in_srgb_s_curve_is_converted_in_it(tmp_path: Path) -> None:
    source = film(tmp_path / "film.mkv", ColorPrimaries.SMPTE432, trc=ColorTrc.IEC61966_2_1)
    wanted = expected(PATCHES, "SMPTE432", srgb=True)
    assert np.abs(met(source, tmp_path / "out.mp4") - wanted).max() <= 4


def test_unknown_primaries_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    colours, frame = Colours("old.mkv"), VideoFrame.from_ndarray(np.full((2, 2, 3), 90, np.uint8), format="rgb24")
    frame.color_primaries = 10  # XYZ of SMPTE ST 428-1
    for _ in range(2):
        assert (colours(frame) == 90).all()
    assert [record.getMessage() for record in caplog.records] == [
        "old.mkv: colour primaries of unknown kind (10), taken for BT.709"
    ]


@pytest.mark.parametrize("trc", [ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67])
def test_high_dynamic_range_is_refused(tmp_path: Path, trc: int) -> None:
    source = film(tmp_path / "film.mkv", ColorPrimaries.BT2020, 10, trc, 9)
    with pytest.raises(UserError, match=r"film\.mkv: high dynamic range.*convert it to BT\.709 .*zscale and tonemap"):
        cartoonize_film(source, tmp_path / "out.mp4", same)
    assert [path.name for path in tmp_path.iterdir()] == ["film.mkv"]


@pytest.mark.parametrize(
    ("codec", "pixels", "suffix"),
    [
        ("ffv1", "gbrp10le", ".mkv"),
        ("ffv1", "bgr0", ".mkv"),
        ("libx264rgb", "rgb24", ".mp4"),
        ("png", "rgb24", ".mov"),
        ("mjpeg", "yuvj444p", ".avi"),
        ("ffv1", "yuva444p16le", ".mkv"),
        ("rawvideo", "bgr24", ".avi"),
    ],
)
def test_rgb_full_range_and_deep_films(tmp_path: Path, codec: str, pixels: str, suffix: str) -> None:
    with av.open(str(tmp_path / f"film{suffix}"), "w") as out:
        stream = out.add_stream(codec, rate=24, options={"crf": "0"} if "x264" in codec else {})
        stream.height, stream.width, stream.pix_fmt = 16, 16 * len(PATCHES), pixels
        if codec == "mjpeg":
            stream.codec_context.qmin = stream.codec_context.qmax = 1
        picture = np.repeat(np.array(PATCHES, np.uint8), 16, 0)[None].repeat(16, 0)
        for _ in range(2):
            out.mux(stream.encode(VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pixels)))
        out.mux(stream.encode(None))
    found = met(tmp_path / f"film{suffix}", tmp_path / "out.mp4")
    assert np.abs(found - PATCHES).max() <= 4


def test_pixel_formats_may_change_half_way(tmp_path: Path) -> None:
    files = []
    for mode, subsampling in [("RGB", 0), ("RGB", 2), ("L", 0), ("RGB", 1)]:
        file = io.BytesIO()
        Image.fromarray(numbered(len(files))).convert(mode).save(file, "JPEG", quality=95, subsampling=subsampling)
        files.append(file.getvalue())
    source = motion_jpeg(tmp_path / "film.avi", files)
    with av.open(str(source)) as made:
        assert len({frame.format.name for frame in made.decode(video=0)}) > 2
    assert cartoonize_film(source, tmp_path / "out.mp4", same)["frames"] == 4
    assert [number(image) for image in pictures(tmp_path / "out.mp4")[0]] == [0, 1, 2, 3]


def test_a_coding_that_is_not_read_is_no_full_disk(tmp_path: Path) -> None:
    source = film(tmp_path / "film.mkv", ColorPrimaries.BT709)
    data = source.read_bytes()
    place = data.index(bytes([0x55, 0xB1, 0x81, 1]))  # Matroska's MatrixCoefficients, one byte long, BT.709
    source.write_bytes(data[: place + 3] + b"\x08" + data[place + 4 :])  # YCgCo
    with pytest.raises(UserError, match=r"film\.mkv: its colours are coded .* \(H\.273 matrix 8\); convert"):
        cartoonize_film(source, tmp_path / "out.mp4", same)
