"""``from wbclib import cartoonize``: what it takes, and what it says about everything else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from toy_films import make, numbered
from toy_images import noise

from wbclib import cartoonize
from wbclib.files import UserError
from wbclib.inference import styles

IMAGE = noise(16, 20)


@pytest.fixture(scope="module")
def filtered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of no known run, which get the released output filter."""
    return Path(shutil.copy(styles.weights_file(styles.DEFAULT), tmp_path_factory.mktemp("style") / "mine.safetensors"))


def test_what_comes_back_is_a_plain_array() -> None:
    photo = np.random.default_rng(2).integers(0, 256, (8, 9, 3), dtype=np.uint8)
    masked = np.ma.masked_array(photo, mask=np.ones_like(photo, bool))
    found = cartoonize(masked, style="bilateral")
    assert type(found) is np.ndarray and np.array_equal(found, cartoonize(photo, style="bilateral"))


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.float64(0.5), np.array(0.5), torch.tensor(0.5)])
def test_sharpness_is_any_number(value: Any, filtered: Path) -> None:
    np.testing.assert_array_equal(cartoonize(IMAGE, filtered, value), cartoonize(IMAGE, filtered, 0.5))


def test_whole_numbers_are_numbers(filtered: Path) -> None:
    for value in (1, np.int64(1), np.uint8(1)):
        np.testing.assert_array_equal(cartoonize(IMAGE, filtered, value), cartoonize(IMAGE, filtered, 1.0))
    assert (cartoonize(IMAGE, filtered, 1.0) != cartoonize(IMAGE, filtered)).any()


def test_a_style_without_a_filter_says_that_it_has_no_sharpness(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    weights = styles.weights_file(styles.DEFAULT)
    mine = Path(shutil.copy(weights, tmp_path))
    config = yaml.safe_load((weights.parent / "config.yaml").read_text("utf-8"))
    config["config"]["output"]["radius"] = 0
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config), "utf-8")
    for style, sharpness in ((mine, 0.0), (mine, 0.7), (None, 0.7)):
        caplog.clear()
        cartoonize(IMAGE, style, sharpness)
        assert ("no output filter" in caplog.text) == (style is mine and sharpness > 0)


@pytest.mark.parametrize(
    "value",
    ["0.5", "", b"1", None, True, np.bool_(True), float("nan"), float("inf"), -0.1, 1.5, 10**400, 1j, [0.5], {}]
    + [np.array([0.2, 0.5]), np.array([]), np.datetime64("2020"), torch.zeros(2)],
    ids=repr,
)
def test_what_is_no_sharpness_is_told(value: Any) -> None:
    with pytest.raises(UserError, match="sharpness: expected a number between 0 .* and 1 .*, got ") as caught:
        cartoonize(IMAGE, sharpness=value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


def test_a_style_may_be_a_path() -> None:
    expected = cartoonize(IMAGE, style="storybook")
    file = styles.weights_file("storybook")
    for style in (file, str(file), Path("storybook"), np.str_("storybook")):
        np.testing.assert_array_equal(cartoonize(IMAGE, style=style), expected)
    for style in (None, ""):
        np.testing.assert_array_equal(cartoonize(IMAGE, style=style), cartoonize(IMAGE))


@pytest.mark.parametrize(
    "value", [3, 0.5, True, b"storybook", ["storybook"], ("storybook",), {}, np.zeros(3)], ids=repr
)
def test_what_is_no_style_is_told(value: Any) -> None:
    with pytest.raises(UserError, match="style: expected a name or the path of a file of weights, got "):
        cartoonize(IMAGE, style=value)


@pytest.mark.parametrize(
    ("style", "says"),
    [
        (Path("gone.safetensors"), "gone.safetensors are not here: check the name"),
        ("a\0b.npz", "expected text or a path"),
        ("x" * 300 + ".npz", r"xx\.npz are not here: check the name"),
        ("x" * 5000 + ".safetensors", r"xx\.safetensors are not here: check the name"),
        ("x" * 300 + "/" + "y" * 300, "are not here: train it"),
        ("x" * 5000, "unknown style"),
    ],
)
def test_a_style_that_is_not_there_is_told(style: Any, says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        cartoonize(IMAGE, style=style)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "value", [None, 3, b"a.jpg", [1], IMAGE.astype(float), IMAGE[..., 0], IMAGE[:0], torch.zeros(3, 4, 4), "a\0b.jpg"]
)
def test_what_is_no_image_is_told(value: Any) -> None:
    with pytest.raises(UserError, match="expected "):
        cartoonize(value)


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv", "film.jpg", "film"])
def test_a_film_is_told_from_a_bad_picture(tmp_path: Path, name: str) -> None:
    make(tmp_path / "made.mp4", [numbered(0)]).rename(tmp_path / name)
    with pytest.raises(UserError, match="a film, not a picture; films are drawn by `wbc cartoonize") as caught:
        cartoonize(tmp_path / name)
    assert "remove" not in str(caught.value)


def test_a_film_that_is_not_there_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no such file; check the name"):
        cartoonize(tmp_path / "gone.mp4")


@pytest.mark.parametrize("data", [b"I am not an image" * 99, b"PK\3\4" + bytes(99), b"ID3" + bytes(999)])
def test_a_file_of_another_kind_is_not_to_be_removed(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(UserError, match="not an image") as caught:
        cartoonize(tmp_path / "a.jpg")
    assert "remove" not in str(caught.value)


def test_importing_the_library_stays_light() -> None:
    code = "import sys, wbclib; assert 'torch' not in sys.modules; from wbclib import cartoonize; print(cartoonize)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parent.parent
    )
    assert done.stdout.startswith("<function cartoonize"), done.stderr
