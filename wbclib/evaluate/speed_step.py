"""Timing of a training step: what the structure term costs, and what a straightforward step would."""

from __future__ import annotations

import dataclasses
import functools
import os
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wbclib import images
from wbclib.evaluate.speed_structure import reference
from wbclib.evaluate.timing import paired, row
from wbclib.options import RunConfig, Structure
from wbclib.profiles import load
from wbclib.train.loop import open_fabric
from wbclib.train.methods import WhiteBox


def configured() -> RunConfig:
    """The white-box run of the quick profile."""
    return load("quick", "cpu").run("whitebox")


def batch_of(config: RunConfig, device: torch.device, draw: torch.Generator) -> dict[str, Tensor]:
    """Random images of a run's size and batch."""
    size = (config.batch, 3, config.size, config.size)
    return {key: (torch.rand(size, generator=draw) * 2 - 1).to(device) for key in ("photo", "cartoon")}


def step_of(kind: type[WhiteBox], config: RunConfig) -> tuple[WhiteBox, Any]:
    """A method and a function that does one step of it."""
    fabric, draw = open_fabric(config), torch.Generator().manual_seed(0)
    method, batch = kind(config, fabric, {"downloads": False}), batch_of(config, fabric.device, draw)
    return method, functools.partial(method.step, batch, draw)


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


class Straightforward(WhiteBox):
    """The step with structure images of the plain reference, found in a pool of processes while everything waits."""

    def begin_structure(self, output: Tensor) -> Any:
        return Plain(output, self.config.structure)


class Plain:
    """Stands where :class:`wbclib.represent.structure.Pending` does."""

    waited = 0.0

    def __init__(self, output: Tensor, options: Structure) -> None:
        call = functools.partial(plain_structure, options=options)
        coloured = np.stack(list(_processes().map(call, images.to_uint8(output))))
        self.target = images.to_tensor(coloured).to(output.device)

    def result(self) -> Tensor:
        """The structure images."""
        return self.target


def plain_structure(image: np.ndarray, options: Structure) -> np.ndarray:
    """Structure image of the plain reference, uint8."""
    return np.rint(reference().structure(image, options)).astype(np.uint8)


@functools.cache
def _processes() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(os.cpu_count())


def step_cpu() -> dict[str, Any]:
    """A step of the quick profile against the same step with structure images of the plain reference."""
    config = configured()
    times = paired(step_of(WhiteBox, config)[1], step_of(Straightforward, config)[1], rounds=3)
    return row("step_cpu", *times, "the same step, structure by the plain reference in a pool of processes")


ROWS = (step_with_structure, step_waiting, step_cpu)
