"""What `wbc cartoonize` was asked to do: files, folders and globs become pairs of source and target."""

from __future__ import annotations

import glob
import itertools
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wbclib import images
from wbclib.files import UserError
from wbclib.inference import picture

LOG = logging.getLogger(__name__)
FILMS = frozenset({".mp4", ".mkv", ".mov", ".webm", ".avi", ".m4v"})  # looked for in folders; FFmpeg reads many more
WRITTEN_FILMS = frozenset({".mp4", ".m4v", ".mov", ".mkv"})  # the others become .mp4
DEFAULT_OUT = "cartoons"


@dataclass(frozen=True)
class Job:
    """One file to make from another; ``exact`` where the reader chose the target's name."""

    source: Path
    target: Path
    exact: bool = False

    @property
    def film(self) -> bool:
        return is_film(self.source)


@dataclass
class Plan:
    """Jobs in order, and what cannot be one: (name, reason). All paths of ``sources`` and ``claimed`` are real ones."""

    jobs: list[Job] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    sources: set[str] = field(default_factory=set)
    claimed: dict[str, Path] = field(default_factory=dict)  # target -> source

    def claim(self, source: Path, target: Path) -> str:
        """Reserve ``target`` for ``source``; the reason why it cannot be, or nothing."""
        key = os.path.realpath(target)
        if key in self.sources:
            return f"its output would replace the input {shown(target)}; give it another --out"
        other = self.claimed.setdefault(key, source)
        return "" if other == source else f"{shown(target)} is already the output of {shown(other)}; rename one of them"


def is_film(path: Path) -> bool:
    """Whether a file is taken for a film; a GIF is a picture here."""
    return path.suffix.lower() in FILMS


def shown(value: object) -> str:
    """A name as one line of printable text, whatever bytes a file system allows in it."""
    text = str(value)
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii", "replace") for c in text
    )


def plan(words: Sequence[str | Path], out: Path | None = None) -> Plan:
    """Everything to do, in the order of ``words``, folders sorted.

    Args:
        words: files (of any suffix), folders (searched whole for pictures and films; hidden names are passed over,
            every folder is entered once, whatever links say) and globs that no shell has expanded.
        out: a file's name where there is one file to make and the name ends like one; else a folder. Files go into it
            under their own names, a folder's files with their sub-folders. Default: ``cartoons`` in the current folder.

    A folder that contains ``out`` is searched without it: a second run never draws a cartoon of a cartoon. Of two files
    with the same output the first gets it.

    Raises:
        UserError: ``out`` is the name of one file and there are several, or it is the folder of the inputs itself.
    """
    single = out is not None and _names_a_file(out)
    folder = Path(out or DEFAULT_OUT)
    if not single and os.path.exists(folder) and not os.path.isdir(folder):
        raise UserError(f"--out {folder} is a file; name a folder, or a file that ends like a picture")
    made = Plan()
    once: dict[tuple[str, Path], tuple[Path, Path]] = {}
    for source, name in _pairs(words, None if single else folder, made.failed):
        once.setdefault((os.path.realpath(source), name), (source, name))
    pairs = list(once.values())
    if single and len(pairs) + len(made.failed) > 1:
        raise UserError(f"--out {folder} names one file and there are {len(pairs)} to make; name a folder")
    if not pairs and not made.failed:
        raise UserError(f"--out {folder} is the folder of the inputs itself; name another one")
    made.sources.update(os.path.realpath(source) for source, _ in pairs)
    for source, name in pairs:
        job = _job(source, folder, name, single)
        if reason := made.claim(source, job.target):
            made.failed.append((shown(source), reason))
        else:
            made.jobs.append(job)
    return made


def _job(source: Path, folder: Path, name: Path, single: bool) -> Job:
    if single:
        if is_film(source) != is_film(folder):
            raise UserError(f"--out {folder}: a film becomes a film and a picture a picture; name another suffix")
        return Job(source, folder, True)
    if is_film(source):
        end = name.suffix if name.suffix.lower() in WRITTEN_FILMS else ".mp4"
    else:
        end = picture.suffix(name.suffix)
    return Job(source, folder / name.with_name(name.stem + end))


def _names_a_file(out: Path) -> bool:
    """Whether ``out`` is meant as a file; a picture format that is not written is an error, never a folder."""
    end = out.suffix.lower()
    if os.path.isdir(out):
        return False
    if end in images.SUFFIXES and end not in picture.KINDS:
        raise UserError(f"--out {out}: {end} is not written; choose a name that ends in {', '.join(picture.KINDS)}")
    return end in picture.KINDS or end in FILMS


def _pairs(words: Iterable[str | Path], out: Path | None, failed: list[tuple[str, str]]) -> Iterator[tuple[Path, Path]]:
    """(source, its place below the out folder) of every input."""
    for word in map(str, words):
        if os.path.isdir(word):
            yield from _folder(Path(word), out, failed)
        elif os.path.exists(word):
            yield Path(word), Path(Path(word).name)
        elif matches := _matches(word, out):
            yield from _pairs(matches, out, failed)
        else:
            failed.append((shown(word), _missing(word)))


def _folder(root: Path, out: Path | None, failed: list[tuple[str, str]]) -> Iterator[tuple[Path, Path]]:
    if out is not None and os.path.realpath(root) == os.path.realpath(out):
        LOG.info("%s: passed over, the outputs go there", shown(root))
        return
    known, empty = len(failed), True
    for path in _walk(root, out, failed):
        empty = False
        yield path, path.relative_to(root)
    if empty and len(failed) == known:
        failed.append((shown(root), "no pictures or films in this folder; name another one"))


def _matches(pattern: str, out: Path | None) -> list[str]:
    """What a glob matches, sorted, without what lies in the out folder (unless the pattern itself starts in there)."""
    if not glob.has_magic(pattern):
        return []
    fixed = itertools.takewhile(lambda part: not glob.has_magic(part), Path(pattern).parts)
    keep = out is None or _inside(os.path.join("", *fixed), out)
    return sorted(name for name in glob.glob(pattern, recursive=True) if keep or not _inside(name, out))


def _missing(word: str) -> str:
    if os.path.islink(word):
        return "a link that leads nowhere or in a circle; mend or remove it"
    if glob.has_magic(word):
        return "no file has such a name; check the pattern"
    return "there is no such file or folder; check the name"


def _inside(name: str, out: Path | None) -> bool:
    return out is not None and Path(os.path.realpath(name)).is_relative_to(os.path.realpath(out))


def _walk(root: Path, out: Path | None, failed: list[tuple[str, str]]) -> Iterator[Path]:
    """Pictures and films below ``root``, sorted, without hidden names and without the folder ``out``."""
    visited = {os.path.realpath(out)} if out is not None else set()
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        real = os.path.realpath(folder)
        if real in visited:
            continue
        visited.add(real)
        try:
            with os.scandir(folder) as listed:
                found = sorted(Path(entry.path) for entry in listed if not entry.name.startswith("."))
        except OSError as error:
            failed.append((shown(folder), f"cannot be searched ({error.strerror or error}); check its permissions"))
            continue
        for path in reversed(found):
            if os.path.isdir(path):
                waiting.append(path)
                if _wanted(path):
                    LOG.info("%s: a folder in spite of its name; the pictures in it are taken", shown(path))
        yield from (path for path in found if _wanted(path) and not os.path.isdir(path))


def _wanted(path: Path) -> bool:
    return path.suffix.lower() in images.SUFFIXES | FILMS
