"""A reader's own folders of images, as a corpus with a manifest.

Every file is read whole once, hashed and decoded, so that a damaged file is found here and not in the middle of a
training run. What was found is kept under ``data/cache/manifests`` by (path, size, time of change), so that the
second opening of thousands of images reads none of them.
"""

from __future__ import annotations

import csv
import hashlib
import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from tqdm import tqdm

from wbclib import formats, images, paths
from wbclib.corpora.base import Corpus, Item, divide
from wbclib.files import UserError, digest, read_json, write_json
from wbclib.options import CorpusSpec

LOG = logging.getLogger(__name__)
MIN_SIDE = 32
CACHE_VERSION = 2  # raise it when what is read from a file changes
UNKNOWN = "not stated"
SAME = "same bytes"


@dataclass(frozen=True)
class Found:
    """What one reading of a file gave; ``reason`` is empty unless it must be left out."""

    bytes: int
    changed: int  # time of change in nanoseconds
    sha256: str = ""
    height: int = 0
    width: int = 0
    reason: str = ""

    def holds(self, mark: tuple[int, int]) -> bool:
        """Whether a file of this (size, time of change) is still the one that was read."""
        return self.changed != 0 and (self.bytes, self.changed) == mark


@dataclass
class Table:
    """Rows of a CSV that tells about files, found by the end of a file's path."""

    rows: dict[tuple[str, ...], dict[str, str]] = field(default_factory=dict)

    def row(self, path: Path) -> dict[str, str]:
        """Row whose ``file`` is the longest ending of ``path``; empty where there is none."""
        for start in range(len(path.parts)):
            if path.parts[start:] in self.rows:
                return self.rows[path.parts[start:]]
        return {}


def open_folder(spec: CorpusSpec, split: str = "train") -> Corpus:
    """Open one or several folders as a corpus.

    Folders are searched whole; hidden files and folders are passed over, links are followed (once). Files that are
    images by name or content and cannot be used - damaged, a kind that is not read such as a camera's raw file, shorter
    side under 32 pixels, same bytes as another file - are left out, told of in one line of the log, and listed in
    ``skipped``. Images come in the order of their sha256, a fixed shuffle
    that does not depend on names. Groups are divided between the splits by hash (:func:`wbclib.corpora.base.divide`);
    without ``spec.groups`` every file is its own group. With ``spec.count`` the first ``count`` images of the split
    are kept.

    Args:
        spec: ``path``, ``listing``, ``groups``, ``count`` and ``validation_percent`` are read.
        split: ``train`` or ``validation``.

    Raises:
        UserError: a folder or CSV is missing or closed to reading, or no image is left; says what to do.
    """
    roots = _roots(spec)
    label = "+".join(Path(part).name if os.path.isabs(part) else part for part in _parts(spec.path))
    listing = _listing(spec.listing) if spec.listing else None
    groups, column = _groups(spec.groups)
    kept, skipped = _collect(roots, listing)
    if skipped:
        LOG.warning("%s: %d images, %d files left out (%s)", label, len(kept), len(skipped), _summary(skipped))
    if not kept:
        raise UserError(_nothing(roots, spec, skipped))
    told = [((listing or {}).get(path, {}), groups.row(path)) for _, path, _ in kept]
    alone = sum(not row for _, row in told) if column else 0
    if alone == len(kept):
        raise UserError(f"groups {spec.groups}: no row names a file of {label}; check its column 'file'")
    if alone:
        LOG.warning("%s: %d files have no row in %s, each is a group of its own", label, alone, spec.groups)
    items = [_item(name, found, rows, column) for (name, _, found), rows in zip(kept, told, strict=True)]
    corpus = Corpus(label, items, lambda i: images.read(kept[i][1]), skipped, files=[path for _, path, _ in kept])
    corpus = divide(corpus, split, spec.validation_percent)
    return corpus.subset(range(spec.count)) if 0 < spec.count < len(corpus) else corpus


def _collect(
    roots: Sequence[Path], listing: Mapping[Path, Any] | None
) -> tuple[list[tuple[str, Path, Found]], list[tuple[str, str]]]:
    """Usable files (name, path, finding) by sha256, each content once, and the others with the reason."""
    kept: dict[str, tuple[str, Path, Found]] = {}
    skipped: list[tuple[str, str]] = []
    for root in roots:
        files = [path for path in _files(root) if listing is None or path in listing]
        for path, found in zip(files, _scan(root, files), strict=True):
            name = f"{root.name}/{_relative(path, root)}"
            if found.reason:
                skipped.append((name, found.reason))
            elif found.sha256 in kept:
                skipped.append((name, f"{SAME} as {kept[found.sha256][0]}"))
            else:
                kept[found.sha256] = (name, path, found)
    return [kept[key] for key in sorted(kept)], skipped


def _summary(skipped: Sequence[tuple[str, str]]) -> str:
    """The most frequent reasons with their counts."""
    kinds = Counter(SAME if reason.startswith(SAME) else reason.split(" (")[0] for _, reason in skipped)
    return "; ".join(f"{count} {reason}" for reason, count in kinds.most_common(3))


def _placed(name: str) -> Path:
    """A path of a spec: relative to the assets folder unless absolute."""
    return (paths.assets() / name).resolve()


def _parts(path: str) -> list[str]:
    """Folders of a path, joined by ``+``; of names with a plus the longest that is a folder wins, from the left."""
    pieces, parts = path.split("+"), []
    while pieces:
        names = ["+".join(pieces[:count]).strip() for count in range(len(pieces), 0, -1)]
        name = next((name for name in names if name and os.path.isdir(_placed(name))), names[-1])
        if name:
            parts.append(name)
        del pieces[: len(pieces) - names.index(name)]
    return parts


def _roots(spec: CorpusSpec) -> list[Path]:
    roots = [_placed(part) for part in _parts(spec.path)]
    if not roots:
        raise UserError("a corpus of kind folder needs a path; name one or several folders, joined by +")
    for root in roots:
        if not os.path.isdir(root):
            whole = f" (of the path {spec.path!r}, where + joins folders)" if "+" in spec.path else ""
            raise UserError(
                f"there is no folder {root}{whole}; put images there, or set WBC_ASSETS to the folder they are in"
            )
    return roots


def _files(root: Path) -> Iterator[Path]:
    """Files below ``root`` that are images by name or content, sorted, without hidden ones; every folder once."""
    visited: set[tuple[int, int]] = set()
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            mark = folder.stat()
            if (mark.st_dev, mark.st_ino) in visited:
                continue
            visited.add((mark.st_dev, mark.st_ino))
            with os.scandir(folder) as listed:
                entries = sorted((e for e in listed if not e.name.startswith(".")), key=lambda entry: entry.name)
        except OSError as error:
            reason = error.strerror or error
            raise UserError(f"cannot read the folder {folder} ({reason}); check its permissions") from error
        found = [Path(entry.path) for entry in entries]
        waiting += [path for path in reversed(found) if os.path.isdir(path)]
        yield from (path for path in found if not os.path.isdir(path) and _is_image(path))


def _is_image(path: Path) -> bool:
    """Whether a file is an image, also one that is not read; first bytes decide where its name says nothing."""
    if path.suffix.lower() in formats.SUFFIXES | formats.UNREAD.keys():
        return True
    return formats.signature(formats.head(path)) not in (None, formats.DOCUMENT)


def _relative(path: Path, root: Path) -> str:
    """Name inside a root; bytes that are no UTF-8 are spelled out, so that a manifest can be written."""
    return os.fsencode(path.relative_to(root).as_posix()).decode("utf-8", "backslashreplace")


def _scan(root: Path, files: Sequence[Path]) -> list[Found]:
    """What is known of every file; only files that are new or changed are read."""
    store = paths.cache("manifests", f"{digest(str(root))[:16]}.json")
    known = _recall(store)
    marks = [_mark(path) for path in files]
    names = [_relative(path, root) for path in files]
    stale = [i for i, name in enumerate(names) if name not in known or not known[name].holds(marks[i])]
    if stale:
        hide = True if len(stale) < 100 else None  # None: hidden where there is no terminal, such as in a log file
        bar = tqdm(total=len(stale), desc=f"reading {root.name}", unit="image", leave=False, disable=hide)
        with bar, ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
            for i, found in zip(stale, pool.map(lambda i: _examine(files[i], marks[i]), stale), strict=True):
                known[names[i]] = found
                bar.update()
        rows = {name: vars(found) for name, found in sorted(known.items()) if os.path.exists(root / name)}
        write_json(store, {"version": CACHE_VERSION, "files": rows})
    return [known[name] for name in names]


def _recall(store: Path) -> dict[str, Found]:
    """Earlier findings; a damaged or older store is no loss, since everything in it can be found again."""
    try:
        stored = read_json(store) if store.exists() else {}
        current = stored["files"] if stored["version"] == CACHE_VERSION else {}
        return {name: Found(**row) for name, row in current.items()}
    except (UserError, KeyError, TypeError, AttributeError):
        return {}


def _mark(path: Path) -> tuple[int, int]:
    """Size and time of change; (0, 0) for what cannot even be looked at, such as a link to nowhere."""
    try:
        state = path.stat()
    except OSError:
        return (0, 0)
    return (state.st_size, state.st_mtime_ns)


def _examine(path: Path, mark: tuple[int, int]) -> Found:
    try:
        if not path.is_file():
            raise images.ImageError(path, "not a file, or a link to nowhere")
        data = path.read_bytes()
        height, width = images.decode(data, path).shape[:2]
    except OSError as error:
        # not remembered: permissions change without changing the time
        return Found(mark[0], 0, reason=f"cannot be opened ({error.strerror or error})")
    except images.ImageError as error:
        lasting = error.reason not in (formats.NO_HEIF, formats.NO_AVIF)  # what is installed changes without a file
        return Found(mark[0], mark[1] if lasting else 0, reason=error.reason)
    small = f"smaller than {MIN_SIDE} pixels ({width} x {height})" if min(height, width) < MIN_SIDE else ""
    return Found(*mark, hashlib.sha256(data).hexdigest(), height, width, small)


def _read_csv(name: str, *columns: str) -> tuple[Path, list[dict[str, str]]]:
    """Folder and rows of a CSV that must have ``columns``."""
    path = _placed(name)
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            rows = [{key: value or "" for key, value in row.items() if key} for row in reader]
            header = reader.fieldnames or []
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"cannot read the CSV {path}: {error}; check the name, it is relative to WBC_ASSETS") from error
    for column in columns:
        if column not in header:
            raise UserError(f"the CSV {path} has no column {column!r}; it has: {', '.join(header)}")
    return path.parent, rows


def _listing(name: str) -> dict[Path, dict[str, str]]:
    folder, rows = _read_csv(name, "file")
    return {Path(os.path.normpath(folder / row["file"])): row for row in rows if row["file"]}


def _groups(groups: str) -> tuple[Table, str]:
    """Table and column of ``<csv>:<column>``; a file named twice for two groups is an error, not a guess."""
    if not groups:
        return Table(), ""
    name, _, column = groups.rpartition(":")
    if not name or not column:
        raise UserError(f"groups {groups!r}: say <csv>:<column>, for example photos/credits.csv:author")
    table = Table()
    for row in _read_csv(name, "file", column)[1]:
        key = PurePosixPath(row["file"]).parts
        other = table.rows.setdefault(key, row)
        if other[column] != row[column]:
            raise UserError(f"groups {groups}: {row['file']} is in two groups; give paths that tell the files apart")
    return table, column


def _item(name: str, found: Found, rows: Sequence[Mapping[str, str]], column: str) -> Item:
    def told(*keys: str) -> str:
        return next((row[key] for row in rows for key in keys if row.get(key)), "")

    return Item(
        name=name,
        sha256=found.sha256,
        licence=told("licence", "license") or UNKNOWN,
        credit=told("author", "credit") or UNKNOWN,
        size=(found.height, found.width),
        group=(rows[1].get(column) if column else "") or found.sha256,
        bytes=found.bytes,
    )


def _nothing(roots: Sequence[Path], spec: CorpusSpec, skipped: Sequence[tuple[str, Any]]) -> str:
    where = " + ".join(str(root) for root in roots)
    if skipped:
        name, reason = skipped[0]
        return f"none of the {len(skipped)} images in {where} can be used, the first is {name}: {reason}"
    if spec.listing:
        return f"the listing {spec.listing} names no image in {where}; its column 'file' is relative to its own folder"
    return f"no images in {where}; put some there ({' '.join(sorted(formats.SUFFIXES))}), or set WBC_ASSETS"
