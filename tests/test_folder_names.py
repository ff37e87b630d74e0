"""Which files of a folder are a corpus's images, and folders whose names hold a plus."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from toy_images import corpus_image

from wbclib import corpora, formats, images
from wbclib.corpora.base import Corpus
from wbclib.files import UserError
from wbclib.options import CorpusSpec


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WBC_ROOT", str(tmp_path / "study"))
    monkeypatch.setenv("WBC_ASSETS", str(tmp_path / "assets"))
    (tmp_path / "assets").mkdir()
    return tmp_path / "assets"


def opened(path: str) -> Corpus:
    return corpora.load(CorpusSpec(kind="folder", path=path))


def names(corpus: Corpus) -> set[str]:
    return {item.name for item in corpus.items}


def fill(folder: Path, *seeds: int) -> None:
    for seed in seeds:
        images.write(folder / f"{seed}.png", corpus_image(seed))


# --- kinds of files


def test_every_kind_that_can_be_read_is_an_image(assets: Path) -> None:
    (assets / "pictures").mkdir()
    kinds = {"a.avif": "AVIF", "b.jfif": "JPEG", "c.jpe": "JPEG", "d.ppm": "PPM", "e.tga": "TGA", "f.jp2": "JPEG2000"}
    kinds |= {"g": "PNG", "h.jpg_large": "JPEG", "i.apng": "PNG"}
    for seed, (name, format) in enumerate(kinds.items()):
        Image.fromarray(corpus_image(seed)).save(assets / "pictures" / name, format)
    corpus = opened("pictures")
    assert names(corpus) == {f"pictures/{name}" for name in kinds} and not corpus.skipped
    for index, item in enumerate(corpus.items):
        np.testing.assert_array_equal(corpus.image(index), images.read(assets / item.name))


def test_pictures_that_are_not_read_are_listed_and_other_files_are_not(assets: Path) -> None:
    fill(assets / "pictures", 0)
    bad = {
        "a.cr2": b"II*\0\x10\0\0\0CR",
        "b.psd": b"8BPS\0\1",
        "c.svg": b"<svg/>",
        "d.jxl": b"\xff\x0a",
        "e": b"8BPS\0\1",
    }
    others = {
        "notes.txt": b"text",
        "credits.csv": b"file",
        "paper.pdf": b"%PDF-1.4",
        "film.mp4": b"\0\0\0\x20ftypisom",
        "x": b"",
    }
    for name, data in {**bad, **others}.items():
        (assets / "pictures" / name).write_bytes(data)
    corpus = opened("pictures")
    assert names(corpus) == {"pictures/0.png"}
    said = dict(corpus.skipped)
    assert said.keys() == {f"pictures/{name}" for name in bad}
    assert said["pictures/a.cr2"] == formats.RAW and said["pictures/e"] == formats.LAYERED


def test_heic_is_tried_again_when_its_package_is_there(assets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(assets / "pictures", 0)
    (assets / "pictures" / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(50))
    with monkeypatch.context() as without:
        formats.heif.cache_clear()
        without.setitem(sys.modules, "pillow_heif", None)
        assert opened("pictures").skipped == (("pictures/a.heic", formats.NO_HEIF),)
    monkeypatch.setattr(formats, "heif", lambda: True)
    ((_, reason),) = opened("pictures").skipped
    assert "pillow-heif" not in reason, "the earlier reason was not kept"


# --- a plus in a name


@pytest.mark.parametrize(
    ("folders", "path", "expected"),
    [
        (["a+b"], "a+b", ["a+b"]),
        (["a", "b"], "a+b", ["a", "b"]),
        (["a", "b"], " a + b ", ["a", "b"]),
        (["a", "b", "a+b"], "a+b", ["a+b"]),  # the longest name wins
        (["a+b", "c"], "a+b+c", ["a+b", "c"]),
        (["a+b", "c"], "c + a+b", ["c", "a+b"]),
        (["a", "b+c"], "a+b+c", ["a", "b+c"]),
        (["a+b", "c+d"], "a+b + c+d", ["a+b", "c+d"]),
        (["rock + roll", "c"], "rock + roll+c", ["rock + roll", "c"]),
        (["c++"], "c++", ["c++"]),
        (["+"], "+", ["+"]),
        (["+a", "b+"], "+a+b+", ["+a", "b+"]),
        (["x/a+b/deep", "c"], "x/a+b/deep+c", ["x/a+b/deep", "c"]),
        (["a", "b"], "a++b", ["a", "b"]),
    ],
)
def test_a_folder_whose_name_holds_a_plus(assets: Path, folders: list[str], path: str, expected: list[str]) -> None:
    for seed, folder in enumerate(folders):
        fill(assets / folder, seed)
    corpus = opened(path)
    found = {f"{Path(folder).name}/{folders.index(folder)}.png" for folder in expected}
    assert names(corpus) == found and corpus.name == "+".join(expected)


def test_an_absolute_path_may_hold_a_plus(assets: Path, tmp_path: Path) -> None:
    fill(assets / "a", 0)
    fill(tmp_path / "my+own", 1)
    assert names(opened(f"{tmp_path / 'my+own'}+a")) == {"my+own/1.png", "a/0.png"}


def test_a_missing_folder_of_several_is_told_with_the_whole_path(assets: Path) -> None:
    fill(assets / "a", 0)
    with pytest.raises(UserError, match=r"no folder .*/gone \(of the path 'a\+gone', where \+ joins folders\)"):
        opened("a+gone")
