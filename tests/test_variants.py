"""Variants: every term, switch and seed becomes a run that differs from the full one in that alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wbclib import profiles
from wbclib.files import UserError
from wbclib.profiles import Profile
from wbclib.studies.common.ablation import changed
from wbclib.variants import expand

RUNS: dict[str, Any] = {
    "pretrain": {"weights": {"content": 1.0, "pixel": 1.0}},
    "whitebox": {"method": "whitebox", "init": "pretrain", "weights": {"surface": 2.0, "structure": 4.0}},
}
SWITCHES: dict[str, Any] = {
    "adversarial": {"log": {"adversarial": "log"}, "lsgan": {"adversarial": "lsgan"}},
    "pretraining": {"pixel": {"start": {"weights": {"content": 0.0}}}, "same": {"start": {"weights": {"pixel": 1.0}}}},
}


def loaded(tmp_path: Path, block: str) -> Profile:
    path = tmp_path / "mine.yaml"
    path.write_text(f"extends: smoke\nablation: {block}")
    return profiles.load(str(path))


def difference(profile: Profile, run: str) -> str:
    return changed(profile.run("full"), profile.run(run))


def test_every_term_and_the_initialisation_are_dropped_one_at_a_time() -> None:
    made, variants = expand({}, RUNS, {}, "here")
    assert [v.name for v in variants] == [
        "full",
        "full-seed1",
        "full-seed2",
        "no-surface",
        "no-structure",
        "no-initialisation",
    ]
    assert [v.kind for v in variants] == ["full", "replicate", "replicate", "drop", "drop", "drop"]
    assert made["full"] == RUNS["whitebox"] | {"seed": 0} and made["full-seed1"] == RUNS["whitebox"] | {"seed": 1}
    assert made["no-surface"]["weights"] == {"surface": 0.0, "structure": 4.0}
    assert made["no-initialisation"]["init"] == ""


def test_a_switch_has_a_run_for_every_setting_but_that_of_the_full_run() -> None:
    made, variants = expand({"drop": False, "switches": list(SWITCHES)}, RUNS, SWITCHES, "here")
    switched = {v.name: v for v in variants if v.kind == "switch"}
    assert set(switched) == {"adversarial-log", "pretraining-pixel"}
    assert made["adversarial-log"]["adversarial"] == "log"
    assert switched["pretraining-pixel"].start == made["pretraining-pixel"]["init"] == "pretraining-pixel-start"
    assert made["pretraining-pixel-start"] == {"weights": {"content": 0.0, "pixel": 1.0}}
    assert set(made) == {"full", "full-seed1", "full-seed2", *switched, "pretraining-pixel-start"}


def test_every_variant_has_a_run_a_seed_and_with_several_nothing_is_run_again() -> None:
    made, variants = expand({"seeds": [3, 5], "switches": ["pretraining-pixel"]}, RUNS, SWITCHES, "here")
    assert "replicate" not in {v.kind for v in variants} and all(len(v.runs) == 2 for v in variants)
    assert variants[0].runs == ("full", "full-seed5")
    assert (made["no-surface"]["seed"], made["no-surface-seed5"]["seed"]) == (3, 5)
    assert made["pretraining-pixel-seed5"]["init"] == "pretraining-pixel-start"  # one initialisation for all seeds


def test_kinds_may_be_trained_with_the_first_seed_alone() -> None:
    block = {"seeds": [3, 5], "one_seed": ["switch"], "switches": ["adversarial"]}
    made, variants = expand(block, RUNS, SWITCHES, "here")
    assert {v.kind: len(v.runs) for v in variants} == {"full": 2, "drop": 2, "switch": 1}
    assert made["adversarial-log"]["seed"] == 3 and "adversarial-log-seed5" not in made


def test_a_switch_may_be_trained_with_every_seed_where_its_kind_is_not() -> None:
    block = {
        "seeds": [3, 5],
        "one_seed": ["switch"],
        "all_seeds": ["pretraining"],
        "switches": ["adversarial", "pretraining"],
    }
    _, variants = expand(block, RUNS, SWITCHES, "here")
    assert {v.what: len(v.runs) for v in variants if v.kind == "switch"} == {"adversarial": 1, "pretraining": 2}


def test_a_child_drops_a_sweep() -> None:
    for control in (False, {"structure": False}):
        assert not [v for v in expand({"control": control}, RUNS, {}, "here")[1] if v.kind == "control"]


def test_a_sweep_multiplies_the_weight_and_leaves_out_the_full_run() -> None:
    made, variants = expand({"drop": False, "control": {"structure": [0.1, 1, 10]}}, RUNS, {}, "here")
    swept = [v for v in variants if v.kind == "control"]
    assert [(v.name, v.factor) for v in swept] == [("structure-x0.1", 0.1), ("structure-x10", 10.0)]
    assert [made[v.name]["weights"]["structure"] for v in swept] == pytest.approx([0.4, 40.0])


@pytest.mark.parametrize(
    ("block", "line"),
    [
        ({"full": "white"}, r"here\.full: there is no run 'white'; there are: pretrain, whitebox"),
        ({"all_seeds": ["colour"]}, r"all_seeds: unknown switch 'colour'; known are: adversarial, pretraining"),
        ({"switches": ["colour"]}, "unknown switch 'colour'; known are: adversarial, pretraining, adversarial-log"),
        ({"control": {"tv": [1, 2]}}, "'tv' is no term of the full run; it has: surface, structure"),
        ({"control": [1, 2]}, r"control: say a mapping of term to factors of its weight, not .1, 2."),
        ({"control": {"structure": [0.1, -1]}}, "control.structure: a factor is a number above 0, not -1"),
        ({"sedes": [1]}, "unknown parameter 'sedes'"),
        ({"full": "pretrain", "switches": ["pretraining"]}, "changes the initialisation"),
    ],
)
def test_a_mistake_in_the_block_says_what_to_write(block: dict[str, Any], line: str) -> None:
    with pytest.raises(UserError, match=line):
        expand(block, RUNS, SWITCHES, "here")


def test_a_name_that_is_there_twice_is_an_error() -> None:
    with pytest.raises(UserError, match="run 'no-surface' is there twice"):
        expand({}, RUNS | {"no-surface": {}}, {}, "here")


def test_the_runs_of_a_profile_differ_from_the_full_one_in_what_their_names_say(tmp_path: Path) -> None:
    mine = loaded(tmp_path, "{switches: [texture, structure-slic], control: {tv: [10]}}")
    assert difference(mine, "no-tv") == "weights.tv: 2 -> 0"
    assert difference(mine, "no-initialisation") == "init: pretrain -> none"
    assert difference(mine, "texture-official") == "texture.variant: paper -> official"
    assert "structure.segmenter: felzenszwalb -> slic" in difference(mine, "structure-slic")
    assert difference(mine, "tv-x10") == "weights.tv: 2 -> 20"
    assert mine.run("full").weights == mine.run("whitebox").weights
    assert "no-tv" not in mine.compared() and "full" not in mine.compared()


def test_every_switch_of_the_study_makes_a_run(tmp_path: Path) -> None:
    """Each setting is one that the options know; all of them differ from the full run."""
    import yaml

    known = yaml.safe_load(profiles.SWITCHES.read_text("utf-8"))
    mine = loaded(tmp_path, f"{{drop: false, switches: [{', '.join(known)}]}}")
    found = {v.name for v in mine.ablation if v.kind == "switch"}
    asked = {f"{switch}-{setting}" for switch, settings in known.items() for setting in settings}
    assert found == asked - {"adversarial-lsgan", "features-random"}  # what smoke's white box has already
    assert all(difference(mine, name) != "nothing" for name in found)


def test_a_profile_without_the_block_has_no_ablation(tmp_path: Path) -> None:
    mine = loaded(tmp_path, "false")
    assert mine.ablation == () and "full" not in mine.runs
