"""A folder of all that can be wrong with files: each bad one has its line, each good one is done."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image
from toy_images import BROKEN_EXIF, negative, noise, png_of_size

from wbclib.inference import folder, inputs, picture

Make = Callable[[Path], object]


def saved(array: np.ndarray, format: str, **options: object) -> Make:
    return lambda path: Image.fromarray(array).save(path, format=format, **options)


def content(data: bytes) -> Make:
    return lambda path: path.write_bytes(data)


def part(array: np.ndarray, format: str, share: float) -> Make:
    def make(path: Path) -> None:
        saved(array, format)(path)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])

    return make


def flipped(path: Path) -> None:
    saved(noise(), "PNG")(path)
    data = bytearray(path.read_bytes())
    data[200:260] = bytes(60)
    path.write_bytes(bytes(data))


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    return exif


def film(path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(path, format="GIF", save_all=True, append_images=frames[1:])


def clear_palette(path: Path) -> None:
    image = Image.fromarray(noise()).quantize(8)
    image.save(path, format="PNG", transparency=3)


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
BAD: dict[str, tuple[Make, str]] = {  # name -> how it is made, what its line says
    "truncated.jpg": (part(noise(64, 64), "JPEG", 0.5), "damaged or cut short .*fetch it again"),
    "truncated.png": (part(noise(), "PNG", 0.5), "damaged or cut short .*fetch it again"),
    "truncated.webp": (part(noise(), "WEBP", 0.5), "damaged or cut short|not an image"),
    "short.gif": (part(noise(channels=1), "GIF", 0.02), "damaged or cut short|not an image"),
    "header only.jpg": (part(noise(), "JPEG", 0.02), "damaged or cut short|not an image"),
    "flipped.png": (flipped, "damaged or cut short .*fetch it again"),
    "empty.jpg": (content(b""), r"empty \(0 bytes\)"),
    "text.jpg": (content(b"I am not an image\n" * 50), "not an image, whatever its name says"),
    "drawing.png": (content(SVG), "a drawing made of shapes, not of pixels; export it"),
    "archive.png": (content(b"PK\3\4" + bytes(50)), "not an image, whatever its name says"),
    "raw.nef": (saved(noise(), "TIFF"), "a camera's raw file"),
    "pipe.heic": (lambda path: os.mkfifo(path), "a pipe or a device"),
    "short.avif": (part(noise(), "AVIF", 0.5), "damaged or cut short"),
    "short jp2.jp2": (part(noise(), "JPEG2000", 0.5), "damaged or cut short"),
    "short tga.tga": (part(noise(), "TGA", 0.5), "damaged or cut short"),
    "text tga.tga": (content(b"I am not an image\n" * 50), "not an image|damaged"),
    "short ico.ico": (part(noise(), "ICO", 0.5), "damaged or cut short"),
    "header only.ppm": (content(b"P6\n99999 99999\n255\n"), "larger than 100 megapixels"),
    "bomb.png": (content(png_of_size(20_000, 20_000)), "larger than 100 megapixels"),
    "float.tif": (saved(np.zeros((8, 8), np.float32), "TIFF"), "save it as 8- or 16-bit"),
    "circle.jpg": (lambda path: path.symlink_to(path.name), "a link that leads nowhere or in a circle"),
    "dangling.jpg": (lambda path: path.symlink_to("gone.jpg"), "a link that leads nowhere or in a circle"),
    "pipe.jpg": (lambda path: os.mkfifo(path), "a pipe or a device"),
    "pipe.mp4": (lambda path: os.mkfifo(path), "a pipe or a device"),
    "secret.jpg": (saved(noise(), "JPEG"), "Permission denied.*check its permissions"),
    "bad\nname.jpg": (content(b"x"), "not an image"),
    os.fsdecode(b"bad\xff.jpg"): (content(b"x"), "not an image"),
}
GOOD: dict[str, tuple[Make, str, tuple[int, int]]] = {  # name -> how it is made, its output, height and width of that
    "png.jpg": (saved(noise(), "PNG"), "png.jpg", (24, 40)),
    "alpha in disguise.jpg": (saved(noise(channels=4), "PNG"), "alpha in disguise.png", (24, 40)),
    "1x1.png": (saved(noise(1, 1), "PNG"), "1x1.png", (1, 1)),
    "1x5000.png": (saved(noise(5000, 1), "PNG"), "1x5000.png", (5000, 1)),
    "5000x1.bmp": (saved(noise(1, 5000), "BMP"), "5000x1.bmp", (1, 5000)),
    "film.gif": (film, "film.png", (8, 8)),
    "cmyk.jpg": (lambda path: Image.new("CMYK", (9, 7), (255, 0, 0, 0)).save(path), "cmyk.jpg", (7, 9)),
    "deep.png": (saved(np.arange(960, dtype=np.uint16).reshape(24, 40) * 68, "PNG"), "deep.png", (24, 40)),
    "deep.tif": (saved(np.arange(960, dtype=np.uint16).reshape(24, 40) * 68, "TIFF"), "deep.tif", (24, 40)),
    "grey alpha.png": (saved(noise(channels=2), "PNG"), "grey alpha.png", (24, 40)),
    "rgba.webp": (saved(noise(channels=4), "WEBP"), "rgba.webp", (24, 40)),
    "clear palette.png": (clear_palette, "clear palette.png", (24, 40)),
    "one bit.png": (saved(noise(channels=1) > 99, "PNG"), "one bit.png", (24, 40)),
    "broken exif.jpg": (saved(noise(), "JPEG", exif=BROKEN_EXIF), "broken exif.jpg", (24, 40)),
    "broken icc.png": (saved(noise(), "PNG", icc_profile=b"none at all"), "broken icc.png", (24, 40)),
    "turned.png": (saved(noise(), "PNG", exif=turned()), "turned.png", (40, 24)),
    "photo.jfif": (saved(noise(), "JPEG"), "photo.jpg", (24, 40)),
    "LOUD.JPE": (saved(noise(), "JPEG"), "LOUD.jpg", (24, 40)),
    "new.avif": (saved(noise(channels=4), "AVIF"), "new.avif", (24, 40)),
    "old.tga": (saved(noise(channels=4), "TGA"), "old.png", (24, 40)),
    "grey.pgm": (saved(noise(channels=1), "PPM"), "grey.png", (24, 40)),
    "j2k.jp2": (saved(noise(), "JPEG2000"), "j2k.png", (24, 40)),
    "no suffix": (saved(noise(), "PNG"), "no suffix.png", (24, 40)),
    "photo.v2": (saved(noise(), "JPEG"), "photo.v2.png", (24, 40)),
    "LOUD.JPG": (saved(noise(), "JPEG"), "LOUD.JPG", (24, 40)),
    "-rf.png": (saved(noise(), "PNG"), "-rf.png", (24, 40)),
    "élève 漢字 😀.png": (saved(noise(), "PNG"), "élève 漢字 😀.png", (24, 40)),
    "two\nlines.png": (saved(noise(), "PNG"), "two\nlines.png", (24, 40)),
    "n" * 251 + ".png": (saved(noise(), "PNG"), "n" * 251 + ".png", (24, 40)),
    "%s [1].png": (saved(noise(), "PNG"), "%s [1].png", (24, 40)),
}


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with all of them, a folder named like a picture, and links in a circle."""
    place = tmp_path / "in"
    place.mkdir()
    for name, (make, *_) in (BAD | GOOD).items():
        make(place / name)
    (place / "x.jpg").mkdir()
    saved(noise(), "PNG")(place / "x.jpg" / "inside.png")
    (place / "loop").symlink_to(".")
    (place / "x.jpg" / "up").symlink_to("..")
    (place / "notes.txt").write_text("not asked for")
    saved(noise(), "PNG")(place / ".hidden.png")
    plain = Path.read_bytes

    def read(self: Path) -> bytes:  # the superuser may read everything, so the refusal is played
        if self.name == "secret.jpg":
            raise PermissionError(13, "Permission denied", str(self))
        return plain(self)

    monkeypatch.setattr(Path, "read_bytes", read)
    return place


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")  # wbclib.images ignores it too; pytest's filter lies over its own
def test_hostile_folder(hostile: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    out = tmp_path / "out"
    with caplog.at_level("INFO"):
        summary = folder.run([hostile], negative, out)
    said = dict(summary.failed)
    assert said.keys() == {inputs.shown(hostile / name) for name in BAD} and len(BAD) + len(GOOD) >= 40
    for name, (_, says) in BAD.items():
        line = said[inputs.shown(hostile / name)]
        assert re.search(says, line), f"{name}: {line}"
        assert "\n" not in line and line.isprintable() and len(line) < 200
    assert all(line.isprintable() for line in summary.lines()) and len(summary.lines()) == 3 + len(BAD)
    assert summary.lines()[1:3] == ["1 left out: notes.txt", "1 hidden and left out: .hidden.png"]
    expected = {name for _, name, _ in GOOD.values()} | {"x.jpg/inside.png"}
    assert {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()} == expected
    assert len(summary.done) == len(expected) and summary.status == 1
    for name, (_, target, size) in GOOD.items():
        source, drawn = picture.read(hostile / name), picture.read(out / target)
        assert drawn.rgb.shape[:2] == size, name
        if target.endswith(("png", "tif", "bmp")):
            np.testing.assert_array_equal(drawn.rgb, 255 - source.rgb, err_msg=name)
        assert (source.alpha is None) == (drawn.alpha is None), name
        if source.alpha is not None:
            np.testing.assert_array_equal(drawn.alpha, source.alpha, err_msg=name)
    for says in ("3 frames or pages, the first is taken", "film.gif: written as .png", "x.jpg: a folder in spite"):
        assert says in caplog.text


@pytest.mark.parametrize("name", BAD)
def test_bad_file_by_itself_has_the_same_line(hostile: Path, tmp_path: Path, name: str) -> None:
    summary = folder.run([hostile / name], negative, tmp_path / "out")
    ((who, line),) = summary.failed
    assert who == inputs.shown(hostile / name) and line.isprintable() and not summary.done
    assert not (tmp_path / "out").exists()
