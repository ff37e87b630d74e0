"""Which start helps the GAN? One run from several initialisations, and its distance to cartoons step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from tqdm import tqdm

from wbclib.measure import content, fid, seeds
from wbclib.profiles import Profile
from wbclib.studies.common import comparison
from wbclib.studies.common.comparison import Sets
from wbclib.train import trail, trained
from wbclib.variants import FULL, Variant

MEASURES = ("distance", "edge_agreement")


def starts(profile: Profile) -> dict[str, Variant]:
    """Name of the start -> the ablation's variant that differs from the full one in its start alone; that one first.

    The full run's own start has the names of its loss terms. Left out are variants whose runs have not kept their
    generators on the way, from the first to the last step (``trail_every``), or left them where they were trained.
    """
    found: dict[str, Variant] = {}
    for variant in profile.ablation:
        config = profile.run(variant.runs[0])
        if not all({0, config.steps} <= trail.kept(profile.name, run).keys() for run in variant.runs):
            continue
        if variant.name == FULL:
            weights = profile.run(config.init).weights if config.init else None
            terms = [name for name, weight in vars(weights).items() if weight] if weights else ["none"]
            found[" and ".join(terms)] = variant
        elif variant.start:
            found[variant.setting] = variant
        elif variant.what == "initialisation":
            found["none"] = variant
    return found


def over_steps(profile: Profile, chosen: Mapping[str, Variant], data: Sets) -> pd.DataFrame:
    """Every generator that the runs have kept on their way, on the same photographs.

    Args:
        chosen: :func:`starts`.
        data: what is stylised, and the cartoons.

    Returns:
        start, run, seed, step (0: as it starts), measure, value: ``distance`` is the Frechet distance to the cartoons
        over the first measuring network, ``edge_agreement`` the correlation of gradients with the photograph's.
    """
    network = comparison.networks(profile)[0]
    cartoons = comparison.cached_features(data.cartoons, network)
    runs = [(name, run) for name, variant in chosen.items() for run in variant.runs]
    rows = []
    for name, run in tqdm(runs, desc="distances on the way", unit="run"):
        model = trained(run, profile)
        for step, path in trail.kept(profile.name, run).items():
            model.method.modules["generator"].load_state_dict(trail.read(path))
            outputs = model(data.inputs)
            agreement = [content.edge_agreement(a, b) for a, b in zip(data.inputs, outputs, strict=True)]
            found = (fid.frechet(fid.features(outputs, network), cartoons), float(np.mean(agreement)))
            seed = profile.run(run).seed
            rows += [(name, run, seed, step, measure, value) for measure, value in zip(MEASURES, found, strict=True)]
    return pd.DataFrame(rows, columns=["start", "run", "seed", "step", "measure", "value"])


def means(found: pd.DataFrame) -> pd.DataFrame:
    """Mean over seeds, its 90 % interval (Student's; none with one seed): start, step, measure, value, low, high."""
    rows = []
    for (start, measure, step), part in found.groupby(["start", "measure", "step"], sort=False):
        rows.append((start, step, measure, *seeds.student(part["value"].to_numpy())))
    return pd.DataFrame(rows, columns=["start", "step", "measure", "value", "low", "high"])


def compare_starts(found: pd.DataFrame) -> pd.DataFrame:
    """Which start is the better one, at the same steps with the same seeds.

    Args:
        found: :func:`over_steps`.

    Returns:
        start, seeds, at_start, final (mean distances), difference (of the final distance from that of the first start,
        paired by seed), low, high (90 %), reached (the step at which the mean distance first comes to ``target``, on a
        straight line between kept steps; NaN: never), target (the final distance of the first start). There is no
        verdict: all seeds of a start share one initialisation, so that there is one replicate of each.
    """
    part = found[found["measure"] == "distance"]
    wide = part.pivot(index=["start", "seed"], columns="step", values="value")
    names = list(dict.fromkeys(part["start"]))
    curves = {name: wide.loc[name] for name in names}
    target = float(curves[names[0]].iloc[:, -1].mean()) if names else float("nan")
    rows = []
    for name, curve in curves.items():
        mean = curve.mean()
        difference, low, high = (float("nan"),) * 3
        if name != names[0]:
            apart = (curve.iloc[:, -1] - curves[names[0]].iloc[:, -1]).dropna().to_numpy()
            difference, low, high = seeds.student(apart)
        reached = _reached(mean.index.to_numpy(float), mean.to_numpy(), target)
        rows.append((name, len(curve), mean.iloc[0], mean.iloc[-1], difference, low, high, reached, target))
    columns = ["start", "seeds", "at_start", "final", "difference", "low", "high", "reached", "target"]
    return pd.DataFrame(rows, columns=columns)


def sentences(compared: pd.DataFrame) -> list[str]:
    """:func:`compare_starts` in words, a start each."""
    found = []
    for row in compared.to_dict("records"):
        came = "never reached" if np.isnan(row["reached"]) else f"reached at step {row['reached']:.0f}"
        apart = "the full run" if np.isnan(row["difference"]) else f"{row['difference']:+.3g}"
        found.append(f"Started by {row['start']}: {row['final']:.3g} at the end ({apart}), target {came}.")
    return found


def _reached(steps: np.ndarray, values: Sequence[float] | np.ndarray, target: float) -> float:
    """The first step at which a curve is down at ``target``; NaN where it never is."""
    below = np.flatnonzero(np.asarray(values) <= target * (1 + 1e-9))
    if not below.size:
        return float("nan")
    last = int(below[0])
    if last == 0:
        return float(steps[0])
    share = (values[last - 1] - target) / (values[last - 1] - values[last])
    return float(steps[last - 1] + share * (steps[last] - steps[last - 1]))
