"""Starts of a run: what is kept on the way, the supervised lesson, and which one is better on made-up distances."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from wbclib import images, paths, profiles
from wbclib.files import write_text
from wbclib.options import Flow, Weights
from wbclib.profiles import Profile
from wbclib.represent.flow import abstraction
from wbclib.studies.ablation import starts
from wbclib.train import device, loop, run, trail
from wbclib.train.methods import Pretrain


def changed(**runs: dict[str, object]) -> Profile:
    """The smoke profile with options of runs changed."""
    plain = profiles.load("smoke")
    configs = {name: dataclasses.replace(plain.run(name), **options) for name, options in runs.items()}  # type: ignore[arg-type]
    return dataclasses.replace(plain, runs={**plain.runs, **configs})


def test_a_run_keeps_its_generators_on_the_way(study: Path) -> None:
    way = changed(pretrain={"steps": 2}, whitebox={"steps": 7, "trail_every": 3})
    run("whitebox", way, progress=False)
    kept = trail.kept("smoke", "whitebox")
    assert list(kept) == [0, 3, 6, 7]  # the first before any step, every third, and the last
    for step, name in ((0, "pretrain"), (7, "whitebox")):
        ends = load_file(loop.generator_file("smoke", name))
        torch.testing.assert_close(trail.read(kept[step]), ends, atol=1e-3, rtol=1e-3)  # half precision
    assert trail.kept("smoke", "pretrain") == {}


def test_a_supervised_start_learns_the_abstraction_and_not_the_photograph(study: Path) -> None:
    config = dataclasses.replace(
        profiles.load("smoke").run("pretrain"), weights=Weights(abstraction=1.0), flow=Flow(tau=0.9)
    )
    method = Pretrain(config, device.open_fabric(config, "cpu"), {"downloads": False})
    photo = images.to_tensor(loop.sample_photographs(64)[:2])
    output = method.modules["generator"](photo).detach()
    logged = method.step({"photo": photo}, torch.Generator())
    wanted = (output - abstraction(photo, config.flow)).abs().mean()
    assert logged["abstraction"].item() == logged["total"].item() == pytest.approx(wanted.item(), rel=1e-5)
    assert wanted.item() != pytest.approx((output - photo).abs().mean().item(), rel=0.01)


def made_up(curves: dict[str, list[list[float]]], steps: tuple[int, ...] = (0, 10, 20)) -> pd.DataFrame:
    """start -> a curve of distances for every seed."""
    rows = [
        (start, f"{start}-{seed}", seed, step, "distance", value)
        for start, by_seed in curves.items()
        for seed, curve in enumerate(by_seed)
        for step, value in zip(steps, curve, strict=True)
    ]
    return pd.DataFrame(rows, columns=["start", "run", "seed", "step", "measure", "value"])


def test_differences_are_paired_by_seed_and_steps_lie_between_those_kept() -> None:
    found = made_up(
        {
            "content": [[100, 80, 60], [110, 90, 70], [120, 100, 80]],
            "abstraction": [[80, 60, 50], [90, 70, 60.5], [100, 80, 69.5]],
            "none": [[300, 200, 110], [310, 190, 120], [290, 210, 130]],
        }
    )
    table = starts.compare_starts(found).set_index("start")
    assert list(table["final"]) == pytest.approx([70, 60, 120])
    assert list(table["at_start"]) == pytest.approx([110, 90, 300])
    assert (table["target"] == 70).all()  # where the first one ends
    assert table.loc[["content", "abstraction"], "reached"].tolist() == [20, 10] and np.isnan(
        table.loc["none", "reached"]
    )
    apart = np.array([-10, -9.5, -10.5])
    half = 2.919986 * apart.std(ddof=1) / 3**0.5  # Student's t, 2 degrees of freedom, 95 %
    assert table.loc["abstraction", ["difference", "low", "high"]].tolist() == pytest.approx(
        [-10, -10 - half, -10 + half]
    )
    assert "verdict" not in table  # all seeds of a start share it


def test_a_start_reaches_the_target_between_two_kept_steps() -> None:
    found = made_up({"content": [[100, 80, 40]], "pixel": [[200, 50, 30]], "none": [[200, 100, 70]]})
    table = starts.compare_starts(found)
    assert table.loc[1, "reached"] == pytest.approx(10 + 10 * (50 - 40) / (50 - 30))
    assert starts.sentences(table) == [
        "Started by content: 40 at the end (the full run), target reached at step 20.",
        "Started by pixel: 30 at the end (-10), target reached at step 15.",
        "Started by none: 70 at the end (+30), target never reached.",
    ]


def test_one_seed_has_no_interval() -> None:
    row = starts.compare_starts(made_up({"content": [[100, 80, 60]], "pixel": [[100, 80, 50]]})).iloc[1]
    assert row["difference"] == -10 and np.isnan(row["low"]) and np.isnan(row["high"])


def test_means_have_intervals_over_seeds() -> None:
    found = starts.means(made_up({"content": [[4, 2, 1], [6, 2, 3]]}))
    first = found.iloc[0]
    assert first["value"] == 5 and first["low"] == pytest.approx(5 - 6.313752 * 2**0.5 / 2**0.5)
    assert found.iloc[1]["low"] == found.iloc[1]["high"] == 2


def test_without_kept_generators_there_is_nothing_to_compare(study: Path) -> None:
    assert starts.starts(profiles.load("quick")) == {}
    assert list(starts.compare_starts(made_up({})).columns)[:2] == ["start", "seeds"]
    assert starts.means(made_up({})).empty


def test_the_starts_of_quick_are_the_runs_that_differ_in_their_start_alone(study: Path) -> None:
    quick = profiles.load("quick")
    for name in quick.named("ablation"):
        for step in (0, quick.run(name).steps):
            write_text(paths.run("quick", name) / "trail" / f"step-{step:07d}.safetensors", "")
    assert {name: variant.name for name, variant in starts.starts(quick).items()} == {
        "content and pixel": "full",
        "none": "no-initialisation",
        "pixel": "pretraining-pixel",
        "abstraction": "pretraining-abstraction",
    }
    (paths.run("quick", "pretraining-pixel") / "trail" / "step-0000000.safetensors").unlink()
    assert "pixel" not in starts.starts(quick)
