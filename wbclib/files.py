"""Writing without loss: atomic files and folders, locks, hashes, and the one error a reader is meant to see."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from wbclib import paths

PART = ".part-wbc-"  # how the names of temporary files and folders begin
NO_PLACE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR)
_swept: set[Path] = set()  # folders in which this process has looked for what a killed one has left


class UserError(Exception):
    """A mistake that the reader can mend; its message is one line that says what to do next.

    The command line prints the message without a traceback and exits with status 2.
    """


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP, which end a command as Ctrl-C does: what is begun is put away."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that becomes ``path`` only when the block succeeds.

    The file appears whole or not at all: a kill, an exception or a full disk leaves whatever was
    there before. The temporary name keeps the suffix, because image libraries choose by it.
    """
    path = Path(path)
    with _writing(path), _part(path.parent, lambda: _new_file(path)) as temporary:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o644)
        os.replace(temporary, path)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """As :func:`atomic`, an empty folder; ``path`` must not be there, or be an empty folder, when the block ends."""
    path = Path(path)
    with _writing(path), _part(path.parent, lambda: tempfile.mkdtemp(prefix=PART, dir=path.parent)) as temporary:
        yield temporary
        temporary.chmod(0o755)
        os.replace(temporary, path)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(unwritable(path, error)) from error


def unwritable(path: Path, error: OSError) -> str:
    """One line about what cannot be written, why, and what to do."""
    advice = "check the folder's permissions, then run again, or choose another place"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        advice = "free some space, then run again"
    elif any(Path(os.path.realpath(path)).is_relative_to(paths.root() / folder) for folder in ("data", "reports")):
        advice = "set WBC_ROOT to a folder that you can write to (data and reports go below it), then run again"
    return f"cannot write {path}: {error.strerror or error}; {advice}"


def no_place(error: OSError) -> str:
    """One line about a folder or disk that stands in the way wherever it was met; any other error is raised again."""
    if error.errno not in NO_PLACE or error.filename is None:
        raise error
    return unwritable(Path(os.fsdecode(error.filename)), error).replace("cannot write", "cannot use", 1)


def _new_file(path: Path) -> str:
    handle, name = tempfile.mkstemp(prefix=PART, suffix=path.suffix, dir=path.parent)
    os.close(handle)
    return name


@contextmanager
def _part(folder: Path, new: Callable[[], str]) -> Iterator[Path]:
    """A temporary file or folder of this process's own, locked, so that others see that it is somebody's."""
    make_folder(folder)
    _sweep(folder)
    lock, temporary = _locked(new)
    try:
        yield temporary
    finally:
        _remove(temporary)
        os.close(lock)


def _locked(new: Callable[[], str]) -> tuple[int, Path]:
    """An open, locked temporary; made again where a sweep has come between making and locking it."""
    while True:
        name = new()
        try:
            handle = os.open(name, os.O_RDONLY)
        except FileNotFoundError:
            continue
        with suppress(OSError):  # a file system without locks: nobody can lock there, and nobody sweeps
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.path.exists(name):
            return handle, Path(name)
        os.close(handle)


def _sweep(folder: Path) -> None:
    """Remove temporaries that no living process holds: the lock goes with the process, however that ends."""
    if folder in _swept:
        return
    _swept.add(folder)
    for path in folder.glob(f"{PART}*"):
        with suppress(OSError):  # held, gone, or on a file system without locks
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(path)
            finally:
                os.close(handle)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def make_folder(folder: Path) -> Path:
    """Make a folder and those above it; UserError where that is not possible."""
    with _writing(folder):
        Path(folder).mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def locked(path: Path, busy: str) -> Iterator[int]:
    """Hold the lock file ``path``; it goes with the process, also when that is killed. UserError(busy): it is held.

    Yields the open file's number: a child that is given it holds the lock as well, for as long as it lives.
    """
    make_folder(path.parent)
    with _writing(path):
        stream = path.open("w")
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UserError(busy) from error
        yield stream.fileno()


@contextmanager
def terminable() -> Iterator[None]:
    """Inside the block SIGTERM and SIGHUP raise :class:`Terminated`, once: a second one does not disturb clearing up.

    What is ignored (``nohup``) stays so.
    """
    ours = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) != signal.SIG_IGN]
    if threading.current_thread() is not threading.main_thread():
        ours = []

    def end(number: int, frame: object) -> None:
        for one in ours:
            signal.signal(one, signal.SIG_IGN)
        raise Terminated(number)

    before = {number: signal.signal(number, end) for number in ours}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stopped(stop: KeyboardInterrupt) -> int:
    """Exit status of a command that was stopped, as shells have it: 130 after Ctrl-C, 143 after SIGTERM."""
    return 128 + (stop.number if isinstance(stop, Terminated) else signal.SIGINT)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` (UTF-8) atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` atomically."""
    with atomic(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as readable JSON, atomically; keys keep their order."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file; a damaged one is named in the error."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}; restore it from git or delete it") from error


def read_record(path: Path, kinds: Mapping[str, type]) -> dict[str, Any]:
    """Read a JSON file that holds a mapping with at least these keys, of these types; a damaged one is named."""
    values = read_json(path)
    for name, kind in kinds.items():
        if not isinstance(values, dict) or type(values.get(name)) is not kind:
            raise UserError(f"cannot read {path}: it is damaged, {name!r} is missing; restore it or delete it")
    return dict(values)


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest(value: Any) -> str:
    """Hex sha256 of a value's canonical JSON: the same on every machine and in every process."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
