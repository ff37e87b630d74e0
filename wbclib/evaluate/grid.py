"""The ablation of a profile: every variant of the full run, measured, compared with it, and put into words.

What a variant is stands in :mod:`wbclib.variants`. With several seeds intervals are over seeds (:mod:`wbclib.evaluate
.seeds`). With one seed they are over photographs, which says how these two runs differ on other photographs and nothing
of other runs; further full runs, with other seeds, then show how far runs differ by chance, and a difference has to be
larger than that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from wbclib.evaluate import ablation, comparison, effect, fid, kid, resampling, seeds
from wbclib.evaluate.comparison import REFERENCES, Sets
from wbclib.files import UserError, read_json
from wbclib.losses import TERMS
from wbclib.networks.features import FeatureNetwork
from wbclib.paths import record
from wbclib.profiles import Profile
from wbclib.train import trained
from wbclib.variants import FULL, Variant

KEYS = ["run", "changed", "seeds", "measure", "value", "low", "high", "difference", "diff_low", "diff_high"]
COLUMNS = [*KEYS, "effect_size", "share", "over", "n", "verdict"]

# What a term is there for, said before anything is measured: term -> (measure, what it becomes without the term).
EXPECTED: dict[str, tuple[tuple[str, str], ...]] = {
    "surface": (("high_frequency_energy", "higher"),),
    "texture": (("edge_strength", "lower"), ("line_density", "lower")),
    "structure": (("gradient_inside_regions", "higher"), ("number_of_colours", "higher")),
    "content": (("colour_shift", "higher"), ("edge_agreement", "lower")),
    "tv": (("high_frequency_energy", "higher"),),
    "initialisation": (("edge_agreement", "lower"),),
}


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


def table(profile: Profile, variants: Sequence[Variant], data: Sets, made: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Every measure of every variant, and its difference from the full run.

    Args:
        variants: the full one first (:func:`chosen`).
        data: what was stylised and what distances are taken to.
        made: run -> its outputs (:func:`outputs`).

    Returns:
        Columns :data:`COLUMNS`, a row a variant and measure. ``difference``: from the full run, ``effect_size``: over
        the spread between seeds, ``share``: over what the full run changes in the photograph; ``over``: what intervals
        of 90 % are over, and ``n`` how many of them. ``verdict``: ``higher``, ``lower`` or ``cannot tell``.
    """
    count = len(variants[0].runs)
    found = (_one_seed if count == 1 else _seeds)(profile, variants, data, made)
    changed = listing(profile, variants).set_index("run")["changed"]
    photograph = _values(profile, data, data.inputs)
    of_full = found[found["run"] == FULL].set_index("measure")["value"]
    again = [FULL, *(variant.name for variant in variants if variant.kind == "replicate")]
    fulls = found[found["run"].isin(again)].groupby("measure")["value"]
    by_chance = {measure: _by_chance(count, part.to_numpy()) for measure, part in fulls}
    shares, verdicts = [], []
    for row in found.itertuples():
        moved = of_full[row.measure] - photograph[row.measure]
        shares.append(row.difference / moved if moved else float("nan"))
        told = seeds.verdict(row.diff_low, row.diff_high, row.difference, by_chance[row.measure])
        verdicts.append("" if row.run in again else told)
    found = found.assign(changed=found["run"].map(changed), seeds=count, share=shares, verdict=verdicts)
    return found[COLUMNS]


def _by_chance(count: int, fulls: np.ndarray) -> float:
    """How far two runs may differ by chance: 0 where several seeds say it themselves, without limit if nothing does."""
    if count > 1:
        return 0.0
    return seeds.noise(fulls) if len(fulls) > 1 else float("inf")


def _one_seed(
    profile: Profile, variants: Sequence[Variant], data: Sets, made: Mapping[str, np.ndarray]
) -> pd.DataFrame:
    """Rows with intervals over photographs."""
    named = {variant.name: made[variant.runs[0]] for variant in variants}
    parts = [ablation.table(named, data.inputs, data.groups, FULL, dict.fromkeys(named, ""))]
    for network, features in comparison.features_by_network(profile, named):
        for to in REFERENCES:
            for metric in (fid.metric_name(network.origin), "kid"):
                part = _distances(profile, data, features, to, metric, network)
                parts.append(part.assign(measure=_distance(metric, network, to)))
    found = pd.concat(parts, ignore_index=True)
    order = {variant.name: place for place, variant in enumerate(variants)}
    found = found.sort_values("run", key=lambda names: names.map(order), kind="stable", ignore_index=True)
    return found.assign(effect_size=float("nan"), over="photographs", n=len(np.unique(data.groups)))


def _distances(
    profile: Profile, data: Sets, features: Mapping[str, np.ndarray], to: str, metric: str, network: FeatureNetwork
) -> pd.DataFrame:
    """One distance of every variant and its paired difference from the full run, photographs being drawn."""
    reference, groups = comparison.cached_features(getattr(data, to), network), data.reference_groups.get(to)
    bootstraps, seed = profile.measure.bootstraps, profile.measure.seed
    values, drawn = resampling.distances(features, reference, data.groups, metric, bootstraps, seed, groups)
    base = list(features).index(FULL)
    rows = []
    for i, run in enumerate(features):
        apart = resampling.interval_of(values[i] - values[base], drawn[:, i] - drawn[:, base])
        difference = (float("nan"),) * 3 if run == FULL else apart
        rows.append((run, *resampling.interval_of(values[i], drawn[:, i]), *difference))
    return pd.DataFrame(rows, columns=["run", *KEYS[4:]])


def _seeds(profile: Profile, variants: Sequence[Variant], data: Sets, made: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Rows with intervals over seeds."""
    rows = [
        (variant.name, seed, measure, value)
        for variant in variants
        for seed, run in enumerate(variant.runs)
        for measure, value in _values(profile, data, made[run]).items()
    ]
    values = pd.DataFrame(rows, columns=["run", "seed", "measure", "value"])
    found = seeds.table(values, FULL)
    return found.assign(over="seeds", n=found["seeds"])


def _values(profile: Profile, data: Sets, pictures: np.ndarray) -> dict[str, float]:
    """Every measure of pictures that were made from the photographs of a comparison."""
    means = effect.measured(pictures, data.inputs)[list(effect.UNITS)].mean().to_dict()
    for network in comparison.networks(profile):
        own, metric = comparison.cached_features(pictures, network), fid.metric_name(network.origin)
        for to in REFERENCES:
            reference = comparison.cached_features(getattr(data, to), network)
            means[_distance(metric, network, to)] = fid.frechet(own, reference)
            means[_distance("kid", network, to)] = kid.mmd2(own, reference)
    return {str(name): float(value) for name, value in means.items()}


def _distance(metric: str, network: FeatureNetwork, to: str) -> str:
    return f"{metric}_{network.origin['network']}_to_{to}"


def caption(profile: Profile, found: pd.DataFrame) -> str:
    """What the intervals of the table are, for its caption."""
    row = found.iloc[0]
    names = ", ".join(profile.measure.networks).replace("_", " ")
    over = f"{row['n']} seeds, differences paired by seed" if row["over"] == "seeds" else (
        f"{row['n']} photographs, one seed a version; a difference counts where it is also larger than full runs of "
        "other seeds differ"
    )  # fmt: skip
    return (
        f"Profile {profile.name}, {profile.measure.crops} crops of {profile.measure.size} px, measuring network "
        f"{names}; intervals of 90 percent over {over}. "
    )


def expectations(found: pd.DataFrame) -> pd.DataFrame:
    """What was said beforehand of every term that was dropped, and what came of it.

    Returns:
        term, measure, expected (without the term the measure is higher or lower), difference, diff_low, diff_high,
        outcome (``as expected``, ``the opposite``, ``cannot tell``). A term of which nothing was said has no rows.
    """
    rows = []
    for term, said in EXPECTED.items():
        for measure, direction in said:
            part = found[(found["run"] == f"no-{term}") & (found["measure"] == measure)]
            for row in part.itertuples():
                outcome = {direction: "as expected", "cannot tell": "cannot tell"}.get(row.verdict, "the opposite")
                rows.append((term, measure, direction, row.difference, row.diff_low, row.diff_high, outcome))
    names = ["term", "measure", "expected", "difference", "diff_low", "diff_high", "outcome"]
    return pd.DataFrame(rows, columns=names)


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


def said(profile: Profile) -> pd.DataFrame:
    """What is expected of every term of the full run, before it is measured: term, asks, without_it."""
    dropped = [variant.what for variant in chosen(profile, "drop") if variant.kind == "drop"]
    rows = []
    for name in dropped:
        asks = (
            TERMS[name].asks if name in TERMS else "a generator that knows the photograph when it meets discriminators"
        )
        without = "; ".join(f"{m.replace('_', ' ')} {word}" for m, word in EXPECTED.get(name, ()))
        rows.append((name, asks, without or "nothing was said"))
    return pd.DataFrame(rows, columns=["term", "asks", "without_it"])
