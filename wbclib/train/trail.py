"""Generators kept along the way of a run, in half precision, so that it can be measured afterwards how it got there."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from wbclib import paths
from wbclib.files import write_bytes


def keep(folder: Path, step: int, generator: nn.Module) -> None:
    """Write the generator as it is after ``step`` steps into a run folder."""
    weights = {name: _half(value).cpu().contiguous() for name, value in generator.state_dict().items()}
    write_bytes(folder / "trail" / f"step-{step:07d}.safetensors", save(weights))


def kept(profile: str, name: str) -> dict[int, Path]:
    """Step -> weights, in order; empty where a run has kept none, or not here (they do not travel with its results)."""
    found = sorted((paths.run(profile, name) / "trail").glob("step-*.safetensors"))
    return {int(path.stem.removeprefix("step-")): path for path in found}


def read(path: Path) -> dict[str, Tensor]:
    """Weights of a kept generator, in the precision that they are computed in."""
    return {name: value.float() if value.is_floating_point() else value for name, value in load_file(path).items()}


def _half(value: Tensor) -> Tensor:
    return value.to(torch.float16) if value.is_floating_point() else value
