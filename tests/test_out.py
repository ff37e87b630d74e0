"""What can stand in the way of an output: it is named before anything is drawn."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from toy_images import negative, noise

from wbclib import images
from wbclib.files import UserError
from wbclib.inference import folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    images.write(tmp_path / "a.png", noise())
    return tmp_path


def never(image: np.ndarray) -> np.ndarray:
    raise AssertionError("drawn in vain")


def reason(out: str, source: str = "a.png") -> str:
    summary = folder.run([source], never, out)
    ((_, said),) = summary.failed
    assert not summary.done and "\n" not in said
    return said


@pytest.mark.parametrize("out", ["o/a.png", "o/"])
def test_a_link_that_leads_nowhere_is_no_output(here: Path, out: str) -> None:
    (here / "o").mkdir()
    (here / "o" / "a.png").symlink_to("gone/a.png")
    assert re.search("output o/a.png is a link that leads nowhere; remove it, or replace it with --force", reason(out))
    assert folder.run(["a.png"], negative, out, force=True).done == [Path("o/a.png")]
    np.testing.assert_array_equal(images.read("o/a.png"), 255 - noise())
    assert not (here / "o" / "a.png").is_symlink() and not (here / "gone").exists()


def test_a_link_to_a_file_is_an_output_that_is_there(here: Path) -> None:
    (here / "o").mkdir()
    images.write(here / "other.png", noise(seed=1))
    (here / "o" / "a.png").symlink_to("../other.png")
    assert folder.run(["a.png"], never, "o").kept == [Path("o/a.png")]


@pytest.mark.parametrize("out", ["a.png/", "a.png/o.png", "a.png/x/y", "a.png/x/y.png", "link/x"])
def test_an_output_below_a_file(here: Path, out: str) -> None:
    (here / "link").symlink_to("nowhere")
    above = here / out.split("/")[0]
    if out == "a.png/":
        with pytest.raises(UserError, match="--out a.png is a file; name a folder"):
            folder.run(["a.png"], never, out)
    else:
        assert f"would lie below {above}, which is no folder; give another --out" in reason(out)


@pytest.mark.parametrize("missing", [False, True])
def test_a_name_that_becomes_too_long(here: Path, missing: bool) -> None:
    name = "n" * 253 + ".x"  # its output ends in .x.png
    (here / "a.png").rename(here / name)
    if not missing:
        (here / "o").mkdir()
    assert reason("o", name).endswith("would have 259 bytes and 255 is the most; rename the input")
    assert reason("é" * 200 + "/o.png", name).endswith("would have 400 bytes and 255 is the most; give another --out")
    assert folder.run([name], negative, "o/b.png").done == [Path("o/b.png")]


def test_no_output_is_no_folder(here: Path) -> None:
    with pytest.raises(UserError, match="--out is empty; name a folder or a file, or leave it out"):
        folder.run(["a.png"], never, "")
    assert sorted(path.name for path in here.iterdir()) == ["a.png"]


@pytest.mark.parametrize("which", ["a.png", "o/a.png"])
def test_what_is_closed_is_named(here: Path, which: str) -> None:
    def closed(image: np.ndarray) -> np.ndarray:  # the superuser may read everything, so the refusal is played
        raise PermissionError(13, "Permission denied", which)

    ((_, said),) = folder.run(["a.png"], closed, "o").failed
    assert said == f"{which}: Permission denied; check its name and permissions"
