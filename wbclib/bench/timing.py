"""Timing as ratios inside one run."""

from __future__ import annotations

import multiprocessing
import re
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import torch


def now() -> float:
    """Seconds on a clock, once everything that was given to a GPU is done."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


@contextmanager
def one_thread() -> Iterator[None]:
    """torch and OpenCV on one core, so that times are of work and not of cores."""
    threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads[0])
        cv2.setNumThreads(threads[1])


def seconds(work: Callable[[], Any], rounds: int = 5) -> float:
    """Shortest time of a few calls, that which was disturbed least."""
    work()
    times = []
    for _ in range(rounds):
        start = now()
        work()
        times.append(now() - start)
    return min(times)


def paired(ours: Callable[[], Any], other: Callable[[], Any], rounds: int = 15) -> tuple[float, float, float]:
    """Median seconds of both, called in turn, and the median of their ratios other / ours, pair by pair."""
    first, second, found = ratios(ours, other, rounds)
    return first, second, statistics.median(found)


def ratios(ours: Callable[[], Any], other: Callable[[], Any], rounds: int) -> tuple[float, float, list[float]]:
    """Median seconds of both, called in turn, and the ratio other / ours of every pair.

    Pairs share whatever else the machine is doing, so that the ratio holds where single times drift.
    """
    ours(), other()  # the first call of each pays for memory and caches
    times: list[tuple[float, float]] = []
    for _ in range(rounds):
        start = now()
        ours()
        middle = now()
        other()
        times.append((middle - start, now() - middle))
    first, second = zip(*times, strict=True)
    return statistics.median(first), statistics.median(second), [b / a for a, b in times]


def megabytes(prepare: Callable[[], Callable[[], Any]]) -> float:
    """Megabytes that work adds to a process of its own at its peak; NaN but on Linux.

    Args:
        prepare: makes the work, of which the memory does not count; a function of a module.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as apart:
        return apart.submit(_peak, prepare).result()


def _peak(prepare: Callable[[], Callable[[], Any]]) -> float:
    work, status = prepare(), Path("/proc/self/status")
    if not status.exists():
        return float("nan")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew: what made the picture is not in it
    before = _kilobytes("VmRSS", status.read_text())
    work()
    return (_kilobytes("VmHWM", status.read_text()) - before) / 2**10


def _kilobytes(key: str, status: str) -> float:
    return float(re.findall(rf"{key}:\s+(\d+) kB", status)[0])


def row(name: str, ours: float, other: float, ratio: float, other_is: str) -> dict[str, Any]:
    """A row of the bench: milliseconds of both. ``ratio`` is other / ours; for ``_vs_`` rows first / second."""
    return {"name": name, "ours": ours * 1e3, "other": other * 1e3, "ratio": ratio, "other_is": other_is}
