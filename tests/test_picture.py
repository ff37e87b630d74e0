"""Pictures in and out: alpha, orientation, depth, kinds of files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from wbclib import images
from wbclib.files import UserError
from wbclib.inference import picture
from wbclib.inference.picture import Picture


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_alpha_and_the_colours_under_it_come_and_go_unchanged(tmp_path: Path, suffix: str) -> None:
    stored = noise(7, 9, 4)
    stored[:3, :, 3] = 0  # fully transparent, with colours
    lossless = {"lossless": True, "exact": True} if suffix == ".webp" else {}
    Image.fromarray(stored).save(tmp_path / f"a{suffix}", **lossless)
    found = picture.read(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(found.rgb, stored[..., :3])
    np.testing.assert_array_equal(found.alpha, stored[..., 3])
    picture.write(tmp_path / f"b{suffix}", found)
    with Image.open(tmp_path / f"b{suffix}") as written:
        assert written.mode == "RGBA"
        np.testing.assert_array_equal(np.asarray(written)[..., 3], stored[..., 3])
        if suffix != ".webp":
            np.testing.assert_array_equal(np.asarray(written), stored)


def test_avif_keeps_alpha_exactly_and_colours_nearly(tmp_path: Path) -> None:
    smooth, alpha = images.resize(noise(4, 4, 3), (40, 60)), noise(40, 60)
    picture.write(tmp_path / "a.avif", Picture(smooth, alpha))
    found = picture.read(tmp_path / "a.avif")
    np.testing.assert_array_equal(found.alpha, alpha)
    assert np.abs(found.rgb.astype(int) - smooth).mean() < 2
    picture.write(tmp_path / "b.avif", Picture(np.zeros((1, picture.KINDS[".avif"].longest, 3), np.uint8)))
    assert picture.read(tmp_path / "b.avif").rgb.shape[1] == 32_768, "what is written can be read"


def test_alpha_is_turned_with_its_picture(tmp_path: Path) -> None:
    stored, exif = noise(5, 8, 4), Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.fromarray(stored).save(tmp_path / "a.png", exif=exif)
    found = picture.read(tmp_path / "a.png")
    np.testing.assert_array_equal(found.rgb, np.rot90(stored[..., :3], -1))
    np.testing.assert_array_equal(found.alpha, np.rot90(stored[..., 3], -1))


def test_transparent_palette_entry_is_alpha(tmp_path: Path) -> None:
    image = Image.new("P", (4, 3), 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((2, 1), 0)
    image.save(tmp_path / "a.gif", transparency=1)
    found = picture.read(tmp_path / "a.gif")
    expected = np.zeros((3, 4), np.uint8)
    expected[1, 2] = 255
    np.testing.assert_array_equal(found.alpha, expected)
    assert found.rgb[1, 2].tolist() == [255, 0, 0] and found.rgb[0, 0].tolist() == [0, 0, 255]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "I;16"])
def test_no_alpha_where_the_file_has_none(tmp_path: Path, mode: str) -> None:
    values = Image.fromarray(noise(6, 6, 3))
    if mode == "I;16":
        values = Image.fromarray(np.full((6, 6), 0x8000, np.uint16))
    Image.Image.save(values.convert(mode) if mode != "I;16" else values, tmp_path / "a.tif")
    found = picture.read(tmp_path / "a.tif")
    assert found.alpha is None and found.rgb.shape == (6, 6, 3)
    np.testing.assert_array_equal(found.rgb, images.read(tmp_path / "a.tif"))
    if mode == "I;16":
        assert (found.rgb == 128).all()  # 32768 / 257 = 127.5


@pytest.mark.parametrize("size", [(1, 1), (5000, 1), (1, 5000)])
def test_one_pixel_is_enough(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, "red").save(tmp_path / "a.png")
    assert picture.read(tmp_path / "a.png").rgb.shape == (size[1], size[0], 3)
    with pytest.raises(images.ImageError, match="at least 2 x 2"):
        images.read(tmp_path / "a.png")


def test_frames_are_counted_and_the_first_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    for suffix in ("gif", "tif"):
        frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:])
        found = picture.read(tmp_path / f"a.{suffix}")
        assert found.frames == 3 and (found.rgb == [255, 0, 0]).all()
    cut = (tmp_path / "a.gif").read_bytes()[:-6]  # damage behind the first frame is no reason to refuse it
    (tmp_path / "cut.gif").write_bytes(cut)
    assert (picture.read(tmp_path / "cut.gif").rgb == [255, 0, 0]).all()


@pytest.mark.parametrize(
    ("name", "alpha", "becomes"),
    [
        (".JPG", False, ".JPG"),
        (".jpg", True, ".png"),
        (".png", True, ".png"),
        (".webp", True, ".webp"),
        (".bmp", False, ".bmp"),
        (".bmp", True, ".png"),
        (".gif", False, ".png"),
        (".ppm", False, ".png"),
        (".jfif", False, ".jpg"),
        (".JPE", False, ".jpg"),
        (".mpo", True, ".png"),
        (".avif", True, ".avif"),
        (".heic", False, ".png"),
        (".apng", False, ".png"),
        ("", False, ".png"),
    ],
)
def test_suffix_is_kept_where_it_can_be(name: str, alpha: bool, becomes: str) -> None:
    assert picture.suffix(name, alpha) == becomes


def test_a_kind_that_cannot_hold_the_size_gives_way_to_png() -> None:
    assert picture.suffix(".jpg", side=65_535) == ".jpg" and picture.suffix(".jpg", side=65_536) == ".png"
    assert picture.suffix(".webp", side=16_384) == ".png" and picture.suffix(".tif", side=65_536) == ".tif"


@pytest.mark.parametrize("suffix", picture.KINDS)
def test_every_kind_is_written_as_what_it_says(tmp_path: Path, suffix: str) -> None:
    smooth = images.resize(noise(4, 4, 3), (64, 48))
    picture.write(tmp_path / f"a{suffix}", Picture(smooth))
    with Image.open(tmp_path / f"a{suffix}") as written:
        assert (written.format, written.size) == (picture.KINDS[suffix].format, (48, 64))
        assert not {"exif", "icc_profile"} & set(written.info)
    assert np.abs(images.read(tmp_path / f"a{suffix}").astype(int) - smooth).mean() < 3


def test_where_alpha_does_not_fit_it_is_laid_on_white(tmp_path: Path) -> None:
    picture.write(tmp_path / "a.bmp", Picture(np.zeros((2, 2, 3), np.uint8), np.array([[0, 255], [51, 0]], np.uint8)))
    assert images.read(tmp_path / "a.bmp")[..., 0].tolist() == [[255, 0], [204, 255]]


def test_what_cannot_be_written_is_said_and_leaves_what_was_there(tmp_path: Path) -> None:
    wide = Picture(np.zeros((1, 70_000, 3), np.uint8))
    for name, says in (("a.gif", "ends in .png"), ("a.jpg", "65535 pixels"), ("a.webp", "16383 pixels")):
        (tmp_path / name).write_bytes(b"before")
        with pytest.raises(UserError, match=says):
            picture.write(tmp_path / name, wide)
        assert (tmp_path / name).read_bytes() == b"before"
    picture.write(tmp_path / "a.png", wide)
    assert len(list(tmp_path.iterdir())) == 4
