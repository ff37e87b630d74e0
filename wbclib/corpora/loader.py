"""Unpaired batches of random crops, each a function of (seed, step) alone.

No state is kept between batches, so resuming at any step, and any number of workers, gives the same batches.
"""

from __future__ import annotations

import functools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch

from wbclib import images
from wbclib.corpora.base import Corpus
from wbclib.corpora.edges import check as check_edges
from wbclib.corpora.edges import edge_smoothed
from wbclib.files import UserError
from wbclib.options import Crops, Edges

Batch = dict[str, torch.Tensor]
PHOTO, CARTOON, EVALUATION, KEPT = 0, 1, 2, 3  # independent random streams of one seed; KEPT and the one after it


def uniforms(seed: int, step: int, stream: int, shape: tuple[int, int]) -> np.ndarray:
    """Uniform numbers in [0, 1), float64, that depend on (seed, step, stream) alone (counter-based Philox)."""
    source = np.random.SeedSequence((seed, step, stream))
    return np.random.Generator(np.random.Philox(source)).random(shape)


def window(size: tuple[int, int], least: int, scale: float, down: float, right: float) -> tuple[int, int, int]:
    """Top, left and side of a square crop.

    Args:
        size: (height, width) of the image.
        least: side that the crop is to be resized to.
        scale: wanted side as a share of the image's shorter side, in (0, 1].
        down, right: place in the range of possible places, in [0, 1).

    The side is never below ``least`` where the image allows it: pixels are thrown away or averaged, not invented.
    An image whose shorter side is below ``least`` gives its whole shorter side, which is then enlarged.
    """
    height, width = size
    short = min(height, width)
    side = max(round(scale * short), min(least, short))
    return int(down * (height - side + 1)), int(right * (width - side + 1)), side


def crop(image: np.ndarray, size: int, scale: float, down: float, right: float) -> np.ndarray:
    """Square crop (see :func:`window`) resized to uint8 (size, size, 3): area average, or cubic where it must grow."""
    top, left, side = window(image.shape[:2], size, scale, down, right)
    return images.resize(image[top : top + side, left : left + side], (size, size))


class Loader:
    """Unpaired crops of photographs and cartoons.

    A crop is an image drawn uniformly, a square whose side is uniform in [``scale_min``, 1] of the shorter side (but
    never below ``size`` where the image allows it), at a uniform place, mirrored left to right half of the time. An
    image smaller than ``size`` is enlarged by cubic interpolation.

    Args:
        photos, cartoons: the two corpora; they are drawn from independently.
        size: side of the crops in pixels.
        batch: crops of each kind in a batch.
        seed: every batch is a function of (seed, step).
        scale_min: smallest crop as a share of the shorter side, in (0, 1].
        edges: where given, every batch also holds its cartoons with smoothed edges.
        photo_crops, cartoon_crops: how large crops are where they have a working size, in place of ``scale_min``; the
            corpora have that size already (:func:`wbclib.corpora.working.resized`).
        targets: what is to be made of each photograph, of the same size: every batch also holds ``target``, the same
            crops of them.
        kept: this many crops of each kind are cut once, held in memory (3 * size^2 bytes each) and drawn from, so that
            what is computed from a photograph can be kept as well; 0: every step cuts new ones.
    """

    def __init__(
        self,
        photos: Corpus,
        cartoons: Corpus,
        size: int,
        batch: int,
        seed: int,
        scale_min: float = 0.5,
        edges: Edges | None = None,
        kept: int = 0,
        photo_crops: Crops | None = None,
        cartoon_crops: Crops | None = None,
        targets: Corpus | None = None,
    ) -> None:
        if size < 1 or batch < 1 or seed < 0 or kept < 0 or not 0 < scale_min <= 1:
            raise UserError(
                f"loader: size {size}, batch {batch}, seed {seed}, scale_min {scale_min}, kept {kept}; "
                "size and batch start at 1, seed and kept at 0, scale_min lies in (0, 1]"
            )
        self.sources = {"photo": (photos, PHOTO), "cartoon": (cartoons, CARTOON)}
        for corpus, _ in self.sources.values():
            if not len(corpus):
                raise UserError(f"corpus {corpus.name} has no images; add some")
        if edges is not None:
            check_edges(edges)
        self.size, self.count, self.seed, self.scale_min, self.edges = size, batch, seed, scale_min, edges
        self.kept, self.targets = kept, targets
        self.crops = {"photo": photo_crops or Crops(), "cartoon": cartoon_crops or Crops()}

    def batch(self, step: int) -> Batch:
        """Batch of a step: ``photo``, ``cartoon`` and, with ``edges``, ``smoothed``, the same cartoons smoothed.

        Each is float32 (batch, 3, size, size) in [-1, 1]. With kept crops ``index`` (batch,), int64, says which of
        :meth:`photographs` the photographs are.
        """
        if not self.kept:
            found = self._cut({k: uniforms(self.seed, step, s, (self.count, 5)) for k, (_, s) in self.sources.items()})
            return {kind: images.to_tensor(pictures) for kind, pictures in found.items()}
        drawn = {k: uniforms(self.seed, step, s, (self.count, 1))[:, 0] for k, (_, s) in self.sources.items()}
        index = {kind: (share * self.kept).astype(np.int64) for kind, share in drawn.items()}
        index["smoothed"], index["target"] = index["cartoon"], index["photo"]
        batch = {kind: images.to_tensor(pictures[index[kind]]) for kind, pictures in self._held.items()}
        return batch | {"index": torch.from_numpy(index["photo"])}

    def photographs(self) -> np.ndarray:
        """The kept crops of photographs, uint8 (kept, size, size, 3)."""
        return self._held["photo"]

    @functools.cached_property
    def _held(self) -> dict[str, np.ndarray]:
        """The kept crops of each kind, cut by all cores."""
        drawn = {k: uniforms(self.seed, 0, KEPT + s, (self.kept, 5)) for k, (_, s) in self.sources.items()}
        with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="loader") as pool:
            return self._cut(drawn, pool.map)

    def _cut(
        self, rows: dict[str, np.ndarray], each: Callable[..., Iterable[np.ndarray]] = map
    ) -> dict[str, np.ndarray]:
        """Crops of each kind, a row (image, scale, down, right, mirror) a crop."""
        sources = {kind: (corpus, self.crops[kind], rows[kind]) for kind, (corpus, _) in self.sources.items()}
        if self.targets is not None:
            sources["target"] = (self.targets, self.crops["photo"], rows["photo"])
        found = {
            kind: np.stack(list(each(functools.partial(self._sample, corpus, crops), drawn)))
            for kind, (corpus, crops, drawn) in sources.items()
        }
        if self.edges is not None:
            smooth = functools.partial(edge_smoothed, options=self.edges)
            found["smoothed"] = np.stack(list(each(smooth, found["cartoon"])))
        return found

    def _sample(self, corpus: Corpus, crops: Crops, row: np.ndarray) -> np.ndarray:
        which, scale, down, right, mirror = row.tolist()
        image = corpus.image(int(which * len(corpus)))
        share = self.scale_min + (1 - self.scale_min) * scale
        if crops.side:
            share = (crops.least + (crops.most - crops.least) * scale) / min(image.shape[:2])
        square = crop(image, self.size, share, down, right)
        return square[:, ::-1] if mirror < 0.5 else square

    def prefetch(self, start: int, stop: int, workers: int = 1) -> Iterator[tuple[int, Batch]]:
        """Yield (step, batch) for start <= step < stop, in order, made ahead of time by ``workers`` threads.

        The batches are those of :meth:`batch`, whatever ``workers`` is; 0 makes them when they are asked for.
        """
        return ahead(self.batch, start, stop, workers)


class Turns:
    """Several loaders in turn, for a network of several styles: step k takes the batch of loader k modulo their number.

    Args:
        loaders: at least one; those of one seed draw the same photographs at the same step.
    """

    def __init__(self, loaders: Sequence[Loader]) -> None:
        self.loaders = list(loaders)

    def batch(self, step: int) -> Batch:
        """The loader's batch (:meth:`Loader.batch`) and ``style`` (), int64: which loader."""
        turn = step % len(self.loaders)
        return self.loaders[turn].batch(step) | {"style": torch.tensor(turn)}

    def photographs(self) -> np.ndarray:
        """The kept crops of photographs: the same in all loaders."""
        return self.loaders[0].photographs()

    def prefetch(self, start: int, stop: int, workers: int = 1) -> Iterator[tuple[int, Batch]]:
        """As :meth:`Loader.prefetch`."""
        return ahead(self.batch, start, stop, workers)


def ahead(batch: Callable[[int], Batch], start: int, stop: int, workers: int) -> Iterator[tuple[int, Batch]]:
    """(step, batch(step)) in order, computed by ``workers`` threads before they are asked for."""
    if workers < 1:
        yield from ((step, batch(step)) for step in range(start, stop))
        return
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="loader")
    waiting: deque[tuple[int, Future[Batch]]] = deque()
    try:
        for step in range(start, stop):
            waiting.append((step, pool.submit(batch, step)))
            if len(waiting) > 2 * workers:
                done, future = waiting.popleft()
                yield done, future.result()
        while waiting:
            done, future = waiting.popleft()
            yield done, future.result()
    finally:  # also when the reader of the batches stops early
        pool.shutdown(wait=True, cancel_futures=True)


def crops(corpus: Corpus, count: int, size: int, seed: int, scale_min: float = 0.5) -> np.ndarray:
    """Fixed crops for measuring: the same for the same arguments, and a longer list begins with a shorter one.

    Crop k comes from image k modulo the number of images, so that all images count alike; its scale and place are
    drawn as in :class:`Loader`, without mirroring.

    Returns:
        uint8 (count, size, size, 3).
    """
    if not len(corpus) or count < 1:
        raise UserError(
            f"{count} crops of {len(corpus)} images ({corpus.name}); ask for at least one crop of one image"
        )
    rows = uniforms(seed, 0, EVALUATION, (count, 3)).tolist()
    return np.stack(
        [
            crop(corpus.image(k % len(corpus)), size, scale_min + (1 - scale_min) * scale, down, right)
            for k, (scale, down, right) in enumerate(rows)
        ]
    )
