"""Where images come from: bundled photographs, drawn cartoons, the reader's own folders."""

from __future__ import annotations

from dataclasses import replace

from wbclib.corpora.base import Corpus, Item, divide
from wbclib.files import UserError
from wbclib.options import CorpusSpec

__all__ = ["Corpus", "Item", "load"]


def load(spec: CorpusSpec, split: str = "train") -> Corpus:
    """Open the corpus that ``spec`` describes.

    Args:
        spec: see :class:`wbclib.options.CorpusSpec`.
        split: ``train`` or ``validation``; both are the same images when ``spec.validation_percent`` is 0.

    Raises:
        UserError: unknown kind, look or split, nothing to read, or no image left.
    """
    if spec.look:
        from wbclib.corpora.looks import redrawn

        return redrawn(load(replace(spec, look=""), split), spec.look)
    if spec.kind == "bundled":
        from wbclib.corpora.bundled import photographs

        return divide(photographs(), split, spec.validation_percent)
    if spec.kind == "toon":
        from wbclib.corpora.toon import cartoons

        if spec.count < 1:
            raise UserError(f"corpus toon: count is {spec.count}; say how many cartoons to draw, 1 or more")
        return divide(cartoons(spec.count, spec.size, spec.seed), split, spec.validation_percent)
    if spec.kind == "folder":
        from wbclib.corpora.folder import open_folder

        return open_folder(spec, split)
    raise UserError(f"unknown kind of corpus {spec.kind!r}; say bundled, toon or folder")
