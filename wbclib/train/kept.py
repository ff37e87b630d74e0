"""Generators that stay with the repository: small copies, in half precision, that a fresh clone goes on from.

Run folders are not committed. What a later run starts from, and what is measured again, is kept beside the record of
its run (``wbc keep``); a shipped style is such a copy as well.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save

from wbclib import paths
from wbclib.files import UserError, read_record, sha256, write_bytes
from wbclib.profiles import Profile
from wbclib.train import records

SHIPPED = Path(__file__).resolve().parent.parent / "shipped"  # styles that come with the package


def copy_of(source: Path, record: dict[str, object]) -> bytes:
    """A generator in half precision, with what it is a copy of in its metadata.

    Raises:
        UserError: ``source`` is not the generator of the record, or a value does not fit half precision.
    """
    if sha256(source) != record["generator_sha256"]:
        raise UserError(f"{paths.shown(source)} is not the generator of the record; unpack or train the run again")
    state = {key: value.half() for key, value in load_file(source).items()}
    if not all(bool(torch.isfinite(value).all()) for value in state.values()):
        raise UserError(f"{paths.shown(source)} does not fit half precision; no copy is made")
    origin = {key: record[key] for key in ("profile", "name", "config_hash", "generator_sha256")}
    # One key: safetensors writes several in a random order, and equal weights would be other bytes each time.
    return save(state, metadata={"origin": json.dumps(origin)})


def copy(name: str, profile: Profile) -> bytes:
    """The copy of a finished run's generator, of its run folder or, where that is not here, as it is kept.

    Raises:
        UserError: as :func:`copy_of`; the run is not finished, or its weights are not here.
    """
    record, source = records.finished(profile, name), paths.run(profile.name, name) / "generator.safetensors"
    if record is not None and source.is_file():
        return copy_of(source, record)
    if record is None or (there := find(profile.name, name)) is None:
        raise UserError(f"only a finished run whose weights are here can be kept: train {profile.name}/{name} first")
    return there.read_bytes()


def keep(name: str, profile: Profile) -> Path:
    """Write the copy of a finished run's generator beside its record; the file. Errors: :func:`copy`."""
    path = place(profile.name, name)
    write_bytes(path, copy(name, profile))
    return path


def place(profile: str, name: str) -> Path:
    """Where the copy of a run's generator is kept."""
    return paths.record(profile, name).with_suffix(".safetensors")


def find(profile: str, name: str) -> Path | None:
    """A copy of a finished run's generator, beside its record or among the shipped styles; None: there is none."""
    record = paths.record(profile, name)
    if not os.path.isfile(record):  # Path.is_file raises where a name is too long for a file
        return None
    wanted = read_record(record, {"generator_sha256": str})["generator_sha256"]
    candidates = [place(profile, name), *sorted(SHIPPED.glob("*/generator.safetensors"))]
    return next(
        (path for path in candidates if path.is_file() and origin(path).get("generator_sha256") == wanted), None
    )


def origin(path: Path) -> dict[str, str]:
    """What a copy says that it is a copy of; empty where it says nothing, or is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            return dict(json.loads((file.metadata() or {}).get("origin", "{}")))
    except (OSError, ValueError, SafetensorError):
        return {}
