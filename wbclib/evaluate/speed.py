"""Timing as ratios inside one run: what ``make bench`` measures and writes to ``reports/bench/bench.csv``."""

from __future__ import annotations

import dataclasses
import functools
import statistics
import time
from collections.abc import Callable
from typing import Any

import pandas as pd
import torch

from wbclib import paths
from wbclib.files import atomic
from wbclib.profiles import load
from wbclib.represent.surface import guided_filter
from wbclib.train import records
from wbclib.train.loop import open_fabric
from wbclib.train.methods import WhiteBox

COLUMNS = ["name", "ours", "other", "unit", "ratio", "threads", "device", "other_is"]


def paired(ours: Callable[[], Any], other: Callable[[], Any], rounds: int = 15) -> tuple[float, float, float]:
    """Median seconds of both, called in turn, and the median of their ratios other / ours, pair by pair.

    Pairs share whatever else the machine is doing, so that the ratio holds where single times drift.
    """
    ours(), other()  # the first call of each pays for memory and caches
    times: list[tuple[float, float]] = []
    for _ in range(rounds):
        start = time.perf_counter()
        ours()
        middle = time.perf_counter()
        other()
        times.append((middle - start, time.perf_counter() - middle))
    first, second = zip(*times, strict=True)
    return statistics.median(first), statistics.median(second), statistics.median(b / a for a, b in times)


def row(name: str, first: float, second: float, ratio: float, other_is: str) -> dict[str, Any]:
    """A row of a ``_vs_`` comparison: milliseconds of both, and first / second as DESIGN fixes it for such rows."""
    return {"name": name, "ours": first * 1e3, "other": second * 1e3, "ratio": ratio, "other_is": other_is}


def guided_filter_over_radius() -> dict[str, Any]:
    """The cost at r = 64 over the cost at r = 2, on 4 images of 256 x 256."""
    image = torch.rand(4, 3, 256, 256, generator=torch.Generator().manual_seed(0)) * 2 - 1
    small, large, ratio = paired(
        lambda: guided_filter(image, image, 2, 0.2), lambda: guided_filter(image, image, 64, 0.2)
    )
    return row("guided_filter_r64_vs_r2", large, small, ratio, "the same filter at r = 2")


def step_with_structure() -> dict[str, Any]:
    """A training step with the structure term over the same step without it, sizes of the quick profile."""
    config = load("quick", "cpu").run("whitebox")
    without = dataclasses.replace(config, weights=dataclasses.replace(config.weights, structure=0.0))
    fabric, draw = open_fabric(config), torch.Generator().manual_seed(0)
    batch = {
        key: torch.rand(config.batch, 3, config.size, config.size, generator=draw) * 2 - 1
        for key in ("photo", "cartoon")
    }
    batch = {key: value.to(fabric.device) for key, value in batch.items()}
    methods = [WhiteBox(run, fabric, {"downloads": False}) for run in (without, config)]
    calls = [functools.partial(method.step, batch, draw) for method in methods]
    plain, full, ratio = paired(calls[0], calls[1])
    return row("step_structure_vs_none", full, plain, ratio, "the same step without the structure term")


def bench() -> pd.DataFrame:
    """Measure every row and write the table; columns :data:`COLUMNS`, times in milliseconds."""
    device = records.device_entry(torch.device("cpu"), "32-true")
    rows = [measure() | {"unit": "ms"} for measure in (guided_filter_over_radius, step_with_structure)]
    frame = pd.DataFrame(rows).assign(threads=device["threads"], device=device["name"])[COLUMNS]
    with atomic(paths.root() / "reports" / "bench" / "bench.csv") as temporary:
        frame.to_csv(temporary, index=False, float_format="%.4g")
    return frame
