"""What each step of the structure representation does, and what each difference of paper and official code changes.

Images are uint8 (H, W, 3); labels are int32 (H, W), 0 .. n-1. Colour differences are in grey levels (0-255 scale).
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import pandas as pd
import torch

from wbclib import images, losses
from wbclib.evaluate import content
from wbclib.networks.features import FeatureNetwork
from wbclib.profiles import PRESETS, Structure, build
from wbclib.represent.colouring import BYTE, colour_regions, spread
from wbclib.represent.merging import COLOUR_BINS, _start, adjacent, merge_regions
from wbclib.represent.segments import segment
from wbclib.represent.structure import structure

EDGE_SHARE = 0.05  # of the pixels: where the photograph's gradient is strongest
TERMS = ("colour", "texture", "size", "fill")
BRANCHES = ("below gamma1", "between", "above gamma2")
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


def fills(
    photos: Sequence[np.ndarray], cut: Mapping[str, Sequence[np.ndarray]], table: Mapping[str, Structure]
) -> dict[str, list[np.ndarray]]:
    """Coloured regions of every photograph under every setting, uint8."""
    return {
        name: [colour_regions(photo, labels, options) for photo, labels in zip(photos, cut[name], strict=True)]
        for name, options in table.items()
    }


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

    Uijlings et al. 2013, equations 2 to 6; ``sizes`` as in :class:`wbclib.profiles.Structure`.
    """
    found = _start(image, labels, sizes == "first")
    i, j = adjacent(labels).T
    low, size = np.minimum(found.table[i], found.table[j]), np.array(found.size)
    box = (low[:, -2] + low[:, -4]) * (low[:, -1] + low[:, -3])  # both factors are negative
    colours = 3 * COLOUR_BINS
    both = (size[i] + size[j]) / found.area
    frame = pd.DataFrame({"i": i, "j": j})
    frame["colour"], frame["texture"] = low[:, :colours].sum(1), low[:, colours:-4].sum(1)
    frame["size"], frame["fill"] = 1 - both, 1 - (box / found.area - both)
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


def sigmas(image: np.ndarray, labels: np.ndarray, thresholds: str = "byte") -> np.ndarray:
    """sigma (n,) of every region, in the unit in which ``thresholds`` compares it."""
    sigma = spread(image.reshape(-1, 3).astype(np.float64), labels.ravel())[2]
    return sigma if thresholds == "byte" else sigma / BYTE


def branch(sigma: np.ndarray, options: Structure) -> np.ndarray:
    """Index into :data:`BRANCHES` of every region."""
    return np.where(sigma < options.gamma1, 0, np.where(sigma > options.gamma2, 2, 1))


def branches(
    photos: Sequence[np.ndarray], cut: Mapping[str, Sequence[np.ndarray]], table: Mapping[str, Structure]
) -> pd.DataFrame:
    """Regions of all photographs in each branch of the adaptive colouring.

    Columns setting, thresholds, regions, one count for each of :data:`BRANCHES`, area (share of all pixels in regions
    that are not below gamma1), largest_sigma (in the unit that is compared).
    """
    rows = []
    for name, options in table.items():
        sigma = [sigmas(p, labels, options.thresholds) for p, labels in zip(photos, cut[name], strict=True)]
        size = np.concatenate([np.bincount(labels.ravel()) for labels in cut[name]])
        values = np.concatenate(sigma)
        taken = branch(values, options)
        counts = np.bincount(taken, minlength=3)
        row = {"setting": name, "thresholds": options.thresholds, "regions": len(values)}
        row |= dict(zip(BRANCHES, counts.tolist(), strict=True))
        rows.append(row | {"area": float(size[taken > 0].sum() / size.sum()), "largest_sigma": float(values.max())})
    return pd.DataFrame(rows)


def tone(image: np.ndarray) -> dict[str, float]:
    """brightness (mean of all values), contrast (deviation of the luma), chroma (mean of max - min of the channels)."""
    chroma = image.max(2).astype(np.float64) - image.min(2)
    return {
        "brightness": float(image.mean()),
        "contrast": float(content.luma(image).std()),
        "chroma": float(chroma.mean()),
    }


def powers(image: np.ndarray, labels: np.ndarray, options: Structure) -> dict[str, np.ndarray]:
    """Three fills: without the power, with the bare power (no gain), and with power and renormalisation."""
    flat = colour_regions(image, labels, dataclasses.replace(options, mu=1.0))
    return {
        "no power": flat,
        "power alone": np.rint(255 * (flat / 255) ** options.mu).astype(np.uint8),
        "power and gain": colour_regions(image, labels, options),
    }


def tones(photos: Sequence[np.ndarray], cut: Sequence[np.ndarray], options: Structure) -> pd.DataFrame:
    """Means over the photographs of :func:`tone`, for them and for their :func:`powers` (column fill)."""
    rows = []
    for photo, labels in zip(photos, cut, strict=True):
        fills_of = {"photograph": photo} | powers(photo, labels, options)
        rows += [{"fill": name, **tone(image)} for name, image in fills_of.items()]
    return pd.DataFrame(rows).groupby("fill", sort=False).mean().reset_index()


def changed(image: np.ndarray, reference: np.ndarray, labels: np.ndarray, levels: float) -> tuple[float, float]:
    """Shares (of regions, of pixels) whose colour lies more than ``levels`` from the reference in some channel.

    A region counts by the mean difference of its pixels, so that the reference may have other regions.
    """
    difference = np.abs(image.astype(np.float64) - reference)
    flat, size = labels.ravel(), np.bincount(labels.ravel())
    mean = np.stack([np.bincount(flat, c) for c in difference.reshape(-1, 3).T], 1) / size[:, None]
    return float((mean.max(1) > levels).mean()), float((difference.max(2) > levels).mean())


def compare(
    photos: Sequence[np.ndarray],
    filled: Mapping[str, Sequence[np.ndarray]],
    cut: Mapping[str, Sequence[np.ndarray]],
    levels: float = 8.0,
) -> pd.DataFrame:
    """Every setting of ``filled`` (:func:`fills`) against the first: a row each.

    Columns setting; regions, pairs, largest, explained (medians over the photographs); changed_regions and
    changed_pixels (mean shares that differ from the first setting's by more than ``levels``); psnr (dB, of the mean
    squared error over all photographs; inf where equal) and ciede2000 (mean), both between the two results.
    """
    first = next(iter(filled))
    about = medians(described(photos, {name: cut[name] for name in filled})).set_index("setting")
    rows = []
    for name in filled:
        pairs = list(zip(filled[name], filled[first], cut[name], strict=True))
        shares = np.mean([changed(a, b, labels, levels) for a, b, labels in pairs], 0)
        squared = float(np.mean([np.square(a.astype(np.float64) - b).mean() for a, b, _ in pairs]))
        psnr = 10 * float(np.log10(255**2 / squared)) if squared else float("inf")
        delta = float(np.mean([content.colour_shift(b, a) for a, b, _ in pairs]))
        row = {"setting": name, **{key: about.at[name, key] for key in ("regions", "pairs", "largest", "explained")}}
        row |= {"changed_regions": shares[0], "changed_pixels": shares[1], "psnr": psnr, "ciede2000": delta}
        rows.append(row)
    return pd.DataFrame(rows)


def measures(photos: Sequence[np.ndarray], kinds: Mapping[str, Sequence[np.ndarray]]) -> pd.DataFrame:
    """What is left of the photographs: means of the measures of :func:`wbclib.evaluate.content.describe`.

    ``colours`` counts the exact colours of an image; ``number_of_colours`` the cells of a coarse grid that hold 95 %.
    """
    rows = []
    for name, found in kinds.items():
        table = content.describe(list(found), list(photos))
        exact = [len(np.unique(image.reshape(-1, 3), axis=0)) for image in found]
        rows.append({"image": name, "colours": float(np.mean(exact)), **table.mean()})
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


def blurred(image: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur of sigma pixels (0: the image itself), borders mirrored."""
    return image if sigma == 0 else cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)


@torch.no_grad()
def own_distance(
    batch: np.ndarray, photos: np.ndarray, options: Structure, network: FeatureNetwork
) -> dict[str, float]:
    """Losses of a batch (uint8 (N, H, W, 3)) taken for the generator's output.

    Returns:
        pixel: mean absolute difference of images and their own structure images, grey levels.
        structure: structure loss, the same in features. content: content loss, features against the photographs'.
    """
    x, photo = images.to_tensor(batch), images.to_tensor(photos)
    target = structure(x, options)
    features = network(x)
    return {
        "pixel": float((x - target).abs().mean() * BYTE),
        "structure": float(losses.perceptual(features, network(target))),
        "content": float(losses.perceptual(features, network(photo))),
    }


def collapse(
    photos: np.ndarray, blurs: Sequence[float], settings: Mapping[str, Structure], network: FeatureNetwork
) -> pd.DataFrame:
    """:func:`own_distance` of ever more blurred photographs (columns setting, blur in pixels, and the losses)."""
    rows = []
    for name, options in settings.items():
        for sigma in blurs:
            batch = np.stack([blurred(photo, sigma) for photo in photos])
            rows.append({"setting": name, "blur": sigma, **own_distance(batch, photos, options, network)})
    return pd.DataFrame(rows)


def own_distances(
    kinds: Mapping[str, Sequence[np.ndarray]], options: Structure, network: FeatureNetwork
) -> pd.DataFrame:
    """Whose structure is itself? Columns image, pixel, structure of :func:`own_distance`."""
    rows = []
    for name, found in kinds.items():
        distance = own_distance(np.stack(found), np.stack(found), options, network)
        rows.append({"image": name, "pixel": distance["pixel"], "structure": distance["structure"]})
    return pd.DataFrame(rows)


def preferred(frame: pd.DataFrame, ratios: Sequence[float]) -> pd.DataFrame:
    """Which blur the sum of the two losses asks for.

    Args:
        frame: rows of one setting of :func:`collapse`.
        ratios: weight of the structure loss over that of the content loss.

    Returns:
        Columns ratio, blur (where ratio * structure + content is smallest), and saved (how far the sum lies below that
        of the sharp photographs, as a share of it).
    """
    rows = []
    for ratio in ratios:
        total = (ratio * frame["structure"] + frame["content"]).to_numpy()
        sharp = total[int(frame["blur"].argmin())]
        best = int(total.argmin())
        saved = 1 - total[best] / sharp if sharp else 0.0
        rows.append({"ratio": ratio, "blur": float(frame["blur"].iloc[best]), "saved": float(saved)})
    return pd.DataFrame(rows)
