"""The ablation's table on outputs made up for the purpose: what was degraded is found, what was not cannot be told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from wbclib import profiles
from wbclib.files import UserError
from wbclib.measure import effect, fid, kid
from wbclib.profiles import Profile
from wbclib.report import pages
from wbclib.studies.common import comparison, expected, grid
from wbclib.studies.common.comparison import Sets


def loaded(tmp_path: Path, seeds: str, replicates: int = 2) -> Profile:
    path = tmp_path / "mine.yaml"
    path.write_text(
        f"extends: smoke\nablation: {{seeds: {seeds}, one_seed: [], replicates: {replicates}, "
        "switches: [adversarial]}\n"
        "measure: {crops: 14, bootstraps: 10, kid_subset_size: 8}"
    )
    return profiles.load(str(path))


def blurred(photos: np.ndarray, sigma: float) -> np.ndarray:
    return np.stack([cv2.GaussianBlur(photo, (0, 0), sigma) for photo in photos])


def pictures(profile: Profile, data: Sets) -> dict[str, np.ndarray]:
    """Outputs a run: blurred photographs, by a sigma that depends a little on the seed.

    Without the structure term nothing is blurred, without content colours are turned; all others are as the full one.
    """
    made, random = {}, np.random.default_rng(0)
    for variant in profile.ablation:
        for run in variant.runs:
            made[run] = blurred(data.inputs, 1.5 + random.uniform(-0.05, 0.05))
            if variant.name == "no-structure":
                made[run] = data.inputs
            if variant.name in ("no-content", "no-initialisation"):
                made[run] = made[run][..., ::-1].copy()
    return made


@pytest.fixture(scope="module", params=["[0]", "[0, 1, 2]"])
def found(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[pd.DataFrame]:
    folder = tmp_path_factory.mktemp("grid")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WBC_ROOT", str(folder))
        profile = loaded(folder, request.param)
        data = comparison.sets(profile)
        yield grid.measure_variants(
            profile, grid.chosen(profile, "replicate", "drop", "switch"), data, pictures(profile, data)
        )


def at(table: pd.DataFrame, run: str, measure: str) -> pd.Series:
    return table[(table["run"] == run) & (table["measure"] == measure)].iloc[0]


def test_what_was_degraded_is_found_and_the_rest_cannot_be_told(found: pd.DataFrame) -> None:
    """Over seeds; of one seed nothing can be told, however far the pictures are from the full run's."""
    several = at(found, "no-structure", "edge_strength")["seeds"] == 3
    assert at(found, "no-structure", "gradient_inside_regions")["verdict"] == ("higher" if several else "cannot tell")
    assert at(found, "no-structure", "gradient_inside_regions")["diff_low"] > 0
    for run in ("no-tv", "no-texture", "adversarial-log"):
        assert at(found, run, "colour_shift")["verdict"] == "cannot tell"
    said = expected.expectations(found).set_index(["term", "measure"])["outcome"]
    for told in (said["structure", "gradient_inside_regions"], said["content", "colour_shift"]):
        assert told == ("as expected" if several else "cannot tell")
    assert said["texture", "edge_strength"] == "cannot tell"
    assert ("gradient inside regions higher" in grid.clear(found, "no-structure")) == several


def test_seeds_that_share_another_initialisation_tell_nothing(found: pd.DataFrame) -> None:
    """Made as the full run is, but for colours turned: far from it in every seed, from one initialisation each."""
    rows = found[found["run"] == "no-initialisation"]
    assert len(rows) and set(rows["verdict"]) == {"cannot tell"}
    assert at(found, "no-initialisation", "colour_shift")["diff_low"] > 0


def test_every_row_says_what_was_changed_and_what_its_interval_is_over(found: pd.DataFrame) -> None:
    assert list(found.columns) == grid.COLUMNS
    assert at(found, "no-structure", "edge_strength")["changed"] == "weights.structure: 8 -> 0"
    assert at(found, "adversarial-log", "edge_strength")["changed"] == "adversarial: lsgan -> log"
    over = {1: "photographs", 3: "seeds"}
    assert (found["over"] == found["seeds"].map(over)).all()
    full = found[found["run"] == "full"]
    assert full["difference"].isna().all() and (full["verdict"] == "").all() and (full["changed"] == "").all()
    measures = [
        *effect.UNITS,
        *(f"{m}_random_resnet18_to_{to}" for to in comparison.REFERENCES for m in ("frechet", "kid")),
    ]
    assert list(full["measure"]) == measures
    assert (found["low"] <= found["value"]).all() and (found["value"] <= found["high"]).all()


def test_share_is_of_what_the_full_run_changes(found: pd.DataFrame) -> None:
    """Without the structure term the output is the photograph: the whole effect is gone."""
    assert at(found, "no-structure", "edge_strength")["share"] == pytest.approx(-1.0)


def test_values_are_means_over_runs_of_measures_taken_one_by_one(tmp_path: Path, study: Path) -> None:
    profile = loaded(tmp_path, "[0, 1]")
    data = comparison.sets(profile)
    made = pictures(profile, data)
    table = grid.measure_variants(profile, grid.chosen(profile, "drop"), data, made)
    network = comparison.networks(profile)[0]
    reference = fid.features(data.cartoons, network)
    own = [fid.features(made[run], network) for run in ("no-tv", "no-tv-seed1")]
    expected = {"frechet": np.mean([fid.frechet(x, reference) for x in own]),
                "kid": np.mean([kid.mmd2(x, reference) for x in own])}  # fmt: skip
    for metric, value in expected.items():
        assert at(table, "no-tv", f"{metric}_random_resnet18_to_cartoons")["value"] == pytest.approx(value)


def test_one_run_of_each_says_nothing_of_chance(tmp_path: Path, study: Path) -> None:
    profile = loaded(tmp_path, "[0]", replicates=0)
    data = comparison.sets(profile)
    table = grid.measure_variants(profile, grid.chosen(profile, "drop"), data, pictures(profile, data))
    assert set(table["verdict"]) == {"", "cannot tell"}
    assert at(table, "no-structure", "edge_strength")["diff_low"] > 0


def test_what_is_measured_once_serves_the_table_and_the_seeds(tmp_path: Path, study: Path) -> None:
    profile = loaded(tmp_path, "[0, 1]")
    data, variants = comparison.sets(profile), grid.chosen(profile, "drop")
    made = pictures(profile, data)
    crops = grid.measure_crops(variants, data, made)
    table = grid.measure_variants(profile, variants, data, made, distances=False, crops=crops)
    seeds = grid.by_seed(variants, crops)
    own = seeds[(seeds["run"] == "no-tv") & (seeds["measure"] == "edge_strength")]
    assert own["seed"].tolist() == [0, 1] and own["value"].mean() == pytest.approx(
        at(table, "no-tv", "edge_strength")["value"]
    )
    second = effect.measured(made["no-tv-seed1"], data.inputs)["edge_strength"].mean()
    assert own["value"].iloc[1] == pytest.approx(second)


def test_differences_are_those_of_the_table_in_the_order_asked_for(found: pd.DataFrame) -> None:
    rows = grid.differences(found, ["edge_strength", "colour_shift"])
    assert list(dict.fromkeys(rows["measure"])) == ["edge_strength", "colour_shift"] and "full" not in set(rows["run"])
    first, wanted = rows[rows["run"] == "no-structure"].iloc[0], at(found, "no-structure", "edge_strength")
    assert first[["value", "low", "high"]].tolist() == wanted[["difference", "diff_low", "diff_high"]].tolist()


def test_what_is_expected_is_said_of_every_term_of_the_full_run(tmp_path: Path) -> None:
    profile = loaded(tmp_path, "[0]")
    found = expected.said(profile).set_index("term")["without_it"]
    assert list(found.index) == ["surface", "texture", "structure", "content", "tv", "initialisation"]
    assert found["structure"] == "gradient inside regions higher; number of colours higher"
    listed = grid.listing(profile, grid.chosen(profile, "replicate", "drop")).set_index("run")["changed"]
    assert listed["full"] == "" and listed["full-seed2"] == "seed: 0 -> 2"


def test_a_profile_without_an_ablation_says_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("extends: smoke\nablation: false")
    with pytest.raises(UserError, match="has no ablation: give it an `ablation` block"):
        grid.chosen(profiles.load(str(path)), "drop")


def test_variants_of_one_seed_stand_beside_those_of_several(tmp_path: Path, study: Path) -> None:
    """What has several runs is judged over seeds; what has one, over photographs and beside the full runs' spread."""
    path = tmp_path / "mine.yaml"
    path.write_text(
        "extends: smoke\nablation: {seeds: [0, 1, 2], one_seed: [switch], switches: [adversarial]}\n"
        "measure: {crops: 14, bootstraps: 10, kid_subset_size: 8}"
    )
    profile = profiles.load(str(path))
    data = comparison.sets(profile)
    table = grid.measure_variants(
        profile, grid.chosen(profile, "drop", "switch"), data, pictures(profile, data), distances=False
    )
    assert set(table.loc[table["run"] == "adversarial-log", "over"]) == {"photographs"}
    assert set(table.loc[table["run"] != "adversarial-log", "over"]) == {"seeds"}
    assert list(dict.fromkeys(table["measure"])) == list(effect.UNITS)
    one = at(table, "adversarial-log", "edge_strength")
    full = at(table, "full", "edge_strength")
    # Student's interval of a mean of three: t s / sqrt(3); of the difference of two runs: t s sqrt(2).
    assert one["by_chance"] == pytest.approx((full["high"] - full["low"]) / 2 * np.sqrt(6))
    assert one["verdict"] == "cannot tell" and one["n"] == len(set(data.groups)) and one["seeds"] == 1
    words = grid.caption(profile, table)
    assert "3 seeds, differences paired by seed; for the others" in words and "one seed a version" in words


def test_the_page_holds_the_full_runs_values_and_the_differences_of_the_others(found: pd.DataFrame) -> None:
    page, bold = pages.ablation(found, ["edge_strength", "colour_shift"])
    lines = page.set_index("run")
    row = at(found, "no-structure", "edge_strength")
    numbers = [
        float(x)
        for x in lines.loc["no-structure", "edge_strength"].replace("[", "").replace("]", "").replace(",", "").split()
    ]
    assert numbers == pytest.approx([row["difference"], row["diff_low"], row["diff_high"]], rel=0.06)
    assert float(lines.loc["full, value", "edge_strength"].split()[0]) == pytest.approx(
        at(found, "full", "edge_strength")["value"], rel=0.01
    )
    assert "e+" not in " ".join(page["edge_strength"])
    place = list(page["run"]).index("no-structure")
    several = at(found, "no-structure", "edge_strength")["seeds"] == 3
    assert (place in bold.get("edge_strength", [])) == several and 0 not in bold.get("edge_strength", [])
    told = found[(found["measure"] == "colour_shift") & found["verdict"].isin(["higher", "lower"])]
    assert len(bold.get("colour_shift", [])) == len(told)


def test_one_row_is_explained_in_words(found: pd.DataFrame) -> None:
    """The version that changes edges most, with the numbers of its row."""
    words, row = pages.worked(found, "edge_strength"), at(found, "no-structure", "edge_strength")
    assert words.startswith(f"*no-structure*: edge strength is {row['value']:.3g} in place of ")
    assert f"over {row['n']} {row['over']}." in words and "That is 100% of what the full run changes" in words
    assert ("times the spread between seeds" in words) == (row["over"] == "seeds")
    assert words.endswith(f"Verdict: {row['verdict']}.")
