"""Profiles: every mistake has its line, hashes are stable, the two presets differ where paper and code part."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from wbclib import cli, paths, profiles
from wbclib.files import UserError
from wbclib.options import run_config, to_dict
from wbclib.report.graph import Graph


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("extends: huge", "unknown profile 'huge'; say one of smoke, quick, lab, lab-gpu, shipped"),
        (
            "extends: smoke\nbase: {stepz: 3}",
            "run pretrain: unknown parameter 'stepz'; known are: adapters, adversarial, average, batch",
        ),
        ("extends: smoke\nbase: {surface: {radios: 3}}", "surface: unknown parameter 'radios'; known are: eps, radius"),
        (
            "extends: smoke\nbase: {size: 64, shift: 17}",
            "shift: 17 takes too much of a crop of 64; say at most a quarter",
        ),
        ("extends: smoke\nbase: {preset: code}", "unknown preset 'code'; known are: paper, official"),
        ("extends: smoke\nmeasure: {crop: 3}", "measure: unknown parameter 'crop'"),
        ("extends: smoke\ntitel: x", "unknown parameter 'titel'"),
        ("base: [1", "cannot read profile"),
        ("- 1", "is not a mapping"),
        ("title: x", "it names no runs"),
    ],
)
def test_every_mistake_has_its_line(tmp_path: Path, text: str, line: str) -> None:
    with pytest.raises(UserError, match=line) as caught:
        profiles.load(written(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_wrong_type_says_which_and_where(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"run whitebox\.batch: 'four' is not of type int"):
        profiles.load(written(tmp_path, "extends: smoke\nbase: {batch: four}"))


def test_an_override_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    plain = profiles.load("smoke")
    mine = profiles.load(written(tmp_path, "extends: smoke\nruns: {whitebox: {weights: {tv: 7}}}"))
    assert mine.name == "mine" and mine.run("pretrain") == plain.run("pretrain")
    assert mine.run("whitebox").weights.tv == 7.0 and isinstance(mine.run("whitebox").weights.tv, float)
    assert mine.run("whitebox").weights.surface == plain.run("whitebox").weights.surface


def test_the_readers_own_folders_replace_the_styles(study: Path) -> None:
    """The example of data/README.md, as it is printed there."""
    text = (paths.CHECKOUT / "data" / "README.md").read_text("utf-8")
    example = re.findall(r"```yaml\n# my.yaml.*?\n(.*?)```", text, flags=re.DOTALL)
    (study / "my.yaml").write_text(example[0], "utf-8")
    mine = profiles.load(str(study / "my.yaml"))
    assert mine.styles() == {"my films": {"pretrained": "pretrain", "whitebox": "whitebox", "cartoongan": "cartoongan"}}
    assert {config.cartoons.path for config in mine.runs.values()} == set(
        re.findall(r"cartoons: .*?path: ([^,]+)", example[0])
    )
    assert Graph(str(study / "my.yaml")).wants["09-comparison"]["runs"] == mine.compared()


@pytest.mark.parametrize("wrong", ["[a, b]", "{x: [a]}", "{x: {pretrained: pretrain}}", "{x: {whitebox: nothing}}"])
def test_a_comparison_names_its_runs(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "my.yaml").write_text("extends: smoke\ncomparison: {toon: false}\n", "utf-8")
    assert list(profiles.load(str(tmp_path / "my.yaml")).styles()) == ["cartoons"]
    (tmp_path / "my.yaml").write_text(f"extends: paper\ncomparison: {wrong}\n", "utf-8")
    with pytest.raises(UserError, match="comparison|has no run"):
        profiles.load(str(tmp_path / "my.yaml")).styles()


def test_the_hash_is_the_same_in_another_process() -> None:
    code = "from wbclib import profiles; print(profiles.load('quick').hash('whitebox'))"
    other = subprocess.run([sys.executable, "-c", code], cwd=paths.CHECKOUT, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == profiles.load("quick").hash("whitebox")


def test_yaml_round_trip_keeps_the_hash() -> None:
    config = profiles.load("paper").run("whitebox-official")
    again = run_config(json.loads(json.dumps(to_dict(config))))
    assert again == config and again.hash() == config.hash()


def test_presets_differ_at_every_switch_on_which_paper_and_code_part() -> None:
    paper, official = (run_config({"preset": name}) for name in ("paper", "official"))
    for switch in ("adversarial", "features", "perceptual_norm", "tv_norm", "structure", "texture", "weights"):
        assert getattr(paper, switch) != getattr(official, switch), switch
    # White-box paper (secondary) and official code, as REFERENCE states them.
    assert (paper.weights.surface, paper.weights.texture, paper.weights.structure) == (1.0, 10.0, 2e3)
    assert (official.weights.surface, official.weights.texture, official.weights.structure) == (0.1, 1.0, 2e2)


def test_what_a_profile_is_does_not_depend_on_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes for a GPU have a profile of their own."""
    sizes = {}
    for device in ("cpu", "cuda"):
        monkeypatch.setenv("WBC_DEVICE", device)
        sizes[device] = [profiles.load(name).run("whitebox").size for name in ("lab", "lab-gpu")]
    assert sizes["cpu"] == sizes["cuda"] == [128, 256]
    monkeypatch.setenv("WBC_DEVICE", "tpu")
    with pytest.raises(UserError, match="say cpu or cuda"):
        profiles.device_kind()


def test_no_profile_measures_with_the_network_that_trains() -> None:
    for name in profiles.NAMES:
        profile = profiles.load(name)
        assert not {run.features for run in profile.runs.values()} & set(profile.measure.networks)


def test_a_word_stands_for_many_runs() -> None:
    smoke = profiles.load("smoke")
    ablation = smoke.named("ablation")
    assert {"full", "full-seed1", "no-structure", "structure-x10"} <= set(ablation) and "whitebox" not in ablation
    assert smoke.named("comparison") == smoke.compared()
    assert smoke.named("no-*") == [name for name in smoke.runs if name.startswith("no-")]
    assert smoke.named("whitebox") == ["whitebox"] and smoke.named("nothing") == ["nothing"]  # which run() then refuses


def test_the_ablation_is_trained_seed_by_seed_and_a_word_for_nothing_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("extends: smoke\nablation: {seeds: [1, 0], switches: []}")
    mine = profiles.load(str(path))
    seeds = [mine.run(run).seed for run in mine.named("ablation")]
    assert seeds == sorted(seeds) and set(seeds) == {0, 1}
    path.write_text("extends: smoke\nablation: false")
    assert cli.main(["train", "ablation", "--profile", str(path)]) == 2
    assert "has no ablation" in capsys.readouterr().err
