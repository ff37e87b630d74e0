"""The ablation of a profile: every variant of the full run, measured, compared with it, and put into words.

What a variant is stands in :mod:`wbclib.variants`. With several seeds intervals are over seeds
(:mod:`wbclib.measure.seeds`). With one seed they are over photographs, which says how these two runs differ on other
photographs and nothing of other runs, so that no verdict follows; further full runs, with other seeds, show how far
equal runs differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from wbclib.files import UserError, read_json
from wbclib.measure import effect, fid, kid, resampling, seeds, verdicts
from wbclib.networks.features import FeatureNetwork
from wbclib.paths import record
from wbclib.profiles import Profile
from wbclib.studies.common import ablation, comparison, protocol
from wbclib.studies.common.comparison import REFERENCES, Sets
from wbclib.train import trained
from wbclib.variants import FULL, Variant

KEYS = ["run", "changed", "seeds", "measure", "value", "low", "high", "difference", "diff_low", "diff_high"]
COLUMNS = [*KEYS, "effect_size", "share", "over", "n", "by_chance", "verdict"]


def chosen(profile: Profile, *kinds: str) -> list[Variant]:
    """The full run and the variants of these kinds.

    Raises:
        UserError: the profile has no ablation.
    """
    if not profile.ablation:
        raise UserError(f"profile {profile.name} has no ablation: give it an `ablation` block, as quick.yaml has one")
    return [variant for variant in profile.ablation if variant.kind in ("full", *kinds)]


def outputs(profile: Profile, variants: Sequence[Variant], photos: np.ndarray) -> dict[str, np.ndarray]:
    """Every run of the variants on the same photographs, uint8 (N, H, W, 3); trains what is missing."""
    names = [run for variant in variants for run in variant.runs]
    return {name: trained(name, profile)(photos) for name in tqdm(names, desc="stylise", unit="run")}


def measure_variants(
    profile: Profile,
    variants: Sequence[Variant],
    data: Sets,
    made: Mapping[str, np.ndarray],
    distances: bool = True,
    crops: Mapping[str, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Every measure of every variant, and its difference from the full run.

    Args:
        variants: the full one first (:func:`chosen`).
        data: what was stylised and what distances are taken to.
        made: run -> its outputs (:func:`outputs`).
        distances: whether distances to cartoons and photographs are among the measures.
        crops: :func:`measure_crops`, where they are measured already.

    Returns:
        Columns :data:`COLUMNS`, a row a variant and measure. ``difference``: from the full run, ``effect_size``: over
        the spread between seeds, ``share``: over what the full run changes in the photograph; ``over``: what intervals
        of 90 % are over, and ``n`` how many of them; ``by_chance``: how far the means of as many runs of two equal
        versions may differ, from the full runs. ``verdict``: ``higher``, ``lower`` or ``cannot tell``, each difference
        asked alone (:func:`wbclib.measure.verdicts.direction`): of trainings with one seed, and of trainings whose
        seeds share another initialisation than the full run's, nothing can be told.
    """
    names = [run for variant in variants for run in variant.runs]
    crops = measure_crops(variants, data, made) if crops is None else crops
    networks = comparison.networks(profile) if distances else []
    values = {run: _values(networks, data, made[run], crops[run]) for run in names}
    several = [variant for variant in variants if len(variant.runs) > 1]
    heads = {v.name: v.runs[0] for v in variants if len(v.runs) == 1 or v.name == FULL}
    parts = [_over_seeds(several, values)] if several else []
    if len(heads) > 1 or not several:
        rows = _over_photographs(profile, networks, heads, data, made, crops)
        parts.append(rows[~rows["run"].isin([variant.name for variant in several])])
    found = pd.concat(parts, ignore_index=True)
    order = {variant.name: place for place, variant in enumerate(variants)}
    found = found.sort_values("run", key=lambda column: column.map(order), kind="stable", ignore_index=True)
    return _judged(found, profile, variants, values, _values(networks, data, data.inputs))


def _judged(
    found: pd.DataFrame,
    profile: Profile,
    variants: Sequence[Variant],
    values: Mapping[str, Mapping[str, float]],
    photograph: Mapping[str, float],
) -> pd.DataFrame:
    """The rows with what was changed, shares, how far equal runs differ, and verdicts."""
    again = {variant.name: variant.runs for variant in variants if variant.kind in ("full", "replicate")}
    unknown = {variant.name for variant in variants if variant.other_start}
    shares, chances, told = [], [], []
    for row in found.to_dict("records"):
        fulls = np.array([values[run][row["measure"]] for runs in again.values() for run in runs])
        moved = fulls[: len(again[FULL])].mean() - photograph[row["measure"]]
        shares.append(row["difference"] / moved if moved else float("nan"))
        chances.append(seeds.noise(fulls) / np.sqrt(row["seeds"]) if len(fulls) > 1 else float("nan"))
        # With several seeds the interval holds what another seed changes; with one run of each nothing does.
        chance = 0.0 if row["seeds"] > 1 and row["run"] not in unknown else verdicts.UNKNOWN
        apart = (row["measure"], row["difference"], row["diff_low"], row["diff_high"], row["n"], row["over"])
        effect_of = verdicts.of_interval(*apart, student=row["over"] == "seeds", chance=chance)
        told.append("" if row["run"] in again else verdicts.direction(effect_of))
    changed = listing(profile, variants).set_index("run")["changed"]
    found = found.assign(changed=found["run"].map(changed), share=shares, by_chance=chances, verdict=told)
    return found[COLUMNS]


def measure_crops(variants: Sequence[Variant], data: Sets, made: Mapping[str, np.ndarray]) -> dict[str, pd.DataFrame]:
    """Every measure of every crop but the distances: run -> a row a crop (:func:`wbclib.measure.effect.measured`).

    Args:
        data, made: as of :func:`measure_variants`.
    """
    names = [run for variant in variants for run in variant.runs]
    return {run: effect.measured(made[run], data.inputs) for run in tqdm(names, desc="measure", unit="run")}


def by_seed(variants: Sequence[Variant], crops: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Means of :func:`measure_crops`, a row a run and measure: run (the variant), seed (its place), measure, value."""
    return _long(variants, {run: found[list(effect.UNITS)].mean().to_dict() for run, found in crops.items()})


def _long(variants: Sequence[Variant], values: Mapping[str, Mapping[Any, float]]) -> pd.DataFrame:
    rows = [
        (variant.name, seed, measure, value)
        for variant in variants
        for seed, run in enumerate(variant.runs)
        for measure, value in values[run].items()
    ]
    return pd.DataFrame(rows, columns=["run", "seed", "measure", "value"])


def _over_seeds(variants: Sequence[Variant], values: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """Rows of variants with several runs, intervals over seeds."""
    found = seeds.compare_over_seeds(_long(variants, values), FULL)
    return found.assign(over="seeds", n=found["seeds"])


def _over_photographs(
    profile: Profile,
    networks: Sequence[FeatureNetwork],
    heads: Mapping[str, str],
    data: Sets,
    made: Mapping[str, np.ndarray],
    crops: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """Rows of one run of each variant (``heads``: variant -> run), intervals over photographs."""
    own, rows = crops[heads[FULL]], []
    for name, run in heads.items():
        for measure in effect.UNITS:
            value = effect.clustered_interval(crops[run][measure].to_numpy(), data.groups)
            apart = effect.clustered_interval((crops[run][measure] - own[measure]).to_numpy(), data.groups)
            rows.append((name, measure, *value, *(apart if name != FULL else (float("nan"),) * 3)))
    for network in networks:
        features = {name: comparison.cached_features(made[run], network) for name, run in heads.items()}
        for to in REFERENCES:
            for metric in (fid.metric_name(network.origin), "kid"):
                rows += _distances(profile, data, features, to, metric, network)
    found = pd.DataFrame(rows, columns=["run", *KEYS[3:]])
    return found.assign(effect_size=float("nan"), over="photographs", n=len(np.unique(data.groups)), seeds=1)


def _distances(
    profile: Profile,
    data: Sets,
    features: Mapping[str, np.ndarray],
    to: str,
    metric: str,
    network: FeatureNetwork,
) -> list[tuple[Any, ...]]:
    """Rows of one distance of every variant and its paired difference from the full run, photographs being drawn."""
    reference, groups = comparison.cached_features(getattr(data, to), network), data.reference_groups.get(to)
    bootstraps, seed = profile.measure.bootstraps, profile.measure.seed
    values, drawn = resampling.distances(features, reference, data.groups, metric, bootstraps, seed, groups)
    first = list(features).index(FULL)
    rows = []
    for i, run in enumerate(features):
        apart = resampling.interval_of(values[i] - values[first], drawn[:, i] - drawn[:, first])
        difference = (float("nan"),) * 3 if run == FULL else apart
        interval = resampling.interval_of(values[i], drawn[:, i])
        rows.append((run, _distance(metric, network, to), *interval, *difference))
    return rows


def _values(
    networks: Sequence[FeatureNetwork], data: Sets, pictures: np.ndarray, crops: pd.DataFrame | None = None
) -> dict[str, float]:
    """Every measure of pictures that were made from the photographs of a comparison; ``crops``: measured already."""
    crops = effect.measured(pictures, data.inputs) if crops is None else crops
    means = crops[list(effect.UNITS)].mean().to_dict()
    for network in networks:
        own, metric = comparison.cached_features(pictures, network), fid.metric_name(network.origin)
        for to in REFERENCES:
            reference = comparison.cached_features(getattr(data, to), network)
            means[_distance(metric, network, to)] = fid.frechet(own, reference)
            means[_distance("kid", network, to)] = kid.mmd2(own, reference)
    return {str(name): float(value) for name, value in means.items()}


def _distance(metric: str, network: FeatureNetwork, to: str) -> str:
    return f"{metric}_{network.origin['network']}_to_{to}"


def caption(profile: Profile, found: pd.DataFrame) -> str:
    """What was measured, and what the intervals of the table are, for its caption."""
    full, told = found[found["run"] == FULL], found[found["run"] != FULL]
    ways = {
        "seeds": "{} seeds, differences paired by seed",
        "photographs": "{} photographs, one seed a version, which says nothing of other trainings: no verdict",
    }
    parts = [ways[str(way)].format(part["n"].iloc[0]) for way, part in told.groupby("over", sort=False)]
    over = "; intervals of 90 percent over " + "; for the others ".join(parts) if parts else ""
    if set(full["over"]) == {"seeds"} and "photographs" in set(told["over"]):
        first = "; the full value is a mean of {} seeds, single runs are compared with its first"
        over += first.format(full["seeds"].iloc[0])
    names = ", ".join(profile.measure.networks).replace("_", " ")
    full_runs = chosen(profile)[0].runs
    trained_with = profile.run(full_runs[0]).features.replace("_", " ")
    return (
        f"Profile {profile.name}, {profile.measure.crops} crops of {profile.measure.size} px, measuring network "
        f"{names}, perceptual network of the full run {trained_with}{over}. Trained on "
        f"{protocol.training(profile, full_runs)}. All seeds share one initialisation. "
    )


def differences(found: pd.DataFrame, measures: Sequence[str]) -> pd.DataFrame:
    """Differences from the full run, for a picture: run, measure, value, low, high; measures in the order given."""
    names = {"difference": "value", "diff_low": "low", "diff_high": "high"}
    rows = found[(found["run"] != FULL) & found["measure"].isin(measures)]
    rows = rows[["run", "measure", *names]].rename(columns=names)
    return rows.sort_values("measure", key=lambda column: column.map(measures.index), kind="stable", ignore_index=True)


def clear(found: pd.DataFrame, run: str) -> str:
    """What a variant clearly changes, in words."""
    rows = found[(found["run"] == run) & found["verdict"].isin(["higher", "lower"])]
    parts = [f"{str(row.measure).replace('_', ' ')} {row.verdict}" for row in rows.itertuples()]
    return ", ".join(parts) or "nothing that can be told"


def costs(profile: Profile, variants: Sequence[Variant]) -> pd.DataFrame:
    """What the runs took, from their records: run, seeds, steps, seconds (all seeds), seconds_per_step, device."""
    rows = []
    for variant in variants:
        found = [read_json(record(profile.name, run)) for run in variant.runs]
        seconds, steps = sum(r["wall_time_s"] for r in found), sum(r["steps"] for r in found)
        rows.append((variant.name, len(found), found[0]["steps"], seconds, seconds / steps, found[0]["device"]["name"]))
    return pd.DataFrame(rows, columns=["run", "seeds", "steps", "seconds", "seconds_per_step", "device"])


def listing(profile: Profile, variants: Sequence[Variant]) -> pd.DataFrame:
    """Every variant in words: run, kind, changed (options of the full run), seeds."""
    base = profile.run(variants[0].runs[0])
    rows = [
        (v.name, v.kind, ablation.changed(base, profile.run(v.runs[0])) if v.kind != "full" else "", len(v.runs))
        for v in variants
    ]
    return pd.DataFrame(rows, columns=["run", "kind", "changed", "seeds"])
