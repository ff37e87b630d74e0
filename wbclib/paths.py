"""The named folders of the study, in one place.

Everything that is written goes below :func:`root`: the checkout, or the folder that the environment
variable ``WBC_ROOT`` names (tests use it). Corpora and weights that cannot be in the repository are
looked for below :func:`assets`: ``data/assets``, or the folder that ``WBC_ASSETS`` names. Only what can be computed
again may lie elsewhere, where the study's own folder cannot be written (:func:`cache`).
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import stat
import tempfile
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
    """A place for what can be computed again: in the study, or where that cannot be written in :func:`user_cache`."""
    place = root().joinpath("data", "cache", *parts)
    folder = place.parent if place.is_file() else place
    return place if writable(folder) else user_cache().joinpath(*parts)


def stamps(profile: str) -> Path:
    """Folder of the graph's stamps, beside what they stand for."""
    return root() / "data" / "cache" / "stamps" / profile


def writable(place: Path) -> bool:
    """Whether files can be made in the folder ``place``, or where it is not there yet, whether it can be made."""
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    return place.is_dir() and os.access(place, os.W_OK | os.X_OK)


def user_cache() -> Path:
    """This user's folder for what can be computed again: below ``~/.cache``, or the temporary folder."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "wbclib")
    return home if home.is_absolute() and writable(home) else temporary()


def temporary() -> Path:
    """This user's folder in the temporary one, the same in every process; nobody else can put anything into it."""
    place = Path(tempfile.gettempdir()) / f"wbclib-{os.getuid()}"
    try:
        place.mkdir(mode=0o700, exist_ok=True)
        found = place.lstat()
    except OSError:
        return _private()
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022
    return place if ours and writable(place) else _private()


@functools.cache
def _private() -> Path:
    """A temporary folder that goes with the process, where somebody else has taken the name of the usual one."""
    place = tempfile.mkdtemp(prefix="wbclib-")
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return Path(place)


def homes() -> dict[str, str]:
    """Environment for libraries that want to write below the home folder, where that is not possible there."""
    wanted = {
        "MPLCONFIGDIR": "~/.config/matplotlib",
        "IPYTHONDIR": "~/.ipython",
        "JUPYTER_CONFIG_DIR": "~/.jupyter",
        "JUPYTER_DATA_DIR": "~/.local/share/jupyter",
        "XDG_CACHE_HOME": "~/.cache",
    }
    lacking = [name for name, usual in wanted.items() if name not in os.environ and not _at_home(usual)]
    found = {name: str(temporary() / name.lower()) for name in lacking}
    # Absolute, because steps and kernels work in other folders.
    found |= {
        name: str(Path(os.environ[name]).resolve()) for name in ("WBC_ROOT", "WBC_ASSETS") if os.environ.get(name)
    }
    if "XDG_CACHE_HOME" in found and "TORCH_HOME" not in os.environ:
        found["TORCH_HOME"] = os.path.expanduser("~/.cache/torch")  # weights that are there shall be found
    return found


def _at_home(usual: str) -> bool:
    place = Path(os.path.expanduser(usual))
    return place.is_absolute() and writable(place)


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
