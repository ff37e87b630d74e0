"""The comparison: every method on the same photographs, measured against the same cartoons and photographs.

Photographs that are stylised and cartoons that are measured against come from the validation split; the
reference photographs come from the training split. Where a corpus holds nothing back (``validation_percent:
0``) they are other crops of the same images, and the captions say so.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from tqdm.auto import tqdm

from wbclib import corpora, images, paths
from wbclib.corpora.bundled import photographs
from wbclib.corpora.loader import crops
from wbclib.evaluate import comparators, fid, kid, resampling
from wbclib.files import UserError, atomic
from wbclib.networks import features
from wbclib.networks.features import FeatureNetwork
from wbclib.options import Measure, RunConfig
from wbclib.profiles import Profile, load
from wbclib.represent.structure import structure
from wbclib.represent.surface import surface
from wbclib.represent.texture import colour_shift
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
    table = representations(profile.run("whitebox")) | comparators.classical()
    for name in profile.comparison or profile.runs:
        table["pretrained" if name == "pretrain" else name] = trained(name, profile)
    return table | comparators.released()


@dataclasses.dataclass(frozen=True)
class Sets:
    """The fixed crops of a comparison, uint8 (N, size, size, 3)."""

    style: str
    inputs: np.ndarray  # photographs that every method stylises
    photographs: np.ndarray  # reference photographs
    cartoons: np.ndarray  # reference cartoons
    held_out: bool  # whether training saw none of inputs and cartoons
    groups: np.ndarray  # (N,) which photograph each of the inputs was cut from
    distinct: dict[str, int]  # how many different images the crops of each set were cut from
    reference_groups: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)  # the same for the references


def sets(profile: Profile) -> Sets:
    """Crops of a profile's corpora, the same in every process."""
    config, measure = profile.run("whitebox"), profile.measure
    n = measure.crops
    found = {
        "inputs": corpora.load(config.photos, "validation"),
        "photographs": corpora.load(config.photos, "train"),
        "cartoons": corpora.load(config.cartoons, "validation"),
    }
    cut = {name: crops(corpus, n, measure.size, measure.seed + i) for i, (name, corpus) in enumerate(found.items())}
    cut_from = {
        name: np.array([corpus.items[k % len(corpus)].group for k in range(n)]) for name, corpus in found.items()
    }
    return Sets(
        style=found["cartoons"].name,
        **cut,
        held_out=bool(config.photos.validation_percent and config.cartoons.validation_percent),
        groups=cut_from["inputs"],
        distinct={name: min(n, len(corpus)) for name, corpus in found.items()},
        reference_groups={name: cut_from[name] for name in ("cartoons", "photographs")},
    )


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


def distances(profile: Profile | str, outputs: Mapping[str, np.ndarray] | None = None) -> pd.DataFrame:
    """Frechet and kernel distance of every method to cartoons and to photographs.

    Args:
        outputs: method -> what it made of the inputs of :func:`sets`, uint8 (N, H, W, 3); by default :func:`stylised`.

    Returns:
        One row a (method, reference, metric, network): columns :data:`COLUMNS`. low and high enclose 90 % by the
        bootstrap of :mod:`wbclib.evaluate.resampling`, photographs and reference images drawn whole. ``spread``: of
        KID, the standard deviation of its subsets; else missing.
    """
    profile = load(profile) if isinstance(profile, str) else profile
    data = sets(profile)
    made = outputs if outputs is not None else stylised(methods(profile), data.inputs)
    parts: list[pd.DataFrame] = []
    for network in networks(profile):
        name = network.origin["network"]
        shown = tqdm(made.items(), desc=f"features, {name}", unit="method")
        found = {method: cached_features(pictures, network) for method, pictures in shown}
        for to in REFERENCES:
            reference = cached_features(getattr(data, to), network)
            for metric in (fid.metric_name(network.origin), "kid"):
                part = _rows(found, reference, metric, profile.measure, data.groups, data.reference_groups.get(to))
                parts.append(part.assign(style=data.style, to=to, metric=metric, network=name))
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def _rows(
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


def caption(profile: Profile, data: Sets, origins: Sequence[Mapping[str, Any]]) -> str:
    """Caption of a distance table: what was measured, on what, with which network."""
    measure, n = profile.measure, data.distinct
    kinds = ("seeded random weights", "ImageNet weights")
    measuring = "; ".join(f"{o['network']} ({kinds[o['pretrained']]}; pooled: {o['pooled']})" for o in origins)
    text = (
        f"Distances of {len(data.inputs)} crops of {measure.size} px (from {n['inputs']} images) to as many of "
        f"{data.style} cartoons ({n['cartoons']} images) and of photographs ({n['photographs']} images); profile "
        f"{profile.name}, one seed. Measuring network: {measuring}; training used {profile.run('whitebox').features}. "
        f"{held(data)} Intervals of 90 percent: {measure.bootstraps} bootstraps of photographs and reference images, "
        f"each with all of its crops. Frechet: biased upwards at this N. KID: mean of {measure.kid_subsets} subsets of "
        f"{measure.kid_subset_size}, their standard deviation beside it as spread."
    )
    return text.replace("_", " ")  # an underscore in a caption stops TeX


def held(data: Sets) -> str:
    """Whether what is measured was seen in training, as a sentence."""
    if data.held_out:
        return "Stylised photographs and cartoons were held out of training."
    return "The images are those of training, in other crops."


def warning(origins: Sequence[Mapping[str, Any]]) -> str:
    """What the measuring networks allow to be said, as Markdown."""
    names = {kind: [o["network"] for o in origins if o["pretrained"] == kind] for kind in (False, True)}
    inception = [name for name in names[True] if name == "inception"]
    text = ""
    if names[False]:
        text += (
            f"**Warning: {' and '.join(names[False])} has seeded random weights.** It responds to colours, edges and "
            "local texture, not to what an image shows. These distances rank methods within this study and mean "
            "nothing outside it. "
        )
    if others := [name for name in names[True] if name != "inception"]:
        text += f"{' and '.join(others)} was trained on ImageNet and knows objects and textures. "
    if inception:
        return text + "The distance over the FID Inception network is the FID."
    return text + "**None of these numbers is an FID**: that name belongs to the FID Inception network alone."


def protocol(profile: Profile, data: Sets, origins: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Everything that a distance depends on, for readers: columns item, value."""
    measure, config, n = profile.measure, profile.run("whitebox"), data.distinct
    weights = ("drawn at random", "trained on ImageNet")
    rows = {
        "photographs that are stylised": f"{len(data.inputs)} crops of {n['inputs']} images ({config.photos.kind})",
        "reference photographs": f"{len(data.photographs)} other crops of {n['photographs']} images",
        "reference cartoons": f"{len(data.cartoons)} crops of {n['cartoons']} images ({data.style})",
        "seen in training": held(data),
        "crop": f"side between half and the whole of the short side, seeds {measure.seed} to {measure.seed + 2}",
        "size and resize filter": f"{measure.size} px; area average when shrinking, cubic when growing (OpenCV)",
        "colour and file format": "sRGB, uint8, straight from memory: no JPEG between method and metric",
        **{
            f"{o['network']}{what}": value
            for o in origins
            for what, value in (
                (", features", o["pooled"]),
                (", weights", f"{weights[o['pretrained']]}, sha256 {o['sha256'][:12]}"),
            )
        },
        "network that trained": config.features,
        "intervals": f"90 %, {measure.bootstraps} bootstraps of {len(set(data.groups))} photographs and of the "
        "reference images, each with all of its crops; the value -+ 1.645 standard deviations",
        "KID": f"kernel (x.y / D + 1)^3; mean of {measure.kid_subsets} subsets of {measure.kid_subset_size}; paired "
        "differences take all images at once",
        "input of the networks": "the crop as it is; the FID Inception enlarges to 299 px",
    }  # fmt: skip
    return pd.DataFrame({"item": list(rows), "value": list(rows.values())})


def pictures_of(names: list[str], side: int) -> tuple[np.ndarray, list[str]]:
    """Bundled photographs by name as square crops, uint8 (N, side, side, 3), and their names."""
    corpus = photographs()
    index = {item.name.split(".")[0]: number for number, item in enumerate(corpus.items)}
    chosen = names or list(index)
    if unknown := [name for name in chosen if name not in index]:
        raise UserError(f"there is no bundled photograph {unknown[0]!r}; there are: {', '.join(index)}")
    return np.stack([images.square(corpus.image(index[name]), side) for name in chosen]), chosen
