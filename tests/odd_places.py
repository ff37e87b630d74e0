"""Surroundings that are not ordinary: a checkout with an odd path, no git, no home folder, another locale and zone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from wbclib import paths

ODD = 'it\'s a "check{out}" #1 é'
COPIED = ("wbclib", "notebooks", "tests", "Snakefile", "README.md", "data/README.md", "reports/bench", "reports/lab",
          "reports/records/lab")  # fmt: skip
MADE = shutil.ignore_patterns("html", "*.pyc", ".part-*", ".ipynb_checkpoints")  # compiled kernels are taken along
NEEDED = ("bash", "sh", "touch")  # the only programs that are found
ORDINARY = ("LC_", "LANG", "XDG_", "GIT_", "PYTHON", "IPYTHON", "JUPYTER", "MPL", "NUMBA", "TORCH_HOME", "TZ")


def checkout(place: Path) -> Path:
    """A copy of this checkout without ``.git``, in a folder of an odd name below ``place``."""
    copy = place / ODD
    for name in COPIED:
        source, target = paths.CHECKOUT / name, copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target, ignore=MADE) if source.is_dir() else shutil.copyfile(source, target)
    return copy


def surroundings(place: Path) -> dict[str, str]:
    """An environment without git, without a home folder that can be made, in the locale C and in a far time zone."""
    for folder in ("programs", "temporary"):
        (place / folder).mkdir(exist_ok=True)
    for name in NEEDED:
        found = shutil.which(name)
        assert found, f"{name} is not there"
        if not (place / "programs" / name).exists():
            (place / "programs" / name).symlink_to(found)
    own = ("WBC_ROOT", "WBC_ASSETS", "WBC_PROFILE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ORDINARY) and name not in own}
    return kept | {
        "PATH": str(place / "programs"),
        "TMPDIR": str(place / "temporary"),
        "HOME": "/dev/null/home",
        "LC_ALL": "C",
        "TZ": "Pacific/Kiritimati",
    }


def reproduce(copy: Path, profile: str) -> subprocess.CompletedProcess[str]:
    """`make reproduce` of the copy; standard error goes to the terminal as it comes."""
    words = [sys.executable, "-m", "wbclib.report.graph", f"--profile={profile}"]
    return subprocess.run(
        words, cwd=copy, env=surroundings(copy.parent), stdout=subprocess.PIPE, encoding="utf-8", check=False
    )
