"""The graph: what waits for what, what shares the cores, and how it is known to be done."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from toy_notebooks import code, written

from wbclib import files, paths, profiles
from wbclib.files import UserError
from wbclib.options import Edges
from wbclib.report import graph

LONG = ("pretrain", "whitebox", "start", "cartoongan-pretrain", "styles")  # runs of quick that most waits for


def record_of(profile: graph.Graph, run: str) -> Path:
    path = paths.record(profile.profile.name, run)
    files.write_json(path, {"name": run, "config_hash": profile.profile.hash(run)})
    return path


def test_stamps_follow_records_and_pages(shelf: Path) -> None:
    written(shelf, "02-runs", code("", "parameters"), wbc={"runs": ["*"], "after": ["01-sums"], "tables": ["t"]})
    plan = graph.Graph("smoke")
    run = next(iter(plan.profile.runs))
    record = record_of(plan, run)
    plan.sync()
    assert plan.run_stamp(run).exists()  # a committed record trains nothing
    assert plan.notebook_inputs("02-runs")[0].name == "02-runs.ipynb"
    assert plan.run_stamp(run) in plan.notebook_inputs("02-runs")
    assert plan.notebook_stamp("01-sums") in plan.notebook_inputs("02-runs")

    files.write_json(record, {"name": run, "config_hash": "of another configuration"})
    plan.sync()
    assert not plan.run_stamp(run).exists() and record.exists()

    stamp = plan.notebook_stamp("02-runs")
    for path in [*plan.notebook_outputs("02-runs"), stamp]:
        files.write_text(path, "")
    plan.sync()
    assert stamp.exists() and not plan.done()
    paths.report("smoke", "tables", "t.csv").unlink()
    plan.sync()
    assert not stamp.exists()


def test_runs_of_a_notebook_may_be_patterns(shelf: Path) -> None:
    cell = code("", "parameters")
    written(shelf, "02-pattern", cell, wbc={"runs": ["cartoongan*"]})
    written(shelf, "03-compared", cell, wbc={"runs": ["comparison"]})
    plan = graph.Graph("smoke")
    assert plan.wants["02-pattern"]["runs"] == [run for run in plan.profile.runs if run.startswith("cartoongan")]
    assert plan.wants["03-compared"]["runs"] == ["pretrain", "whitebox", "cartoongan", "start", "drawn"]


def test_a_profile_may_choose_its_notebooks(shelf: Path) -> None:
    written(shelf, "02-other", code("", "parameters"), wbc={"runs": ["no such run"]})
    own = shelf.parent / "own.yaml"
    own.write_text("extends: smoke\nnotebooks: [01-sums]\n")
    plan = graph.Graph(str(own))
    assert plan.notebooks == list(plan.wants) == ["01-sums"]
    own.write_text("extends: smoke\nnotebooks: [01-sums, 03-gone]\n")
    with pytest.raises(UserError, match="notebooks: there is no '03-gone'; there are: 01-sums, 02-other"):
        graph.Graph(str(own))


def test_runs_share_the_cores_and_long_ones_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WBC_DEVICE", "cpu")
    quick, lab = graph.Graph("quick"), graph.Graph("lab")
    assert [quick.cores("whitebox", jobs) for jobs in (1, 2, 4)] == [1, 1, 1]  # small crops
    assert [lab.cores("whitebox", jobs) for jobs in (1, 2, 3, 8)] == [1, 1, 2, 4]
    assert quick.first() == [quick.run_stamp(run) for run in LONG]
    monkeypatch.setenv("WBC_DEVICE", "cuda")
    assert quick.cores("whitebox", 8) == quick.cores("cartoongan", 8) == 8


def test_short_runs_of_the_ablation_share_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WBC_DEVICE", "cpu")
    smoke = graph.Graph("smoke")
    shared = [run for bundle in smoke.bundles() for run in bundle]
    assert all(2 <= len(bundle) <= graph.BUNDLE for bundle in smoke.bundles())
    # All of the ablation but those that wait for an initialisation of their own.
    assert set(smoke.profile.named("ablation")) - set(shared) == {"pretraining-abstraction"}
    for bundle in smoke.bundles():
        assert len({smoke.profile.run(run).init for run in bundle} - {""}) == 1
    assert sorted([*shared, *smoke.alone()]) == sorted(smoke.profile.runs)
    monkeypatch.setenv("WBC_DEVICE", "cuda")
    assert smoke.bundles() == [] and smoke.alone() == list(smoke.profile.runs)


def test_snakemake_takes_the_long_runs_first(study: Path) -> None:
    """A target of another form would be passed over in silence."""
    quick = graph.Graph("quick")
    quick.folder.mkdir(parents=True)
    words = [word for word in graph.command_line(quick, 2) if word not in ("--quiet", "all")]
    settings = {**os.environ, **graph.environment(quick)}
    done = subprocess.run([*words, "--dry-run"], capture_output=True, text=True, env=settings, cwd=study)
    assert done.returncode == 0, done.stderr
    jobs = re.split(r"^rule ", done.stdout + done.stderr, flags=re.MULTILINE)
    highest = {re.findall(r"run=([\w-]+)", part)[0] for part in jobs if "priority: highest" in part}
    assert highest == set(LONG)
    assert {"07-ablation", "04-flow"} < quick.awaited() and "14-claims" not in quick.awaited()


def test_options_that_came_later_leave_older_hashes_alone() -> None:
    """The record of the lab's white box was committed before them."""
    found = files.read_json(paths.CHECKOUT / "reports/records/lab/whitebox.json")
    assert profiles.load("lab").hash("whitebox") == found["config_hash"]
    config = profiles.load("lab").run("whitebox")
    for change in (
        {"pool": 5},
        {"edges": Edges(blur=7)},
        {"weights": dataclasses.replace(config.weights, adversarial=1.0)},
    ):
        assert dataclasses.replace(config, **change).hash() != config.hash()


def test_notebook_that_names_an_unknown_run(shelf: Path) -> None:
    written(shelf, "02-runs", code("", "parameters"), wbc={"runs": ["whitebax"]})
    with pytest.raises(UserError, match="whitebax"):
        graph.Graph("smoke")


def test_reproduce_says_one_line_about_a_wrong_profile(study: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert graph.main(["--profile", "quik"]) == 2
    assert graph.main(["--jobs", "0"]) == 2
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 2 and "quik" in lines[0] and "JOBS=0" in lines[1]


def test_an_odd_name_is_no_part_of_what_snakemake_and_the_shell_read(study: Path) -> None:
    odd = study / 'it\'s {x} "y": #1 $HOME.yaml'
    odd.write_text("extends: smoke\n", "utf-8")
    plan = graph.Graph(str(odd))
    plain = re.compile(r"[\w./ -]+", re.ASCII)
    assert plan.profile.name == odd.stem and plain.fullmatch(str(plan.folder.relative_to(study)))
    assert odd.stem not in " ".join([*graph.command_line(plan, 2), graph.command("report index")])
    assert graph.environment(plan)["WBC_PROFILE"] == str(odd)
    assert graph.Graph("smoke").folder.name == "smoke"


def test_what_snakemake_cannot_begin_is_said(
    study: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is told to be quiet, and says nothing of its own mistakes then."""
    quiet = "import sys; print('broken' if '--dry-run' in sys.argv and '--quiet' not in sys.argv else ''); sys.exit(1)"
    monkeypatch.setattr(graph, "command_line", lambda plan, jobs: [sys.executable, "-c", quiet, "--quiet", "all"])
    plan = graph.Graph("smoke")
    plan.folder.mkdir(parents=True)
    assert graph.snakemake(plan, 1) == 1
    assert "broken" in capfd.readouterr().err


def test_missing_data_are_told_before_any_work(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = shelf.parent / "own.yaml"
    own.write_text("extends: smoke\nbase: {photos: {kind: folder, path: /nowhere/at/all}}\n")
    monkeypatch.setattr(graph, "snakemake", lambda *words: pytest.fail("work has begun"))
    with pytest.raises(UserError, match="nowhere"):
        graph.reproduce(str(own), 1)


def test_a_missing_perceptual_network_is_told_before_any_work(
    shelf: Path, weight_folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = shelf.parent / "own.yaml"
    own.write_text("extends: smoke\nbase: {features: vgg19}\n")
    monkeypatch.setattr(graph, "snakemake", lambda *words: pytest.fail("work has begun"))
    with pytest.raises(UserError, match="vgg19"):
        graph.reproduce(str(own), 1)
