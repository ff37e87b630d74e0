"""The working size, and looks without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wbclib
from wbclib import images
from wbclib.baselines.bilateral import Bilateral
from wbclib.cli import main
from wbclib.corpora import bundled
from wbclib.files import UserError
from wbclib.inference import classical, drawing
from wbclib.inference.drawing import Drawing, open_drawing
from wbclib.measure import cartoonness
from wbclib.options import Flow, Structure
from wbclib.represent import flow


def photograph(side: int, index: int = 0) -> np.ndarray:
    return images.square(bundled.photographs().image(index), side)


class Recorder:
    """Draws nothing, and keeps what it was given."""

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []

    def __call__(self, image: np.ndarray) -> np.ndarray:
        self.seen.append(image)
        return image


def drawn_at(image: np.ndarray, detail: int) -> tuple[int, ...]:
    recorder = Recorder()
    assert Drawing(recorder, detail)(image).shape == image.shape  # type: ignore[arg-type]
    return recorder.seen[0].shape[:2]


def test_larger_pictures_are_drawn_at_the_working_size_and_others_at_their_own() -> None:
    assert drawn_at(np.zeros((300, 400, 3), np.uint8), 100) == (100, 133)
    assert drawn_at(np.zeros((900, 100, 3), np.uint8), 100) == (900, 100)
    assert drawn_at(np.zeros((99, 5000, 3), np.uint8), 100) == (99, 5000)
    assert drawn_at(np.zeros((300, 400, 3), np.uint8), 0) == (300, 400)


@pytest.mark.parametrize("detail", [-1, 1, 63])
def test_a_working_size_too_small_to_draw_at_is_refused(detail: int) -> None:
    with pytest.raises(UserError, match="at least 64, or 0"):
        open_drawing("ink", detail=detail)


@pytest.mark.parametrize("style", ["ink", "peppercarrot"])
def test_a_photograph_and_its_small_copy_become_the_same_cartoon(style: str) -> None:
    large = photograph(512, 2)
    draw, own = open_drawing(style, detail=128), open_drawing(style, detail=0)
    apart = []
    for each in (draw, own):
        reference = images.fit(each(large), 128)
        apart.append(np.abs(each(images.fit(large, 128)).astype(float) - reference).mean())
    assert apart[0] < 0.5 * apart[1]


def test_ink_is_the_tuned_abstraction_and_draws_lines_and_flat_areas() -> None:
    photo = photograph(256)
    found = wbclib.cartoonize(photo, "ink")
    wanted = images.to_uint8(flow.abstraction(images.to_tensor(photo)[None], classical.INK))[0]
    np.testing.assert_array_equal(found, wanted)
    for measure in (lambda image: cartoonness.outline_mask(image).mean(), cartoonness.flat_share):
        assert measure(found) > 1.5 * measure(photo)


def test_flat_has_regions_of_one_colour_and_about_as_many_at_any_size() -> None:
    photo = photograph(512)
    large, small = wbclib.cartoonize(photo, "flat", detail=0), wbclib.cartoonize(images.fit(photo, 256), "flat")
    assert cartoonness.exactly_flat_share(large) > 0.5 > 5 * cartoonness.exactly_flat_share(photo)
    counts = [len(np.unique(image.reshape(-1, 3), axis=0)) for image in (large, small)]
    assert 0.5 < counts[0] / counts[1] < 2


@pytest.mark.parametrize("name", ["ink", "flat", "bilateral", "pencil"])
def test_a_look_draws_any_size_and_the_same_each_time(name: str) -> None:
    for size in ((1, 1), (1, 40), (3, 2), (50, 70)):
        image = images.resize(photograph(96), size)
        first = wbclib.cartoonize(image, name)
        assert first.shape == image.shape
        np.testing.assert_array_equal(first, wbclib.cartoonize(image, name))


def test_settings_follow_a_colon() -> None:
    look = classical.load("ink:rho=0.9, bins=4")
    assert look is not None and look.options == Flow(**{**vars(classical.INK), "rho": 0.9, "bins": 4})
    flat, plain = classical.load("flat:regions=7"), classical.load("bilateral:levels=3")
    assert isinstance(flat and flat.options, Structure) and isinstance(plain and plain.options, Bilateral)
    photo = photograph(128)
    few = wbclib.cartoonize(photo, "flat:regions=7,min_size=200,scale=100")
    assert len(np.unique(few.reshape(-1, 3), axis=0)) <= 7
    assert classical.load("storybook") is None and classical.load("inks") is None


@pytest.mark.parametrize(
    ("style", "says"),
    [
        ("ink:", "SETTING=VALUE"),
        ("ink:bins", "SETTING=VALUE"),
        ("ink:bins=8,bins=9", "bins is said twice; say it once"),
        ("ink:rho=2", "at least 0, at most 1"),
        ("ink:bins=0", "above 0"),
        ("ink:bins=many", "whole number"),
        ("ink:bins=[", "no value"),
        ("ink:colours=3", "known are: bins"),
        ("flat:regions=0", "at least 1"),
        ("bilateral:levels=1", "at least 2"),
        ("bilateral:diameter=-3", "above 0"),
    ],
)
def test_wrong_settings_are_told(style: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        wbclib.cartoonize(photograph(32), style)


def test_what_only_a_network_has_is_refused() -> None:
    for more in ({"sharpness": 0.5}, {"tile": 64}, {"engine": "torch"}):
        with pytest.raises(UserError, match=f"style flat has no generator: leave out {next(iter(more))}"):
            open_drawing("flat", **more)  # type: ignore[arg-type]


def test_a_look_cannot_be_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--style", "ink:bins=3", "--out", str(tmp_path / "a.onnx")]) == 2
    assert "style ink:bins=3 has no generator: there is nothing to export" in capsys.readouterr().err


@pytest.mark.parametrize("value", [True, 1.5, "720", np.zeros(2)])
def test_what_is_no_detail_is_told(value: Any) -> None:
    with pytest.raises(UserError, match="detail: expected a whole number"):
        wbclib.cartoonize(photograph(32), detail=value)


def test_the_command_draws_with_a_look_at_a_working_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images.write(tmp_path / "a.png", photograph(160))
    words = ["cartoonize", str(tmp_path / "a.png"), "--style", "ink:bins=6", "--detail", "80"]
    assert main([*words, "--out", str(tmp_path / "b.png")]) == 0
    wanted = open_drawing("ink:bins=6", detail=80)(photograph(160))
    np.testing.assert_array_equal(images.read(tmp_path / "b.png"), wanted)
    assert main([*words[:-1], "7", "--out", str(tmp_path / "c.png")]) == 2
    assert "at least 64" in capsys.readouterr().err and not (tmp_path / "c.png").exists()


def test_the_default_is_what_the_command_says(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["cartoonize", "--help"])
    assert f"(default: {drawing.DETAIL};" in " ".join(capsys.readouterr().out.split())
