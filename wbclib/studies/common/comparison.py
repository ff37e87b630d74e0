"""The comparison: every method on the same photographs, measured against the same cartoons and photographs.

Photographs that are stylised and cartoons that are measured against come from the validation split; the
reference photographs come from the training split. Where a corpus holds nothing back (``validation_percent:
0``) they are other crops of the same images, and the captions say so.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from tqdm.auto import tqdm

from wbclib import corpora, images, paths
from wbclib.corpora.bundled import photographs
from wbclib.corpora.loader import crops
from wbclib.files import UserError, atomic
from wbclib.measure import fid, kid, resampling
from wbclib.measure.ordering import FLOOR
from wbclib.networks import features
from wbclib.networks.features import FeatureNetwork
from wbclib.options import Measure, RunConfig
from wbclib.profiles import Profile
from wbclib.represent.structure import structure
from wbclib.represent.surface import surface
from wbclib.represent.texture import colour_shift
from wbclib.studies.common import comparators
from wbclib.train import trained
from wbclib.train.loop import stylise

COLUMNS = ["style", "method", "to", "metric", "network", "n_a", "n_b", "value", "low", "high", "spread"]
REFERENCES = ("cartoons", "photographs")
Stylise = Callable[[np.ndarray], np.ndarray]


def representations(config: RunConfig, seed: int = 0) -> dict[str, Stylise]:
    """The photograph and its three representations, each from uint8 (N, H, W, 3) to the same shape.

    The texture's colour shifts, one an image, start from ``seed`` at every call: equal images give equal results.
    """

    def texture(photos: np.ndarray) -> np.ndarray:
        draw = torch.Generator().manual_seed(seed)
        return stylise(lambda x: colour_shift(x, config.texture, draw).expand(-1, 3, -1, -1), photos, batch=1)

    return {
        "photograph": lambda photos: photos,
        "surface": lambda photos: stylise(lambda x: surface(x, config.surface), photos),
        "structure": lambda photos: stylise(lambda x: structure(x, config.structure), photos),
        "texture": texture,
    }


def methods(profile: Profile) -> dict[str, Stylise]:
    """Every method of the table; ours are trained first where they are not finished, the authors' are there or not."""
    table = representations(profile.whitebox(next(iter(profile.styles()))))
    table |= comparators.controls() | comparators.classical()
    for run, name in names(profile).items():
        table[name] = trained(run, profile)
    return table | comparators.released()


def names(profile: Profile) -> dict[str, str]:
    """Run -> name in :func:`methods`: that of the first style which has it; with its style where it is a later one."""
    found: dict[str, str] = {}
    for style, methods in profile.styles().items():
        for method, run in methods.items():
            found.setdefault(run, f"{method}, {style}" if method in found.values() else method)
    return found


def of_style(profile: Profile, style: str, made: Mapping[str, Any]) -> dict[str, Any]:
    """What is compared with the cartoons of one style: its runs by their methods' names, and whatever is no run."""
    known = names(profile)
    own = {known[run]: method for method, run in profile.styles()[style].items()}
    return {own.get(name, name): value for name, value in made.items() if name in own or name not in known.values()}


@dataclasses.dataclass(frozen=True)
class Sets:
    """The fixed crops of a comparison, uint8 (N, size, size, 3)."""

    style: str  # key of Profile.styles
    inputs: np.ndarray  # photographs that every method stylises
    photographs: np.ndarray  # reference photographs
    cartoons: np.ndarray  # reference cartoons
    held_out: bool  # whether training saw none of inputs and cartoons
    groups: np.ndarray  # (N,) which photograph each of the inputs was cut from
    distinct: dict[str, int]  # how many different images the crops of each set were cut from
    reference_groups: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)  # (N,) image of each reference
    sources: dict[str, int] = dataclasses.field(default_factory=dict)  # how many groups (episodes, scenes) a set has
    others: np.ndarray | None = None  # cartoons of the training split: no generator need come nearer


def sets(profile: Profile, style: str = "") -> Sets:
    """Crops of a profile's photographs and of the cartoons of one style (the first), the same in every process."""
    style = style or next(iter(profile.styles()))
    config, measure = profile.whitebox(style), profile.measure
    n = measure.crops
    found = {
        "inputs": corpora.load(config.photos, "validation"),
        "photographs": corpora.load(config.photos, "train"),
        "cartoons": corpora.load(config.cartoons, "validation"),
        "others": corpora.load(config.cartoons, "train"),
    }
    cut = {name: crops(corpus, n, measure.size, measure.seed + i) for i, (name, corpus) in enumerate(found.items())}
    # Photographs of one scene belong together. Reference images count one by one, also those of one episode: of some
    # cartoons three episodes are all that is held out, and three of anything have no bootstrap.
    groups = np.array([found["inputs"].items[k % len(found["inputs"])].group for k in range(n)])
    return Sets(
        style=style,
        **cut,
        held_out=bool(config.photos.validation_percent and config.cartoons.validation_percent),
        groups=groups,
        distinct={name: min(n, len(corpus)) for name, corpus in found.items()},
        reference_groups={name: np.arange(n) % len(found[name]) for name in ("cartoons", "photographs", "others")},
        sources={name: len({item.group for item in corpus.items}) for name, corpus in found.items()},
    )


def sets_by_style(profile: Profile) -> dict[str, Sets]:
    """:func:`sets` of every style; all of them share their photographs.

    Raises:
        UserError: the white-box runs of two styles learn from different photographs.
    """
    photos = {profile.run(methods["whitebox"]).photos for methods in profile.comparison.values()}
    if len(photos) > 1:
        raise UserError(
            f"profile {profile.name}: styles are compared on the same photographs; give all the same photos"
        )
    return {style: sets(profile, style) for style in profile.styles()}


def networks(profile: Profile) -> list[FeatureNetwork]:
    """The networks that measure, none of which may have trained.

    Raises:
        UserError: a network of ``measure.networks`` is the perceptual network of a run.
    """
    used = {config.features for config in profile.runs.values()}
    if shared := used & set(profile.measure.networks):
        raise UserError(
            f"profile {profile.name}: {shared.pop()} both trains and measures; measure with another network"
        )
    return [features.load(name, downloads=profile.downloads) for name in profile.measure.networks]


def cached_features(pictures: np.ndarray, network: FeatureNetwork) -> np.ndarray:
    """Pooled features (N, D) of uint8 pictures; kept by the hash of pictures and network, damaged ones made again."""
    known = repr((pictures.shape, sorted(network.origin.items()))).encode()
    path = paths.cache("features", f"{hashlib.sha256(pictures.tobytes() + known).hexdigest()}.npy")
    try:
        kept: np.ndarray = np.load(path, allow_pickle=False)
        return kept
    except (OSError, ValueError, EOFError):
        found = fid.features(pictures, network)
    with atomic(path) as temporary:
        np.save(temporary, found)
    return found


def distances(profile: Profile, data: Mapping[str, Sets], made: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Frechet and kernel distance of every method to cartoons and to photographs, style by style.

    Args:
        data: :func:`sets_by_style`.
        made: method -> what it made of their inputs, uint8 (N, H, W, 3): :func:`stylised` of :func:`methods`.

    Returns:
        One row a (style, method, reference, metric, network): columns :data:`COLUMNS`. low and high enclose 90 % by the
        bootstrap of :mod:`wbclib.measure.resampling`, photographs and reference images drawn whole. ``spread``: of
        KID, the standard deviation of its subsets; else missing. The method :data:`FLOOR` stands for cartoons of the
        training split: how far cartoons of one style are from each other. The photographs' floor is the method
        ``photograph`` to photographs.
    """
    seen = features_by_network(profile, made)
    parts: list[pd.DataFrame] = []
    for style, there in data.items():
        for network, features_of in seen:
            found, name = of_style(profile, style, features_of), network.origin["network"]
            for to in REFERENCES:
                reference, groups = cached_features(getattr(there, to), network), there.reference_groups.get(to)
                for metric in (fid.metric_name(network.origin), "kid"):
                    part = rows(found, reference, metric, profile.measure, there.groups, groups)
                    parts.append(part.assign(style=style, to=to, metric=metric, network=name))
                    if there.others is not None:
                        other, own = cached_features(there.others, network), there.reference_groups["others"]
                        part = rows({FLOOR: other}, reference, metric, profile.measure, own, groups)
                        parts.append(part.assign(style=style, to=to, metric=metric, network=name))
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def features_by_network(
    profile: Profile, made: Mapping[str, np.ndarray]
) -> list[tuple[FeatureNetwork, dict[str, np.ndarray]]]:
    """Every measuring network with its features of every method's pictures."""
    found = []
    for network in networks(profile):
        shown = tqdm(made.items(), desc=f"features, {network.origin['network']}", unit="method")
        found.append((network, {method: cached_features(pictures, network) for method, pictures in shown}))
    return found


def rows(
    found: Mapping[str, np.ndarray],
    reference: np.ndarray,
    metric: str,
    measure: Measure,
    groups: np.ndarray,
    reference_groups: np.ndarray | None,
) -> pd.DataFrame:
    """One row a method: its distance to one reference by one metric, with its interval."""
    values, drawn = resampling.distances(
        found, reference, groups, metric, measure.bootstraps, measure.seed, reference_groups
    )
    rows = []
    for number, (method, features_of) in enumerate(found.items()):
        value, spread = float(values[number]), float("nan")
        if metric == "kid":
            value, spread = kid.kid(features_of, reference, measure.kid_subsets, measure.kid_subset_size, measure.seed)
        _, low, high = resampling.interval_of(value, drawn[:, number])
        low = low if metric == "kid" else max(0.0, low)
        rows.append((method, len(features_of), len(reference), value, low, high, spread))
    return pd.DataFrame(rows, columns=["method", "n_a", "n_b", "value", "low", "high", "spread"])


def stylised(table: Mapping[str, Stylise], photos: np.ndarray) -> dict[str, np.ndarray]:
    """Every method's version of the same photographs, uint8 (N, H, W, 3)."""
    return {name: method(photos) for name, method in tqdm(table.items(), desc="stylise", unit="method")}


def with_absent(table: pd.DataFrame) -> pd.DataFrame:
    """A distance table with one row more for each released generator whose weights are not here: ``note`` says so."""
    notes = comparators.absent()
    rows = pd.DataFrame({"method": list(notes), "note": list(notes.values())}).assign(style=str(table.loc[0, "style"]))
    return pd.concat([table.assign(note=""), rows], ignore_index=True)[[*COLUMNS, "note"]] if notes else table


def pictures_of(names: list[str], side: int) -> tuple[np.ndarray, list[str]]:
    """Bundled photographs by name as square crops, uint8 (N, side, side, 3), and their names."""
    corpus = photographs()
    index = {item.name.split(".")[0]: number for number, item in enumerate(corpus.items)}
    chosen = names or list(index)
    if unknown := [name for name in chosen if name not in index]:
        raise UserError(f"there is no bundled photograph {unknown[0]!r}; there are: {', '.join(index)}")
    return np.stack([images.square(corpus.image(index[name]), side) for name in chosen]), chosen
