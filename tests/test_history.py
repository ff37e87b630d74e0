"""What a run left behind: against files and configurations written by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wbclib import images, paths
from wbclib.losses import TERMS
from wbclib.options import run_config
from wbclib.studies.common import history


def test_metrics_are_a_frame_and_a_missing_folder_has_no_rows(study: Path) -> None:
    assert history.metrics("smoke", "pretrain").empty
    folder = paths.run("smoke", "pretrain")
    folder.mkdir(parents=True)
    (folder / "metrics.jsonl").write_text("".join(json.dumps({"step": s, "total": 1 / s}) + "\n" for s in (1, 2, 4)))
    frame = history.metrics("smoke", "pretrain")
    assert frame["step"].tolist() == [1, 2, 4] and frame["total"].tolist() == [1, 0.5, 0.25]


def test_tail_change_is_the_relative_change_of_the_last_quarter() -> None:
    frame = pd.DataFrame({"total": [9.0] * 60 + [2.0] * 10 + [1.0] * 10})
    assert history.tail_change(frame) == pytest.approx(-0.5)
    assert "-50%" in history.tail_sentence(frame)
    assert np.isnan(history.tail_change(frame[:7])) and "Too few" in history.tail_sentence(frame[:7])


def test_samples_are_the_lower_rows_of_strips_spread_over_the_run(study: Path) -> None:
    assert history.samples("smoke", "pretrain") == []
    colours = np.arange(3, dtype=np.uint8)[:, None, None, None] * 40 + 100
    for step in range(1, 10):
        lower = np.broadcast_to(colours + np.uint8(step), (3, 16, 16, 3))
        strip = images.grid([*np.zeros_like(lower), *lower], columns=3)
        images.write(paths.run("smoke", "pretrain") / "samples" / f"step-{step:07d}.png", strip)
    found = history.samples("smoke", "pretrain", 3)
    assert [step for step, _ in found] == [1, 5, 9]
    assert found[1][1].shape == (3, 16, 16, 3)
    assert [np.unique(picture).tolist() for picture in found[1][1]] == [[105], [145], [185]]


def test_a_picture_that_is_no_strip_is_refused() -> None:
    with pytest.raises(ValueError, match="two rows"):
        history.lower_row(np.zeros((37, 50, 3), np.uint8))


def test_terms_list_every_term_with_its_share_of_the_weighted_sum() -> None:
    config = run_config({"weights": {"content": 2.0, "tv": 1.0}})
    frame = history.terms(config, {"content": 0.3, "tv": 0.2, "total": 0.8}).set_index("term")
    assert list(frame.index) == list(TERMS)
    assert frame.loc["content", "share"] == pytest.approx(0.75) and frame.loc["tv", "share"] == pytest.approx(0.25)
    text = history.terms_markdown(frame.reset_index())
    assert f"${TERMS['content'].symbol}$ | 2 | 0.3000 | 75%" in text
    table, others = text.split("\n\n")
    assert table.count("\n") == 3 and "| surface |" not in table  # a head, its rule, and the two terms
    assert set(others.rstrip(".").split(": ")[1].split(", ")) == TERMS.keys() - {"content", "tv"}


def test_switches_follow_the_preset_that_was_chosen() -> None:
    weights = {"weights": {"surface": 0.5}, "adversarial": "lsgan"}
    for preset, follows in (("paper", "paper"), ("official", "official code")):
        assert set(history.switches(run_config({"preset": preset}))["follows"]) == {follows}
    frame = history.switches(run_config({"preset": "paper", **weights})).set_index("switch")
    assert frame.loc["adversarial"].tolist() == ["log", "lsgan", "lsgan", "official code"]
    assert frame.loc["weights.surface"].tolist() == ["1", "0.1", "0.5", "neither"]
    assert frame.loc["structure.segmenter"].tolist() == ["felzenszwalb", "slic", "felzenszwalb", "paper"]
    assert "lr" not in frame.index and "weights.tv" not in frame.index, "only where the two part"


def test_record_table_says_what_was_trained() -> None:
    data = {kind: {"name": kind, "n": 7, "digest": "d" * 64} for kind in ("photos", "cartoons")}
    config = {"method": "whitebox", "init": "pretrain", "batch": 4, "size": 96, "lr": 2e-4, "beta1": 0.5, "beta2": 0.99}
    record = {
        "config": config, "device": {"name": "a processor", "threads": 2, "precision": "bf16-mixed"},
        "features": None, "data": data, "wall_time_s": 50.0, "steps": 100, "peak_memory_mb": 900, "seed": 3,
        "commit": None, "dirty": None,
        "config_hash": "c" * 64,
    }  # fmt: skip
    table = history.record_table(record).set_index("item")["value"]
    assert table["steps"] == "100, batch 4, crops of 96 px (400 crops seen)"
    assert table["time"] == "50 s, 0.50 s a step" and table["perceptual network"] == "none"
    assert table["method"].endswith("pretrain") and table["commit"] == "none"
