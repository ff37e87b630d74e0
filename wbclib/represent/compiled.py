"""Where compiled kernels are kept; imported before the first of them is.

numba keeps them beside the sources. Where those cannot be written it would look below the home folder, and where that
cannot be written either, it would refuse to define a kernel at all.
"""

from __future__ import annotations

from pathlib import Path

from numba import config

from wbclib import paths


def settle() -> None:
    """Choose a folder, unless ``NUMBA_CACHE_DIR`` has, or the one beside the sources can be written."""
    if not getattr(config, "CACHE_DIR", "") and not paths.writable(Path(__file__).parent / "__pycache__"):
        setattr(config, "CACHE_DIR", str(paths.user_cache() / "numba"))  # noqa: B010 (the module declares none)


settle()
