"""What a training step must cost, what this machine can do, and what is reached.

Source: Williams, Waterman, Patterson, "Roofline: An Insightful Visual Performance Model", CACM 52(4), 2009.
A part of the step needs at least max(operations / peak, bytes / bandwidth) seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from wbclib import losses
from wbclib.bench.timing import seconds
from wbclib.options import RunConfig
from wbclib.represent.surface import output_filter, surface
from wbclib.represent.texture import colour_shift_pair
from wbclib.train.device import open_fabric
from wbclib.train.methods import WhiteBox

HEAVY = {"convolution", "convolution_backward", "mm", "addmm", "bmm"}


class Bytes(TorchDispatchMode):
    """Counts what convolutions and products read and write, as if all else were fused into them."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        if function.overloadpacket.__name__ in HEAVY:
            moved = [*args, *(result if isinstance(result, tuple) else (result,))]
            self.total += sum(x.numel() * x.element_size() for x in moved if isinstance(x, Tensor))
        return result


def counted(work: Callable[[], Any]) -> tuple[int, int]:
    """Floating-point operations (two for a multiplication with its addition) and bytes of one call."""
    with FlopCounterMode(display=False) as operations, Bytes() as moved:
        work()
    return operations.get_total_flops(), moved.total


def machine(device: torch.device, dtype: torch.dtype = torch.float32) -> dict[str, float]:
    """Measured peaks: operations a second of a 2048 x 2048 product, bytes a second (read and written) of a copy."""
    a = torch.rand(2048, 2048, device=device).to(dtype)
    source = torch.zeros(1 << 25, device=device)
    target = torch.empty_like(source)
    product, copy = seconds(lambda: a @ a, 15), seconds(lambda: target.copy_(source), 15)
    return {"operations": 2 * 2048**3 / product, "bytes": 2 * source.numel() * 4 / copy}


def parts(config: RunConfig, permissions: dict[str, bool]) -> dict[str, Callable[[], Any]]:
    """The parts of a white-box step on random images of the run's size, each a function of nothing."""
    fabric, draw = open_fabric(config), torch.Generator().manual_seed(0)
    method = WhiteBox(config, fabric, permissions)
    size = (config.batch, 3, config.size, config.size)
    photo, cartoon = ((torch.rand(size, generator=draw) * 2 - 1).to(fabric.device) for _ in range(2))
    output = (0.8 * photo).requires_grad_(True)

    def discriminators() -> None:
        for role, (fake, real) in method.represent(output.detach(), cartoon, draw).items():
            network = method.modules[role]
            fabric.backward(losses.discriminator(network(real).float(), network(fake).float(), config.adversarial))

    def filters() -> None:
        filtered = output_filter(photo, output, config.output, config.output.train_eps)
        fabric.backward(surface(filtered, config.surface).mean() + surface(cartoon, config.surface).mean())
        colour_shift_pair(output.detach(), cartoon, config.texture, draw)

    def generator() -> None:
        fabric.backward(method.modules["generator"](photo).float().mean())

    def features() -> None:
        fabric.backward(method.perceive(output).mean())

    def frozen() -> None:
        with torch.no_grad():
            method.perceive(photo)

    return {
        "generator, forward and backward": generator,
        "discriminators, forward and backward": discriminators,
        "features of the output, with gradient": features,
        "features of the photograph": frozen,
        "features of the structure image": frozen,
        "representations: surface, texture": filters,
        "structure images": lambda: method.begin_structure(output).result(),
        "whole step": lambda: method.step({"photo": photo, "cartoon": cartoon}, draw),
    }


def measure_work(work: dict[str, Callable[[], Any]], peaks: dict[str, float]) -> pd.DataFrame:
    """A row a part: part, gflop, megabytes, intensity (operations a byte), ms, bound_ms, reached (bound / time)."""
    rows = []
    for name, call in work.items():
        operations, moved = counted(call)
        time_s = seconds(call, rounds=3)
        bound = max(operations / peaks["operations"], moved / peaks["bytes"])
        rows.append(
            {
                "part": name,
                "gflop": operations / 1e9,
                "megabytes": moved / 1e6,
                "intensity": operations / moved if moved else float("nan"),
                "ms": 1e3 * time_s,
                "bound_ms": 1e3 * bound,
                "reached": bound / time_s,
            }
        )
    return pd.DataFrame(rows)
