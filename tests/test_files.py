"""Writing without loss."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from wbclib import cli, files, paths, profiles
from wbclib.files import UserError, atomic, atomic_folder, digest, no_place, read_json, sha256, write_json, write_text
from wbclib.report import processes

WRITER = """
import sys, time
from wbclib import files
try:
    with files.terminable(), files.atomic_folder(sys.argv[1]) as folder, files.atomic(folder / "a.png") as file:
        file.write_text("half")
        print("ready", flush=True)
        time.sleep(600)
except KeyboardInterrupt as stop:
    sys.exit(files.stopped(stop))
"""


@contextmanager
def writer(target: Path) -> Iterator[subprocess.Popen[str]]:
    """A process in the middle of writing ``target``."""
    words = [sys.executable, "-c", WRITER, str(target)]
    with subprocess.Popen(words, cwd=paths.CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


def parts(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.startswith(".part-")]


def test_what_was_there_stays_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("before")
    with pytest.raises(ZeroDivisionError), atomic(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "before" and [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.png"
    with atomic(path) as temporary:
        temporary.write_bytes(b"x" * 10)
        assert not path.exists() and temporary.suffix == ".png"
    assert path.read_bytes() == b"x" * 10


def test_json_refuses_what_no_other_reader_takes(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert not (tmp_path / "a.json").exists()


def test_a_damaged_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(UserError, match=r"a\.json.*restore it from git or delete it"):
        read_json(tmp_path / "a.json")


def test_hashes_against_hashlib(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()
    assert digest({"b": 1, "a": [1.5, "x"]}) == hashlib.sha256(b'{"a":[1.5,"x"],"b":1}').hexdigest()


def test_a_folder_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "deep" / "a") as temporary:
        write_text(temporary / "b", "x")
        assert not (tmp_path / "deep" / "a").exists()
    assert (tmp_path / "deep" / "a" / "b").read_text() == "x"
    assert (tmp_path / "deep" / "a").stat().st_mode & 0o777 == 0o755
    with pytest.raises(ZeroDivisionError), atomic_folder(tmp_path / "c"):
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_process_that_is_stopped_leaves_nothing(tmp_path: Path, number: int, status: int) -> None:
    with writer(tmp_path / "a") as process:
        assert len(parts(tmp_path)) == 1
        process.send_signal(number)
        assert process.wait() == status
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_leaves_is_removed_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    with writer(tmp_path / "a") as killed:
        killed.kill()
        killed.wait()
    with writer(tmp_path / "b") as living:  # it has looked round before it began
        assert len(parts(tmp_path)) == 1
        left = tmp_path / ".part-wbc-abcdefgh.png"  # a file that is nobody's
        left.write_text("half")
        (tmp_path / ".part-of-something-else").write_text("not ours")
        write_text(tmp_path / "c", "x")
        assert len(parts(tmp_path)) == 2 and not left.exists() and living.poll() is None
        living.terminate()
        living.wait()
    assert {path.name for path in tmp_path.iterdir()} == {"c", ".part-of-something-else"}


def test_a_command_that_is_terminated_says_so_in_its_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(profiles, "load", lambda name: os.kill(os.getpid(), signal.SIGTERM))
    assert cli.main(["corpora"]) == 143
    assert capsys.readouterr().err.splitlines() == ["wbc: stopped; the same command goes on from there"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_stop_ends_what_a_process_has_started_before_it_goes_on(tmp_path: Path) -> None:
    child = f"""
import pathlib, time
from wbclib import files
here = pathlib.Path({str(tmp_path)!r})
try:
    with files.terminable():
        (here / "ready").touch()
        time.sleep(600)
finally:
    (here / "cleared").touch()
"""
    words = ["bash", "-c", '"$0" -c "$1" 2>/dev/null; true', sys.executable, child]

    def stop() -> None:
        while not (tmp_path / "ready").exists():
            threading.Event().wait(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(files.Terminated), files.terminable():
        processes.run(words, os.environ, paths.CHECKOUT)
    thread.join()
    assert (tmp_path / "cleared").exists()


def test_where_nothing_can_be_written_one_line_says_so(study: Path) -> None:
    (study / "reports").write_text("a file in the way")
    with pytest.raises(UserError, match="set WBC_ROOT to a folder that you can write to"):
        write_text(study / "reports" / "lab" / "a.txt", "x")
    with pytest.raises(UserError, match=r"cannot write /dev/null/a: Not a directory; check .* choose another"):
        write_text(Path("/dev/null/a/b.txt"), "x")
    with pytest.raises(UserError, match="cannot write /dev/null: "), files.locked(Path("/dev/null/.lock"), "busy"):
        pass


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC])
def test_a_place_that_refuses_is_named_wherever_it_is_met(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(name: str) -> None:
        raise OSError(number, os.strerror(number), "/somewhere/x")

    monkeypatch.setattr(profiles, "load", refuse)
    assert cli.main(["corpora"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"wbc: cannot use /somewhere/x: {os.strerror(number)}; ")
    with pytest.raises(OSError, match="Bad file descriptor"):  # a fault of ours keeps its traceback
        no_place(OSError(errno.EBADF, os.strerror(errno.EBADF), "/x"))


def test_a_lock_is_held_once(tmp_path: Path) -> None:
    with files.locked(tmp_path / "deep" / ".lock", "busy"), pytest.raises(UserError, match="busy"):
        with files.locked(tmp_path / "deep" / ".lock", "busy"):
            pass
    with files.locked(tmp_path / "deep" / ".lock", "busy"):
        pass


def test_a_lock_that_a_child_was_given_outlives_its_parent(tmp_path: Path) -> None:
    """As Snakemake holds that of a `make reproduce` which was killed alone."""
    lock = tmp_path / ".lock"
    with files.locked(lock, "busy") as number:
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(number,))
    with pytest.raises(UserError, match="busy"), files.locked(lock, "busy"):
        pass
    child.communicate(b"\n", timeout=60)
    with files.locked(lock, "busy"):
        pass
