"""The run folder and the run record: what was trained, from what, on what, for how long.

A run folder (``data/runs/<profile>/<name>``, not committed) holds ``config.yaml``, ``metrics.jsonl``,
``samples/``, checkpoints and, once finished, ``generator.safetensors``. The record
(``reports/records/<profile>/<name>.json``) is written last: a run that has one is finished.
"""

from __future__ import annotations

import json
import logging
import platform
import resource
import subprocess
import sys
from contextlib import AbstractContextManager
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
import yaml

from wbclib import files, paths
from wbclib.corpora.base import Corpus
from wbclib.files import UserError, read_record, write_text
from wbclib.options import to_dict
from wbclib.profiles import Profile

log = logging.getLogger("wbclib")
PACKAGES = (
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "scikit-image",
    "opencv-contrib-python-headless",
    "pandas",
    "lightning-fabric",
    "lightning",
    "safetensors",
)


def finished(profile: Profile, name: str) -> dict[str, Any] | None:
    """Record of a finished run, or None; a record of another configuration is an error."""
    path = paths.record(profile.name, name)
    if not path.is_file():
        return None
    record = read_record(path, {"config_hash": str, "device": dict, "name": str, "steps": int})
    if record["config_hash"] != profile.hash(name):
        raise UserError(
            f"{paths.shown(path)} belongs to another configuration of run {name!r}: "
            "move it away to train again, or undo the change in the profile"
        )
    return record


def open_folder(profile: Profile, name: str) -> Path:
    """Run folder with its ``config.yaml``; a folder of another configuration is an error, never overwritten."""
    folder = paths.run(profile.name, name)
    path, expected = folder / "config.yaml", profile.hash(name)
    if path.is_file():
        try:
            found = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("config_hash")
        except (OSError, ValueError, AttributeError, yaml.YAMLError) as error:
            raise UserError(
                f"cannot read {paths.shown(path)}: it is damaged; restore it, or move {paths.shown(folder)} away to "
                "train this run from the start"
            ) from error
        if found != expected:
            raise UserError(
                f"run folder {paths.shown(folder)} belongs to another configuration "
                f"({str(found)[:12]}, wanted {expected[:12]}): move it away or delete it, then run again"
            )
        return folder
    write_config(path, profile, name)
    return folder


def write_config(path: Path, profile: Profile, name: str) -> None:
    """Write the ``config.yaml`` of a run."""
    values = {"name": name, "profile": profile.name, "config_hash": profile.hash(name)}
    write_text(path, yaml.safe_dump({**values, "config": to_dict(profile.run(name))}, sort_keys=False))


def locked(folder: Path) -> AbstractContextManager[int]:
    """Hold a run folder for this process; the lock goes with the process, also when it is killed."""
    return files.locked(folder / ".lock", f"another process is training {paths.shown(folder)}: wait for it or stop it")


def keep_metrics(path: Path, step: int) -> None:
    """Drop the lines of ``metrics.jsonl`` that are newer than the checkpoint a run resumes from."""
    if not path.is_file():
        return
    kept, last = [], 0
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            at = int(json.loads(line)["step"])
        except (ValueError, KeyError, TypeError):
            break  # a line cut short by a kill: it and what follows is newer than any checkpoint
        if at <= step:
            kept.append(line + "\n")
            last = at
    if last < step:
        log.warning("%s ends at step %d and the checkpoint is of step %d: the curves of this run have a gap",
                    paths.shown(path), last, step)  # fmt: skip
    write_text(path, "".join(kept))


def read_metrics(profile: str, name: str) -> list[dict[str, float]]:
    """Lines of ``metrics.jsonl`` of a run, oldest first."""
    path = paths.run(profile, name) / "metrics.jsonl"
    if not path.is_file():
        raise UserError(f"{paths.shown(path)} is not there: train the run here, or unpack its results")
    try:
        lines = [dict(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    except (ValueError, TypeError) as error:
        raise UserError(
            f"cannot read {paths.shown(path)}: it is damaged; restore it, or train the run again"
        ) from error
    if not lines:
        raise UserError(f"{paths.shown(path)} is empty: restore it, or move the run folder away to train again")
    return lines


def data_entry(corpus: Corpus) -> dict[str, Any]:
    """What a record says of a corpus."""
    return {"name": corpus.name, "n": len(corpus), "skipped": len(corpus.skipped), "digest": corpus.digest()}


def commit() -> tuple[str | None, bool | None]:
    """Commit of the checkout and whether it has uncommitted changes; (None, None) outside git."""
    try:
        head, status = (
            subprocess.run(
                ["git", "-C", str(paths.CHECKOUT), *words], capture_output=True, text=True, check=True
            ).stdout
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "--", "wbclib"])
        )
    except (OSError, subprocess.CalledProcessError):
        return None, None
    return head.strip(), bool(status.strip())


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that training uses, as far as they are installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def device_entry(device: torch.device, precision: str) -> dict[str, Any]:
    """What a record says of the device."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    return {"kind": device.type, "name": name, "threads": torch.get_num_threads(), "precision": precision}


def _processor() -> str:
    """The processor's own name where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def peak_memory_mb(device: torch.device) -> float:
    """Peak memory so far in MB: of the GPU where there is one, else the process's resident set."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
