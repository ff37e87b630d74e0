"""Many styles in one network: what is shared and what is added, how near each style comes, and what lies between.

One network with residual adapters (method ``styles``) against one network for each style, on the same photographs,
after equally many steps of each style.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from torch import nn
from tqdm import tqdm

from wbclib import corpora, images
from wbclib.corpora.loader import crops
from wbclib.measure import fid, paired, resampling
from wbclib.networks import adapters
from wbclib.networks.adapters import Mix
from wbclib.options import Adapters, CorpusSpec, RunConfig
from wbclib.profiles import Profile
from wbclib.studies.common import comparison
from wbclib.studies.common.comparison import Sets
from wbclib.train import trained
from wbclib.train.loop import Trained, stylise

Drawn = dict[tuple[str, str], np.ndarray]  # (network, style) -> its pictures, uint8 (N, H, W, 3)


def runs(profile: Profile) -> dict[str, RunConfig]:
    """The runs of several styles in one network."""
    return {name: config for name, config in profile.runs.items() if len(config.styles) > 1}


def learnt(config: RunConfig) -> list[str]:
    """The styles that learn in a run."""
    return [config.adapters.train] if config.adapters.train else list(config.styles)


def own(profile: Profile, run: str, style: str) -> str | None:
    """The run that trains a network for one style alone as ``run`` trains it among others; None where there is none.

    It has the same options (adapters that are parallel add nothing to a network of one style), as many steps as the
    style has, and starts where the network of several styles did.
    """
    config = profile.run(run)
    learns = learnt(config)
    if style not in learns:
        return None
    start = profile.run(config.init).init if config.adapters.train else config.init
    wanted = dataclasses.replace(
        config, styles={style: config.styles[style]}, adapters=Adapters(), init=start, steps=config.steps // len(learns)
    )  # fmt: skip
    return next((name for name, other in profile.runs.items() if other.hash() == wanted.hash()), None)


def compared(profile: Profile) -> list[tuple[str, str]]:
    """Every (run of several styles, style) for which there is a network of the style's own."""
    pairs = ((run, style) for run, config in runs(profile).items() for style in config.styles)
    return [(run, style) for run, style in pairs if own(profile, run, style)]


def listed(profile: Profile) -> pd.DataFrame:
    """The runs of several styles: run, adapters, style, steps, learns, loss (weights), network_of_its_own (run)."""
    rows = []
    for run, config in runs(profile).items():
        loss = ", ".join(f"{term} {weight:g}" for term, weight in vars(config.weights).items() if weight)
        learns = config.adapters.train or "all"
        rows += [(run, config.adapters.kind, style, config.steps, learns, loss, own(profile, run, style))
                 for style in config.styles]  # fmt: skip
    return pd.DataFrame(rows, columns=["run", "adapters", "style", "steps", "learns", "loss", "network_of_its_own"])


def parameters(model: Trained) -> pd.DataFrame:
    """What a network of several styles shares, and what each style adds.

    Returns:
        network, styles, shared (parameters), each_style (parameters), share (of one style, in what one style needs).
    """
    rows = []
    for name, network in model.method.modules.items():
        if isinstance(network, nn.Module) and (styles := adapters.styles(network)):
            common = sum(value.numel() for value in adapters.shared(network))
            added = sum(value.numel() for value in adapters.own(network, styles[0]))
            rows.append((name, len(styles), common, added, added / (common + added)))
    return pd.DataFrame(rows, columns=["network", "styles", "shared", "each_style", "share"])


def stylised(model: Trained, photos: np.ndarray, mix: str | Mix | None) -> np.ndarray:
    """Photographs uint8 (N, H, W, 3) in a style, a mixture, or (None) by the shared network alone."""
    method = model.method
    return stylise(lambda x: method.stylise(x, mix), photos, method.fabric.device)  # type: ignore[call-arg]


def models(profile: Profile) -> dict[str, Trained]:
    """The runs of several styles and the networks of one that they are compared with, trained where they are not."""
    wanted = [name for run in runs(profile) for name in (run, *(own(profile, run, s) for s in profile.run(run).styles))]
    names = dict.fromkeys(name for name in wanted if name)
    return {name: trained(name, profile) for name in tqdm(names, desc="networks", unit="run")}


def drawn(profile: Profile, networks: Mapping[str, Trained], photos: np.ndarray) -> Drawn:
    """Every style by every network of several styles that has learnt it, and by the network of its own.

    Args:
        networks: :func:`models`.
        photos: uint8 (N, H, W, 3).
    """
    found: Drawn = {}
    for run, config in tqdm(runs(profile).items(), desc="styles", unit="run"):
        for style in learnt(config):
            found[run, style] = stylised(networks[run], photos, style)
            alone = own(profile, run, style)
            if alone and (alone, style) not in found:
                found[alone, style] = stylised(networks[alone], photos, style)
    return found


def cartoons(profile: Profile) -> dict[str, np.ndarray]:
    """Style -> crops of its cartoons for measuring, uint8 (N, size, size, 3), from the validation split."""
    specs: dict[str, CorpusSpec] = {}
    for config in runs(profile).values():
        specs |= config.styles
    measure = profile.measure
    return {
        style: crops(corpora.load(spec, "validation"), measure.crops, measure.size, measure.seed + 2)
        for style, spec in specs.items()
    }


def _features(profile: Profile, data: Sets, pictures: Drawn) -> dict[str, np.ndarray]:
    """NETWORK:STYLE -> features of its pictures for the first measuring network; the photographs' first."""
    network = comparison.networks(profile)[0]
    named = {("photograph", ""): data.inputs, **pictures}
    return {f"{run}:{style}": comparison.cached_features(made, network) for (run, style), made in named.items()}


def distances(profile: Profile, data: Sets, pictures: Drawn) -> pd.DataFrame:
    """Distance of every network's drawing in every style to the cartoons of every style.

    Over the first measuring network. Its intervals are bootstraps of photographs and cartoons
    (:mod:`wbclib.measure.resampling`).

    Returns:
        network (run; ``photograph`` for the photographs themselves), style (that is drawn), to (whose cartoons), value,
        low, high.
    """
    measure, network = profile.measure, comparison.networks(profile)[0]
    metric, features = fid.metric_name(network.origin), _features(profile, data, pictures)
    rows = []
    for to, reference in cartoons(profile).items():
        values, draws = resampling.distances(
            features, comparison.cached_features(reference, network), data.groups, metric, measure.bootstraps,
            measure.seed,
        )  # fmt: skip
        for number, (run, style) in enumerate([("photograph", ""), *pictures]):
            found = resampling.interval_of(values[number], draws[:, number])
            rows.append((run, style, to, found[0], max(0.0, found[1]), found[2]))
    return pd.DataFrame(rows, columns=["network", "style", "to", "value", "low", "high"])


def against_own(profile: Profile, data: Sets, pictures: Drawn) -> pd.DataFrame:
    """Is a style drawn by the network of several as near to its cartoons as by a network of its own?

    Returns:
        network (of several styles), own (run), style, photographs, difference (of the distances to the style's
        cartoons: below 0 the network of several is nearer), diff_low, diff_high (90 %), verdict.
    """
    measure, network = profile.measure, comparison.networks(profile)[0]
    features, references = _features(profile, data, pictures), cartoons(profile)
    rows = []
    for run, style in pictures:
        alone = own(profile, run, style) if run in runs(profile) else None
        if alone is None or (alone, style) not in pictures:
            continue
        # All drawings, though two are compared: their draws are those of :func:`distances`, which are kept.
        found = paired.paired_differences(
            features, comparison.cached_features(references[style], network), data.groups, network="", to="",
            metrics=[fid.metric_name(network.origin)], pairs=[(f"{run}:{style}", f"{alone}:{style}")],
            bootstraps=measure.bootstraps, seed=measure.seed,
        ).iloc[0]  # fmt: skip
        told = (found[key] for key in ("photographs", "difference", "diff_low", "diff_high", "verdict"))
        rows.append((run, alone, style, *told))
    columns = ["network", "own", "style", "photographs", "difference", "diff_low", "diff_high", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def told_apart(found: pd.DataFrame) -> pd.DataFrame:
    """Is each style nearest to its own cartoons? One row a drawing of :func:`distances`.

    Returns:
        network, style, own (distance to the style's cartoons), nearest (whose cartoons the drawing is nearest to),
        photograph (the photographs' distance to the style's cartoons).
    """
    plain = found[found["network"] == "photograph"].set_index("to")["value"]
    rows = []
    for (network, style), part in found[found["network"] != "photograph"].groupby(["network", "style"], sort=False):
        values = part.set_index("to")["value"]
        rows.append((network, style, values[str(style)], values.idxmin(), plain[str(style)]))
    return pd.DataFrame(rows, columns=["network", "style", "own", "nearest", "photograph"])


def between(
    profile: Profile, model: Trained, data: Sets, first: str, second: str, shares: Sequence[float]
) -> pd.DataFrame:
    """Distances to the cartoons of two styles while their adapters are mixed.

    Args:
        shares: of the second style, 0 to 1.

    Returns:
        share, to (style), value.
    """
    network, references = comparison.networks(profile)[0], cartoons(profile)
    rows = []
    for share in tqdm(shares, desc="mixtures", unit="mixture"):
        made = comparison.cached_features(stylised(model, data.inputs, mixture(first, second, share)), network)
        for to in (first, second):
            value = fid.frechet(made, comparison.cached_features(references[to], network))
            rows.append((share, to, value))
    return pd.DataFrame(rows, columns=["share", "to", "value"])


def mixture(first: str, second: str, share: float) -> dict[str, float]:
    """``share`` of the second style, the rest of the first."""
    return {first: 1 - share, second: share}


def unchanged(before: Trained, after: Trained, photos: np.ndarray) -> dict[str, bool]:
    """Style -> whether a run that has added a style draws it as the run did that it started from, bit for bit."""
    x, found = images.to_tensor(photos), {}
    for style in before.method.config.styles:
        made = (model.method.stylise(x.to(model.method.fabric.device), style) for model in (before, after))  # type: ignore[call-arg]
        found[style] = torch.equal(*made)
    return found


def untouched(third: Mapping[str, Mapping[str, bool]]) -> str:
    """:func:`unchanged` of every run that has added a style, as a sentence."""
    changed = [f"{style} by {run}" for run, found in third.items() for style, same in found.items() if not same]
    if not third:
        return "This profile adds no style to a finished network."
    if changed:
        return f"**Adding a style has changed {', '.join(changed)}, which must not be.**"
    return "Adding a style left the others as they were, bit for bit."
