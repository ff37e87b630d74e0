"""Which settings of the flow-based abstraction to look at: what each draws of the same photographs at several sizes.

Photographs and drawings are uint8 (H, W, 3), ink is bool (H, W). What is near and what is short are shares of a
picture's short side, so that numbers of several sizes can be compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pandas as pd
from scipy.ndimage import find_objects, label

from wbclib import images
from wbclib.corpora.base import Corpus
from wbclib.files import UserError
from wbclib.measure import content
from wbclib.measure.cartoonness import FLAT
from wbclib.measure.intervals import mean_interval
from wbclib.options import Flow
from wbclib.represent import flow
from wbclib.studies.flow.stages import AROUND
from wbclib.studies.surface.layers import EDGE_SHARE

LEAST = 0.02  # ink that reaches less far is a speck and no line
NEAR = 2 / 512  # from an edge to ink that draws it; a pixel in any case
FIELD = ("radius", "iterations", "separable", "eta")
LINES = (*FIELD, "sigma_c", "sigma_m", "rho", "tau", "drawings")
COLOURS = (*FIELD, "sigma_e", "r_e", "sigma_g", "r_g", "smoothings")
MEASURES = ("lines_per_region", "ink", "flat", "edges_kept", "edges_inked", "score", "apart")


def candidates(chosen: Flow, factors: Mapping[str, Sequence[float]]) -> dict[str, Flow]:
    """Settings by name: ``papers`` (as printed), ``papers, scaled``, ``chosen``, and one factor at a time around it.

    Args:
        factors: field of :class:`Flow` -> its values; the one that ``chosen`` has is left out. The papers' lengths are
            scaled as those for the short side that the chosen ones are meant for.
    """
    named = {"papers": Flow(), "papers, scaled": Flow(side=chosen.side), "chosen": chosen}
    for field, values in factors.items():
        others = [value for value in values if value != getattr(chosen, field)]
        named |= {f"{field} {value:g}": replace(chosen, **{field: value}) for value in others}  # type: ignore[arg-type]
    return named


def squares(corpus: Corpus, indices: Sequence[int], side: int) -> np.ndarray:
    """Centred squares (N, side, side, 3) of those photographs that have the pixels: nothing is enlarged.

    Raises:
        UserError: none of them has.
    """
    enough = [i for i in indices if min(corpus.items[i].size) >= side]
    if not enough:
        raise UserError(f"no photograph has {side} x {side} pixels; ask for smaller pictures")
    return np.stack([images.square(corpus.image(i), side) for i in enough])


def drawings(photo: np.ndarray, settings: Mapping[str, Flow]) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, ink and :func:`flow.abstraction` of a photograph, for every one of the settings.

    What two of them have in common (field, lines, smoothed colours) is computed once.
    """
    x = images.to_tensor(photo)[None]
    field = cache(lambda options: flow.tangents(x, options))
    lines = cache(lambda options: flow.lines(x, field(_only(options, FIELD)), options)[0, 0].numpy() < 0)
    colours = cache(lambda options: flow.smooth(x, field(_only(options, FIELD)), options))
    for name, options in settings.items():
        options = flow.scaled(options, min(photo.shape[:2]))
        ink = lines(_only(options, LINES))
        drawn = images.to_uint8(flow.quantise(colours(_only(options, COLOURS)), options))[0]
        drawn[ink] = 0
        yield name, ink, drawn


def _only(options: Flow, names: Sequence[str]) -> Flow:
    """These options, all others as they are by default: equal for settings that differ in nothing else."""
    return Flow(**{name: getattr(options, name) for name in names})


def pieces(ink: np.ndarray) -> int:
    """Lines that hang together (corners count) and reach over at least ``LEAST`` of the short side."""
    least = LEAST * min(ink.shape)
    boxes = find_objects(label(ink, AROUND)[0])
    return sum(max(side.stop - side.start for side in box) >= least for box in boxes)


def edges_inked(photo: np.ndarray, ink: np.ndarray) -> float:
    """Share of the photograph's strongest edges (5 % of its pixels) that have ink near them, 0 to 1; 0 without any."""
    gradient = content.gradient(photo)
    strong = (gradient >= np.quantile(gradient, 1 - EDGE_SHARE)) & (gradient > 0)
    if not ink.any() or not strong.any():
        return 0.0
    away = cv2.distanceTransform((~ink).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return float((away[strong] <= max(1.0, NEAR * min(ink.shape))).mean())


def flat_between(drawn: np.ndarray, ink: np.ndarray) -> float:
    """Share of the pixels that touch no ink on which the drawing has a gradient near zero; 0 where all touch it."""
    away = cv2.dilate(ink.astype(np.uint8), AROUND.astype(np.uint8)) == 0
    return float((content.gradient(drawn)[away] < FLAT).mean()) if away.any() else 0.0


def measured(photos: np.ndarray, settings: Mapping[str, Flow], sizes: Sequence[int], counted: int) -> pd.DataFrame:
    """Every photograph, size and setting.

    Args:
        photos: (N, S, S, 3).
        sizes: sides in pixels, none above S; area averages of the photographs.
        counted: side at which the regions of a photograph are counted (:func:`content.segments`), for all sizes the
            same: its smallest region is a number of pixels, so that larger pictures have more of them.

    Returns:
        setting, size, photo, regions, lines (:func:`pieces`), lines_per_region, ink (share of pixels), flat
        (:func:`flat_between`), edges_kept (:func:`content.edge_agreement`), edges_inked, score (edges_inked minus ink),
        apart (mean absolute difference, in grey levels, between this drawing, reduced to the smallest size, and the one
        made there).

    Raises:
        ValueError: a size above that of the photographs.
    """
    if max(*sizes, counted) > min(photos.shape[1:3]):
        raise ValueError(f"sizes {list(sizes)}, {counted} need photographs as large, got {photos.shape[1:3]}")
    rows = []
    for i, photo in enumerate(photos):
        smallest: dict[str, np.ndarray] = {}
        regions = len(np.unique(content.segments(images.fit(photo, counted))))
        for size in sorted(sizes):
            small = images.fit(photo, size)
            for name, ink, drawn in drawings(small, settings):
                least = smallest.setdefault(name, drawn).astype(float)
                lines, found = pieces(ink), edges_inked(small, ink)
                rows.append(
                    {
                        "setting": name,
                        "size": size,
                        "photo": i,
                        "regions": regions,
                        "lines": lines,
                        "lines_per_region": lines / regions,
                        "ink": ink.mean(),
                        "flat": flat_between(drawn, ink),
                        "edges_kept": content.edge_agreement(small, drawn),
                        "edges_inked": found,
                        "score": found - ink.mean(),
                        "apart": np.abs(images.resize(drawn, least.shape[:2]) - least).mean(),
                    }
                )
    return pd.DataFrame(rows)


def ranked(frame: pd.DataFrame, settings: Sequence[str]) -> pd.DataFrame:
    """Settings by their score, the best first: a photograph's score is the mean over all sizes.

    Args:
        frame: from :func:`measured`.

    Returns:
        setting, score, difference (from the best, 0 for itself; paired, photograph by photograph), low, high (90 %).
    """
    scores = frame.groupby(["photo", "setting"])["score"].mean().unstack()[list(settings)]
    order = scores.mean().sort_values(ascending=False, kind="stable").index
    rows = [(name, scores[name].mean(), *mean_interval((scores[name] - scores[order[0]]).to_numpy())) for name in order]
    return pd.DataFrame(rows, columns=["setting", "score", "difference", "low", "high"])
