"""What `wbc cartoonize` writes: names of outputs, what is kept or replaced, a kill, the command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from toy_images import negative, noise

from wbclib import cli, images
from wbclib.files import UserError
from wbclib.inference import folder, inputs
from wbclib.networks.generators import UNet

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
    assert inputs.WRITTEN_FILMS < inputs.FILMS
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


# --- the name of the output


@pytest.mark.parametrize(
    "end", [".heic", ".gif", ".jfif", ".jxl", ".cr2", ".psd", ".webm", ".ts", ".pdf", ".txt", ".zip"]
)
def test_a_name_that_cannot_be_written_is_refused_before_any_work(here: Path, end: str) -> None:
    pictures(here, "a.png")
    for name in (f"x{end}", f"new/x{end.upper()}"):
        with pytest.raises(UserError, match=r"is not written; choose a name that ends in \.png, .*\.mp4.* with /"):
            folder.run(["a.png"], never, name)
    assert names(here) == ["a.png"]
    for name in (f"x{end}/", f"there{end}"):  # a slash, and a folder that is there
        Path(f"there{end}").mkdir(exist_ok=True)
        assert folder.run(["a.png"], negative, name).done == [Path(name) / "a.png"]


@pytest.mark.parametrize("name", ["v1.2", "my.folder", "2024.05.01", "x.", ".png", "plain"])
def test_a_dot_in_a_name_makes_no_file_of_it(here: Path, name: str) -> None:
    pictures(here, "a.png")
    assert folder.run(["a.png"], negative, Path(name)).done == [Path(name) / "a.png"]


def never(image: np.ndarray) -> np.ndarray:
    raise AssertionError("drawn")


def test_a_side_that_does_not_fit_is_told_before_any_work(here: Path) -> None:
    Image.fromarray(noise(1, 17_000)).save("wide.png")
    ((_, reason),) = folder.run(["wide.png"], never, "wide.webp").failed
    assert "at most 16383 pixels a side; choose .png" in reason
    Image.fromarray(noise(1, 66_000)).save("wide.jpg", format="PNG")
    assert folder.run(["wide.jpg"], negative).done == [Path("cartoons/wide.png")]


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
    assert cli.main(["cartoonize", "a.png", "--style", "quick/whitebox"]) == 2  # it is not trained here
    assert "make reproduce" in capsys.readouterr().err and not Path("cartoons").exists()
    assert cli.main(["cartoonize", "a.png"]) == 0, "the style that comes with the package"
    assert "1 done" in capsys.readouterr().out
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


@pytest.mark.parametrize("words", [["cartoonize", "a.png"], ["cartoonize", "--help"], ["cartoonize", "gone.png"]])
def test_a_reader_that_went_away_is_no_error(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    pictures(here, "a.png")
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as nobody:
        monkeypatch.setattr(sys, "stdout", nobody)
        assert cli.main(words) == 128 + signal.SIGPIPE
    assert "BrokenPipe" not in capsys.readouterr().err and Path("cartoons/a.png").exists() == ("a.png" in words)


def test_a_standard_output_that_is_closed(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures(here, "a.png")
    monkeypatch.setattr(sys, "stdout", None)
    assert cli.main(["cartoonize", "a.png"]) == 0
