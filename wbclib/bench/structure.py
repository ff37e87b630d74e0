"""Timing of the representations: structure against the plain reference, guided filter over radius and beside OpenCV."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch

from wbclib import images
from wbclib.bench.reference import structure as plain
from wbclib.bench.timing import paired, row
from wbclib.corpora import bundled
from wbclib.options import Structure
from wbclib.profiles import load
from wbclib.represent import colour_regions, guided_filter, merge_regions, segment, structure

SIDE = 256


def photographs() -> np.ndarray:
    """The bundled photographs, uint8 (7, 256, 256, 3)."""
    corpus = bundled.photographs()
    return np.stack([images.square(corpus.image(i), SIDE) for i in range(len(corpus))])


def configured() -> Structure:
    """The structure options of the lab profile at 256 px."""
    return load("lab-gpu").run("whitebox").structure


def structure_256() -> dict[str, Any]:
    """One image of 256 x 256 on one core: superpixels, merging and colours, against the plain reference."""
    image, options = photographs()[0], configured()

    def ours() -> np.ndarray:
        return colour_regions(image, merge_regions(image, segment(image, options), options), options)

    times = paired(ours, lambda: plain.structure(image, options), rounds=3)
    return row("structure_256", *times, "the plain reference, on one core")


def structure_all_cores() -> dict[str, Any]:
    """A batch of seven images over all cores, against one image after the other."""
    batch, options = images.to_tensor(photographs()), configured()
    times = paired(lambda: structure(batch, options), lambda: [structure(x[None], options) for x in batch], rounds=9)
    return row("structure_256_all_cores", *times, "the same seven images one after the other")


def guided_filter_over_radius() -> dict[str, Any]:
    """The cost at r = 64 over the cost at r = 2, on 4 images of 256 x 256."""
    image = torch.rand(4, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0)) * 2 - 1
    small, large, ratio = paired(
        lambda: guided_filter(image, image, 2, 0.2), lambda: guided_filter(image, image, 64, 0.2)
    )
    return row("guided_filter_r64_vs_r2", large, small, ratio, "the same filter at r = 2")


def guided_filter_opencv() -> dict[str, Any]:
    """A batch of 16 images of 256 x 256, r = 5, every channel by itself, against OpenCV's on the same planes."""
    batch = torch.rand(16, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0)) * 2 - 1
    planes = list(batch.flatten(0, 1).numpy())
    times = paired(
        lambda: guided_filter(batch, batch, 5, 0.2), lambda: [cv2.ximgproc.guidedFilter(p, p, 5, 0.2) for p in planes]
    )
    return row("guided_filter_opencv", *times, "cv2.ximgproc.guidedFilter, plane by plane")


ROWS = (structure_256, structure_all_cores, guided_filter_over_radius, guided_filter_opencv)
