"""Corpora of a few made-up pictures."""

from __future__ import annotations

import numpy as np

from wbclib.corpora.base import Corpus, Item


def corpus(*pictures: np.ndarray, name: str = "toy") -> Corpus:
    items = [Item(str(i), str(i), "", "", (p.shape[0], p.shape[1]), str(i)) for i, p in enumerate(pictures)]
    return Corpus(name, items, lambda i: pictures[i])


def noise(seed: int, height: int = 80, width: int = 96) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
