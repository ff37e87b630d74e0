"""The loop: resuming changes nothing, a kill loses nothing, and what stops a run has its line."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from toy_runs import state_of

from wbclib import paths
from wbclib.files import UserError
from wbclib.profiles import Profile, load
from wbclib.train import checkpoints, loop, records, run
from wbclib.train.methods import WhiteBox


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Profile:
    """The smoke profile in an empty folder."""
    monkeypatch.setenv("WBC_ROOT", str(tmp_path))
    return load("smoke")


def changed(profile: Profile, name: str, **values: object) -> Profile:
    """The profile with one run changed."""
    config = dataclasses.replace(profile.run(name), **values)  # type: ignore[arg-type]
    return dataclasses.replace(profile, runs={**profile.runs, name: config})


class Stopped(Exception):
    pass


def stop_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Make the training process die in the middle of ``step``, as a kill would."""
    original = WhiteBox.step
    count = iter(range(10_000))

    def dying(self: WhiteBox, *arguments: object) -> object:
        if next(count) == step:
            raise Stopped
        return original(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(WhiteBox, "step", dying)


def test_resumed_equals_uninterrupted_bit_for_bit(
    study: Profile, precision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("whitebox", study, progress=False)
    whole, metrics = state_of(study, "whitebox"), records.read_metrics("smoke", "whitebox")

    monkeypatch.setenv("WBC_ROOT", str(tmp_path / "second"))
    with monkeypatch.context() as patch:
        stop_at(patch, 6)
        with pytest.raises(Stopped):
            run("whitebox", study, progress=False)
    assert [path.name for path in checkpoints.present(paths.run("smoke", "whitebox"))] == ["checkpoint-00000004"]
    run("whitebox", study, progress=False)
    resumed = state_of(study, "whitebox")

    assert whole.keys() == resumed.keys()
    assert any("optimiser" in key for key in whole)
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    assert records.read_metrics("smoke", "whitebox") == metrics


def test_kill_of_the_process_loses_nothing(study: Profile, tmp_path: Path) -> None:
    run("pretrain", study, progress=False)
    config = tmp_path / "smoke.yaml"
    config.write_text("extends: smoke\nruns: {whitebox: {steps: 400, checkpoint_every: 2}}\n")
    words = [sys.executable, "-m", "wbclib", "train", "whitebox", "--profile", str(config)]
    process = subprocess.Popen(words, cwd=paths.CHECKOUT, stderr=subprocess.DEVNULL, start_new_session=True)
    folder = paths.run("smoke", "whitebox")
    deadline = time.monotonic() + 120
    while not checkpoints.present(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    found = checkpoints.newest(folder)
    assert found is not None and found[1]["step"] % 2 == 0
    assert not paths.record("smoke", "whitebox").exists()
    with records.locked(folder):
        pass  # the lock went with the process


def test_a_finished_run_is_returned_at_once_and_says_what_it_was(
    study: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run("pretrain", study, progress=False)
    monkeypatch.setattr(loop, "_Run", None)  # training again would now fail
    assert run("pretrain", study, progress=False) == first
    assert first["steps"] == 8 and first["config_hash"] == study.hash("pretrain")
    assert first["data"]["photos"]["n"] >= 7 and len(first["data"]["photos"]["digest"]) == 64
    assert first["features"]["pretrained"] is False
    assert {"commit", "dirty", "device", "wall_time_s", "peak_memory_mb", "versions", "seed"} <= first.keys()
    assert first["final_losses"].keys() == {"total", "content", "pixel"}


def test_the_whitebox_run_starts_from_the_pretrained_generator(study: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    study = changed(study, "whitebox", lr=0.0)
    run("whitebox", study, progress=False)
    before, after = (load_file(loop.generator_file("smoke", name)) for name in ("pretrain", "whitebox"))
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_kept_crops_resume_bit_for_bit(
    study: Profile, precision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = changed(study, "pretrain", kept=5)
    run("pretrain", study, progress=False)
    whole = state_of(study, "pretrain")
    for path in checkpoints.present(paths.run("smoke", "pretrain"))[1:]:
        shutil.rmtree(path)
    paths.record("smoke", "pretrain").unlink()
    assert checkpoints.newest(paths.run("smoke", "pretrain"))[1]["step"] == 4  # type: ignore[index]
    run("pretrain", study, progress=False)
    again = state_of(study, "pretrain")
    assert all(torch.equal(whole[key], again[key]) for key in whole)


def test_a_run_ends_with_the_running_mean_of_its_weights_and_resumes_bit_for_bit(
    study: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against the mean worked out from every step's weights."""
    study, decay = changed(study, "whitebox", average=0.75), 0.75
    trail: list[dict[str, torch.Tensor]] = []
    original = WhiteBox.step

    def noting(self: WhiteBox, *arguments: object) -> object:
        values = original(self, *arguments)  # type: ignore[arg-type]
        trail.append({key: value.clone() for key, value in self.plain("generator").state_dict().items()})
        return values

    with monkeypatch.context() as patch:
        patch.setattr(WhiteBox, "step", noting)
        run("whitebox", study, progress=False)
    whole, weights = state_of(study, "whitebox"), load_file(loop.generator_file("smoke", "whitebox"))
    for key, value in trail[0].items():
        for later in trail[1:]:
            value = decay * value + (1 - decay) * later[key]
        torch.testing.assert_close(weights[key], value, rtol=1e-4, atol=1e-6)
        assert torch.equal(weights[key], whole[f"generator/{key}"])
    assert any(not torch.allclose(weights[key], trail[-1][key], atol=1e-6) for key in weights)

    monkeypatch.setenv("WBC_ROOT", str(tmp_path / "second"))
    with monkeypatch.context() as patch:
        stop_at(patch, 6)
        with pytest.raises(Stopped):
            run("whitebox", study, progress=False)
    run("whitebox", study, progress=False)
    resumed = state_of(study, "whitebox")
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)


def test_not_a_number_stops_with_a_line_and_keeps_the_checkpoint(
    study: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, steps = WhiteBox.step, iter(range(1000))

    def broken(self: WhiteBox, batch: dict[str, torch.Tensor], draw: torch.Generator) -> dict[str, torch.Tensor]:
        values = original(self, batch, draw)
        return values | {"content": torch.tensor(float("nan"))} if next(steps) > 5 else values

    monkeypatch.setattr(WhiteBox, "step", broken)
    with pytest.raises(UserError, match=r"content is not finite at step 8; the last checkpoint is kept.*Lower lr"):
        run("whitebox", study, progress=False)
    assert [p.name for p in checkpoints.present(paths.run("smoke", "whitebox"))] == ["checkpoint-00000004"]
    assert not paths.record("smoke", "whitebox").exists()


def test_a_run_folder_of_another_configuration_is_left_alone(study: Profile) -> None:
    run("pretrain", study, progress=False)
    other = changed(study, "pretrain", lr=0.5)
    before = {p: p.read_bytes() for p in paths.run("smoke", "pretrain").rglob("*") if p.is_file()}
    with pytest.raises(UserError, match="belongs to another configuration.*move it away"):
        run("pretrain", other, progress=False)
    paths.record("smoke", "pretrain").unlink()
    with pytest.raises(UserError, match="run folder .* belongs to another configuration"):
        run("pretrain", other, progress=False)
    assert before == {p: p.read_bytes() for p in paths.run("smoke", "pretrain").rglob("*") if p.is_file()}


def test_a_changed_start_changes_the_hash_of_what_starts_from_it(study: Profile) -> None:
    other = changed(study, "pretrain", seed=9)
    assert other.run("whitebox") == study.run("whitebox")
    assert other.hash("whitebox") != study.hash("whitebox")


def test_how_often_is_saved_does_not_change_the_hash(study: Profile) -> None:
    often = {"checkpoint_every": 1, "sample_every": 7, "trail_every": 3}
    assert changed(study, "pretrain", **often).hash("pretrain") == study.hash("pretrain")


def test_two_processes_do_not_train_the_same_run(study: Profile) -> None:
    with records.locked(paths.run("smoke", "pretrain")), pytest.raises(UserError, match="another process is training"):
        run("pretrain", study, progress=False)


def test_other_data_than_the_run_was_begun_with_is_an_error(study: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    run("pretrain", study, progress=False)
    paths.record("smoke", "pretrain").unlink()
    original = records.data_entry
    monkeypatch.setattr(records, "data_entry", lambda corpus: original(corpus) | {"digest": "0" * 64})
    with pytest.raises(UserError, match="was begun with other data"):
        run("pretrain", study, progress=False)


def test_step_seeds_differ_between_steps_and_seeds() -> None:
    seeds = {loop.step_seed(seed, step) for seed in range(20) for step in range(50)}
    assert len(seeds) == 1000 and all(0 <= seed < 2**63 for seed in seeds)


def test_another_precision_is_said_where_it_is_met(
    study: Profile, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A run that goes on in another precision says both; a finished one is used as it is, which the log says."""
    monkeypatch.setenv("WBC_PRECISION", "bfloat16")
    with monkeypatch.context() as patch:
        stop_at(patch, 6)
        with pytest.raises(Stopped):
            run("whitebox", study, progress=False)
    assert not caplog.records or "trained in" not in caplog.text
    monkeypatch.setenv("WBC_PRECISION", "float32")
    assert run("whitebox", study, progress=False)["device"]["precision"] == "bf16-mixed, then 32-true"
    assert "pretrain was trained in bf16-mixed, not in 32-true, and is used as it is" in caplog.text
    monkeypatch.delenv("WBC_PRECISION")
    caplog.clear()
    run("whitebox", study, progress=False)
    assert not caplog.records, "where nothing is asked for, nothing is amiss"
