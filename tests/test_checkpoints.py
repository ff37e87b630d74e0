"""What a run leaves on the disk: cut short, damaged or gone, it is named, and the one before is used."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
import torch
from toy_runs import state_of

from wbclib import paths
from wbclib.files import UserError
from wbclib.profiles import Profile, load
from wbclib.train import checkpoints, records, run


@pytest.fixture
def smoke(study: Path) -> Profile:
    """The smoke profile in an empty folder."""
    del study  # it leads the paths there
    return load("smoke")


def test_a_checkpoint_cut_short_is_named_and_the_one_before_is_used(
    smoke: Profile, caplog: pytest.LogCaptureFixture
) -> None:
    run("pretrain", smoke, progress=False)
    whole = state_of(smoke, "pretrain")
    folder = paths.run("smoke", "pretrain")
    part = folder / "checkpoint-00000008" / "part-00.safetensors"
    part.write_bytes(part.read_bytes()[:1000])
    paths.record("smoke", "pretrain").unlink()
    run("pretrain", smoke, progress=False)
    assert "checkpoint-00000008 is damaged: part-00.safetensors" in caplog.text
    again = state_of(smoke, "pretrain")
    assert all(torch.equal(whole[key], again[key]) for key in whole)


def test_no_whole_checkpoint_left_is_the_readers_decision(smoke: Profile) -> None:
    run("pretrain", smoke, progress=False)
    paths.record("smoke", "pretrain").unlink()
    for path in paths.run("smoke", "pretrain").glob("checkpoint-*/state.json"):
        path.write_text("{")
    with pytest.raises(UserError, match="delete the folder to train this run from the start"):
        run("pretrain", smoke, progress=False)


def test_a_full_disk_leaves_the_older_checkpoints(smoke: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    tensors = {"generator/w": torch.arange(10.0)}
    folder = paths.run("smoke", "x")
    checkpoints.write(folder, 1, tensors, {})

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("wbclib.files.os.fsync", full)
    with pytest.raises(UserError, match="No space left on device; free some space"):
        checkpoints.write(folder, 2, tensors, {})
    assert [path.name for path in folder.iterdir()] == ["checkpoint-00000001"]
    found = checkpoints.newest(folder)
    assert found is not None and torch.equal(found[0]["generator/w"], tensors["generator/w"])


def test_parts_stay_below_their_limit_and_lose_nothing(tmp_path: Path) -> None:
    tensors = {f"t{i}": torch.full((1000,), float(i)) for i in range(50)}
    groups = list(checkpoints.parts(tensors, limit=9000))
    assert all(sum(t.nbytes for t in group.values()) <= 9000 for group in groups) and len(groups) == 25
    assert [name for group in groups for name in group] == list(tensors)


def test_metrics_after_a_kill_hold_no_line_twice(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 5, "a": 1}\n{"step": 10, "a": 2}\n{"step": 15, "a"')
    records.keep_metrics(path, 5)
    assert [json.loads(line) for line in path.read_text().splitlines()] == [{"step": 5, "a": 1}]


@pytest.mark.parametrize("junk", ["[1]", "{{{", "hello", "{}"])
@pytest.mark.parametrize("name", ["record", "config.yaml"])
def test_what_is_damaged_is_named_in_one_line(smoke: Profile, name: str, junk: str) -> None:
    run("pretrain", smoke, progress=False)
    record = paths.record("smoke", "pretrain")
    path = record if name == "record" else paths.run("smoke", "pretrain") / name
    path.write_text(junk)
    if name != "record":
        record.unlink()
    with pytest.raises(UserError, match="damaged|cannot read|another configuration"):
        run("pretrain", smoke, progress=False)
    assert path.read_text() == junk, "nothing is written over"


@pytest.mark.parametrize("junk", ["[]", '{"step": "4"}', "{}"])
def test_a_damaged_state_gives_way_to_the_checkpoint_before(
    smoke: Profile, junk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("whitebox", smoke, progress=False)
    whole = state_of(smoke, "whitebox")
    (checkpoints.present(paths.run("smoke", "whitebox"))[-1] / "state.json").write_text(junk)
    paths.record("smoke", "whitebox").unlink()
    assert run("whitebox", smoke, progress=False)["steps"] == 8
    assert all(torch.equal(value, whole[key]) for key, value in state_of(smoke, "whitebox").items())


def test_metrics_that_are_gone_are_told_of(smoke: Profile, caplog: pytest.LogCaptureFixture) -> None:
    run("pretrain", smoke, progress=False)
    path, record = paths.run("smoke", "pretrain") / "metrics.jsonl", paths.record("smoke", "pretrain")
    record.unlink()
    path.write_bytes(b"\xff\x00[1]\n")
    with pytest.raises(UserError, match="metrics.jsonl is empty: restore it, or move the run folder away"):
        run("pretrain", smoke, progress=False)
    assert "ends at step 0 and the checkpoint is of step 8" in caplog.text and not record.exists()


@pytest.mark.parametrize("cut", [0, 100])
def test_a_generator_that_is_not_its_records_is_refused(smoke: Profile, cut: int) -> None:
    run("pretrain", smoke, progress=False)
    path = paths.run("smoke", "pretrain") / "generator.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: -cut or None][:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(UserError, match="generator.safetensors is not the file that its record tells of"):
        run("whitebox", smoke, progress=False)
