"""PatchMatch: for every patch of one map of features, one of another that resembles it much.

Barnes, Shechtman, Finkelstein, Goldman, "PatchMatch", SIGGRAPH 2009; with the jumps of the parallel form in Liao, Yao,
Yuan, Hua, Kang, "Visual Attribute Transfer through Deep Image Analogy", SIGGRAPH 2017.

A *field* (H, W, 2), int32, names for every place of the first map a place (row, column) of the second. The error of a
pair of places is minus the mean scalar product of the features of the patches around them, over those of their pixels
that both maps have: with unit features, from -1 (the same) to 1. For two pairs of maps at once (A with B, A' with B')
their features stand one behind the other, as a scalar product is the sum of both.

A pass reads the field of the pass before and writes another one, and the places to try at random follow from seed, pass
and pixel alone: the result does not depend on how many threads share the rows. An error never rises.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy import ndarray

from wbclib.represent.threads import threads  # and with its package, where kernels are kept
from wbclib.values import AtLeastOne, Count

JUMPS = (8, 4, 2, 1)
BAND = 16  # rows that a thread takes at a time
kernel = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "reassoc", "arcp", "nsz"})


@dataclass(frozen=True)
class Search:
    """Settings; by default those of the authors' coarsest layer, but for the radius."""

    patch: AtLeastOne = 3  # pixels a side, odd
    radius: AtLeastOne = 6  # pixels about the place that is known within which others are tried
    iterations: AtLeastOne = 10
    seed: Count = 0

    def __post_init__(self) -> None:
        if self.patch % 2 == 0:
            raise ValueError(f"a patch of {self.patch} pixels has no middle; say an odd number")


@kernel
def _error(a: ndarray, b: ndarray, y: int, x: int, v: int, u: int, half: int) -> np.float32:
    """Of the place (y, x) of a (H, W, C) and (v, u) of b."""
    top = -min(half, y, v)
    left = -min(half, x, u)
    bottom = min(half, a.shape[0] - 1 - y, b.shape[0] - 1 - v)
    right = min(half, a.shape[1] - 1 - x, b.shape[1] - 1 - u)
    total = np.float32(0)
    for i in range(top, bottom + 1):
        for j in range(left, right + 1):
            own, other = a[y + i, x + j], b[v + i, u + j]
            for c in range(a.shape[2]):
                total += own[c] * other[c]
    return -total / np.float32((bottom - top + 1) * (right - left + 1))


@kernel
def _errors(a: ndarray, b: ndarray, field: ndarray, half: int, found: ndarray, first: int, last: int) -> None:
    for y in range(first, last):
        for x in range(a.shape[1]):
            found[y, x] = _error(a, b, y, x, field[y, x, 0], field[y, x, 1], half)


@kernel
def _spread(
    a: ndarray, b: ndarray, old: ndarray, new: ndarray, found: ndarray, half: int, jump: int, first: int, last: int
) -> None:
    """What the four places a jump away have found, shifted back by the jump, where it is nearer."""
    height, width = old.shape[:2]
    for y in range(first, last):
        for x in range(width):
            v, u, best = old[y, x, 0], old[y, x, 1], found[y, x]
            for k in range(4):
                dy = jump * ((k == 0) - (k == 1))
                dx = jump * ((k == 2) - (k == 3))
                if 0 <= y + dy < height and 0 <= x + dx < width:
                    row, column = old[y + dy, x + dx, 0] - dy, old[y + dy, x + dx, 1] - dx
                    if 0 <= row < b.shape[0] and 0 <= column < b.shape[1]:
                        error = _error(a, b, y, x, row, column, half)
                        if error < best:
                            v, u, best = row, column, error
            new[y, x, 0], new[y, x, 1], found[y, x] = v, u, best


@kernel
def _mixed(value: int) -> int:
    """A number of 32 bits that looks like chance, of one that counts (the end of MurmurHash3; Appleby, 2011)."""
    value = value & 0xFFFFFFFF
    value = ((value ^ (value >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
    value = ((value ^ (value >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
    return value ^ (value >> 16)


@kernel
def _try(
    a: ndarray, b: ndarray, field: ndarray, found: ndarray, half: int, radius: int, seed: int, first: int, last: int
) -> None:
    """Places at random about the one that is known, within radius, half of it, and so on."""
    height, width = b.shape[:2]
    for y in range(first, last):
        for x in range(field.shape[1]):
            v, u, best = field[y, x, 0], field[y, x, 1], found[y, x]
            state, reach = _mixed(seed ^ _mixed(y * field.shape[1] + x + 1)), radius
            while reach >= 1:
                state = _mixed(state + 0x9E3779B9)
                top, bottom = max(0, v - reach), min(height - 1, v + reach)
                row = top + state % (bottom - top + 1)
                state = _mixed(state + 0x9E3779B9)
                left, right = max(0, u - reach), min(width - 1, u + reach)
                column = left + state % (right - left + 1)
                error = _error(a, b, y, x, row, column, half)
                if error < best:
                    v, u, best = row, column, error
                reach //= 2
            field[y, x, 0], field[y, x, 1], found[y, x] = v, u, best


def identity(shape: tuple[int, int], other: tuple[int, int]) -> ndarray:
    """The field (H, W, 2) that names for every place the one at the same share of height and width of the other map."""
    axes = [
        np.minimum(np.arange(n) * m // n, m - 1) if n != m else np.arange(n) for n, m in zip(shape, other, strict=True)
    ]
    return np.stack(np.meshgrid(*axes, indexing="ij"), -1).astype(np.int32)


def search(a: ndarray, b: ndarray, field: ndarray, options: Search | None = None) -> tuple[ndarray, ndarray]:
    """A better field, and its errors.

    Args:
        a: features float32 (H, W, C).
        b: features float32 (H2, W2, C).
        field: where to begin, int32 (H, W, 2), rows below H2 and columns below W2. It stays as it is.

    Returns:
        Field (H, W, 2) and errors (H, W), none larger than that of the place it began with.

    Raises:
        ValueError: shapes that do not fit, or a field that names places that are not there.
    """
    options = options or Search()
    if a.ndim != 3 or b.ndim != 3 or a.shape[2] != b.shape[2] or field.shape != (*a.shape[:2], 2):
        raise ValueError(f"maps {a.shape} and {b.shape} and a field {field.shape} do not fit together")
    if field.min() < 0 or (field.max((0, 1)) >= b.shape[:2]).any():
        raise ValueError("the field names places that the second map does not have")
    a, b = (np.ascontiguousarray(found, np.float32) for found in (a, b))
    height, half = len(a), options.patch // 2
    old, new, found = field.astype(np.int32), np.empty(field.shape, np.int32), np.empty(a.shape[:2], np.float32)
    bands = [(first, min(first + BAND, height)) for first in range(0, height, BAND)]
    workers = threads("patchmatch")

    def share(step, *given) -> None:  # type: ignore[no-untyped-def]
        list(workers.map(lambda band: step(*given, *band), bands))

    share(_errors, a, b, old, half, found)
    for iteration in range(options.iterations):
        for jump in JUMPS:
            share(_spread, a, b, old, new, found, half, jump)
            old, new = new, old
        seed = int(_mixed(options.seed * 0x10001 + iteration + 1))
        share(_try, a, b, old, found, half, options.radius, seed)
    return old, found


def vote(field: ndarray, values: ndarray, patch: int = 3) -> ndarray:
    """What the patches that a field names say of every place, on average: (H, W, ...) of values (H2, W2, ...) of them.

    Every place is in the patches of its neighbours, too: each of them names, shifted back, a value for it.
    """
    height, width = field.shape[:2]
    total = np.zeros((height, width, *values.shape[2:]))
    count = np.zeros((height, width, *[1] * (values.ndim - 2)))
    half = patch // 2
    for dy in range(-half, half + 1):
        for dx in range(-half, half + 1):
            # Places whose neighbour at (dy, dx) is there.
            rows = slice(max(0, -dy), height - max(0, dy))
            columns = slice(max(0, -dx), width - max(0, dx))
            theirs = slice(max(0, dy), height - max(0, -dy)), slice(max(0, dx), width - max(0, -dx))
            v, u = field[theirs][..., 0] - dy, field[theirs][..., 1] - dx
            there = (v >= 0) & (u >= 0) & (v < len(values)) & (u < values.shape[1])
            weight = there.reshape(*there.shape, *[1] * (values.ndim - 2))
            total[rows, columns] += weight * values[v.clip(0, len(values) - 1), u.clip(0, values.shape[1] - 1)]
            count[rows, columns] += weight
    return total / count


def enlarge(field: ndarray, shape: tuple[int, int], other: tuple[int, int], was: tuple[int, int]) -> ndarray:
    """A field for maps of other sizes: what the nearest place named, as far on as the place itself is.

    Args:
        shape: (H, W) of the larger first map.
        other: (H2, W2) of the larger second map.
        was: its size before.
    """
    small = field.shape[:2]
    result = np.empty((*shape, 2), np.int32)
    places = np.meshgrid(*(np.arange(n) * m // n for n, m in zip(shape, small, strict=True)), indexing="ij")
    for axis in range(2):
        grown = field[places[0], places[1], axis].astype(np.int64)
        # Where in its old pixel a place lies, in pixels of the new size.
        own = np.arange(shape[axis]) - np.arange(shape[axis]) * small[axis] // shape[axis] * shape[axis] / small[axis]
        inside = own[:, None] if axis == 0 else own[None]
        new = np.floor(grown * other[axis] / was[axis] + inside)
        result[..., axis] = new.clip(0, other[axis] - 1)
    return result
