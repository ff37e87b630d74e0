"""The comparison: every method on the same photographs, measured against the same cartoons and photographs.

Photographs that are stylised and cartoons that are measured against come from the validation split; the
reference photographs come from the training split. Where a corpus holds nothing back (``validation_percent:
0``) they are other crops of the same images, and the captions say so.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import torch
from tqdm.auto import tqdm

from wbclib import corpora, images, paths
from wbclib.corpora.loader import crops
from wbclib.evaluate import fid, kid
from wbclib.files import atomic
from wbclib.networks import features
from wbclib.profiles import Profile, RunConfig, load
from wbclib.represent.structure import structure
from wbclib.represent.surface import surface
from wbclib.represent.texture import colour_shift
from wbclib.train import trained
from wbclib.train.loop import stylise

COLUMNS = ["style", "method", "to", "metric", "network", "n_a", "n_b", "value", "low", "high"]
Stylise = Callable[[np.ndarray], np.ndarray]


def representations(config: RunConfig, seed: int = 0) -> dict[str, Stylise]:
    """The photograph and its three representations, each from uint8 (N, H, W, 3) to the same shape."""
    draw = torch.Generator().manual_seed(seed)
    return {
        "photograph": lambda photos: photos,
        "surface": lambda photos: stylise(lambda x: surface(x, config.surface), photos),
        "structure": lambda photos: stylise(lambda x: structure(x, config.structure), photos),
        "texture": lambda photos: stylise(
            lambda x: colour_shift(x, config.texture, draw).expand(-1, 3, -1, -1), photos, batch=1
        ),
    }


def methods(profile: Profile) -> dict[str, Stylise]:
    """Every method of the table; trained ones are trained first where they are not finished."""
    table = representations(profile.run("whitebox"))
    for name in profile.runs:
        table["pretrained" if name == "pretrain" else name] = trained(name, profile)
    return table


@dataclasses.dataclass(frozen=True)
class Sets:
    """The fixed crops of a comparison, uint8 (N, size, size, 3)."""

    style: str
    inputs: np.ndarray  # photographs that every method stylises
    photographs: np.ndarray  # reference photographs
    cartoons: np.ndarray  # reference cartoons
    held_out: bool  # whether training saw none of inputs and cartoons


def sets(profile: Profile) -> Sets:
    """Crops of a profile's corpora, the same in every process."""
    config, measure = profile.run("whitebox"), profile.measure
    photos, cartoons = corpora.load(config.photos, "validation"), corpora.load(config.cartoons, "validation")
    return Sets(
        style=cartoons.name,
        inputs=crops(photos, measure.crops, measure.size, measure.seed),
        photographs=crops(corpora.load(config.photos, "train"), measure.crops, measure.size, measure.seed + 1),
        cartoons=crops(cartoons, measure.crops, measure.size, measure.seed + 2),
        held_out=bool(config.photos.validation_percent and config.cartoons.validation_percent),
    )


def cached_features(pictures: np.ndarray, network: Any) -> np.ndarray:
    """Pooled features (N, D) of uint8 pictures; kept by the hash of pictures and weights."""
    key = hashlib.sha256(
        pictures.tobytes() + repr((pictures.shape, sorted(network.origin.items()))).encode()
    ).hexdigest()
    path = paths.cache("features", f"{key}.npy")
    if path.is_file():
        kept: np.ndarray = np.load(path, allow_pickle=False)
        return kept
    found = fid.features(pictures, network)
    with atomic(path) as temporary:
        np.save(temporary, found)
    return found


def metric_name(network: Any) -> str:
    """``fid`` for the FID Inception network, ``frechet`` for any other: only the first may be called FID."""
    return "fid" if network.origin["network"] == "inception" and network.origin["pretrained"] else "frechet"


def distances(profile: Profile | str, table: dict[str, Stylise] | None = None) -> pd.DataFrame:
    """Frechet and kernel distance of every method to cartoons and to photographs.

    Returns:
        One row a (method, reference, metric, network): columns :data:`COLUMNS`; low and high enclose 90 %
        (Frechet: bootstrap standard error; KID: spread over subsets).
    """
    profile = load(profile) if isinstance(profile, str) else profile
    measure, data = profile.measure, sets(profile)
    outputs = {name: method(data.inputs) for name, method in (table or methods(profile)).items()}
    rows: list[dict[str, Any]] = []
    for network_name in measure.networks:
        network = features.load(network_name, downloads=profile.downloads)
        references = {to: cached_features(getattr(data, to), network) for to in ("cartoons", "photographs")}
        for method, pictures in tqdm(outputs.items(), desc=f"distances, {network_name}", unit="method"):
            found = cached_features(pictures, network)
            for to, reference in references.items():
                head = {"style": data.style, "method": method, "to": to, "network": network_name,
                        "n_a": len(found), "n_b": len(reference)}  # fmt: skip
                value, low, high = fid.frechet_interval(found, reference, measure.bootstraps, measure.seed)
                rows.append(head | {"metric": metric_name(network), "value": value, "low": low, "high": high})
                mean, std = kid.kid(found, reference, measure.kid_subsets, measure.kid_subset_size, measure.seed)
                rows.append(
                    head | {"metric": "kid", "value": mean, "low": mean - 1.645 * std, "high": mean + 1.645 * std}
                )
    return pd.DataFrame(rows)[COLUMNS]


def caption(profile: Profile, data: Sets, origins: list[dict[str, Any]]) -> str:
    """Caption of a distance table: what was measured, on what, with which network."""
    measure = profile.measure
    networks = "; ".join(
        f"{o['network']} ({'ImageNet weights' if o['pretrained'] else 'seeded random weights'}, {o['layer']})"
        for o in origins
    )
    trained_with = profile.run("whitebox").features
    return (
        f"Distances of {measure.crops} crops of {measure.size} px to as many crops of {data.style} cartoons and of photographs, "
        f"profile {profile.name}, one seed. Measuring network: {networks}; training used {trained_with}. "
        + ("Photographs and cartoons were held out of training. " if data.held_out else
           "The images are those of training, in other crops. ")
        + "Frechet: value and 90 % interval from the bootstrap's standard error, biased upwards at this N; "
        f"KID: mean and 90 % spread of {measure.kid_subsets} subsets of {measure.kid_subset_size}."
    )  # fmt: skip


def pictures_of(names: list[str], side: int) -> tuple[np.ndarray, list[str]]:
    """Bundled photographs by name as square crops, uint8 (N, side, side, 3), and their names."""
    corpus = corpora.bundled.photographs()
    index = {item.name.split(".")[0]: number for number, item in enumerate(corpus.items)}
    chosen = names or list(index)
    return np.stack([images.square(corpus.image(index[name]), side) for name in chosen]), chosen
