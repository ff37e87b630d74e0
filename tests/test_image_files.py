"""Images read from files, whatever can be wrong with these, and written to them."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image
from toy_images import BROKEN_EXIF, noise, png_of_size

from wbclib import images
from wbclib.corpora.bundled import PHOTOGRAPHS, locate
from wbclib.files import UserError

# --- reading what is unusual


def test_grey_palette_and_rgb_are_read_as_they_are(tmp_path: Path) -> None:
    image = noise(6, 9)
    Image.fromarray(image).save(tmp_path / "rgb.png")
    Image.fromarray(image[..., 0]).save(tmp_path / "grey.png")
    few = (image // 128 * 255).astype(np.uint8)
    Image.fromarray(few).quantize(8).save(tmp_path / "palette.png")
    np.testing.assert_array_equal(images.read(tmp_path / "rgb.png"), image)
    np.testing.assert_array_equal(images.read(tmp_path / "grey.png"), image[..., :1].repeat(3, axis=2))
    np.testing.assert_array_equal(images.read(tmp_path / "palette.png"), few)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_laid_on_white(tmp_path: Path, mode: str) -> None:
    values = np.random.default_rng(1).integers(0, 256, (8, 8, len(mode)), dtype=np.uint8)
    Image.fromarray(values, mode=None).save(tmp_path / "alpha.png")
    colour, alpha = values[..., :-1].astype(float), values[..., -1:] / 255
    expected = np.broadcast_to(colour * alpha + 255 * (1 - alpha), (8, 8, 3))
    assert np.abs(images.read(tmp_path / "alpha.png") - expected).max() <= 1


def test_transparent_palette_entry_is_white(tmp_path: Path) -> None:
    picture = Image.new("P", (4, 4), 1)
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.putpixel((2, 1), 0)
    picture.save(tmp_path / "clear.gif", transparency=1)
    expected = np.full((4, 4, 3), 255)
    expected[1, 2] = [255, 0, 0]
    np.testing.assert_array_equal(images.read(tmp_path / "clear.gif"), expected)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path: Path, suffix: str) -> None:
    values = np.linspace(0, 65535, 64 * 64).round().astype(np.uint16).reshape(64, 64)
    Image.fromarray(values).save(tmp_path / f"deep.{suffix}")
    expected = np.rint(values.astype(float) * 255 / 65535)
    np.testing.assert_array_equal(images.read(tmp_path / f"deep.{suffix}")[..., 2], expected)


def test_cmyk_jpeg_becomes_rgb(tmp_path: Path) -> None:
    patches = {(0, 0, 0, 0): (255, 255, 255), (255, 0, 0, 0): (0, 255, 255), (0, 255, 255, 0): (255, 0, 0)}
    for index, (ink, colour) in enumerate(patches.items()):
        Image.new("CMYK", (16, 16), ink).save(tmp_path / f"{index}.jpg", quality=95)
        assert np.abs(images.read(tmp_path / f"{index}.jpg").astype(int) - colour).max() <= 8


def adobe_profile() -> bytes:
    rocket = next(p for p in PHOTOGRAPHS if p.path.endswith("rocket.jpg"))  # it carries an Adobe RGB (1998) profile
    with Image.open(locate(rocket)) as picture:
        return bytes(picture.info["icc_profile"])


def adobe_to_srgb(values: np.ndarray) -> np.ndarray:
    """Closed form: Adobe RGB (1998), section 4.3.5.3, to XYZ (D65), to sRGB (IEC 61966-2-1)."""
    to_xyz = np.array([[0.57667, 0.18556, 0.18823], [0.29734, 0.62736, 0.07529], [0.02703, 0.07069, 0.99134]])
    to_rgb = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
    linear = (values / 255.0) ** (563 / 256) @ (to_rgb @ to_xyz).T
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.abs(linear) ** (1 / 2.4) - 0.055)


def test_embedded_profile_is_converted_to_srgb(tmp_path: Path) -> None:
    values = np.random.default_rng(3).integers(110, 150, (16, 16, 3), dtype=np.uint8)  # inside the sRGB gamut
    Image.fromarray(values).save(tmp_path / "adobe.png", icc_profile=adobe_profile())
    read = images.read(tmp_path / "adobe.png")
    assert np.abs(read - adobe_to_srgb(values)).max() <= 1.5
    assert np.abs(read.astype(int) - values).max() > 3  # it does matter


def test_broken_profile_is_ignored(tmp_path: Path) -> None:
    image = noise(16, 16)
    Image.fromarray(image).save(tmp_path / "a.png", icc_profile=b"no profile at all")
    Image.fromarray(image).save(tmp_path / "b.png", icc_profile=adobe_profile()[:200])
    np.testing.assert_array_equal(images.read(tmp_path / "a.png"), image)
    np.testing.assert_array_equal(images.read(tmp_path / "b.png"), image)


UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {  # EXIF 2.3, tag 0x0112: what makes a stored image upright
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    stored, exif = noise(5, 8), Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.fromarray(stored).save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(images.read(tmp_path / "turned.png"), UPRIGHT[orientation](stored))


def test_first_frame_of_a_film(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    for suffix in ("gif", "tif", "webp"):
        options = {"lossless": True} if suffix == "webp" else {}
        frames[0].save(tmp_path / f"film.{suffix}", save_all=True, append_images=frames[1:], **options)
        np.testing.assert_array_equal(images.read(tmp_path / f"film.{suffix}"), np.full((8, 8, 3), [255, 0, 0]))


# --- files that are no image


def damaged(folder: Path, kind: str) -> Path:
    image, path = Image.fromarray(noise(64, 64)), folder / "bad.jpg"
    if kind in ("truncated jpeg", "truncated png", "header only"):
        image.save(path, format="PNG" if "png" in kind else "JPEG")
        data = path.read_bytes()
        path.write_bytes(data[: 100 if kind == "header only" else len(data) // 2])
    elif kind == "flipped bits":
        image.save(path, format="PNG")
        data = bytearray(path.read_bytes())
        data[200:260] = bytes(60)
        path.write_bytes(bytes(data))
    elif kind in ("one row", "one column"):
        image.resize((50, 1) if kind == "one row" else (1, 50)).save(path, format="PNG")
    elif kind == "float":
        Image.fromarray(np.zeros((8, 8), np.float32)).save(path, format="TIFF")
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind != "missing":
        path.write_bytes({"empty": b"", "text": b"I am not an image\n" * 50, "bomb": png_of_size(30_000, 30_000)}[kind])
    return path


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("truncated jpeg", "damaged or cut short .*fetch it again"),
        ("truncated png", "damaged or cut short .*fetch it again"),
        ("header only", "fetch it again"),
        ("flipped bits", "damaged or cut short .*fetch it again"),
        ("empty", r"empty \(0 bytes\).*fetch it again"),
        ("text", "not an image.*name another file, or save it as"),
        ("one row", "50 x 1 pixels; use"),
        ("one column", "1 x 50 pixels; use"),
        ("bomb", "100 megapixels; make it smaller"),
        ("float", "save it as"),
        ("folder", "not a file; name an image"),
        ("pipe", "not a file; name an image"),
        ("missing", "no such file; check the name"),
    ],
)
def test_bad_file_gives_one_clear_line(tmp_path: Path, kind: str, says: str) -> None:
    path = damaged(tmp_path, kind)
    with pytest.raises(images.ImageError, match=says) as caught:
        images.read(path)
    assert "bad.jpg" in str(caught.value) and "\n" not in str(caught.value)
    assert str(caught.value).endswith(caught.value.reason) and "bad.jpg" not in caught.value.reason


@pytest.mark.parametrize("sides", [(11_000, 9_500), (13_000, 12_000), (60_000, 60_000)])
@pytest.mark.parametrize("action", ["error", "ignore"])
def test_bombs_are_refused_before_they_are_decoded(sides: tuple[int, int], action: str) -> None:
    with warnings.catch_warnings():  # Pillow warns of some and refuses others: here both are the same error
        warnings.simplefilter(action)  # type: ignore[arg-type]
        with pytest.raises(images.ImageError, match="megapixels"):
            images.decode(png_of_size(*sides), "bomb.png")


def test_broken_exif_and_large_images_leak_no_warning(tmp_path: Path) -> None:
    """In a fresh interpreter with warnings as errors, because pytest lays its own filters over the module's."""
    Image.fromarray(noise(16, 16)).save(tmp_path / "a.jpg", exif=BROKEN_EXIF)
    (tmp_path / "b.png").write_bytes(png_of_size(11_000, 9_500))
    code = (
        "import sys; from wbclib import images; print(images.read(sys.argv[1]).shape)\n"
        "try: images.read(sys.argv[2])\nexcept images.ImageError as error: print('refused')"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(tmp_path / "a.jpg"), str(tmp_path / "b.png")],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    assert (done.stdout, done.stderr) == ("(16, 16, 3)\nrefused\n", "")


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images.write(tmp_path / "secret.png", noise(4, 4))

    def refuse(self: Path) -> bytes:  # the superuser may read everything, so the refusal is played
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(images.ImageError, match=r"secret\.png.*Permission denied.*check its permissions"):
        images.read(tmp_path / "secret.png")


# --- writing


def test_written_png_is_the_same_image_and_jpeg_is_near(tmp_path: Path) -> None:
    smooth = images.resize(noise(4, 4), (64, 64))
    images.write(tmp_path / "new" / "a.png", smooth)
    images.write(tmp_path / "a.JPG", smooth)
    np.testing.assert_array_equal(images.read(tmp_path / "new" / "a.png"), smooth)
    assert np.abs(images.read(tmp_path / "a.JPG").astype(int) - smooth).mean() < 2


def test_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    images.write(path, noise(8, 8))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(UserError, match=r"a\.png.*No space left"):
        images.write(path, noise(8, 8, seed=1))
    np.testing.assert_array_equal(images.read(path), noise(8, 8))
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


def test_unknown_suffix_and_wrong_arrays_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"\.png or \.jpg"):
        images.write(tmp_path / "a.bmp", noise(4, 4))
    with pytest.raises(ValueError):
        images.write(tmp_path / "a.png", np.zeros((4, 4, 3), np.float32))
    assert not list(tmp_path.iterdir())
