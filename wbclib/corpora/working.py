"""Corpora at a working size, and what a supervised start learns: each photograph's flow-based abstraction.

The abstraction is that of the whole photograph; a crop's own would draw other lines near its border, and its steps
between light and dark depend on the whole. It takes about a third of a second a picture, so it is kept on disk.
"""

from __future__ import annotations

import contextlib
from dataclasses import asdict, replace

import numpy as np
from tqdm.auto import tqdm

from wbclib import images, paths
from wbclib.corpora.base import Corpus
from wbclib.files import digest
from wbclib.options import Flow
from wbclib.represent import flow

VERSION = 1  # of the abstractions that are kept: raise it when the code draws others


def resized(corpus: Corpus, side: int) -> Corpus:
    """The same images, resized so that the shorter side is ``side`` pixels (:func:`wbclib.images.fit`)."""

    def size(height: int, width: int) -> tuple[int, int]:
        scale = side / min(height, width)
        return max(1, round(height * scale)), max(1, round(width * scale))

    items = [replace(item, size=size(*item.size)) for item in corpus.items]
    return Corpus(corpus.name, items, lambda i: images.fit(corpus.image(i), side), corpus.skipped)


def abstracted(corpus: Corpus, options: Flow, progress: bool = True) -> Corpus:
    """The flow-based abstraction of every image, of the same size and in the same order.

    Each is computed once and kept below ``data/cache/abstractions``, under a hash of image, size and options, so that
    what is killed goes on where it stopped. A damaged one is made again.
    """
    places = [
        paths.cache("abstractions", f"{digest([VERSION, item.sha256, item.size, asdict(options)])[:32]}.png")
        for item in corpus.items
    ]

    def draw(index: int) -> np.ndarray:
        image, place = corpus.image(index), places[index]
        with contextlib.suppress(images.ImageError):
            if place.is_file() and (kept := images.read(place)).shape == image.shape:
                return kept
        made = images.to_uint8(flow.abstraction(images.to_tensor(image)[None], options))[0]
        images.write(place, made)
        return made

    missing = [index for index, place in enumerate(places) if not place.is_file()]
    for index in tqdm(missing, "abstractions", unit="picture", disable=not (progress and missing), mininterval=1.0):
        draw(index)
    return Corpus(f"{corpus.name}, abstracted", corpus.items, draw, corpus.skipped)
