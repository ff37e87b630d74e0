"""Weights that others trained: where they are looked for, how they are verified, how they are read.

Nothing is unpickled and nothing is used whose sha256 is not the recorded one: a number measured through a
network is only worth the name of that network if the weights are the ones everybody means.
"""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from wbclib import paths
from wbclib.files import UserError, sha256

PLACE = "data/assets/weights (or $WBC_ASSETS/weights)"


class MissingWeights(UserError):
    """The weights are nowhere to be had (as opposed to: there, but damaged)."""


@dataclass(frozen=True)
class WeightFile:
    """One file of weights: name, sha256 of its bytes, who made it, licence, official address ("": none)."""

    name: str
    sha256: str
    origin: str
    licence: str
    url: str = ""


def folders() -> list[tuple[str, Path]]:
    """Where weights are looked for, in order, each with the name that a report shows."""
    return [
        ("assets/weights", paths.assets() / "weights"),
        ("torch hub cache", Path(torch.hub.get_dir()) / "checkpoints"),
    ]


def find(files: Sequence[WeightFile]) -> tuple[WeightFile, Path, str] | None:
    """The first of ``files`` that is there, with its path and a label without a machine's folders; None if none is."""
    for label, folder in folders():
        for file in files:
            if (folder / file.name).is_file():
                return file, folder / file.name, f"{label}/{file.name}"
    return None


def fetch(file: WeightFile) -> Path:
    """Download ``file`` into the torch hub cache; kept only if its sha256 is the recorded one.

    Raises:
        MissingWeights: if it cannot be reached.
        UserError: if what was sent is not the recorded file.
    """
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(file.url, str(folder / file.name), hash_prefix=file.sha256, progress=False)
    except RuntimeError as error:
        raise UserError(f"{file.url} sent another file than the recorded one; put {file.name} at {PLACE}") from error
    except OSError as error:  # URLError and timeouts are OSErrors
        reason = " ".join(str(error).split())
        raise MissingWeights(f"could not fetch {file.name} ({reason}); put it at {PLACE}") from error
    return folder / file.name


def obtain(network: str, files: Sequence[WeightFile], downloads: bool) -> tuple[WeightFile, Path, str]:
    """Find or fetch one of ``files`` and verify it.

    Returns:
        The file's description, its path, and the label for records ("assets/weights/NAME").

    Raises:
        MissingWeights: none is there, and none may or can be fetched.
        UserError: what is there is not the recorded file.
    """
    found = find(files)
    if found is None:
        remote = next((file for file in files if file.url), None)
        if not downloads or remote is None:
            raise MissingWeights(_missing(network, files))
        found = remote, fetch(remote), f"torch hub cache/{remote.name}"
    file, path, label = found
    if sha256(path) != file.sha256:
        raise UserError(
            f"{label} is damaged or another file: its sha256 is not {file.sha256[:12]}...; delete it or fetch it again"
        )
    return found


def _missing(network: str, files: Sequence[WeightFile]) -> str:
    """The line for a reader without weights."""
    names = " or ".join(file.name for file in files)
    hope = ", or allow downloads" if any(file.url for file in files) else ""
    return f"weights of {network} not found: put {names} at {PLACE}{hope}"


def read(path: Path) -> dict[str, Tensor]:
    """Named float32 tensors of an ``.npz``, ``.safetensors`` or ``.pth`` file, without unpickling objects.

    Raises:
        UserError: if the file is damaged, holds something else than arrays, or is of another kind.
    """
    readers = {".npz": _read_npz, ".safetensors": _read_safetensors, ".pth": _read_torch, ".pt": _read_torch}
    reader = readers.get(path.suffix)
    if reader is None:
        raise UserError(f"{path.name}: weights are read from {', '.join(readers)} files only")
    try:
        state = reader(path)
    except (OSError, ValueError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        raise UserError(
            f"cannot read weights {path.name}: it is damaged or not made of plain arrays; fetch it again"
        ) from error
    return {
        name: value.float() if value.is_floating_point() else value
        for name, value in state.items()
        if isinstance(value, Tensor)
    }


def _read_npz(path: Path) -> dict[str, Tensor]:
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
        return {name: torch.from_numpy(archive[name]) for name in archive.files}


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def _read_torch(path: Path) -> dict[str, Tensor]:
    return dict(torch.load(path, map_location="cpu", weights_only=True))
