"""Where everything came from: the checkout, the packages, the records of the runs."""

from __future__ import annotations

import platform
import subprocess
from importlib import metadata
from typing import Any

from wbclib import paths, profiles
from wbclib.files import UserError, read_json

# fmt: off
PACKAGES = (
    "torch", "torchvision", "numpy", "scipy", "scikit-image", "opencv-contrib-python-headless", "pandas", "matplotlib",
    "pytorch-fid", "lightning-fabric", "papermill", "snakemake",
)
# What a training run's result can depend on; pages, metrics and the command line cannot change it.
TRAINING_CODE = (
    "wbclib/images.py", "wbclib/losses.py", "wbclib/corpora", "wbclib/represent", "wbclib/networks", "wbclib/train",
)
# fmt: on


def git(*words: str) -> str | None:
    """What a git command prints in the checkout; None where it fails or git is not there."""
    try:
        done = subprocess.run(["git", "-C", str(paths.CHECKOUT), *words], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def checkout() -> dict[str, Any]:
    """Commit of the checkout and whether tracked files differ from it."""
    return {"commit": git("rev-parse", "HEAD") or "unknown", "dirty": bool(git("status", "--porcelain", "-uno"))}


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that shape the numbers, as installed here."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def records(profile: profiles.Profile) -> list[dict[str, Any]]:
    """Records of a profile's runs, in the profile's order; a run without one has only its name."""
    found = []
    for run in profile.runs:
        path = paths.record(profile.name, run)
        found.append({"name": run, **read_json(path)} if path.is_file() else {"name": run, "missing": True})
    return found


def duration(seconds: float | None) -> str:
    """Seconds as a reader says them: ``42 s``, ``3 min 05 s``, ``2 h 10 min``."""
    if seconds is None:
        return "unknown"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def run_row(record: dict[str, Any]) -> dict[str, str]:
    """One line about a run for the index page."""
    if record.get("missing"):
        return {"run": record["name"], "time": "MISSING: not trained yet"}
    device, config = record.get("device") or {}, record.get("config") or {}
    commit = str(record.get("commit") or "unknown")[:10] + (" + changes" if record.get("dirty") else "")
    parts = [device.get("name") or device.get("kind"), device.get("precision")]
    if device.get("kind") == "cpu":
        parts.append(f"{device.get('threads')} threads")
    return {
        "run": record["name"],
        "method": str(config.get("method", "")),
        "steps": str(record.get("steps", config.get("steps", ""))),
        "size, batch": f"{config.get('size', '?')}, {config.get('batch', '?')}",
        "seed": str(record.get("seed", config.get("seed", "?"))),
        "device": ", ".join(str(part) for part in parts if part),
        "time": duration(record.get("wall_time_s")),
        "memory": f"{record['peak_memory_mb']:.0f} MB" if record.get("peak_memory_mb") else "",
        "commit": commit,
        "config": str(record.get("config_hash", ""))[:10],
        "finished": str(record.get("finished", ""))[:16].replace("T", " "),
    }


def data_rows(found: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The corpora that the runs were trained on, each once, with the hash of its manifest."""
    rows: dict[str, dict[str, str]] = {}
    for record in found:
        for role, corpus in (record.get("data") or {}).items():
            digest = str(corpus.get("digest", ""))
            row = rows.setdefault(f"{role} {digest}", {"role": role, "corpus": str(corpus.get("name", "")), "runs": ""})
            row.update({"images": str(corpus.get("n", "?")), "manifest (sha256)": digest[:16]})
            row["runs"] = ", ".join(filter(None, [row["runs"], record["name"]]))
    return list(rows.values())


def weight_rows(found: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The frozen networks that the runs were trained with, each once, and where their weights came from."""
    rows: dict[str, dict[str, str]] = {}
    for record in found:
        origin = record.get("features") or {}
        if not origin:
            continue
        row = rows.setdefault(str(origin.get("sha256")) + str(origin.get("layer")), {"runs": ""})
        row.update({key: str(origin.get(key, "?")) for key in ("network", "layer", "source", "licence")})
        row["trained"] = "yes" if origin.get("pretrained") else "no: seeded random weights"
        row["sha256"] = str(origin.get("sha256") or "")[:16]
        row["runs"] = ", ".join(filter(None, [row["runs"], record["name"]]))
    return [{"network": row.pop("network"), **row} for row in rows.values()]


def stale(profile: str | None = None) -> list[str]:
    """One line for every record that is older than the training code of this checkout.

    Args:
        profile: one profile only; all folders of records if not given.

    Raises:
        UserError: the checkout is no git repository, so nothing can be said.
    """
    if git("rev-parse", "HEAD") is None:
        raise UserError("this is no git checkout with a commit: clone the repository to compare records with the code")
    base = paths.record("x", "x").parent.parent
    lines = []
    for path in sorted(base.glob(f"{profile or '*'}/*.json")):
        record = read_json(path)
        commit = str(record.get("commit") or "")
        if not commit or git("cat-file", "-e", f"{commit}^{{commit}}") is None:
            reason = f"its commit {commit[:10] or '(none)'} is not known here"
        elif changed := git("diff", "--name-only", commit, "--", *TRAINING_CODE):
            files = changed.splitlines()
            reason = f"{len(files)} files of the training code changed since {commit[:10]}, e.g. {files[0]}"
        elif record.get("dirty"):
            reason = f"it was trained with uncommitted changes to {commit[:10]}"
        else:
            continue
        lines.append(f"{paths.shown(path)}: {reason}")
    return lines
