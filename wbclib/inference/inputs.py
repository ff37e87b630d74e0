"""What `wbc cartoonize` was asked to do: files, folders and globs become pairs of source and target."""

from __future__ import annotations

import glob
import itertools
import logging
import mimetypes
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from wbclib import formats, images
from wbclib.files import UserError
from wbclib.inference import picture
from wbclib.inference.kinds import AUDIO, FILM, FILMS, NEITHER, PERHAPS_FILMS, WRITTEN_FILMS, judge, plays

LOG = logging.getLogger(__name__)
DEFAULT_OUT = "cartoons"
KNOWN = formats.SUFFIXES | formats.UNREAD.keys() | FILMS | PERHAPS_FILMS  # of pictures and films


@dataclass(frozen=True)
class Job:
    """One file to make from another; ``exact`` where the reader chose the target's name."""

    source: Path
    target: Path
    exact: bool = False
    film: bool = False


class Input(NamedTuple):
    """A file to draw and its place below the out folder."""

    source: Path
    name: Path
    film: bool


@dataclass
class Plan:
    """Jobs in order, what cannot be one: (name, reason), and names of files in searched folders that are none.

    ``lost`` are sources that cannot be decoded and whose target another one therefore got, with the reason. All paths
    of ``sources`` and ``claimed`` are real ones.
    """

    jobs: list[Job] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)  # neither pictures nor films
    hidden: list[str] = field(default_factory=list)  # pictures and films with a name that begins with a dot
    sources: set[str] = field(default_factory=set)
    claimed: dict[str, Job] = field(default_factory=dict)  # target -> who gets it
    lost: dict[Path, str] = field(default_factory=dict)
    told: set[tuple[str, str]] = field(default_factory=set)  # how, file

    def add(self, where: Literal["failed", "left", "hidden"], path: Path, *entry: str) -> None:
        """Enter a file that is not drawn into a list, once: folders may be named twice, or lie in one another."""
        key = (where, os.path.realpath(path))
        if key not in self.told:
            self.told.add(key)
            getattr(self, where).append(entry if where == "failed" else entry[0])

    def claim(self, job: Job) -> str:
        """Reserve the target of ``job``; the reason why it cannot be, or nothing.

        The first that can be decoded gets it, so that a damaged file is in no good one's way. That is asked only where
        several want the same, and of the files alone: what is there already or fails later makes no difference.
        """
        key, name = os.path.realpath(job.target), shown(job.target)
        if key in self.sources:
            return f"its output would replace the input {name}; give it another --out"
        other = self.claimed.setdefault(key, job)
        if other.source == job.source:
            return ""
        if reason := _undecodable(other):
            self.lost[other.source], self.claimed[key] = reason, job
            return ""
        return f"{name} is already the output of {shown(other.source)}; rename one of them"


def _undecodable(job: Job) -> str:
    """Why a source is of no use; a film is judged by its first picture."""
    if job.film:
        return "" if plays(job.source) else "damaged, or no film that FFmpeg plays; fetch it again"
    try:
        picture.read(job.source)
    except images.ImageError as error:
        return error.reason
    return ""


def shown(value: object) -> str:
    """A name as one line of printable text, whatever bytes a file system allows in it."""
    text = str(value)
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii", "replace") for c in text
    )


def plan(words: Sequence[str | Path], out: str | Path | None = None) -> Plan:
    """Everything to do, in the order of ``words``, folders sorted.

    Args:
        words: files (whatever their suffix: content decides, see :func:`wbclib.inference.kinds.judge`), folders
            (searched whole for pictures and films without hidden names; every folder is entered once, whatever links
            say) and globs that no shell has expanded.
        out: a file's name where there is one file to make and the name ends like one; else a folder. A folder that
            exists or ends with ``/`` is one whatever its name. Files go into it under their own names, a folder's files
            with their sub-folders. Default: ``cartoons`` in the current folder.

    A folder that contains ``out`` is searched without it: a second run never draws a cartoon of a cartoon. Of files
    with the same output the first that can be decoded gets it.

    Raises:
        UserError: ``out`` is empty or ends like a file that is not written, it is the name of one file and there are
            several, or it is the folder of the inputs itself.
    """
    if out is not None and not str(out):
        raise UserError("--out is empty; name a folder or a file, or leave it out")
    single = out is not None and _names_a_file(out)
    folder = Path(out or DEFAULT_OUT)
    if not single and os.path.exists(folder) and not os.path.isdir(folder):
        raise UserError(f"--out {folder} is a file; name a folder, or a file that ends like a picture")
    made = Plan()
    once: dict[tuple[str, Path], Input] = {}
    for found in _inputs(words, None if single else folder, made):
        once.setdefault((os.path.realpath(found.source), found.name), found)
    if single and len(once) + len(made.failed) > 1:
        raise UserError(f"--out {folder} names one file and there are {len(once)} to make; name a folder")
    if not once and not made.failed:
        raise UserError(f"--out {folder} is the folder of the inputs itself; name another one")
    made.sources.update(os.path.realpath(found.source) for found in once.values())
    for found in once.values():
        job = _job(found, folder, single)
        if reason := made.claim(job):
            made.failed.append((shown(job.source), reason))
        else:
            made.jobs.append(job)
    return made


def _job(found: Input, folder: Path, single: bool) -> Job:
    source, name, film = found
    end = name.suffix.lower()
    if single:
        if film != (folder.suffix.lower() in WRITTEN_FILMS):
            raise UserError(f"--out {folder}: a film becomes a film and a picture a picture; name another suffix")
        return Job(source, folder, True, film)
    if film:
        new = name.suffix if end in WRITTEN_FILMS else ".mp4"
    else:
        new = picture.suffix(name.suffix)
    stem = name.stem if end in KNOWN else name.name  # photo.v2 is whole
    return Job(source, folder / name.with_name(stem + new), False, film)


def _names_a_file(out: str | Path) -> bool:
    """Whether ``out`` is meant as a file; a kind of file that is not written is an error, never a folder."""
    end = Path(out).suffix.lower()
    if os.path.isdir(out) or str(out).endswith(("/", os.sep)):
        return False
    if end in picture.KINDS or end in WRITTEN_FILMS:
        return True
    known = mimetypes.MimeTypes()  # those that Python itself knows, not this machine's
    others = known.types_map[True].keys() | known.types_map[False].keys() | known.encodings_map.keys()
    if end in KNOWN | AUDIO | others:
        pictures, films = ", ".join(picture.KINDS), ", ".join(sorted(WRITTEN_FILMS))
        raise UserError(
            f"--out {out}: {end} is not written; choose a name that ends in {pictures}, for a film in {films}, or end "
            "it with / where it shall be a folder"
        )
    return False


def _inputs(words: Iterable[str | Path], out: Path | None, made: Plan) -> Iterator[Input]:
    for word in map(str, words):
        if os.path.isdir(word):
            yield from _folder(Path(word), out, made)
        elif os.path.exists(word):
            yield from _file(Path(word), made)
        elif matches := _matches(word, out):
            yield from _inputs(matches, out, made)
        else:
            made.add("failed", Path(word), shown(word), _missing(word))


def _file(path: Path, made: Plan) -> Iterator[Input]:
    """A file that was named."""
    found = judge(path)
    if found.reason:
        made.add("failed", path, shown(path), found.reason)
    else:
        yield Input(path, Path(path.name), found.kind == FILM)


def _folder(root: Path, out: Path | None, made: Plan) -> Iterator[Input]:
    if out is not None and os.path.realpath(root) == os.path.realpath(out):
        LOG.info("%s: passed over, the outputs go there", shown(root))
        return
    failed, empty = len(made.failed), True
    for path in _walk(root, out, made):
        name, found = path.relative_to(root), judge(path, named=False)
        if found.kind == NEITHER:
            made.add("left", path, shown(name))
            continue
        empty = False
        if found.reason:
            made.add("failed", path, shown(path), found.reason)
        else:
            yield Input(path, name, found.kind == FILM)
    if empty and len(made.failed) == failed:
        made.add("failed", root, shown(root), "no pictures or films in this folder; name another one")


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


def _hidden(path: Path) -> bool:
    """Whether a reader may miss a file: a hidden picture or film, but not what macOS keeps in ``._`` names."""
    dotted = path.name.startswith(".") and not path.name.startswith("._")
    return dotted and path.suffix.lower() in KNOWN and os.path.isfile(path)


def _walk(root: Path, out: Path | None, made: Plan) -> Iterator[Path]:
    """Files below ``root``, sorted, without hidden names and without the folder ``out``."""
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
                every = sorted(Path(entry.path) for entry in listed)
        except OSError as error:
            reason = f"cannot be searched ({error.strerror or error}); check its permissions"
            made.add("failed", folder, shown(folder), reason)
            continue
        found = [path for path in every if not path.name.startswith(".")]
        for path in filter(_hidden, every):
            made.add("hidden", path, shown(path.relative_to(root)))
        for path in reversed(found):
            if os.path.isdir(path):
                waiting.append(path)
                if path.suffix.lower() in formats.SUFFIXES | FILMS:
                    LOG.info("%s: a folder in spite of its name; the pictures in it are taken", shown(path))
        yield from (path for path in found if not os.path.isdir(path))
