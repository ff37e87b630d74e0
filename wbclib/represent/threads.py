"""Threads for compiled kernels, which run without the interpreter's lock."""

from __future__ import annotations

import functools
import os
from concurrent.futures import ThreadPoolExecutor


@functools.cache
def threads(name: str) -> ThreadPoolExecutor:
    """The pool of that name, a thread a core. What must not queue behind other work has a pool of its own name."""
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix=name)
