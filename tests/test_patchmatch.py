"""PatchMatch: the same as a plain loop of the same steps, never worse than before, never better than trying all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy import ndarray

from wbclib.baselines import patchmatch
from wbclib.baselines.patchmatch import JUMPS, Search, enlarge, identity, search, vote


def features(shape: tuple[int, int, int], seed: int = 0) -> ndarray:
    """Whole numbers, so that sums are exact in any order."""
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(np.float32)


def unit(found: ndarray) -> ndarray:
    return found / np.maximum(np.linalg.norm(found, axis=2, keepdims=True), 1e-6)


def error(a: ndarray, b: ndarray, y: int, x: int, v: int, u: int, half: int) -> np.float32:
    products = [
        a[y + i, x + j] @ b[v + i, u + j]
        for i in range(-half, half + 1)
        for j in range(-half, half + 1)
        if 0 <= y + i < len(a) and 0 <= x + j < a.shape[1] and 0 <= v + i < len(b) and 0 <= u + j < b.shape[1]
    ]
    return -np.float32(sum(products)) / np.float32(len(products))


def every_error(a: ndarray, b: ndarray, half: int) -> ndarray:
    """(H, W, H2, W2)."""
    return np.array(
        [
            [
                [[error(a, b, y, x, v, u, half) for u in range(b.shape[1])] for v in range(len(b))]
                for x in range(a.shape[1])
            ]
            for y in range(len(a))
        ]
    )


def mixed(value: int) -> int:
    value &= 0xFFFFFFFF
    value = ((value ^ (value >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
    value = ((value ^ (value >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
    return value ^ (value >> 16)


def plainly(a: ndarray, b: ndarray, field: ndarray, options: Search) -> ndarray:
    """The steps of the search as the docstrings tell them, one place after the other."""
    half, (height, width) = options.patch // 2, a.shape[:2]
    known = {(y, x): tuple(field[y, x].tolist()) for y in range(height) for x in range(width)}
    for iteration in range(options.iterations):
        for jump in JUMPS:
            before = dict(known)
            for (y, x), best in before.items():
                for dy, dx in ((jump, 0), (-jump, 0), (0, jump), (0, -jump)):
                    if (y + dy, x + dx) in before:
                        v, u = before[y + dy, x + dx]
                        v, u = v - dy, u - dx
                        inside = 0 <= v < len(b) and 0 <= u < b.shape[1]
                        if inside and error(a, b, y, x, v, u, half) < error(a, b, y, x, *best, half):
                            best = (v, u)
                known[y, x] = best
        seed = mixed(options.seed * 0x10001 + iteration + 1)
        for y, x in known:
            best, state, reach = known[y, x], mixed(seed ^ mixed(y * width + x + 1)), options.radius
            while reach >= 1:
                tried = []
                for centre, size in zip(best, b.shape[:2], strict=True):
                    state = mixed(state + 0x9E3779B9)
                    low, high = max(0, centre - reach), min(size - 1, centre + reach)
                    tried.append(low + state % (high - low + 1))
                if error(a, b, y, x, *tried, half) < error(a, b, y, x, *best, half):
                    best = tuple(tried)
                reach //= 2
            known[y, x] = best
    return np.array([[known[y, x] for x in range(width)] for y in range(height)])


def at_random(shape: tuple[int, int], other: tuple[int, int], seed: int = 5) -> ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, n, shape) for n in other], -1).astype(np.int32)


def test_the_kernels_find_what_a_plain_loop_finds() -> None:
    a, b = features((19, 13, 5)), features((11, 17, 5), 1)
    field = at_random((19, 13), (11, 17))
    for options in (Search(iterations=2, radius=5, seed=3), Search(patch=5, iterations=1, radius=16)):
        found, errors = search(a, b, field, options)
        np.testing.assert_array_equal(found, plainly(a, b, field, options))
        own = [[error(a, b, y, x, *found[y, x], options.patch // 2) for x in range(13)] for y in range(19)]
        np.testing.assert_array_equal(errors, own)
    other, _ = search(a, b, field, Search(iterations=2, radius=5, seed=4))
    assert (other != search(a, b, field, Search(iterations=2, radius=5, seed=3))[0]).any(), "the seed matters"


def test_errors_never_rise_nor_beat_a_search_of_everything_and_reach_it() -> None:
    a, b = unit(features((9, 10, 6))), unit(features((8, 11, 6), 1))
    best = every_error(a, b, 1).reshape(9, 10, -1).min(-1)
    field = at_random((9, 10), (8, 11))
    before = np.full((9, 10), np.inf)
    for iterations in (1, 2, 4, 2000):
        _, errors = search(a, b, field, Search(iterations=iterations, radius=11))
        assert (errors <= before).all() and (errors >= best - 1e-6).all()
        before = errors
    np.testing.assert_allclose(before, best, atol=1e-6)


def test_a_shifted_copy_is_found_from_a_random_start() -> None:
    b = unit(features((40, 44, 8)))
    a = b[7:37, 9:39]
    found, errors = search(a, b, at_random((30, 30), (40, 44)), Search(iterations=10, radius=20))
    wanted = identity((30, 30), (30, 30)) + np.array([7, 9])
    assert (found == wanted).all(-1).mean() > 0.99 and errors.max() < -0.99


def test_how_many_threads_there_are_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from concurrent.futures import ThreadPoolExecutor

    a, b = unit(features((50, 21, 4))), unit(features((47, 30, 4), 1))
    field = identity((50, 21), (47, 30))
    wanted = search(a, b, field)
    for workers in (1, 5):
        with ThreadPoolExecutor(workers) as pool:
            monkeypatch.setattr(patchmatch, "threads", lambda name, pool=pool: pool)
            for ours, theirs in zip(search(a, b, field), wanted, strict=True):
                np.testing.assert_array_equal(ours, theirs)


def test_a_vote_by_the_identity_gives_the_picture_back() -> None:
    values = np.random.default_rng(0).random((9, 12, 3))
    for patch in (1, 3, 5):
        np.testing.assert_allclose(vote(identity((9, 12), (9, 12)), values, patch), values)
    moved = identity((6, 8), (6, 8)) + np.array([2, 3])
    np.testing.assert_allclose(vote(moved, values), values[2:8, 3:11])


def test_a_vote_is_the_mean_of_what_the_neighbours_name() -> None:
    values = np.random.default_rng(1).random((7, 6))
    field = at_random((5, 8), (7, 6))
    wanted = np.empty((5, 8))
    for y in range(5):
        for x in range(8):
            named = []
            for dy in (-1, 0, 1):
                for dx in (-1, 0, 1):
                    if 0 <= y + dy < 5 and 0 <= x + dx < 8:
                        v, u = field[y + dy, x + dx] - (dy, dx)
                        if 0 <= v < 7 and 0 <= u < 6:
                            named.append(values[v, u])
            wanted[y, x] = np.mean(named)
    np.testing.assert_allclose(vote(field, values), wanted)


def test_a_field_grows_with_its_maps() -> None:
    assert (identity((3, 4), (3, 4)) == np.stack(np.mgrid[:3, :4], -1)).all()
    assert identity((3, 4), (6, 2))[2, 3].tolist() == [4, 1]
    grown = enlarge(identity((3, 4), (3, 4)), (6, 8), (6, 8), (3, 4))
    np.testing.assert_array_equal(grown, identity((6, 8), (6, 8)))
    uneven = enlarge(identity((3, 4), (3, 4)), (7, 9), (7, 9), (3, 4))
    assert np.abs(uneven - identity((7, 9), (7, 9))).max() <= 1
    moved = enlarge(np.full((2, 2, 2), 3, np.int32), (4, 4), (8, 8), (4, 4))
    assert moved[..., 0].tolist() == [[6] * 4, [7] * 4, [6] * 4, [7] * 4] and moved.max() < 8


def test_what_does_not_fit_is_refused() -> None:
    a, b, field = features((5, 5, 2)), features((4, 4, 2)), identity((5, 5), (4, 4))
    with pytest.raises(ValueError, match="do not fit together"):
        search(a, features((4, 4, 3)), field)
    with pytest.raises(ValueError, match="does not have"):
        search(a, b, field + 1)
    with pytest.raises(ValueError, match="has no middle"):
        replace(Search(), patch=4)
    before = field.copy()
    search(a, b, field)
    np.testing.assert_array_equal(field, before)
