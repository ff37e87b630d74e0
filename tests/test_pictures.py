"""Whole pictures: the same windows for everybody, and a criterion that can be failed by each of its questions."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from toy_corpora import noise

from wbclib import images, paths, profiles
from wbclib.files import UserError
from wbclib.inference import drawing, styles
from wbclib.measure import content, fid
from wbclib.studies.common import comparison
from wbclib.studies.pictures import criterion, drawers, pictures, sizes
from wbclib.studies.pictures.drawers import PHOTOGRAPH, THEIRS
from wbclib.studies.pictures.pictures import FLAT, FOUND, KEPT, LINES, WINDOW, Windows
from wbclib.train import kept, records


def shown(count: int = 3, side: int = 300) -> Windows:
    wholes = [images.fit(noise(i, side, side + 40 * i), side) for i in range(count)]
    places = [(i, 7 * i, 3 + i) for i in range(count)] + [(0, 44, 0)]
    return Windows(wholes, places, np.array(["a", "b", "c", "a"][: len(places)]), held_out=True)


def test_windows_of_what_is_drawn_lie_where_those_of_the_photographs_do() -> None:
    there = shown()
    made = pictures.drawn({"nobody": lambda photo: photo, "negative": lambda photo: 255 - photo}, there)
    assert made["nobody"].shape == (4, WINDOW, WINDOW, 3)
    np.testing.assert_array_equal(made["nobody"], there.photographs)
    np.testing.assert_array_equal(made["negative"], 255 - there.photographs)
    np.testing.assert_array_equal(made["nobody"][1], there.pictures[1][7 : 7 + WINDOW, 4 : 4 + WINDOW])


def test_pictures_drawn_side_by_side_are_the_same_in_the_same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    there = shown()
    network = drawing.open_drawing("inked", detail=0)
    late = threading.Event()

    def first_last(photo: np.ndarray) -> np.ndarray:
        if photo is there.pictures[0]:
            assert late.wait(60), "another picture is drawn meanwhile"
        late.set()
        return 255 - photo

    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    alone = pictures.drawn({"inked": network}, there)["inked"]
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    monkeypatch.setattr(pictures, "threads", lambda name: ThreadPoolExecutor(2))
    made = pictures.drawn({"negative": first_last, "inked": network}, there)
    np.testing.assert_array_equal(made["negative"], 255 - there.photographs)
    np.testing.assert_array_equal(made["inked"], alone)


def test_windows_of_a_profile_are_the_same_each_time_and_inside_the_picture() -> None:
    first, second = (pictures.windows(profiles.load("smoke"), 2) for _ in range(2))
    assert first.places == second.places and len(first.places) == 2 * pictures.WINDOWS
    assert {min(picture.shape[:2]) for picture in first.pictures} == {pictures.SIDE}
    assert first.photographs.shape == (2 * pictures.WINDOWS, WINDOW, WINDOW, 3)
    assert not first.held_out and len(set(first.groups)) == 2


def test_edges_are_found_where_they_are_as_strong_and_near() -> None:
    def step(at: int, low: int = 40, high: int = 200) -> np.ndarray:
        image = np.full((40, 36, 3), low, np.uint8)
        image[:, at:] = high
        return image

    photo = step(18)
    found = [content.edges_found(photo, other) for other in (photo, step(20), step(21), step(24), step(18, 40, 120))]
    assert found == [1, 1, 0.5, 0, 0], "two columns of gradient, of which one lies within two pixels of the fourth's"
    lined = photo.copy()
    lined[::4] = 0
    assert content.edges_found(photo, lined) == 1, "more lines do no harm"
    assert content.edges_found(np.full_like(photo, 9), photo) == 0
    with pytest.raises(ValueError, match="size"):
        content.edges_found(photo, photo[:20])


def test_distances_are_those_of_the_features() -> None:
    profile, there = profiles.load("smoke"), shown()
    references = {"dots": np.stack([noise(20 + i, WINDOW, WINDOW) for i in range(5)])}
    made = pictures.drawn({PHOTOGRAPH: lambda photo: photo, THEIRS: lambda photo: 255 - photo}, there)
    others = {"dots": np.stack([noise(30 + i, WINDOW, WINDOW) for i in range(5)])}
    table, pairs = pictures.distances(profile, made, there, references, others)
    network = comparison.networks(profile)[0]
    wanted = fid.frechet(fid.features(made[THEIRS], network), fid.features(references["dots"], network))
    found = table[(table["method"] == THEIRS) & (table["metric"] == "frechet")].iloc[0]
    assert found["value"] == pytest.approx(wanted, rel=1e-6) and (found["n_a"], found["n_b"]) == (4, 5)
    floor = table[(table["method"] == comparison.FLOOR) & (table["metric"] == "frechet")].iloc[0]
    near = fid.frechet(*(fid.features(x["dots"], network) for x in (others, references)))
    assert floor["value"] == pytest.approx(near, rel=1e-6) and comparison.FLOOR not in set(pairs["a"])
    assert set(pairs[["a", "b"]].itertuples(index=False, name=None)) == {(THEIRS, PHOTOGRAPH), (PHOTOGRAPH, THEIRS)}


def tables(**changed: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A drawer that answers every question with yes, but for what is ``changed``."""
    own = {LINES: 0.05, FLAT: 0.6, FOUND: 0.95, KEPT: 0.9} | changed
    rows = [
        {"who": "ours"} | own,
        {"who": PHOTOGRAPH, LINES: 0.02, FLAT: 0.2, FOUND: 1.0, KEPT: 1.0},
        {"who": THEIRS, LINES: 0.02, FLAT: 0.4, FOUND: 0.93, KEPT: 0.8},
        {"who": "cartoons, inked", LINES: 0.06, FLAT: 0.6},
        {"who": "cartoons, pale", LINES: 0.01, FLAT: 0.6},
    ]
    pair = {
        "a": "ours",
        "b": THEIRS,
        "metric": "frechet",
        "network": "n",
        "difference": changed.get("difference", -2.0),
    }
    pairs = [{"style": style} | pair for style in ("inked", "pale")]
    return pd.DataFrame(pairs), pd.DataFrame(rows)


def answers(style: str = "inked", **changed: float) -> list[bool]:
    found = criterion.judge("ours", style, *tables(**changed))
    return [bool(answer) for answer in found[found["counts"]]["answer"]]


def test_every_question_of_the_criterion_can_be_failed() -> None:
    assert answers() == [True] * 4
    assert answers(difference=0.1) == [False, True, True, True]
    assert answers(**{FOUND: 0.92}) == [True, False, True, True]
    assert answers(**{LINES: 0.039}) == [True, True, False, True]
    assert answers(**{LINES: 0.041}) == [True] * 4, "half way from 0.02 to 0.06"
    assert answers(**{FLAT: 0.39}) == [True, True, True, False]
    assert answers(**{KEPT: 0.1}) == [True] * 4, "by correlation nothing is decided"


def test_a_style_with_fewer_lines_than_photographs_asks_for_no_fewer_than_those() -> None:
    assert answers("pale", **{LINES: 0.021})[2] and not answers("pale", **{LINES: 0.019})[2]


def disc(side: int) -> np.ndarray:
    sheet = np.full((side * 6, side * 6, 3), (230, 210, 120), np.uint8)
    cv2.circle(sheet, (side * 3, side * 3), side * 2, (40, 90, 200), -1)
    return cv2.resize(sheet, (side, side), interpolation=cv2.INTER_AREA)


def test_a_drawing_is_the_same_at_any_size_where_lines_belong_to_the_working_size() -> None:
    nothing = "bilateral:repeats=0,line_darkness=0,levels=255"
    found = sizes.sameness(nothing, [disc(240)], 80)
    assert (found["apart"] < 3).all() and (found["edge_agreement"] > 0.97).all()
    lined = sizes.sameness("ink:side=0", [disc(240)], 80).set_index(["way", "copy"])
    assert lined.loc[("working size", "1/3"), "apart"] < lined.loc[("own pixels", "1/3"), "apart"] / 2


def test_a_smaller_working_size_loses_what_is_smaller_than_its_pixels() -> None:
    there = shown(side=512)
    nothing = "bilateral:repeats=0,line_darkness=0,levels=255"
    cartoons = {nothing: there.photographs, "another": there.photographs[:2]}
    profile = profiles.load("smoke")
    found = sizes.details(profile, [nothing], there, cartoons, (64, 256, 512)).set_index("detail")
    far = found.pop(next(column for column in found if column.startswith("to its cartoons")))
    assert found.loc[512, FOUND] > 0.99 and found[FOUND].is_monotonic_increasing and found.loc[64, FOUND] < 0.5
    assert far[[64, 256]].min() > 20 * far[512], "255 levels are not quite all of them"
    named = sizes.details(profile, ["flat"], there, cartoons, (64,))
    assert named.iloc[0, -1] != named.iloc[0, -1], "no cartoons of that name"


def test_what_was_shipped_before_is_drawn_from_its_copies_or_left_out(
    study: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert drawers.before() == {}
    assert all(f"{name} is left out" in caplog.text for name in drawers.BEFORE)
    monkeypatch.setenv("WBC_ROOT", str(paths.CHECKOUT))
    photo = images.fit(noise(0), 64)
    found = {name: draw(photo) for name, draw in drawers.before().items()}
    assert set(found) == set(drawers.BEFORE)
    assert not any((a == b).all() for a, b in combinations([photo, *found.values()], 2))


def test_nobody_draws_twice(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shipped style that is the copy of a run stands under the run's name."""
    profile = profiles.load("smoke")
    monkeypatch.setattr(drawers, "_run", lambda run, profile: run)
    alone = list(drawers.drawers(profile))
    assert {"photograph", "ink", "flat", "bilateral", "smoke/pretrain", "smoke/whitebox", "inked"} <= set(alone)
    monkeypatch.setattr(kept, "origin", lambda path: {"profile": "smoke", "name": "whitebox"})
    assert set(alone) - set(drawers.drawers(profile)) == set(styles.shipped())


def test_trials_are_the_finished_runs_that_nothing_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    profile = profiles.load("shipped")
    monkeypatch.setattr(records, "finished", lambda profile, run: {} if run in ("start", "inked-flatter") else None)
    assert drawers.trials(profile) == {"shipped/inked-flatter"}, "the start belongs to the comparison"


def test_damaged_weights_of_the_authors_are_no_missing_ones(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = study / "assets" / "weights"
    folder.mkdir(parents=True)
    (folder / styles.OFFICIAL_FILE).write_bytes(b"damaged")
    monkeypatch.setenv("WBC_ASSETS", str(study / "assets"))
    with pytest.raises(UserError, match=styles.OFFICIAL_FILE):
        drawers.theirs()
