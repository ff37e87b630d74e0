"""Measures of a cartoon on toy images, distances between corpora against SciPy, and what a corpus is said to hold."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import fft
from scipy import stats as scipy_stats

from wbclib import corpora, images, profiles
from wbclib.corpora.bundled import photographs
from wbclib.files import UserError
from wbclib.measure import cartoonness as measures
from wbclib.options import CorpusSpec
from wbclib.studies.corpora import likeness


def grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(np.rint(values).astype(np.uint8)[..., None], 3, axis=-1)


def step() -> np.ndarray:
    return grey(np.tile(np.where(np.arange(40) < 20, 50, 200), (40, 1)))


def test_flat_shares_of_a_step_and_a_ramp() -> None:
    assert measures.flat_share(step()) == pytest.approx(38 / 40)  # the two columns beside the step have a gradient
    assert measures.exactly_flat_share(step()) == pytest.approx(38 / 40)
    ramp = grey(np.tile(np.arange(40) * 3.0, (40, 1)))
    assert measures.flat_share(ramp) == measures.exactly_flat_share(ramp) == 0
    gentle = grey(np.tile(np.arange(40) // 4, (40, 1)))  # slope 1/4: near zero, not zero
    assert measures.flat_share(gentle) == 1
    assert measures.exactly_flat_share(gentle) == pytest.approx(22 / 40)


def test_edge_concentration_is_one_for_one_edge_and_the_share_for_a_ramp() -> None:
    assert measures.edge_concentration(step()) == pytest.approx(1)
    assert measures.edge_concentration(grey(np.tile(np.arange(80.0), (80, 1)))[:, 1:-1]) == pytest.approx(0.1, abs=0.01)
    assert measures.edge_concentration(grey(np.zeros((8, 8)))) == 0.1


def test_outlines_are_dark_and_thin() -> None:
    page = np.full((60, 60), 230.0)
    page[:, 10:13] = 20  # a line
    page[30:, 30:] = 20  # an area
    page[5:7, 30:] = 150  # a line that is not dark
    found = measures.outline_mask(grey(page))
    assert found[:, 10:13].all()
    assert not found[40:, 40:].any() and not found[5:7, 30:].any() and not found[:, :9].any()


def test_chroma_is_the_distance_from_grey() -> None:
    assert measures.chroma(grey(np.full((4, 4), 90.0))) == pytest.approx(0, abs=0.01)
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 255
    assert measures.chroma(red) == pytest.approx(104.55, abs=0.1)  # sRGB red in CIELAB, D65


@pytest.mark.parametrize("slope", [0.0, -1.0, -2.0])
def test_spectral_slope_of_an_image_made_with_that_slope(slope: float) -> None:
    side = 128
    along = np.arange(side) / (2 * side)
    frequency = np.maximum(np.hypot(along[:, None], along), 0.5 / side)
    field = fft.idctn(np.random.default_rng(0).normal(size=(side, side)) * frequency**slope, norm="ortho")
    image = grey(np.clip(128 + 40 * field / field.std(), 0, 255))
    assert measures.spectral_slope(image) == pytest.approx(slope, abs=0.12)


def test_an_image_of_one_colour_has_no_slope() -> None:
    assert np.isnan(measures.spectral_slope(grey(np.full((64, 64), 90.0))))


def test_above_is_the_mann_whitney_statistic() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 6, 30).astype(float), rng.integers(2, 8, 20).astype(float)  # with ties
    assert likeness.above(a, b) == pytest.approx(scipy_stats.mannwhitneyu(a, b).statistic / 600)


def frame(shift: float, groups: list[str]) -> pd.DataFrame:
    values = {name: np.arange(len(groups)) + shift for name in measures.MEASURES}
    return pd.DataFrame(values).assign(group=groups)


def test_groups_count_once() -> None:
    table = frame(0, ["a", "b", "b", "b"])
    assert likeness.by_group(table)["chroma"].tolist() == [0, 2]
    row = likeness.summary({"x": table}).iloc[0]
    assert (row["n_images"], row["n_groups"], row["value"]) == (4, 2, 1)
    assert row["low"] <= row["value"] <= row["high"] and row["sd"] == pytest.approx(2**0.5)


def test_separation_of_disjoint_and_of_equal_samples() -> None:
    groups = [str(i) for i in range(8)]
    apart = likeness.separation(frame(100, groups), frame(1, groups), resamples=50)
    assert (apart[["above", "low", "high"]] == 1).all(axis=None)
    assert apart["ratio"].iloc[0] == pytest.approx(103.5 / 4.5)
    same = likeness.separation(frame(1, groups), frame(1, groups), resamples=50)
    assert (same["above"] == 0.5).all() and (same["low"] < 0.5).all() and (same["high"] > 0.5).all()


def test_disagreeing_measures_lean_the_other_way() -> None:
    values = pd.DataFrame({"photographs": [1.0, 1.0, 1.0], "toon": [2.0, 2.0, 0.0]}, index=list("abc"))
    assert likeness.disagreeing(values) is None
    values["own cartoons"] = [3.0, 0.5, 0.5]
    assert likeness.disagreeing(values) == ["b"]
    values["own photographs"] = [4.0, 0.0, 1.0]
    assert likeness.disagreeing(values) == ["a"]


def test_recompression_takes_exact_flatness_away() -> None:
    noisy = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    noisy[:, 12:52] = (200, 90, 30)
    (coded,) = likeness.recompressed([noisy], 60)
    assert coded.shape == noisy.shape
    assert measures.exactly_flat_share(coded) < measures.exactly_flat_share(noisy)
    assert (
        abs(coded[:, 30].astype(int) - noisy[:, 30]).mean() < 6
    )  # it is still that picture, with its channels in order


def test_batches_have_equal_digests_only_if_every_pixel_is_equal() -> None:
    batch = {"photo": torch.zeros(1, 3, 4, 4), "cartoon": torch.ones(1, 3, 4, 4)}
    other = {name: values.clone() for name, values in batch.items()}
    assert likeness.batch_digest(batch) == likeness.batch_digest(other)
    other["photo"][0, 0, 0, 0] = 1e-6
    assert likeness.batch_digest(batch) != likeness.batch_digest(other)
    with pytest.raises(UserError, match="no batch"):
        likeness.batch_digest({})


def test_a_batch_is_the_same_however_it_is_asked_for() -> None:
    table = likeness.determinism(photographs(), photographs(), size=32, batch=2, seed=3)
    assert table["equal"].tolist() == [True, True, True, False, False]
    assert table["digest"].nunique() == 3


@pytest.fixture
def own(study: Path) -> profiles.Profile:
    """A profile whose photographs are a folder with one usable and two useless files."""
    folder = study / "mine"
    folder.mkdir()
    images.write(folder / "good.png", np.random.default_rng(0).integers(0, 255, (48, 40, 3)).astype(np.uint8))
    (folder / "copy.png").write_bytes((folder / "good.png").read_bytes())
    (folder / "text.jpg").write_text("no image")
    smoke = profiles.load("smoke")
    run = dataclasses.replace(
        smoke.run("pretrain"),
        photos=CorpusSpec(kind="folder", path=str(folder)),
        cartoons=CorpusSpec(kind="toon", count=2, size=32),
    )
    return dataclasses.replace(smoke, runs={"pretrain": run})


def test_inventory_counts_what_is_there_and_what_was_left_out(own: profiles.Profile) -> None:
    table = likeness.inventory(own)
    assert table["role"].tolist() == ["photographs"] * 2 + ["cartoons"] * 2
    photos = table.iloc[0]
    assert (photos["n"], photos["short_side_min"], photos["files_left_out"]) == (1, 40, 2)
    assert photos["digest"] == corpora.load(own.run("pretrain").photos).digest()[:12]
    reasons = likeness.left_out(own)
    assert reasons["files"].sum() == 2 and "same bytes as another file" in set(reasons["reason"])
    assert not reasons["reason"].str.contains("good|copy|text").any()  # no file of the reader's is named


def test_sides_add_the_readers_own_images(own: profiles.Profile) -> None:
    assert list(likeness.sides(own)) == ["photographs", "toon", "own photographs"]
    assert len(likeness.sides(own, drawn=3)["toon"]) == 3
    plain = dataclasses.replace(own, runs={"x": dataclasses.replace(own.run("pretrain"), photos=CorpusSpec())})
    assert list(likeness.sides(plain)) == ["photographs", "toon"]


def test_squares_come_with_their_scenes() -> None:
    squares, groups = likeness.squares(photographs(), 32, 100)
    assert squares.shape == (7, 32, 32, 3) and groups.count("motorcycle") == 2
    table = likeness.measure(squares, groups)
    assert list(table) == [*measures.MEASURES, "group"] and table["group"].nunique() == 6
