"""Processes that are ended with whatever they have started."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

GRACE = 30  # seconds that processes have for clearing up before they are killed


def run(words: Sequence[str], environment: Mapping[str, str], folder: Path, *held: int) -> int:
    """Exit status of a command, which leads a process group; its output goes where that of this process goes.

    The command holds the locks ``held`` (:func:`wbclib.files.locked`) as well: where this process alone is killed,
    nobody begins the same work beside what goes on.

    Where this process is stopped (Ctrl-C, SIGTERM), the whole group is ended before the exception goes on.
    """
    process = subprocess.Popen(words, env=environment, cwd=folder, process_group=0, pass_fds=held)
    try:
        return process.wait()
    except BaseException:
        _end(process)
        raise


def told(words: Sequence[str], environment: Mapping[str, str], folder: Path) -> list[str]:
    """Lines that a command prints, its errors with them."""
    done = subprocess.run(
        words, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    return done.stdout.decode(errors="replace").splitlines()


def _end(leader: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + GRACE
    _signal(leader, signal.SIGTERM)
    while _signal(leader, 0) and time.monotonic() < end:
        leader.poll()
        time.sleep(0.05)
    _signal(leader, signal.SIGKILL)
    leader.wait()


def _signal(leader: subprocess.Popen[bytes], number: int) -> bool:
    """Send a signal to a group; False where nobody of it is left."""
    try:
        os.killpg(leader.pid, number)
    except (ProcessLookupError, PermissionError):  # macOS refuses where only zombies are left
        return False
    return True
