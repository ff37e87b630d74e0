"""Files, folders, globs, and all that can be wrong with them: each bad one has its line, each good one is done."""

from __future__ import annotations

import os
import re
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from wbclib import cli, images
from wbclib.files import UserError
from wbclib.inference import folder, inputs, picture
from wbclib.networks.generators import UNet

Make = Callable[[Path], object]


def negative(image: np.ndarray) -> np.ndarray:
    """A stylist whose output is known."""
    return 255 - image


def noise(height: int = 24, width: int = 40, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8).squeeze()


def png_of_size(width: int, height: int) -> bytes:
    """A PNG that promises ``width`` x ``height`` pixels and holds almost none."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(10))) + chunk(b"IEND", b"")


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
    exif[images.ORIENTATION] = 6
    return exif


def film(path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(path, format="GIF", save_all=True, append_images=frames[1:])


def clear_palette(path: Path) -> None:
    image = Image.fromarray(noise()).quantize(8)
    image.save(path, format="PNG", transparency=3)


BROKEN_EXIF = b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x05\x00\x12\x01\x03\x00\x01\x00\x00\x00\xff\xff"
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
    "drawing.png": (content(SVG), "not an image, whatever its name says"),
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
    "1x1.png": (saved(noise(1, 1)[None, None], "PNG"), "1x1.png", (1, 1)),
    "1x5000.png": (saved(noise(5000, 1)[:, None], "PNG"), "1x5000.png", (5000, 1)),
    "5000x1.bmp": (saved(noise(1, 5000)[None], "BMP"), "5000x1.bmp", (1, 5000)),
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
    assert all(line.isprintable() for line in summary.lines()) and len(summary.lines()) == 1 + len(BAD)
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


# --- outputs


def pictures(place: Path, *names: str) -> None:
    for seed, name in enumerate(names):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        images.write(place / name, noise(seed=seed))


def names(place: Path) -> list[str]:
    return sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_is_replaced_without_force(here: Path, caplog: pytest.LogCaptureFixture) -> None:
    pictures(here, "a.png", "b.png")
    assert len(folder.run(["a.png"], negative).done) == 1
    before = images.read("cartoons/a.png")
    with caplog.at_level("INFO"):
        summary = folder.run(["a.png", "b.png"], lambda image: image)
    assert (summary.kept, summary.done) == ([Path("cartoons/a.png")], [Path("cartoons/b.png")])
    assert summary.status == 0 and "cartoons/a.png is there already and was kept; --force" in caplog.text
    np.testing.assert_array_equal(images.read("cartoons/a.png"), before)
    folder.run(["a.png"], lambda image: image, force=True)
    np.testing.assert_array_equal(images.read("cartoons/a.png"), images.read("a.png"))


def test_second_run_draws_no_cartoon_of_a_cartoon(here: Path) -> None:
    pictures(here, "a.png", "trip/day 1/b.png", "trip/c.jpg")
    for words in (["."], [str(here)], ["**/*.png", "**/*.jpg"], ["a.png", "trip", "cartoons"]):
        first = folder.run(words, negative)
        second = folder.run(words, negative)
        assert (len(second.done), len(second.kept), second.failed) == (0, 3, [])
        assert len(first.done) + len(first.kept) == 3
    folder.run(["."], negative)
    found = [name for name in names(here / "cartoons") if "/" in name]
    assert found == ["trip/c.jpg", "trip/day 1/b.png"] or found == ["day 1/b.png", "trip/c.jpg", "trip/day 1/b.png"]


def test_sub_folders_are_mirrored(here: Path) -> None:
    pictures(here, "in/a.png", "in/x/b.jpg", "in/x/y/c.png", "other/d.png")
    folder.run(["in", "other/d.png"], negative, Path("out"))
    assert names(here / "out") == ["a.png", "d.png", "x/b.jpg", "x/y/c.png"]


def test_two_inputs_never_share_an_output(here: Path) -> None:
    pictures(here, "one/a.png", "two/a.png")
    Image.fromarray(noise()).save("one/a.gif")
    Image.fromarray(noise(channels=4)).save("one/b.bmp", format="PNG")
    pictures(here, "one/b.png")
    summary = folder.run(["one", "two/a.png", "one/b.png", "two/../two/a.png"], negative)
    assert names(here / "cartoons") == ["a.png", "b.png"]
    assert [(name, line[:35]) for name, line in sorted(summary.failed)] == [
        ("one/a.png", "cartoons/a.png is already the output"[:35]),
        ("one/b.bmp", "cartoons/b.png is already the output"[:35]),
        ("two/a.png", "cartoons/a.png is already the output"[:35]),
    ]
    np.testing.assert_array_equal(images.read("cartoons/b.png"), 255 - images.read("one/b.png"))


def test_an_input_is_never_replaced(here: Path) -> None:
    pictures(here, "a.png", "sub/a.jpg")
    Image.fromarray(noise()).save("sub/a.gif")
    before = Path("a.png").read_bytes()
    for words, out in ((["a.png"], "a.png"), (["a.png"], "."), (["a.png", "sub/a.gif"], ".")):
        summary = folder.run(words, negative, Path(out), force=True)
        assert "would replace the input" in summary.failed[0][1] and not summary.done
    assert Path("a.png").read_bytes() == before
    for out in ("sub", "sub/."):
        with pytest.raises(UserError, match="folder of the inputs itself"):
            folder.run(["sub"], negative, Path(out))
    assert len(folder.run(["sub/*.jpg"], negative, Path(".")).done) == 1  # the out folder may hold the inputs' folder


def test_out_may_name_one_file(here: Path) -> None:
    pictures(here, "a.png", "b.png")
    Image.fromarray(noise(channels=4)).save("clear.png")
    folder.run(["a.png"], negative, Path("new/result.JPG"))
    folder.run(["clear.png"], negative, Path("laid.jpg"))  # the reader chose a format without alpha
    with Image.open("new/result.JPG") as one, Image.open("laid.jpg") as two:
        assert (one.format, two.format) == ("JPEG", "JPEG")
    Path("taken.png").mkdir()
    folder.run(["a.png"], negative, Path("taken.png"))
    assert names(here / "taken.png") == ["a.png"]
    for words, out, says in (
        (["a.png", "b.png"], "c.png", "there are 2 to make; name a folder"),
        (["a.png"], "c.gif", ".gif is not written"),
        (["a.png"], "c.mp4", "a film becomes a film"),
        (["a.png"], "new/result.JPG/x", "new/result.JPG"),
    ):
        with pytest.raises(UserError, match=says):
            summary = folder.run(words, negative, Path(out))
            raise UserError(summary.failed[0][1] + out)
    Path("plain").write_text("a file")
    with pytest.raises(UserError, match="plain is a file"):
        folder.run(["a.png"], negative, Path("plain"))


def test_globs_and_names_that_look_like_globs(here: Path) -> None:
    pictures(here, "a.png", "b.png", "c[1].png", "c1.png", "sub/d.png")
    Path("empty").mkdir()
    assert len(folder.run(["?.png"], negative, Path("o1")).done) == 2
    folder.run(["c[1].png"], negative, Path("o2"))  # the file itself, not what the pattern would find
    assert names(here / "o2") == ["c[1].png"]
    summary = folder.run(["*.tif", "gone.png", "empty", "n" * 300 + ".png", "a.png"], negative, Path("o3"))
    assert [line.split(";")[0] for _, line in summary.failed] == [
        "no file has such a name",
        "there is no such file or folder",
        "no pictures or films in this folder",
        "there is no such file or folder",
    ]
    assert len(summary.done) == 1


@pytest.mark.parametrize("fault", [MemoryError(), RuntimeError("out of\nmemory"), OSError(28, "No space left")])
def test_one_fault_does_not_stop_the_others(here: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    pictures(here, "a.png", "b.png", "c.png")
    done: list[str] = []

    def stylist(image: np.ndarray) -> np.ndarray:
        done.append("")
        if len(done) == 2:
            raise fault
        return image

    summary = folder.run(["."], stylist)
    ((name, line),) = summary.failed
    assert name == "b.png" and line.isprintable() and names(here / "cartoons") == ["a.png", "c.png"]


def test_films_go_to_the_film_room(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wbclib.inference import film as room

    assert inputs.WRITTEN_FILMS == room.SUFFIXES and inputs.WRITTEN_FILMS < inputs.FILMS
    calls: list[tuple[object, ...]] = []
    fake = SimpleNamespace(cartoonize_film=lambda *words, force: calls.append((*words, force)))
    monkeypatch.setitem(sys.modules, "wbclib.inference.film", fake)
    for name in ("a.mp4", "b.avi", "sub/c.MKV"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(b"film")
    summary = folder.run(["."], negative, force=True)
    assert [(str(a), str(b), c, force) for a, b, c, force in calls] == [
        ("a.mp4", "cartoons/a.mp4", negative, True),
        ("b.avi", "cartoons/b.mp4", negative, True),
        ("sub/c.MKV", "cartoons/sub/c.MKV", negative, True),
    ]
    assert len(summary.done) == 3


# --- killed


KILLED = """
import os, signal, sys
from pathlib import Path
from wbclib.inference import folder
whole, count = Path.write_bytes, [0]
def half(self, data):
    count[0] += 1
    whole(self, data[: len(data) // 2] if count[0] == 3 else data)
    if count[0] == 3:
        os.kill(os.getpid(), signal.SIGKILL)
Path.write_bytes = half
folder.run(["in"], lambda image: image)
"""


def test_a_kill_leaves_whole_files_only_and_the_next_run_goes_on(here: Path) -> None:
    pictures(here, *(f"in/{i}.png" for i in range(5)))
    words = [sys.executable, "-c", KILLED]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    assert subprocess.run(words, env=environment, capture_output=True).returncode == -signal.SIGKILL
    assert sorted(path.name for path in (here / "cartoons").glob("[!.]*")) == ["0.png", "1.png"]
    summary = folder.run(["in"], lambda image: image)
    assert (len(summary.kept), len(summary.done), summary.failed) == (2, 3, [])
    for i in range(5):
        np.testing.assert_array_equal(images.read(f"cartoons/{i}.png"), images.read(f"in/{i}.png"))


# --- the command


def test_command_and_its_exit_status(
    study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(study)
    pictures(study, "a.png", "b.jpg")
    assert cli.main(["cartoonize", "a.png"]) == 2  # no style is here
    assert "make reproduce" in capsys.readouterr().err and not Path("cartoons").exists()
    torch.manual_seed(0)
    save_file(UNet().state_dict(), "mine.safetensors")
    words = ["--style", "mine.safetensors", "--sharpness", "0.5", "--tile", "64", "--out", "o"]
    assert cli.main(["cartoonize", "a.png", "*.jpg", *words]) == 0
    assert "2 done, 0 kept as they were, 0 failed" in capsys.readouterr().out
    assert cli.main(["cartoonize", "a.png", "gone.png", *words]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out == ["0 done, 1 kept as they were, 1 failed", "failed: gone.png: " + out[1].split(": ", 2)[2]]
    assert cli.main(["cartoonize", "a.png", *words, "--sharpness", "2"]) == 2
    assert cli.main(["cartoonize", "a.png", *words, "--tile", "0"]) == 2
