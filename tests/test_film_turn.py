"""Films that are stored turned or mirrored, against the definition of the display matrix and ffmpeg's own rule."""

from __future__ import annotations

import io
import math
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.frame import VideoFrame
from PIL import ExifTags, Image
from toy_films import make, motion_jpeg, same

from wbclib.inference import film_turn
from wbclib.inference.film import cartoonize_film

ONE = 1 << 16
EIGHT = [(1, 0, 0, 1), (-1, 0, 0, 1), (1, 0, 0, -1), (-1, 0, 0, -1)]
EIGHT += [(0, 1, 1, 0), (0, 1, -1, 0), (0, -1, 1, 0), (0, -1, -1, 0)]


def blocks() -> np.ndarray:
    """A picture that none of the eight orientations leaves as it is."""
    values = np.random.default_rng(3).integers(0, 256, (4, 6, 1))
    return np.kron(values, np.ones((16, 16, 3))).astype(np.uint8)


def turned(path: Path, matrix: tuple[float, float, float, float]) -> Path:
    """Write a, b, c, d (x' = a x + c y, y' = b x + d y) into the track header of an MP4 film."""
    a, b, c, d = (round(value * ONE) for value in matrix)
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 4 + 40  # version and flags, times, number, length, layer, group, volume
    data[start : start + 36] = np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], ">i4").tobytes()
    path.write_bytes(bytes(data))
    return path


def shown(picture: np.ndarray, matrix: tuple[int, int, int, int]) -> np.ndarray:
    """Each pixel at its place by the matrix, moved so that the picture begins at 0, 0."""
    a, b, c, d = matrix
    y, x = np.indices(picture.shape[:2])
    column, row = a * x + c * y, b * x + d * y
    column, row = column - column.min(), row - row.min()
    out = np.zeros((row.max() + 1, column.max() + 1, 3), np.uint8)
    out[row, column] = picture
    return out


def first(path: Path) -> VideoFrame:
    with av.open(str(path)) as film:
        return next(film.decode(video=0))


def clockwise(degrees: float) -> tuple[float, float, float, float]:
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return (cosine, sine, -sine, cosine)


@pytest.mark.parametrize("matrix", EIGHT)
def test_all_eight_orientations_come_out_as_their_matrix_says(
    tmp_path: Path, matrix: tuple[int, int, int, int]
) -> None:
    source = turned(make(tmp_path / "film.mp4", [blocks()] * 2), matrix)
    seen: list[np.ndarray] = []
    cartoonize_film(source, tmp_path / "out.mp4", lambda x: seen.append(x) or x)  # type: ignore[func-returns-value]
    written, wanted = first(tmp_path / "out.mp4"), shown(blocks(), matrix)
    for picture in (seen[0], written.to_ndarray(format="rgb24")):
        assert picture.shape == wanted.shape
        assert np.abs(picture.astype(int) - wanted).mean() < 4
    assert written.rotation == 0 and seen[0].flags.c_contiguous


@pytest.mark.parametrize("matrix", EIGHT)
def test_pixel_shape_turns_with_the_picture(tmp_path: Path, matrix: tuple[int, int, int, int]) -> None:
    with av.open(str(tmp_path / "film.mp4"), "w") as out:
        video = out.add_stream("libx264", rate=24)
        video.height, video.width, video.codec_context.sample_aspect_ratio = 64, 96, Fraction(4, 3)
        for _ in range(3):
            out.mux(video.encode(VideoFrame.from_ndarray(blocks(), format="rgb24")))
        out.mux(video.encode(None))
    cartoonize_film(turned(tmp_path / "film.mp4", matrix), tmp_path / "out.mp4", same)
    with av.open(str(tmp_path / "out.mp4")) as film:
        assert film.streams.video[0].sample_aspect_ratio == (Fraction(3, 4) if matrix[0] == 0 else Fraction(4, 3))


@pytest.mark.parametrize("degrees", [45, 30, -20, 200])
def test_other_angles_rotate_inside_the_frame(tmp_path: Path, degrees: int) -> None:
    """Clockwise about the centre, size kept, black around: compared with OpenCV's rotation."""
    y, x = np.mgrid[:64, :96]
    smooth = np.stack([2.5 * x, 3.9 * y, 255 - 2.5 * x], 2).clip(0, 255).astype(np.uint8)
    smooth = np.maximum(smooth, 40)
    seen: list[np.ndarray] = []
    source = turned(make(tmp_path / "film.mp4", [smooth] * 2), clockwise(degrees))
    cartoonize_film(source, tmp_path / "out.mp4", lambda p: seen.append(p) or p)  # type: ignore[func-returns-value]
    about = cv2.getRotationMatrix2D((48, 32), -degrees, 1)  # OpenCV counts counterclockwise
    wanted = cv2.warpAffine(smooth, about, (96, 64))
    inside = cv2.erode(cv2.warpAffine(np.full((64, 96), 255, np.uint8), about, (96, 64)), np.ones((5, 5))) == 255
    assert seen[0].shape == (64, 96, 3) and inside.mean() > 0.3
    assert np.abs(seen[0].astype(int) - wanted)[inside].max() <= 16
    outside = cv2.dilate((wanted.max(2) > 0).astype(np.uint8), np.ones((5, 5))) == 0
    assert outside.any() and seen[0][outside].max() == 0


def ffmpegs_words(m: list[int]) -> list[str]:
    """Filters that the program ffmpeg puts before a film of matrix ``m``, written down from its documented rule."""
    scale0, scale1 = math.hypot(m[0], m[3]), math.hypot(m[1], m[4])
    theta = math.nan
    if scale0 and scale1:
        theta = float(round(math.degrees(math.atan2(m[1] / scale1, m[0] / scale0))))
        theta -= 360 * math.floor(theta / 360 + 0.9 / 360)
    if abs(theta - 90) < 1:
        return ["cclock_flip" if m[3] > 0 else "clock"]
    if abs(theta - 180) < 1:
        return ["hflip"] * (m[0] < 0) + ["vflip"] * (m[4] < 0)
    if abs(theta - 270) < 1:
        return ["clock_flip" if m[3] < 0 else "cclock"]
    return [f"rotate {theta:.0f}"] if abs(theta) > 1 else ["vflip"] * (m[4] < 0)


FILTERS = {
    "clock": lambda picture: np.rot90(picture, -1),
    "cclock": np.rot90,
    "clock_flip": lambda picture: np.rot90(picture, -1)[::-1],
    "cclock_flip": lambda picture: np.rot90(picture)[::-1],
    "hflip": lambda picture: picture[:, ::-1],
    "vflip": lambda picture: picture[::-1],
}


def test_any_matrix_is_read_as_ffmpeg_reads_it() -> None:
    draw, kinds = np.random.default_rng(5), set()
    matrices = [[*row[:2], 0, *row[2:], 0, 0, 0, 1 << 30] for row in draw.integers(-2, 3, (300, 4)).tolist()]
    for degrees in range(-180, 181):
        a, b, c, d = (round(ONE * value) for value in clockwise(degrees + 0.3))
        matrices += [[a, b, 0, c, d, 0, 0, 0, 1 << 30], [-a, b, 0, -c, d, 0, 0, 0, 1 << 30]]
    picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    for matrix in matrices:
        turn, wanted = film_turn._by_rule(tuple(matrix)), ffmpegs_words(matrix)
        kinds.update(word.split()[0] for word in wanted)
        if turn.degrees:
            assert wanted == [f"rotate {turn.degrees}"], matrix
            continue
        expected = picture
        for word in wanted:
            expected = FILTERS[word](expected)
        np.testing.assert_array_equal(turn(picture), expected, str(matrix))
    assert kinds == {*FILTERS, "rotate"}


@pytest.mark.parametrize(("orientation", "quarters"), [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_exif_of_motion_jpeg_is_obeyed(tmp_path: Path, orientation: int, quarters: int) -> None:
    """Before version 19 PyAV gives no side data of such frames, because it has no name for EXIF."""
    exif, file = Image.Exif(), io.BytesIO()
    exif[ExifTags.Base.Orientation] = orientation
    Image.fromarray(blocks()).save(file, format="JPEG", quality=95, exif=exif)
    seen: list[np.ndarray] = []
    source = motion_jpeg(tmp_path / "film.avi", [file.getvalue()] * 2)
    cartoonize_film(source, tmp_path / "out.mp4", lambda x: seen.append(x) or x)  # type: ignore[func-returns-value]
    assert np.abs(seen[1].astype(int) - np.rot90(blocks(), quarters)).mean() < 4
