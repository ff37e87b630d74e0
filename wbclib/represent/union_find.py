"""Union-find: the forest that says which region a pixel, or a region, has been joined to."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def find_root(parent: np.ndarray, i: int) -> int:
    """Root of i, where ``parent[root] == root``; the path to it is halved on the way (in place)."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i
