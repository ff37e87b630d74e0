"""Names of films that FFmpeg could take for something else: addresses, protocols, options, numbered pictures."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from toy_films import make, number, numbered, pictures, same

from wbclib.files import UserError
from wbclib.inference.film import cartoonize_film

NAMES = [
    "12:30.mp4",
    "Ep1:Intro.mp4",
    "http:film.mp4",
    "https:..film.mp4",
    "concat:a.mp4",
    "concat:a|b.mp4",
    "file:film.mp4",
    "pipe:0.mp4",
    "pipe:.mp4",
    "data:video.mp4",
    "subfile,,start,0,end,0,,:a.mp4",
    "-x.mp4",
    "-.mp4",
    "film%03d.mp4",
    "100%.mp4",
    "a?b#c.mp4",
    "*.mp4",
    "@film.mp4",
    " film .mp4",
    "new\nline.mp4",
    os.fsdecode(b"bad\xff.mp4"),
    "été.mp4",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_a_file_whatever_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Relative and absolute, read and written, as the folder's name and as the film's."""
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "plain.mp4", [numbered(i) for i in range(3)]).rename(name)
    told = cartoonize_film(Path(name), Path("out:" + name) / name, same)
    again = cartoonize_film(tmp_path / name, tmp_path / "out.mp4", same)
    assert told["frames"] == again["frames"] == 3
    os.rename(Path("out:" + name) / name, "read.mp4")
    for made in ("read.mp4", "out.mp4"):
        assert [number(image) for image in pictures(Path(made))[0]] == [0, 1, 2]
    assert sorted(os.listdir()) == sorted([name, "out:" + name, "out.mp4", "read.mp4"])
    assert not os.listdir("out:" + name)


@pytest.mark.parametrize("name", ["http:film.mp4", "12:30.mp4"])
def test_a_damaged_film_with_such_a_name_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(b"no film" * 100)
    with pytest.raises(UserError, match=f"^{name}: no film, damaged or cut short"):
        cartoonize_film(Path(name), Path("out.mp4"), same)
