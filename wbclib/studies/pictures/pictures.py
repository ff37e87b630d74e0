"""What is shipped, judged at the size people use: whole photographs that nothing was trained on, drawn whole.

The comparison (:mod:`wbclib.studies.common.comparison`) gives every method the same small crops, because that is
what the papers' methods learn from. A look whose lines belong to the size of the picture cannot be judged there. Here
every photograph is resized to a short side of :data:`SIDE` pixels, drawn as a whole, and windows of :data:`WINDOW`
pixels are cut from what was drawn, the same ones for everybody; the cartoons are as their files hold them.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from tqdm.auto import tqdm

from wbclib import corpora, images
from wbclib.measure import cartoonness, content, effect, fid, paired
from wbclib.options import RunConfig
from wbclib.profiles import Profile
from wbclib.represent.threads import threads
from wbclib.studies.common import comparison
from wbclib.studies.pictures.drawers import PHOTOGRAPH, THEIRS, Draw

SIDE, WINDOW, WINDOWS = 512, 256, 3  # pixels, pixels, windows a photograph


@dataclass(frozen=True)
class Windows:
    """What is measured: windows of photographs, uint8 (N, WINDOW, WINDOW, 3), and what they were cut from."""

    pictures: list[np.ndarray]  # whole photographs
    places: list[tuple[int, int, int]]  # picture, top, left
    groups: np.ndarray  # (N,) which scene each window shows
    held_out: bool

    def cut(self, drawn: list[np.ndarray]) -> np.ndarray:
        """The windows of pictures of the photographs' sizes."""
        return np.stack([drawn[i][top : top + WINDOW, left : left + WINDOW] for i, top, left in self.places])

    @functools.cached_property
    def photographs(self) -> np.ndarray:
        """Those of the photographs themselves."""
        return self.cut(self.pictures)


def windows(profile: Profile, photographs: int = 0) -> Windows:
    """Windows of the profile's held-out photographs (all, or the first ``photographs``), the same in every process."""
    config = first(profile)
    corpus = corpora.load(config.photos, "validation")
    count = min(len(corpus), photographs or len(corpus))
    pictures = [images.fit(corpus.image(i), SIDE) for i in range(count)]
    random = np.random.default_rng(profile.measure.seed)
    places = []
    for i, picture in enumerate(pictures):
        for _ in range(WINDOWS):
            top, left = (int(random.integers(0, side - WINDOW + 1)) for side in picture.shape[:2])
            places.append((i, top, left))
    groups = np.array([corpus.items[i].group for i, _, _ in places])
    return Windows(pictures, places, groups, bool(config.photos.validation_percent))


def first(profile: Profile) -> RunConfig:
    """Configuration of the first style's white box, whose photographs are measured on."""
    return profile.whitebox(next(iter(profile.styles())))


def cartoons(profile: Profile, split: str = "validation", count: int = 0) -> dict[str, np.ndarray]:
    """Style -> its held-out cartoons, uint8 (M, WINDOW, WINDOW, 3), each once: the largest square in the middle.

    Args:
        split: ``train`` for those that training saw.
        count: so many of them, drawn by the profile's measuring seed; 0, or more than there are: all.
    """
    found = {}
    for style in profile.styles():
        corpus = corpora.load(profile.whitebox(style).cartoons, split)
        order = np.random.default_rng(profile.measure.seed).permutation(len(corpus))
        chosen = np.sort(order[: count or None])
        found[style] = np.stack([images.square(corpus.image(i), WINDOW) for i in chosen])
    return found


def floor(profile: Profile, there: Windows) -> dict[str, np.ndarray]:
    """Style -> as many cartoons of the training split as there are windows; empty where a style holds none back."""
    held = all(profile.whitebox(style).cartoons.validation_percent for style in profile.styles())
    return cartoons(profile, "train", len(there.places)) if held else {}


def drawn(who: Mapping[str, Draw], there: Windows) -> dict[str, np.ndarray]:
    """Everybody's windows, uint8 (N, WINDOW, WINDOW, 3).

    Pictures are drawn side by side, one a core, where torch has one thread for each of them (as in notebooks that are
    executed); where it takes all cores for one picture, one after the other.
    """
    apply = threads("draw").map if torch.get_num_threads() == 1 else map
    found = {}
    for name, draw in who.items():
        pictures = apply(draw, there.pictures)
        shown = tqdm(pictures, f"draw, {name}", len(there.pictures), unit="picture", leave=False)
        found[name] = there.cut(list(shown))
    return found


def distances(
    profile: Profile,
    made: Mapping[str, np.ndarray],
    there: Windows,
    references: Mapping[str, np.ndarray],
    others: Mapping[str, np.ndarray] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Everybody's distance to every style's cartoons, and who is nearer than whom.

    Args:
        made: :func:`drawn`.
        references: :func:`cartoons`.
        others: :func:`floor`, for rows :data:`wbclib.studies.common.comparison.FLOOR`.

    Returns:
        Columns of :data:`wbclib.studies.common.comparison.COLUMNS` without ``to``; and column style, then
        :data:`wbclib.measure.paired.COLUMNS`, for each drawer against the photograph and the authors' white box.
        Intervals of 90 % by bootstraps of photographs, with all of their windows, and of cartoons. KID's subsets are
        as large as the profile says, or as the smallest set allows.
    """
    rows, pairs = [], []
    others = others or {}
    fewest = min(len(there.places), *(len(found) for found in (*references.values(), *others.values())))
    measure = replace(profile.measure, kid_subset_size=min(profile.measure.kid_subset_size, fewest))
    for network, features_of in comparison.features_by_network(profile, made):
        name, metrics = network.origin["network"], (fid.metric_name(network.origin), "kid")
        asked = [(a, b) for b in (PHOTOGRAPH, THEIRS) for a in made if b in made and a != b]
        for style, there_are in references.items():
            reference = comparison.cached_features(there_are, network)
            for metric in metrics:
                part = comparison.rows(features_of, reference, metric, measure, there.groups, None)
                rows.append(part.assign(style=style, metric=metric, network=name))
                if style in others:
                    near = {comparison.FLOOR: comparison.cached_features(others[style], network)}
                    part = comparison.rows(near, reference, metric, measure, np.arange(len(others[style])), None)
                    rows.append(part.assign(style=style, metric=metric, network=name))
            pairs.append(
                paired.paired_differences(
                    features_of, reference, there.groups, network=name, to="cartoons", metrics=metrics, pairs=asked,
                    bootstraps=profile.measure.bootstraps, seed=profile.measure.seed,
                ).assign(style=style)
            )  # fmt: skip
    columns = [name for name in comparison.COLUMNS if name != "to"]
    return (
        pd.concat(rows, ignore_index=True)[columns],
        pd.concat(pairs, ignore_index=True)[["style", *paired.COLUMNS]],
    )


LINES, FLAT, KEPT, FOUND = "outline_share", "flat_share", "edge_agreement", "edges_found"


def looks(made: Mapping[str, np.ndarray], there: Windows, references: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Lines and flatness of everybody's windows and of every style's cartoons, and the photographs' edges kept.

    Returns:
        who, outline_share, flat_share (means; :mod:`wbclib.measure.cartoonness`), edge_agreement and edges_found
        (:mod:`wbclib.measure.content`) with intervals of 90 % over photographs (missing for cartoons), n.
    """
    rows = []
    for who, shown in {**made, **{f"cartoons, {style}": found for style, found in references.items()}}.items():
        means = [float(np.mean([cartoonness.MEASURES[name](picture) for picture in shown])) for name in (LINES, FLAT)]
        kept: list[float] = []
        for measure in (content.edge_agreement, content.edges_found):
            if who not in made:
                kept += [float("nan")] * 3
                continue
            values = np.array([measure(*both) for both in zip(there.photographs, shown, strict=True)])
            kept += effect.clustered_interval(values, there.groups)
        rows.append((who, *means, *kept, len(shown)))
    kept_columns = [f"{name}{end}" for name in (KEPT, FOUND) for end in ("", "_low", "_high")]
    return pd.DataFrame(rows, columns=["who", LINES, FLAT, *kept_columns, "n"])
