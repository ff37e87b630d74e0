"""The named folders of the study, in one place.

Everything that is written goes below :func:`root`: the checkout, or the folder that the environment
variable ``WBC_ROOT`` names (tests use it). Corpora and weights that cannot be in the repository are
looked for below :func:`assets`: ``data/assets``, or the folder that ``WBC_ASSETS`` names.
"""

from __future__ import annotations

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
STATIC = "WBC_STATIC"  # set where a notebook is executed and nobody is there to move a slider


def root() -> Path:
    """Folder below which data and reports are written."""
    return Path(os.environ.get("WBC_ROOT") or CHECKOUT).resolve()


def assets() -> Path:
    """Folder of images and weights that the reader brings."""
    return Path(os.environ.get("WBC_ASSETS") or root() / "data" / "assets").resolve()


def notebooks() -> Path:
    """Folder of the notebooks as committed (without outputs)."""
    return CHECKOUT / "notebooks"


def cache(*parts: str) -> Path:
    """A place for what can be computed again."""
    return root().joinpath("data", "cache", *parts)


def run(profile: str, name: str) -> Path:
    """Run folder: configuration, metrics, samples and checkpoints of one training run (not committed)."""
    return root() / "data" / "runs" / profile / name


def record(profile: str, name: str) -> Path:
    """Record of one finished run (JSON; committed for ``lab`` and ``paper``)."""
    return root() / "reports" / "records" / profile / f"{name}.json"


def report(profile: str, *parts: str) -> Path:
    """Folder of everything that is rendered for a profile: ``tables``, ``notebooks``, ``html``."""
    return root().joinpath("reports", profile, *parts)


def shown(path: Path) -> str:
    """``path`` as a report may show it: relative to the study or the assets, never an absolute path."""
    for base, label in ((root(), ""), (assets(), "assets/"), (CHECKOUT, "")):
        if Path(path).resolve().is_relative_to(base):
            return label + str(Path(path).resolve().relative_to(base))
    return Path(path).name
