"""Drawn cartoons: the same for ever, cartoons by measure, varied, and kept in a cache that is never trusted blindly."""

from __future__ import annotations

import hashlib

import cv2
import numpy as np
import pytest
import skimage.data

from wbclib import paths
from wbclib.corpora import toon
from wbclib.corpora.cartoon import palette, shapes
from wbclib.files import UserError

SEEDS = range(20)


@pytest.fixture(scope="module")
def drawings() -> list[np.ndarray]:
    return [toon.draw(seed) for seed in SEEDS]


@pytest.fixture(scope="module")
def photographs() -> dict[str, np.ndarray]:
    return {name: square(getattr(skimage.data, name)()) for name in ("astronaut", "coffee", "chelsea")}


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("WBC_ROOT", str(tmp_path))
    return tmp_path


def square(image: np.ndarray) -> np.ndarray:
    side = min(image.shape[:2])
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    return cv2.resize(image[top : top + side, left : left + side], (256, 256), interpolation=cv2.INTER_AREA)


def flatness(image: np.ndarray) -> np.ndarray:
    """Which pixels differ by at most 1 of 255 from their right and lower neighbours."""
    values = image.astype(int)
    down, right = np.abs(np.diff(values, axis=0))[:, :-1].max(2), np.abs(np.diff(values, axis=1))[:-1].max(2)
    return np.maximum(down, right) <= 1


def outlines(image: np.ndarray) -> float:
    """Share of pixels that belong to thin dark lines with flat colour beside them."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    thin = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)).astype(int) - grey > 40
    beside = cv2.blur(flatness(image).astype(np.float32), (9, 9)) > 0.2
    return float((thin & (grey < 90))[:-1, :-1][beside].sum() / beside.size)


def common(image: np.ndarray) -> float:
    """Share of the picture that its 64 most frequent exact colours cover."""
    counts = np.unique(image.reshape(-1, 3).astype(int) @ [65536, 256, 1], return_counts=True)[1]
    return float(np.sort(counts)[-64:].sum() / counts.sum())


def test_same_seed_same_bytes_other_seed_other_picture(drawings):
    assert all(np.array_equal(toon.draw(seed), drawings[seed]) for seed in (0, 7, 13))
    assert len({picture.tobytes() for picture in drawings}) == len(SEEDS)


@pytest.mark.parametrize(
    ("measure", "floor"),
    [(lambda picture: flatness(picture).mean(), 0.4), (outlines, 0.015), (common, 0.4)],
    ids=["flat", "lines", "colours"],
)
def test_every_drawing_passes_as_cartoon_and_no_photograph_does(drawings, photographs, measure, floor):
    assert min(measure(picture) for picture in drawings) > floor
    assert max(measure(picture) for picture in photographs.values()) < floor


def test_five_kinds_in_forty_seeds():
    kinds = [toon.kind(seed) for seed in range(40)]
    assert set(kinds) == set(toon.KINDS)
    assert max(kinds.count(name) for name in toon.KINDS) <= 20


def test_palettes_and_compositions_differ(drawings):
    lab = [cv2.cvtColor(p.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) for p in drawings]
    means = np.array([picture.mean((0, 1)) for picture in lab])
    layouts = np.array([cv2.resize(p, (8, 8), interpolation=cv2.INTER_AREA)[..., 0] for p in lab])
    layouts -= layouts.mean((1, 2), keepdims=True)
    pairs = np.triu_indices(len(lab), 1)
    palette_gap = np.linalg.norm(means[:, None] - means[None], axis=2)[pairs]
    layout_gap = np.sqrt(((layouts[:, None] - layouts[None]) ** 2).mean((2, 3)))[pairs]
    assert np.median(palette_gap) > 15  # CIELAB units; 2.3 is just noticeable
    assert means[:, 0].std() > 6
    assert layout_gap.min() > 4
    assert np.median(layout_gap) > 12


@pytest.mark.parametrize("size", [32, 64, 100, 512])
def test_size_changes_the_resolution_not_the_picture(size, drawings):
    for seed in (0, 4, 9):
        picture = toon.draw(seed, size)
        assert picture.shape == (size, size, 3)
        assert picture.dtype == np.uint8
        thumbnails = [cv2.resize(p, (16, 16), interpolation=cv2.INTER_AREA).ravel() for p in (picture, drawings[seed])]
        assert np.corrcoef(thumbnails)[0, 1] > 0.9


def test_size_and_count_out_of_range_are_the_readers_errors(root):
    for call in (
        lambda: toon.draw(0, 31),
        lambda: toon.draw(-1),
        lambda: toon.cartoons(0),
        lambda: toon.cartoons(-3),
        lambda: toon.cartoons(2, size=16),
        lambda: toon.cartoons(2, size=64, seed=-1),
    ):
        with pytest.raises(UserError, match="ask for|start at 0"):
            call()
    assert not paths.cache("toon").exists()


def test_corpus_holds_the_drawings_and_their_hashes(root):
    corpus = toon.cartoons(3, size=64, seed=2)
    assert [item.name for item in corpus.items] == ["toon-000000", "toon-000001", "toon-000002"]
    for i, item in enumerate(corpus.items):
        expected = toon.draw(2 * toon.SEEDS_PER_CORPUS + i, 64)
        assert np.array_equal(corpus.image(i), expected)
        assert item.sha256 == hashlib.sha256(expected.tobytes()).hexdigest()
        assert item.licence == "CC0-1.0 (drawn by this project)"
        assert item.size == (64, 64)


def test_corpora_of_different_seeds_share_nothing(root):
    first, second = toon.cartoons(3, 32, seed=0), toon.cartoons(3, 32, seed=1)
    assert not {item.sha256 for item in first.items} & {item.sha256 for item in second.items}


def test_cache_is_used(root, monkeypatch):
    before = toon.cartoons(2, size=32)

    def refuse(*_):
        raise AssertionError("drawn again")

    monkeypatch.setattr(toon, "draw", refuse)
    after = toon.cartoons(2, size=32)
    assert after.digest() == before.digest()
    assert np.array_equal(after.image(1), before.image(1))


@pytest.mark.parametrize("damage", ["truncated", "empty", "text", "changed hash", "changed pixels"])
def test_damaged_cache_is_drawn_again(root, caplog, damage):
    before = toon.cartoons(2, size=32)
    (path,) = paths.cache("toon").iterdir()
    good = path.read_bytes()
    if damage.startswith("changed"):
        with np.load(path) as stored:
            values = {name: stored[name] for name in stored.files}
        if damage == "changed hash":
            values["hashes"] = values["hashes"][::-1]
        else:
            values["data"] = values["data"] ^ np.uint8(1)
        np.savez(path, **values)
    else:
        path.write_bytes({"truncated": good[: len(good) // 2], "empty": b"", "text": b"not an archive"}[damage])
    after = toon.cartoons(2, size=32)
    assert after.digest() == before.digest()
    assert np.array_equal(after.image(0), before.image(0))
    assert "drawing it again" in caplog.text
    assert path.read_bytes() == good


def test_oklab_round_trip_and_known_values():
    rng = np.random.default_rng(0)
    for colour in rng.uniform(0, 255, (50, 3)):
        assert np.allclose(palette.from_lch(*palette.to_lch(tuple(colour))), colour, atol=1e-3)
    assert palette.to_lch((255, 255, 255))[0] == pytest.approx(1, abs=1e-4)
    light, chroma, hue = palette.to_lch((255, 0, 0))  # values of the OKLab article
    assert (light, chroma, hue) == pytest.approx((0.62796, 0.25768, np.radians(29.234)), abs=2e-4)


def test_spline_passes_through_its_points_and_bows_keep_their_bulge():
    points = np.random.default_rng(1).uniform(0, 1, (6, 2))
    assert np.allclose(shapes.curve(points, closed=True, steps=5)[::5], points)
    assert np.allclose(shapes.curve(points, closed=False, steps=5)[::5], points)
    bow = shapes.arc([0, 0], [1, 0], 0.25, 8)
    assert bow[4] == pytest.approx([0.5, -0.25])
    assert np.allclose(shapes.scallop(points, 0.3, 6)[6:12], shapes.arc(points[1], points[2], 0.3, 6))
