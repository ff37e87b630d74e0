"""Operations, bytes and the roof against numbers worked out by hand."""

from __future__ import annotations

import pandas as pd
import pytest
import torch
from torch import nn

from wbclib import profiles
from wbclib.bench import roofline, suite, timing
from wbclib.studies.speed import plots


def test_a_convolution_is_counted_by_its_formula() -> None:
    layer, x = nn.Conv2d(4, 8, 3, padding=1, bias=False), torch.rand(2, 4, 10, 12)
    operations, moved = roofline.counted(lambda: layer(x))
    assert operations == 2 * 2 * 10 * 12 * 4 * 8 * 9
    assert moved == 4 * (2 * 4 * 120 + 8 * 4 * 9 + 2 * 8 * 120)


def test_a_backward_pass_costs_two_forward_passes() -> None:
    layer, x = nn.Conv2d(4, 8, 3, padding=1, bias=False), torch.rand(2, 4, 10, 12, requires_grad=True)
    both, _ = roofline.counted(lambda: layer(x).sum().backward())
    assert both == 3 * roofline.counted(lambda: layer(x))[0]


def test_the_bound_is_the_larger_of_the_two() -> None:
    a = torch.rand(64, 64)
    peaks = {"operations": 1e9, "bytes": 1e9}
    (row,) = roofline.measure_work({"product": lambda: a @ a}, peaks).itertuples()
    assert row.gflop == pytest.approx(2 * 64**3 / 1e9) and row.megabytes == pytest.approx(3 * 64**2 * 4 / 1e6)
    assert row.bound_ms == pytest.approx(1e3 * 2 * 64**3 / 1e9)
    (row,) = roofline.measure_work({"product": lambda: a @ a}, {"operations": 1e12, "bytes": 1e6}).itertuples()
    assert row.bound_ms == pytest.approx(1e3 * 3 * 64**2 * 4 / 1e6)
    assert row.reached == pytest.approx(row.bound_ms / row.ms)


def test_parts_of_a_step_add_up_to_its_operations(precision: str) -> None:
    config = profiles.load("smoke").run("whitebox")
    work = roofline.parts(config, {"downloads": False})
    operations = {name: roofline.counted(call)[0] for name, call in work.items()}
    # The step also judges the output by both discriminators, forward and back to the image.
    parts = sum(value for name, value in operations.items() if name != "whole step")
    assert parts < operations["whole step"] < 1.3 * parts


def test_paired_takes_the_median_of_ratios(monkeypatch: pytest.MonkeyPatch) -> None:
    # start, between, end of three rounds: ours 1, 2, 4 s; other 3, 2, 8 s
    clock = iter([0.0, 1.0, 4.0, 10.0, 12.0, 14.0, 20.0, 24.0, 32.0])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    assert timing.paired(lambda: None, lambda: None, rounds=3) == (2.0, 3.0, 2.0)


def test_pictures_are_drawn_and_a_missing_bench_is_an_empty_table() -> None:
    assert list(suite.read().columns) == suite.COLUMNS
    a = torch.rand(64, 64)
    peaks = {"operations": 1e11, "bytes": 1e10}
    frame = roofline.measure_work({"product": lambda: a @ a, "nothing": lambda: None}, peaks)
    bench = pd.DataFrame({"name": ["a", "b"], "ratio": [3.0, 0.5]})
    for drawn in (plots.roofline(frame, peaks, "roof"), plots.ratios(bench, "ratios")):
        assert drawn.alt and len(drawn.png()) > 5000
