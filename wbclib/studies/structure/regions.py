"""Superpixels and merged regions: what the segmenters and the selective search do to photographs.

Images are uint8 (H, W, 3); labels are int32 (H, W), 0 .. n-1.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from wbclib.measure import content
from wbclib.options import Structure, build
from wbclib.presets import PRESETS
from wbclib.represent.colouring import colour_regions, spread
from wbclib.represent.merging import merge_regions
from wbclib.represent.regions import TEXTURE_START, adjacent, region_statistics
from wbclib.represent.segments import segment

EDGE_SHARE = 0.05  # of the pixels: where the photograph's gradient is strongest
TERMS = ("colour", "texture", "size", "fill")
SWITCHES: dict[str, Any] = {"merging": "pairs", "sizes": "first", "thresholds": "unit", "order": "official"}
COARSE_SCALE, COARSE_SIZE = 10.0, 100 / 256**2  # at 256 px about as many start regions as the official code has

Partitions = dict[str, list[np.ndarray]]


def preset(name: str) -> Structure:
    """Structure options of a preset, ``paper`` or ``official``."""
    return build(Structure, PRESETS[name]["structure"], f"preset {name}")


def variants(paper: Structure | None = None) -> dict[str, Structure]:
    """The paper's reading, each switch of the official selective search alone, all four, the official default."""
    paper = paper or preset("paper")
    alone = {f"{key}: {value}": dataclasses.replace(paper, **{key: value}) for key, value in SWITCHES.items()}
    every = dataclasses.replace(paper, **SWITCHES)
    return {"paper": paper, **alone, "all four": every, "official default": preset("official")}


def starts(side: int, paper: Structure | None = None) -> dict[str, Structure]:
    """Three start partitions for the merging, each counted in regions and in pairs.

    ``configured``: the paper's preset. ``scale 100``: a hundred grey levels over the pixels of a region. ``coarse``:
    regions of at least 1/655 of the image (100 pixels of 256 x 256).
    """
    paper = paper or preset("paper")
    size = max(1, round(COARSE_SIZE * side * side))
    table = {
        "configured": paper,
        "scale 100": dataclasses.replace(paper, scale=100.0),
        "coarse": dataclasses.replace(paper, scale=COARSE_SCALE, min_size=size),
    }
    rules = (("none", "start"), ("regions", "regions"), ("pairs", "pairs"))
    return {
        f"{name}, {said}": dataclasses.replace(o, merging=rule) for name, o in table.items() for rule, said in rules
    }


def partitions(photos: Sequence[np.ndarray], table: Mapping[str, Structure]) -> Partitions:
    """Merged regions of every photograph under every setting; settings that cut alike are computed once."""
    known: dict[tuple[int, Structure], np.ndarray] = {}
    cut: dict[tuple[int, Structure], np.ndarray] = {}
    found: Partitions = {name: [] for name in table}
    for name, options in table.items():
        for i, photo in enumerate(photos):
            start_key = i, dataclasses.replace(_cutting(options), merging="none", sizes="true", regions=1)
            if start_key not in cut:
                cut[start_key] = segment(photo, options)
            key = i, _cutting(options)
            if key not in known:
                known[key] = merge_regions(photo, cut[start_key], options)
            found[name].append(known[key])
    return found


def _cutting(options: Structure) -> Structure:
    """Options with those of the colouring at their defaults: equal where the regions are equal."""
    plain = Structure()
    names = ("colouring", "thresholds", "order", "gamma1", "gamma2", "mu")
    return dataclasses.replace(options, **{name: getattr(plain, name) for name in names})


def count(labels: np.ndarray) -> int:
    """Number of regions."""
    return int(labels.max()) + 1


def explained(image: np.ndarray, labels: np.ndarray) -> float:
    """Share of the image's colour variance that the regions' mean colours explain, 0 to 1; 1 for one flat colour."""
    values = image.reshape(-1, 3).astype(np.float64)
    size, mean, _ = spread(values, labels.ravel())
    total = np.square(values - values.mean(0)).sum()
    between = (size[:, None] * np.square(mean - values.mean(0))).sum()
    return float(between / total) if total > 0 else 1.0


def describe(image: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Measures of one partition.

    Returns:
        regions, pairs (of neighbours), median_size (pixels), largest (share of the image), explained (see above),
        edges (share of the 5 % strongest edge pixels of the photograph within one pixel of a border) and border
        (share of all pixels there: what ``edges`` would be if borders fell at random).
    """
    gradient, inside = content.gradient(image), content.interior(labels)
    size = np.bincount(labels.ravel())
    strong = gradient >= np.quantile(gradient, 1 - EDGE_SHARE)
    return {
        "regions": len(size),
        "pairs": len(adjacent(labels)) if len(size) > 1 else 0,
        "median_size": float(np.median(size)),
        "largest": float(size.max() / size.sum()),
        "explained": explained(image, labels),
        "edges": float(1 - inside[strong].mean()),
        "border": float(1 - inside.mean()),
    }


def described(photos: Sequence[np.ndarray], cut: Mapping[str, Sequence[np.ndarray]]) -> pd.DataFrame:
    """:func:`describe` of every partition: columns setting, photo and its measures."""
    rows = [
        {"setting": name, "photo": i, **describe(photos[i], labels)}
        for name, found in cut.items()
        for i, labels in enumerate(found)
    ]
    return pd.DataFrame(rows)


def medians(frame: pd.DataFrame) -> pd.DataFrame:
    """Medians over the photographs of :func:`described`, a row a setting; counts rounded to whole numbers."""
    middle = frame.drop(columns="photo").groupby("setting", sort=False).median().round({"regions": 0, "pairs": 0})
    return middle.astype({"regions": int, "pairs": int}).reset_index()


def by_scale(photos: Sequence[np.ndarray], scales: Sequence[float], options: Structure) -> pd.DataFrame:
    """Median number of Felzenszwalb's regions over the scale k.

    Columns scale, predicate (regions of the predicate alone, nothing absorbed: min_size 1), kept (after regions below
    ``options.min_size`` were absorbed), absorbed (share of the predicate's regions that went).
    """
    rows = []
    for scale in scales:
        pair = [dataclasses.replace(options, scale=scale, min_size=size) for size in (1, options.min_size)]
        predicate, kept = (float(np.median([count(segment(p, o)) for p in photos])) for o in pair)
        rows.append({"scale": scale, "predicate": predicate, "kept": kept, "absorbed": 1 - kept / predicate})
    return pd.DataFrame(rows)


def hierarchy(image: np.ndarray, labels: np.ndarray, options: Structure, regions: Sequence[int]) -> list[np.ndarray]:
    """One merging of the regions ``labels``, seen at each of the falling numbers ``regions``: nested partitions.

    Every stop goes on from the one before. With true sizes the statistics of a merged region are those of its pixels,
    so that this is the merging from the start, up to pairs of equal similarity.
    """
    found = []
    for n in regions:
        labels = merge_regions(image, labels, dataclasses.replace(options, merging="regions", sizes="true", regions=n))
        found.append(labels)
    return found


def along(photos: Sequence[np.ndarray], table: Mapping[str, Structure], regions: Sequence[int]) -> pd.DataFrame:
    """The course of the merging: :func:`describe` at each number of regions, means over the photographs.

    Columns setting, asked (regions) and the measures; stops above the number of start regions are left out.
    """
    rows = []
    for name, options in table.items():
        for photo in photos:
            start = segment(photo, options)
            asked = [n for n in regions if n <= count(start)]
            levels = hierarchy(photo, start, options, asked)
            rows += [{"setting": name, "asked": n, **describe(photo, x)} for n, x in zip(asked, levels, strict=True)]
    frame = pd.DataFrame(rows).groupby(["setting", "asked"], sort=False).mean().reset_index()
    return frame.sort_values(["setting", "asked"], ascending=[True, False], ignore_index=True)


def contour(levels: Sequence[np.ndarray]) -> np.ndarray:
    """How long every border lives: float (H, W), the smallest number of regions at which a pixel is still on a border.

    NaN off all borders. A picture of nested partitions in one map: an ultrametric contour map (Arbelaez, Maire,
    Fowlkes, Malik, TPAMI 2011) with the number of regions as its scale.

    Args:
        levels: labels, from fine to coarse.
    """
    result = np.full(levels[0].shape, np.nan)
    for labels in levels:
        on = np.zeros(labels.shape, bool)
        on[:, 1:] |= labels[:, 1:] != labels[:, :-1]
        on[1:] |= labels[1:] != labels[:-1]
        result[on] = count(labels)
    return result


def similarities(image: np.ndarray, labels: np.ndarray, sizes: str = "true") -> pd.DataFrame:
    """The four terms of every pair of neighbours: columns i, j, colour, texture, size, fill, total.

    Uijlings et al. 2013, equations 2 to 6; ``sizes`` as in :class:`wbclib.options.Structure`.
    """
    counts, size, box = region_statistics(image, labels)
    i, j = adjacent(labels).T
    low = np.minimum(counts[i] / (3 * size[i, None]), counts[j] / (3 * size[j, None]))
    height, width = (np.maximum(box[i, k + 2], box[j, k + 2]) - np.minimum(box[i, k], box[j, k]) for k in range(2))
    size, area = (size, labels.size) if sizes == "true" else (np.full_like(size, size[1]), 3 * labels.size)
    both = (size[i] + size[j]) / area
    frame = pd.DataFrame({"i": i, "j": j})
    frame["colour"], frame["texture"] = low[:, :TEXTURE_START].sum(1), low[:, TEXTURE_START:].sum(1)
    frame["size"], frame["fill"] = 1 - both, 1 - (height * width / area - both)
    return frame.assign(total=frame[list(TERMS)].sum(axis=1))


def influence(frame: pd.DataFrame) -> dict[str, float]:
    """Share of colour, texture and box in the variance of the similarity: cov(term, total) / var(total).

    A term that is nearly the same for all pairs decides nothing, however large it is. A negative share: the term
    speaks against the pairs that the others favour. The shares sum to 1. ``box`` is size and fill together, of whose
    sum the sizes cancel: 2 - box / area.
    """
    parts = {"colour": frame["colour"], "texture": frame["texture"], "box": frame["size"] + frame["fill"]}
    variance = float(frame["total"].var(ddof=0))
    if variance == 0:
        return dict.fromkeys(parts, 0.0)
    return {name: float(np.cov(part, frame["total"], ddof=0)[0, 1] / variance) for name, part in parts.items()}


def influences(image: np.ndarray, levels: Sequence[np.ndarray]) -> pd.DataFrame:
    """:func:`influence` at several stages, for both ``sizes``: columns sizes, regions, colour, texture, box."""
    rows = [
        {"sizes": sizes, "regions": count(labels), **influence(similarities(image, labels, sizes))}
        for sizes in ("true", "first")
        for labels in levels
    ]
    return pd.DataFrame(rows)


def times(photos: Sequence[np.ndarray], table: Mapping[str, Structure]) -> pd.DataFrame:
    """Milliseconds of each step (medians over the photographs): columns setting, segments, merging, colours, total."""
    rows = []
    for name, options in table.items():
        for photo in photos:
            clock = [time.perf_counter()]
            labels = segment(photo, options)
            clock.append(time.perf_counter())
            labels = merge_regions(photo, labels, options)
            clock.append(time.perf_counter())
            colour_regions(photo, labels, options)
            clock.append(time.perf_counter())
            spent = 1e3 * np.diff(clock)
            rows.append({"setting": name, **dict(zip(("segments", "merging", "colours"), spent, strict=True))})
    frame = pd.DataFrame(rows).groupby("setting", sort=False).median().reset_index()
    return frame.assign(total=frame[["segments", "merging", "colours"]].sum(axis=1))
