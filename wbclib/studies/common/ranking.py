"""Who is nearer, across the whole comparison: paired differences, a column a way to measure, what may be bold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from wbclib.measure import effect, fid, lpips, paired
from wbclib.measure.content import colour_shift, edge_agreement
from wbclib.networks.weights import MissingWeights
from wbclib.profiles import Profile
from wbclib.studies.common import comparison
from wbclib.studies.common.comparison import REFERENCES, Sets


def differences(profile: Profile, data: Mapping[str, Sets], made: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Paired differences of every two methods, to both references, by every network and metric, style by style.

    Args:
        data: the sets of every style, which ``made`` was made from.
        made: method -> its version of their inputs, uint8 (N, H, W, 3).

    Returns:
        Column style, then :data:`wbclib.measure.paired.COLUMNS`. Photographs and reference images are drawn whole,
        with all of their crops.
    """
    parts = []
    seen = comparison.features_by_network(profile, made)
    places = list(product(data.items(), seen, REFERENCES))
    for (style, there), (network, features_of), to in tqdm(places, desc="paired", unit="table"):
        found = paired.paired_differences(
            comparison.of_style(profile, style, features_of),
            comparison.cached_features(getattr(there, to), network),
            there.groups,
            network=network.origin["network"],
            to=to,
            metrics=(fid.metric_name(network.origin), "kid"),
            bootstraps=profile.measure.bootstraps,
            seed=profile.measure.seed,
            reference_groups=there.reference_groups.get(to),
        )
        parts.append(found.assign(style=style))
    return pd.concat(parts, ignore_index=True)[["style", *paired.COLUMNS]]


def of(table: pd.DataFrame, methods: Sequence[str]) -> pd.DataFrame:
    """The rows of :func:`differences` about one of these methods, which stands first in them (signs turn with it)."""
    kept = []
    for row in table.to_dict("records"):
        for name in methods:
            if row["a"] == name or (row["b"] == name and row["a"] not in methods):
                kept.append(row if row["a"] == name else _turned(row))
                break
    return pd.DataFrame(kept, columns=table.columns)


def _turned(row: Mapping[Any, Any]) -> dict[Any, Any]:
    values = {"difference": "difference", "diff_low": "diff_high", "diff_high": "diff_low"}
    turned = {key: -row[source] for key, source in values.items()}
    words = {"nearer": "farther", "farther": "nearer"}
    verdict = words.get(str(row["verdict"]), row["verdict"])
    return dict(row) | {"a": row["b"], "b": row["a"], "verdict": verdict} | turned


def summary(distances: pd.DataFrame) -> pd.DataFrame:
    """A distance table as the white-box paper prints it: a row a style and method, a column a way to measure and a
    reference.
    """
    heads = distances["metric"] + " " + distances["network"].str.replace("_", " ") + " to " + distances["to"]
    order = list(dict.fromkeys(heads))
    keys = ["style", "method"]
    found = distances.assign(head=heads).pivot(index=keys, columns="head", values="value").rename_axis(None, axis=1)
    return found.loc[pd.MultiIndex.from_frame(distances[keys].drop_duplicates()), order].reset_index()


def bold(distances: pd.DataFrame, pairs: pd.DataFrame) -> dict[str, list[int]]:
    """Column of :func:`summary` -> rows that may be set bold: of a style, the method that is nearer than every other.

    Nearer by the paired comparison. Only distances to cartoons: the photograph itself is always best to photographs,
    and that is no merit.
    """
    chosen: dict[str, list[int]] = {}
    rows = distances[["style", "method"]].drop_duplicates().to_records(index=False).tolist()
    keys = ["style", "metric", "network"]
    near, about = (table[table["to"] == "cartoons"] for table in (distances, pairs))
    near = near[near["method"] != comparison.FLOOR]
    for place, part in near.groupby(keys, sort=False):
        best = str(part["method"].iloc[int(part["value"].to_numpy().argmin())])
        duels = of(about[(about[keys] == list(place)).all(axis=1)], [best])
        if len(duels) == len(part) - 1 and (duels["verdict"] == "nearer").all():
            style, metric, network = place
            head = f"{metric} {str(network).replace('_', ' ')} to cartoons"
            chosen.setdefault(head, []).append(rows.index((style, best)))
    return chosen


def verdicts(pairs: pd.DataFrame, a: str, b: str, to: str = "cartoons") -> pd.Series:
    """How often ``a`` is nearer than ``b``, farther, or not to be told from it: verdict -> ways to measure."""
    found = of(pairs[pairs["to"] == to], [a])
    return found.loc[found["b"] == b, "verdict"].value_counts()


CONTROLS = ("surface", "bilateral", "blur", "jpeg")  # smoother or coarser photographs, no cartoons


def misled(pairs: pd.DataFrame, controls: Sequence[str] = CONTROLS) -> pd.DataFrame:
    """Does the measure measure? By every way to measure, which controls are nearer to cartoons than the photograph is.

    Args:
        pairs: :func:`differences`.
        controls: methods that make no cartoons; those that are not there are left out.

    Returns:
        style, metric, network, nearer (controls, or "none"), farther, not_told: what is nearer is taken for drawing.
    """
    found = of(pairs[pairs["to"] == "cartoons"], controls)
    found = found[found["b"] == "photograph"]
    rows = []
    for keys, part in found.groupby(["style", "metric", "network"], sort=False):
        named = {word: part.loc[part["verdict"] == word, "a"] for word in ("nearer", "farther", "cannot tell")}
        rows.append((*keys, *(", ".join(names) or "none" for names in named.values())))
    return pd.DataFrame(rows, columns=["style", "metric", "network", "nearer", "farther", "not_told"])


WORDS = {"nearer": "nearer to", "farther": "farther from"}


def sentence(pairs: pd.DataFrame, a: str, b: str, to: str = "cartoons") -> str:
    """The verdicts in words: "nearer to cartoons than", or "not to be told from", where all agree; else how many."""
    found = verdicts(pairs, a, b, to)
    if len(found) == 1:
        word = WORDS.get(str(found.index[0]))
        return f"{a} is {word} {to} than {b}" if word else f"{a} and {b} cannot be told apart by their distance to {to}"
    counts = ", ".join(f"{name} by {count}" for name, count in sorted(found.items()))
    return f"ways to measure disagree whether {a} is nearer to {to} than {b} ({counts} of {found.sum()})"


def answers(pairs: pd.DataFrame, asked: Sequence[tuple[str, str, str]]) -> pd.DataFrame:
    """:func:`sentence` for every style and each (a, b, to) whose methods the style has: style, a, b, to, answer."""
    rows = []
    for style, part in pairs.groupby("style", sort=False):
        there = set(part["a"]) | set(part["b"])
        label = f"{style}: " if pairs["style"].nunique() > 1 else ""
        rows += [(style, a, b, to, label + sentence(part, a, b, to)) for a, b, to in asked if {a, b} <= there]
    return pd.DataFrame(rows, columns=["style", "a", "b", "to", "answer"])


def kept(made: Mapping[str, np.ndarray], data: Sets, downloads: bool = False) -> tuple[pd.DataFrame, str]:
    """What every method keeps of the photographs: LPIPS where its weights are here, edge agreement, colour shift.

    Returns:
        method, lpips, lpips_low, lpips_high (less is nearer to the photograph), edge_agreement, ... (correlation of
        gradients), colour_shift, ... (CIEDE2000); intervals of 90 % over photographs; and what to do where LPIPS is
        missing, else "".
    """
    long = effect.effect(made, data.inputs, data.groups)
    found = pd.DataFrame({"method": list(made)})
    note = ""
    try:
        near = lpips.measure_lpips(made, data.inputs, data.groups, lpips.load(downloads)).set_index("method")
        found = found.join(near.loc[list(made), ["lpips", "low", "high"]].add_prefix("lpips_").reset_index(drop=True))
        found = found.rename(columns={"lpips_lpips": "lpips"})
    except MissingWeights as error:
        note = str(error)
    for measure in ("edge_agreement", "colour_shift"):
        part = long[long["measure"] == measure].set_index("method").loc[list(made), ["value", "low", "high"]]
        found[[measure, f"{measure}_low", f"{measure}_high"]] = part.to_numpy()
    return found, note


def kept_paired(profile: Profile, data: Mapping[str, Sets], made: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """What the white box keeps of the photographs minus what CartoonGAN keeps, crop by crop, of every style.

    Returns:
        style, a, b, measure, difference, diff_low, diff_high (90 %, over photographs), n, photographs; no row of a
        style that lacks one of the two.
    """
    rows, (a, b) = [], ("whitebox", "cartoongan")
    for style, sets in data.items():
        own = comparison.of_style(profile, style, made)
        for measure in (edge_agreement, colour_shift) if {a, b} <= set(own) else ():
            both = zip(sets.inputs, own[a], own[b], strict=True)
            apart = np.array([measure(photo, first) - measure(photo, second) for photo, first, second in both])
            interval = effect.clustered_interval(apart, sets.groups)
            rows.append((style, a, b, measure.__name__, *interval, len(apart), len(set(sets.groups))))
    columns = ["style", "a", "b", "measure", "difference", "diff_low", "diff_high", "n", "photographs"]
    return pd.DataFrame(rows, columns=columns)


def kept_sentence(pairs: pd.DataFrame) -> str:
    """The rows of :func:`kept_paired` in words; empty where there are none."""
    several = pairs["style"].nunique() > 1
    found = [
        f"{row['measure'].replace('_', ' ')}{', ' + row['style'] + ',' if several else ''} {row['difference']:+.3g} "
        f"[{row['diff_low']:+.3g}, {row['diff_high']:+.3g}]"
        for row in pairs.to_dict("records")
    ]
    return f"Paired, {pairs['a'].iloc[0]} minus {pairs['b'].iloc[0]}: {', '.join(found)}." if found else ""
