"""Sizes against counting by hand, epochs against a record; times are only asked to be there."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from wbclib.bench import generators, suite
from wbclib.files import write_json
from wbclib.paths import record
from wbclib.profiles import load


def residual_gflop(side: int = 256, width: int = 64) -> float:
    """Multiplications with their additions of CartoonGAN's generator, layer by layer, two operations each."""
    full, half, quarter = side**2, side**2 // 4, side**2 // 16
    w, w2, w4 = width, 2 * width, 4 * width
    down = 49 * 3 * w * full + 9 * (w * w2 + w2 * w2) * half + 9 * (w2 * w4 + w4 * w4) * quarter
    up = 9 * w4 * w2 * quarter + 9 * w2 * w2 * half + 9 * w2 * w * half + 9 * w * w * full + 49 * w * 3 * full
    return 2 * (down + 16 * 9 * w4 * w4 * quarter + up) / 1e9


def test_sizes_are_those_of_counting() -> None:
    found = generators.sizes().set_index("network")
    assert found["parameters"].tolist() == [1_467_075, 11_120_195]
    assert found["megabytes_float32"].tolist() == pytest.approx([5.8683, 44.48078])
    assert found.loc[generators.CARTOONGAN, "gflop_256"] == pytest.approx(residual_gflop(), rel=1e-6)


def test_times_are_ratios_of_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generators, "SIZES", {"tiny": (16, 24)})
    found = generators.times(("tiny",), rounds=3)
    assert found.loc[0, ["whitebox_s", "cartoongan_s", "ratio"]].min() > 0
    names = [measure()["name"] for measure in [generators._against_whitebox("tiny")]]
    assert names == ["cartoongan_tiny_vs_whitebox"]
    assert set(generators.ROWS) <= set(suite.ROWS)


def test_an_epoch_is_steps_times_time(study: Path) -> None:
    profile = dataclasses.replace(
        load("smoke"), name="smoke", comparison={"toon": {"pretrained": "pretrain", "whitebox": "whitebox"}}
    )
    device = {"name": "x", "precision": "32-true", "threads": 2}
    found = {"wall_time_s": 10.0, "steps": 5, "data": {"photos": {"n": 30}}, "device": device}
    write_json(record("smoke", "whitebox"), found)
    table = generators.epochs(profile)
    batch = profile.run("whitebox").batch
    assert table["run"].tolist() == ["whitebox"]
    assert table.loc[0, "seconds_per_step"] == 2.0 and table.loc[0, "seconds_per_epoch"] == 2.0 * 30 / batch
