"""Checkpoints in parts: safetensors of at most 15 MiB, a state file with their hashes, appearing whole or not at all.

A checkpoint is a folder ``checkpoint-00000300`` holding ``part-00.safetensors``, ``part-01...`` and
``state.json``. Everything of a run that changes is in it: all networks, all optimisers, the step. There
is no generator of random numbers to keep: those of a step are a function of (seed, step) alone.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.optim import Optimizer

from wbclib.files import UserError, atomic_folder, read_record, sha256, write_bytes, write_json

PART_BYTES = 15 * 2**20
KEEP = 2
log = logging.getLogger("wbclib")


def flatten(modules: Mapping[str, nn.Module], optimisers: Mapping[str, Optimizer]) -> dict[str, Tensor]:
    """All tensors of networks and optimisers under names such as ``generator/conv.weight``."""
    tensors = {f"{name}/{key}": value for name, module in modules.items() for key, value in module.state_dict().items()}
    for name, optimiser in optimisers.items():
        for index, state in optimiser.state_dict()["state"].items():
            tensors |= {f"{name}.optimiser/{index}/{key}": torch.as_tensor(value) for key, value in state.items()}
    return {key: value.detach().cpu().contiguous() for key, value in tensors.items()}


def restore(
    tensors: Mapping[str, Tensor], modules: Mapping[str, nn.Module], optimisers: Mapping[str, Optimizer]
) -> None:
    """Put the tensors of :func:`flatten` back; missing or extra names are errors."""
    for name, module in modules.items():
        module.load_state_dict(_below(tensors, f"{name}/"), strict=True)
    for name, optimiser in optimisers.items():
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in _below(tensors, f"{name}.optimiser/").items():
            index, field = key.split("/")
            state.setdefault(int(index), {})[field] = value
        optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
        _lay_out(optimiser)


def _lay_out(optimiser: Optimizer) -> None:
    """Give moments the memory layout of their parameter: a fused optimiser pairs values by address, not by index."""
    for parameter, state in optimiser.state.items():
        for key, value in state.items():
            if value.shape == parameter.shape and value.stride() != parameter.stride():
                state[key] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def parts(tensors: Mapping[str, Tensor], limit: int = PART_BYTES) -> Iterator[dict[str, Tensor]]:
    """Tensors in their order, cut into groups of at most ``limit`` bytes (a larger tensor stands alone)."""
    group: dict[str, Tensor] = {}
    size = 0
    for name, value in tensors.items():
        if group and size + value.nbytes > limit:
            yield group
            group, size = {}, 0
        group[name] = value
        size += value.nbytes
    yield group


def write(folder: Path, step: int, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> Path:
    """Write the checkpoint of ``step`` and delete all but the newest two.

    A kill or a full disk leaves the older checkpoints untouched and no folder under the final name.
    """
    target = folder / f"checkpoint-{step:08d}"
    hashes = {}
    with atomic_folder(target) as temporary:
        for number, group in enumerate(parts(tensors)):
            path = temporary / f"part-{number:02d}.safetensors"
            write_bytes(path, save(group))
            hashes[path.name] = sha256(path)
        write_json(temporary / "state.json", {"step": step, "parts": hashes, **state})
        shutil.rmtree(target, ignore_errors=True)
    for old in present(folder)[:-KEEP]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def present(folder: Path) -> list[Path]:
    """Checkpoint folders of a run, oldest first."""
    return sorted(path for path in folder.glob("checkpoint-*") if path.name[11:].isdigit())


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and state of one checkpoint, every part checked against its hash."""
    state = read_record(path / "state.json", {"step": int, "parts": dict})
    tensors: dict[str, Tensor] = {}
    for name, expected in state["parts"].items():
        # Read whole, not mapped: what is in use must not change with the file.
        content = (path / name).read_bytes() if (path / name).is_file() else b""
        if hashlib.sha256(content).hexdigest() != expected:
            raise UserError(f"checkpoint {path.name} is damaged: {name} is missing or cut short")
        tensors |= load(content)
    return tensors, state


def newest(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Newest checkpoint that is whole, or None where the run has none yet.

    A damaged one is left in place, named in a warning, and the one before it is used: training on from
    there gives the same result. With no whole one left the reader has to decide.
    """
    found = present(folder)
    for path in reversed(found):
        try:
            return read(path)
        except (UserError, KeyError) as error:
            log.warning("%s; trying the checkpoint before it", error)
    if found:
        raise UserError(
            f"no checkpoint in {folder.name} can be read: delete the folder to train this run from the start"
        )
    return None
