"""Inputs whose output would have the same name: the first that can be decoded gets it, on every run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from toy_films import make, numbered
from toy_images import negative, noise

from wbclib import images
from wbclib.inference import folder


def good(path: Path, seed: int = 0) -> None:
    Image.fromarray(noise(seed=seed)).save(path)


def bad(path: Path) -> None:
    good(path)
    path.write_bytes(path.read_bytes()[:300])


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.mark.parametrize(("broken", "whole"), [("a.gif", "a.png"), ("a.png", "a.ppm"), ("a.ico", "a.tga")])
def test_a_damaged_file_is_in_no_good_ones_way(place: Path, broken: str, whole: str) -> None:
    bad(place / broken)
    good(place / whole, seed=1)
    orders = ([place], [place / broken, place / whole], [place / whole, place / broken])
    for number, words in enumerate(orders):
        out = place.parent / f"out {number}"
        first, second = (folder.run(words, negative, out) for _ in range(2))
        assert first.done == second.kept == [out / "a.png"] and not second.done
        np.testing.assert_array_equal(images.read(out / "a.png"), 255 - noise(seed=1))
        assert first.failed == second.failed and [Path(name).name for name, _ in first.failed] == [broken]


def test_the_reason_is_that_of_the_damaged_file(place: Path) -> None:
    bad(place / "a.gif")
    good(place / "a.png")
    ((_, alone),) = folder.run([place / "a.gif"], negative, place.parent / "alone").failed
    ((_, together),) = folder.run([place], negative, place.parent / "together").failed
    assert "damaged or cut short" in alone and together == alone


def test_of_several_the_first_good_one_is_drawn(place: Path) -> None:
    for name in ("a.gif", "a.ico"):
        bad(place / name)
    for seed, name in enumerate(("a.png", "a.ppm")):
        good(place / name, seed)
    summary = folder.run([place], negative, place.parent / "out")
    np.testing.assert_array_equal(images.read(summary.done[0]), 255 - noise(seed=0))
    said = {Path(name).name: reason for name, reason in summary.failed}
    assert said.keys() == {"a.gif", "a.ico", "a.ppm"} and "already the output of" in said["a.ppm"]


def test_a_picture_whose_transparency_makes_it_a_png(place: Path) -> None:
    Image.fromarray(noise(channels=4)).save(place / "a.jpg", "PNG")
    bad(place / "a.png")
    out = place.parent / "out"
    first, second = (folder.run([place], negative, out) for _ in range(2))
    assert first.done == second.kept == [out / "a.png"] and first.failed == second.failed and len(first.failed) == 1
    np.testing.assert_array_equal(images.layers((out / "a.png").read_bytes()).rgb, 255 - noise(channels=4)[..., :3])


def test_a_damaged_film(place: Path) -> None:
    make(place / "b.mp4", [numbered(index) for index in range(3)])
    (place / "b.avi").write_bytes(b"RIFF\0\0\0\0AVI " + bytes(200))
    out = place.parent / "out"
    first, second = (folder.run([place], negative, out) for _ in range(2))
    assert first.done == second.kept == [out / "b.mp4"] and first.failed == second.failed
    ((name, reason),) = first.failed
    assert name.endswith("b.avi") and "fetch it again" in reason
