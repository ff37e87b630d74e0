"""What each change to the training step brings: the step without it against the step with all of them, in one run.

The step that everything is compared with in the end, :class:`Straightforward`, is the published one written down
directly. Each change stands here with what was predicted of it before it was measured.
"""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from wbclib import images
from wbclib.bench.reference import structure as plain
from wbclib.bench.timing import ratios
from wbclib.options import RunConfig, Structure
from wbclib.represent.structure import Pending
from wbclib.train.device import open_fabric
from wbclib.train.methods import WhiteBox

COLUMNS = ["change", "why", "predicted", "measured", "low", "high", "ms", "ms_without"]


class Contiguous(WhiteBox):
    """Images and weights as (N, C, H, W) in memory."""

    layout = torch.contiguous_format


class LoopedAdam(WhiteBox):
    """An optimiser that takes several passes over every parameter."""

    fused = False


class Apart(WhiteBox):
    """A discriminator looks at cartoons, then at outputs."""

    together = False


class Forgetful(WhiteBox):
    """The photographs' features are computed in every step."""

    def remember(self, photos: np.ndarray) -> None:
        del photos


class Waiting(WhiteBox):
    """Everything waits while structure images are made."""

    def begin_structure(self, output: Tensor) -> Pending:
        found = super().begin_structure(output)
        found.result()
        return found


class Full(WhiteBox):
    """All of float32, also where the device has bfloat16."""


class Plain:
    """Structure images by the plain reference, in a process a core; stands where :class:`Pending` does."""

    waited = 0.0

    def __init__(self, output: Tensor, options: Structure) -> None:
        call = functools.partial(plain_structure, options=options)
        coloured = np.stack(list(_processes().map(call, images.to_uint8(output))))
        self.target = images.to_tensor(coloured).to(output.device)

    def result(self) -> Tensor:
        """The structure images."""
        return self.target


class Uncompiled(WhiteBox):
    """Structure images by the plain reference, while everything waits."""

    def begin_structure(self, output: Tensor) -> Any:
        return Plain(output, self.config.structure)


class Straightforward(Contiguous, LoopedAdam, Apart, Forgetful, Uncompiled, Full):
    """The published step, written down directly: none of the changes."""


def plain_structure(image: np.ndarray, options: Structure) -> np.ndarray:
    """Structure image of the plain reference, uint8."""
    return np.rint(plain.structure(image, options)).astype(np.uint8)


@functools.cache
def _processes() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(os.cpu_count())


def batch_of(config: RunConfig, device: torch.device, draw: torch.Generator) -> dict[str, Tensor]:
    """Random images of a run's size and batch."""
    size = (config.batch, 3, config.size, config.size)
    return {key: (torch.rand(size, generator=draw) * 2 - 1).to(device) for key in ("photo", "cartoon")}


def step_of(
    kind: type[WhiteBox], config: RunConfig, device: str = "cpu", downloads: bool = False
) -> tuple[WhiteBox, Callable[[], Any]]:
    """A method and a function that does one step of it. Photographs are kept ones where the run keeps any."""
    if issubclass(kind, Full):
        config = dataclasses.replace(config, precision="float32")
    fabric, draw = open_fabric(config, device), torch.Generator().manual_seed(0)
    method, batch = kind(config, fabric, {"downloads": downloads}), batch_of(config, fabric.device, draw)
    if config.kept:
        method.remember(images.to_uint8(batch["photo"]))
        batch["index"] = torch.arange(config.batch, device=fabric.device)
    return method, functools.partial(method.step, batch, draw)


@dataclasses.dataclass(frozen=True)
class Change:
    """One change: the step without it, why it should help, and the ratio predicted for (CPU, GPU)."""

    name: str
    without: type[WhiteBox]
    why: str
    predicted: tuple[float, float]


CHANGES = (
    Change("structure compiled", Uncompiled, "the plain reference takes half a second an image of 96 px", (4.0, 40.0)),
    Change("structure beside the step", Waiting, "two cores have nothing to spare; a GPU leaves them idle", (1.0, 1.5)),
    Change("photographs' features kept", Forgetful, "one of three forward passes of that network", (1.1, 1.15)),
    Change("channels last", Contiguous, "no reordering before and after each convolution", (1.05, 1.3)),
    Change("one batch a discriminator", Apart, "half as many small convolutions", (1.03, 1.05)),
    Change("fused optimiser", LoopedAdam, "Adam's passes over memory are two hundredths of a step", (1.015, 1.05)),
    Change("bfloat16", Full, "half the bytes, and matrix units; next to nothing on a CPU without them", (1.0, 3.0)),
    Change("all of them", Straightforward, "the product", (5.0, 300.0)),
)  # fmt: skip


def time_removals(
    config: RunConfig, device: str = "cpu", downloads: bool = False, rounds: int = 15, slow: bool = True
) -> pd.DataFrame:
    """Every change, predicted and measured: columns :data:`COLUMNS`.

    Args:
        config: a white-box run.
        device: ``cpu`` or ``cuda``.
        rounds: pairs of steps, ours and the other in turn; a fifth of them where the other side takes seconds.
        slow: also those changes, whose other side takes the plain reference.

    ``measured`` is the median ratio of the times without and with the change, ``low`` and ``high`` its extremes.
    """
    _, ours = step_of(WhiteBox, config, device, downloads)
    rows = []
    for change in CHANGES:
        plain = issubclass(change.without, Uncompiled)
        if plain and not slow:
            continue
        other = step_of(change.without, config, device, downloads)[1]
        first, second, found = ratios(ours, other, max(1, rounds // 5) if plain else rounds)
        expected, extremes = change.predicted[device == "cuda"], (min(found), max(found))
        times = (1e3 * first, 1e3 * second)
        rows.append((change.name, change.why, expected, float(np.median(found)), *extremes, *times))
    return pd.DataFrame(rows, columns=COLUMNS)
