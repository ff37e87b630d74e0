"""Damages: as much as they say, the rest untouched, the same again; and the study's sums."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from wbclib import images
from wbclib.corpora import bundled
from wbclib.measure import damages
from wbclib.measure.damages import DAMAGES, Damage
from wbclib.studies.noise import repairs


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return images.square(bundled.photographs().image(0), 64)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_known_pixels_are_untouched_and_a_seed_is_a_damage(damage: Damage, photo: np.ndarray) -> None:
    (made, known), (again, _), (other, _) = (damage.make(photo, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert made.dtype == np.uint8 and made.shape == photo.shape and known.shape == photo.shape[:2]
    np.testing.assert_array_equal(made, again)
    assert (made != photo).any()
    if not known.all():
        np.testing.assert_array_equal(made[known], photo[known])
    if damage.kind != "JPEG":
        assert (made != other).any()
    mended = damage.mends(made, known)
    assert mended.dtype == np.uint8 and mended.shape == photo.shape
    if not known.all():
        np.testing.assert_array_equal(mended[known], photo[known])


@pytest.mark.parametrize(("side", "share"), [(1 / 16, 0.1), (1 / 8, 0.25), (1 / 4, 0.5)])
def test_blocks_are_as_large_and_as_many_as_asked_for(side: float, share: float, photo: np.ndarray) -> None:
    made, known = damages.blocks(side, share).make(photo, np.random.default_rng(0))
    cells = known.reshape(round(1 / side), round(64 * side), round(1 / side), round(64 * side)).mean((1, 3))
    assert set(np.unique(cells)) == {0.0, 1.0}
    assert (cells == 0).mean() == pytest.approx(share, abs=0.5 / cells.size)
    assert (made[~known] == damages.GREY).all()


def test_noise_has_its_strength() -> None:
    grey = np.full((200, 200, 3), 128, np.uint8)
    made, _ = damages.gaussian(10).make(grey, np.random.default_rng(0))
    assert made.astype(float).std() == pytest.approx(10, rel=0.02) and made.mean() == pytest.approx(128, abs=0.2)
    made, known = damages.salt_and_pepper(0.1).make(grey, np.random.default_rng(0))
    assert (~known).mean() == pytest.approx(0.1, abs=0.01)
    assert set(np.unique(made[~known])) == {0, 255} and (made[~known] == 255).mean() == pytest.approx(0.5, abs=0.05)


def test_a_stronger_jpeg_is_farther_from_the_photograph(photo: np.ndarray) -> None:
    apart = [
        np.abs(damages.jpeg(q).make(photo, np.random.default_rng())[0] - photo.astype(float)).mean()
        for q in (90, 30, 5)
    ]
    assert apart[0] < apart[1] < apart[2]


def test_differences_inside_and_outside_are_told_apart() -> None:
    clean = np.full((1, 8, 8, 3), 100, np.uint8)
    known = np.ones((1, 8, 8), bool)
    known[:, :2] = False  # a quarter
    made = clean.copy()
    made[:, :2] += 40
    made[:, 2:] += 4
    table = repairs.compared(clean, {"a": made, "clean": clean}, known).set_index(["way", "measure"])["value"]
    assert [table["a", name] for name in repairs.MEASURES[:3]] == pytest.approx([13.0, 40.0, 4.0])
    assert table["clean", "similarity"] == pytest.approx(1) and table["a", "similarity"] < 1
    whole = repairs.compared(clean, {"a": made}, np.ones_like(known))
    assert whole.set_index("measure")["value"].isna()["inside"]


def made_up(shift: float, way: str = "x", photos: int = 12) -> pd.DataFrame:
    """The simple way at 10 and another one ``shift`` above it, each photograph a little different."""
    random = np.random.default_rng(0)
    base = 10 + random.normal(0, 3, photos)
    rows = [("d", repairs.BASELINE, k, "inside", v) for k, v in enumerate(base)]
    rows += [
        ("d", way, k, "inside", v + shift + e)
        for (k, v), e in zip(enumerate(base), random.normal(0, 0.5, photos), strict=True)
    ]
    return pd.DataFrame(rows, columns=["damage", "way", "photo", "measure", "value"])


@pytest.mark.parametrize(("shift", "word"), [(-2.0, "nearer"), (2.0, "farther"), (0.0, "cannot tell")])
def test_a_verdict_is_paired_and_follows_the_interval(shift: float, word: str) -> None:
    table = repairs.compare_repairs(made_up(shift), np.arange(12).astype(str)).set_index("way")
    assert table.loc["x", "verdict"] == word and table.loc[repairs.BASELINE, "verdict"] == ""
    assert table.loc["x", "against_mended"] == pytest.approx(shift, abs=0.4)
    assert repairs.score(table.reset_index(), "x")[word] == 1


def test_more_similar_is_nearer() -> None:
    frame = made_up(0.5).assign(measure="similarity")
    assert repairs.compare_repairs(frame, np.arange(12).astype(str)).set_index("way").loc["x", "verdict"] == "nearer"
