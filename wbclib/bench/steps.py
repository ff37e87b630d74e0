"""Timing of a training step: what the structure term costs, and what a straightforward step would."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from wbclib.bench.removals import Straightforward, step_of
from wbclib.bench.timing import paired, row
from wbclib.options import RunConfig
from wbclib.profiles import load
from wbclib.train import records
from wbclib.train.methods import WhiteBox

DIRECT = (
    "the published step: float32, eager, NCHW, three passes of the perceptual network, "
    "structure by the plain reference in a process a core"
)


def configured() -> RunConfig:
    """The white-box run of the quick profile."""
    return load("quick").run("whitebox")


def configured_gpu() -> RunConfig:
    """The white-box run of the lab profile on a GPU: batch 16, 256 px."""
    return load("lab-gpu").run("whitebox")


def step_with_structure() -> dict[str, Any]:
    """A step with the structure term over the same step without it, sizes of the quick profile."""
    config = configured()
    without = dataclasses.replace(config, weights=dataclasses.replace(config.weights, structure=0.0))
    plain, full, ratio = paired(step_of(WhiteBox, without)[1], step_of(WhiteBox, config)[1])
    return row("step_structure_vs_none", full, plain, ratio, "the same step without the structure term")


def step_waiting() -> dict[str, Any]:
    """How much of a step is left waiting for structure images, sizes of the quick profile."""
    method, step = step_of(WhiteBox, configured())
    rounds, (_, whole, _) = 8, paired(step, step, rounds=4)
    method.waited = 0.0
    for _ in range(rounds):
        step()
    waiting = method.waited / rounds
    return row("step_waiting", waiting, whole, whole / waiting, "the whole step; ours is what it waits for structure")


def step_cpu() -> dict[str, Any]:
    """A step of the quick profile against the published step, written down directly."""
    config = configured()
    times = paired(step_of(WhiteBox, config)[1], step_of(Straightforward, config)[1], rounds=3)
    return row("step_cpu", *times, DIRECT)


def step_gpu() -> dict[str, Any]:
    """The same on a GPU, sizes of the lab profile; needs the weights of its perceptual network."""
    config = configured_gpu()
    ours, direct = (step_of(kind, config, "cuda", True)[1] for kind in (WhiteBox, Straightforward))
    times = paired(ours, direct, rounds=3)
    device = records.device_entry(torch.device("cuda"), "auto")
    return row("step_gpu", *times, DIRECT) | {"device": device["name"], "threads": device["threads"]}


ROWS = (step_with_structure, step_waiting, step_cpu)
GPU_ROWS = (step_gpu,)
