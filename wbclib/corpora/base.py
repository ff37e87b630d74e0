"""What a corpus is: a named, ordered list of images that are decoded when they are asked for."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wbclib.files import UserError, digest

CACHE_BYTES = 512 * 2**20


@dataclass(frozen=True)
class Item:
    """One image of a corpus, as its manifest lists it."""

    name: str  # relative path or file name, never an absolute path
    sha256: str  # of the file's bytes (of the pixels where there is no file)
    licence: str
    credit: str
    size: tuple[int, int]  # (height, width) in pixels, upright
    group: str  # images of one group are never divided between training and validation
    bytes: int = 0  # length of the file; 0 where there is none

    def row(self) -> dict[str, Any]:
        """Line of the manifest: plain values, ready for JSON or CSV."""
        return {
            "name": self.name,
            "sha256": self.sha256,
            "bytes": self.bytes,
            "height": self.size[0],
            "width": self.size[1],
            "group": self.group,
            "licence": self.licence,
            "credit": self.credit,
        }


class Corpus:
    """Ordered images with where they came from; safe to read from several threads.

    Args:
        name: what tables and captions call it.
        items: one entry an image.
        decode: index -> uint8 (H, W, 3); called when an image is first asked for.
        skipped: (name, reason) of every file that was left out.
        cache_bytes: decoded images are kept up to this many bytes, the least recently used go first.
        files: where the images are, for those who copy them; one an image, or none at all.
    """

    def __init__(
        self,
        name: str,
        items: Iterable[Item],
        decode: Callable[[int], np.ndarray],
        skipped: Sequence[tuple[str, str]] = (),
        cache_bytes: int = CACHE_BYTES,
        files: Sequence[Path] = (),
    ) -> None:
        self.name = name
        self.files = tuple(files)  # one an image where they are a reader's files; else empty
        self.items = tuple(items)
        self.skipped = tuple(skipped)
        self._decode = decode
        self._limit = cache_bytes
        self._held = 0
        self._cache: OrderedDict[int, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        return f"Corpus({self.name!r}, {len(self)} images, {len(self.skipped)} skipped)"

    def image(self, index: int) -> np.ndarray:
        """Image ``index`` (0 <= index < len) as uint8 (H, W, 3); read-only, copy it before drawing on it."""
        if not 0 <= index < len(self):
            raise IndexError(f"corpus {self.name} has {len(self)} images, there is no number {index}")
        with self._lock:
            if index in self._cache:
                self._cache.move_to_end(index)
                return self._cache[index]
        image = self._decode(index)  # outside the lock: decoding runs in parallel
        image = image.view()
        image.flags.writeable = False
        self._keep(index, image)
        return image

    def _keep(self, index: int, image: np.ndarray) -> None:
        with self._lock:
            if index in self._cache or image.nbytes > self._limit:
                return
            self._cache[index] = image
            self._held += image.nbytes
            while self._held > self._limit:
                self._held -= self._cache.popitem(last=False)[1].nbytes

    def manifest(self) -> list[dict[str, Any]]:
        """One row an image: name, sha256, bytes, height, width, group, licence, credit."""
        return [item.row() for item in self.items]

    def digest(self) -> str:
        """Hash over the images' sha256 in their order: equal if and only if the same bytes come in the same order."""
        return digest([item.sha256 for item in self.items])

    def subset(self, indices: Iterable[int]) -> Corpus:
        """The images ``indices``, in that order; decoded images are shared with this corpus."""
        chosen = list(indices)
        return Corpus(
            self.name,
            [self.items[i] for i in chosen],
            lambda i: self.image(chosen[i]),
            self.skipped,
            cache_bytes=0,
            files=[self.files[i] for i in chosen] if self.files else (),
        )


def held_back(group: str, percent: int) -> bool:
    """Whether a group belongs to the validation split: by its name's hash alone, so that added files move nothing."""
    return int(hashlib.sha256(group.encode("utf-8")).hexdigest()[:8], 16) % 100 < percent


def divide(corpus: Corpus, split: str, percent: int) -> Corpus:
    """One side of a corpus, divided by group.

    Args:
        corpus: what is divided.
        split: ``train`` or ``validation``.
        percent: expected share of the groups that is held back, 0 to 99. With 0 nothing is held back and both
            splits are the whole corpus: whoever measures on it must say so.

    Raises:
        UserError: unknown split, a share out of range, or no image on the side that was asked for.
    """
    if split not in ("train", "validation"):
        raise UserError(f"unknown split {split!r}; say train or validation")
    if not 0 <= percent < 100:
        raise UserError(f"validation_percent {percent} is out of range; say 0 to 99")
    if percent == 0:
        return corpus
    wanted = split == "validation"
    chosen = [i for i, item in enumerate(corpus.items) if held_back(item.group, percent) == wanted]
    if not chosen:
        groups = len({item.group for item in corpus.items})
        raise UserError(
            f"the {split} split of {corpus.name} is empty ({len(corpus)} images in {groups} groups); "
            "change validation_percent, or add images"
        )
    return corpus.subset(chosen)
