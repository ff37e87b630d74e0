"""What a claim is judged by: answers taken from a profile's tables, or measured here where they stand in none."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from wbclib import images
from wbclib.corpora.bundled import photographs
from wbclib.files import UserError
from wbclib.measure import content, damages, fid
from wbclib.measure.effect import UNITS
from wbclib.measure.verdicts import UNKNOWN, Asked, Effect, of_interval, over
from wbclib.options import Structure
from wbclib.profiles import Profile
from wbclib.represent.structure import structure
from wbclib.show import tables
from wbclib.studies.common import comparison
from wbclib.studies.noise import repairs
from wbclib.studies.surface import gradient_reversal

SHARE = 0.1  # of what the full run changes in a photograph: less than that apart is equally well
ONE_EACH = "one run of each"


@dataclass(frozen=True)
class Finding:
    """What was measured of one claim.

    Attributes:
        effects: all of them must agree; without a value where nothing was measured.
        margins: one an effect, within which two things do equally well.
        records: runs.
        why: what the effects are over, or why nothing was measured.
    """

    effects: tuple[Effect, ...] = ()
    margins: tuple[float, ...] = ()
    records: tuple[str, ...] = ()
    why: str = ""

    def asked(self, supports: str) -> Asked:
        """What the verdict is computed from."""
        return Asked(self.effects, supports, self.margins)

    def weakest(self, supports: str) -> tuple[Effect, float]:
        """The effect that supports the claim least, and its margin."""
        margins = self.margins or (float("nan"),) * len(self.effects)

        def p(place: int) -> tuple[float, float]:
            effect = self.effects[place]
            both = (Asked((each,), supports, (margins[place],)) for each in (effect, replace(effect, chance=0.0)))
            return tuple(asked.support() for asked in both)  # type: ignore[return-value]

        place = max(range(len(self.effects)), key=p)
        return self.effects[place], margins[place]


def _nothing(measure: str, why: str) -> Finding:
    return Finding((Effect(measure),), why=why)


def _rows(profile: Profile, name: str, **where: str) -> pd.DataFrame:
    """Rows of a saved table with these values; none where no such table has been made."""
    try:
        found = tables.load(name, profile.name)
    except UserError:
        return pd.DataFrame()
    for column, value in where.items():
        found = found[found[column].astype(str) == value]
    return found


def _row(profile: Profile, name: str, **where: str) -> dict[str, Any] | None:
    """The first of :func:`_rows`; None where there is none."""
    found = _rows(profile, name, **where)
    return {str(key): value for key, value in found.iloc[0].items()} if len(found) else None


def _absent(profile: Profile, what: str, *names: str) -> str:
    """Why nothing was measured, true whether the run or the whole table is missing."""
    return f"no row of {what} in {' or '.join(f'tables/{name}.csv' for name in names)} of profile {profile.name}"


def _to_cartoons(profile: Profile) -> list[str]:
    """Every distance to cartoons that is measured, as the ablation names it."""
    return [
        f"{metric}_{network.origin['network']}_to_cartoons"
        for network in comparison.networks(profile)
        for metric in (fid.metric_name(network.origin), "kid")
    ]


def _of(row: Mapping[Any, Any], measure: str, keys: str, chance: float, student: bool = False) -> Effect:
    """An effect from a row of a table.

    Args:
        keys: columns of value, low and high, separated by blanks.
        chance: where the row is over photographs; over seeds nothing is left out.
        student: whether intervals over photographs are Student's, and not a bootstrap's.
    """
    value, low, high = (float(row[key]) for key in keys.split())
    seeds = row.get("over") == "seeds"
    n, unit = (row["n"], "seeds") if seeds else (row.get("photographs", row.get("n", 0)), "photographs")
    chance = 0.0 if seeds else chance
    return of_interval(measure, value, low, high, int(n), unit, student=seeds or student, chance=chance)


DIFFERENCE = "difference diff_low diff_high"


def _worded(measure: str) -> str:
    """A measure's name with its unit."""
    unit = UNITS.get(measure, "")
    return measure.replace("_", " ") + (f" ({unit})" if unit else "")


def moved(run: str, *measures: str) -> Callable[[Profile], Finding]:
    """What a variant of the ablation does to measures, against the full run."""

    def ask(profile: Profile) -> Finding:
        effects, margins = [], []
        variant = next((v for v in profile.ablation if v.name == run), None)
        for measure in measures:
            named = f"{_worded(measure)}, {run} minus full"
            rows = (_row(profile, name, run=run, measure=measure) for name in ("ablation", "switches"))
            row = next((row for row in rows if row is not None), None)
            if row is None or variant is None:
                return _nothing(named, _absent(profile, run, "ablation", "switches"))
            effect = _of(row, named, DIFFERENCE, UNKNOWN)
            if variant.other_start:  # all seeds of either arm share one initialisation
                effect = replace(effect, chance=UNKNOWN)
            effects.append(effect)
            margins.append(SHARE * abs(effect.value / float(row["share"])) if row["share"] else float("nan"))
        first = effects[0]
        scope = f"one initialisation{' of each' if first.chance else ''}" if first.unit == "seeds" else ONE_EACH
        runs = (*profile.ablation[0].runs, *(variant.runs if variant else ()))
        return Finding(tuple(effects), tuple(margins), runs, f"over {first.n} {first.unit}, {scope}")

    return ask


def nearer(run: str) -> Callable[[Profile], Finding]:
    """Every distance to cartoons without something, minus with it: above 0 it is needed."""
    return lambda profile: moved(run, *_to_cartoons(profile))(profile)


def controls(term: str, measure: str) -> Callable[[Profile], Finding]:
    """What a measure does from the smallest to the largest weight of a sweep."""

    def ask(profile: Profile) -> Finding:
        row = _row(profile, "follows", term=term, measure=measure)
        runs = tuple(run for v in profile.ablation if v.kind == "control" and v.what == term for run in v.runs)
        if row is None:
            return _nothing(_worded(measure), _absent(profile, term, "follows"))
        named = f"{_worded(measure)}, weight x{row['highest']:g} minus x{row['lowest']:g}"
        n = int(row["n"])
        whole, chance = (row["change"], row["low"], row["high"]), 0.0 if n > 1 else UNKNOWN
        effects = [of_interval(named, *whole, n, "seeds", student=True, chance=chance)]
        if row["monotonic"] == "no":  # a step that surely goes back speaks against the claim, whatever the whole does
            back = (row["back"], row["back_low"], row["back_high"])
            effects.append(of_interval(f"{named}, a step between", *back, n, "seeds", student=True))
        scope = ONE_EACH if n < 2 else f"over {n} seeds, one initialisation,"
        why = f"{scope} at both ends of the sweep; monotonic: {row['monotonic']}"
        return Finding(tuple(effects), records=runs, why=why)

    return ask


def cartoongan(run: str, measure: str) -> Callable[[Profile], Finding]:
    """What a variant of CartoonGAN does to a measure."""

    def ask(profile: Profile) -> Finding:
        named = f"{_worded(measure)}, {run} minus cartoongan"
        row = _row(profile, "cartoongan_ablation", run=run, measure=measure)
        if row is None:
            return _nothing(named, _absent(profile, run, "cartoongan_ablation"))
        effect = _of(row, named, DIFFERENCE, UNKNOWN)
        return Finding((effect,), records=("cartoongan", run), why=f"over {effect.n} photographs, {ONE_EACH}")

    return ask


def kept(profile: Profile) -> Finding:
    """Edge agreement of the white box minus that of CartoonGAN, from notebook 09's paired table, every style."""
    return _against_cartoongan(profile, "kept_paired", [("edge_agreement", {"measure": "edge_agreement"})])


def distance(profile: Profile) -> Finding:
    """Distances of the white box to cartoons minus CartoonGAN's, from notebook 09's paired table, every style."""
    asked = []
    for measure in _to_cartoons(profile):
        metric, network = measure.removesuffix("_to_cartoons").split("_", 1)
        asked.append((measure, {"metric": metric, "network": network, "to": "cartoons"}))
    return _against_cartoongan(profile, "paired", asked)


def _against_cartoongan(profile: Profile, table: str, asked: list[tuple[str, dict[str, str]]]) -> Finding:
    """The white box minus CartoonGAN, in a table of paired differences."""
    effects, runs = [], []
    for style, methods in profile.styles().items():
        for measure, where in asked:
            named = f"{measure.replace('_', ' ')}, whitebox minus cartoongan, {style}"
            row = _row(profile, table, style=style, a="whitebox", b="cartoongan", **where)
            if row is None:
                return _nothing(named, _absent(profile, f"cartoongan, {style}", table))
            effects.append(_of(row, named, DIFFERENCE, UNKNOWN))
        runs += [methods[method] for method in ("whitebox", "cartoongan")]
    why = f"over {effects[0].n} photographs, {ONE_EACH}{_parameters(profile, runs[:2])}"
    return Finding(tuple(effects), records=tuple(runs), why=why)


def _parameters(profile: Profile, runs: Sequence[str]) -> str:
    """How large the generators of two runs are, which a comparison of methods depends on."""
    sizes = [_row(profile, "compared_runs", run=run) for run in runs]
    if any(size is None for size in sizes):
        return ""
    return (
        "; generators of " + " and ".join(f"{size['parameters'] / 1e6:.2f}" for size in sizes if size) + " M parameters"
    )


def flow_lines(profile: Profile) -> Finding:
    """Lines found again under the strongest noise, flow-based minus Canny's, of equal total length."""
    named = "lines found again under noise (F1), flow minus Canny"
    rows = _rows(profile, "flow_lines", method="flow minus Canny", measure="again")
    if rows.empty:
        return _nothing(named, _absent(profile, "flow minus Canny", "flow_lines"))
    row = rows.sort_values("noise").to_dict("records")[-1]
    effect = _of(row, named, "value low high", 0.0, student=True)
    return Finding((effect,), why=f"over {effect.n} photographs, noise of {row['noise']:g} grey levels")


def flow_smoothing(profile: Profile) -> Finding:
    """Gradient left on edges where as much is left in texture, flow-based minus plain bilateral filter."""
    named = "share of the gradient left on edges, 70 % left in texture, flow-based minus bilateral"
    row = _row(profile, "flow_smoothing", filter="difference")
    if row is None:
        return _nothing(named, _absent(profile, "difference", "flow_smoothing"))
    effect = _of(row, named, "edges low high", 0.0, student=True)
    return Finding((effect,), why=f"over {effect.n} photographs")


def features_inpaint(profile: Profile) -> Finding:
    """Difference from the clean cartoon inside the largest missing blocks, feature map minus mending first."""
    way, largest = repairs.FEATURES, max(damages.DAMAGES, key=lambda damage: damage.size).name
    named = f"difference inside what is missing, grey levels, {way} minus {repairs.BASELINE} ({largest})"
    row = _row(profile, "noise", damage=largest, way=way, measure="inside")
    if row is None:
        return _nothing(named, _absent(profile, way, "noise"))
    effect = _of(row, named, "against_mended against_low against_high", 0.0)
    why = f"over {effect.n} photographs, one seed of damages, one network that draws both"
    return Finding((effect,), records=("cartoongan",), why=why)


def own_network(run: str, style: str) -> Callable[[Profile], Finding]:
    """Distance to a style's cartoons, network of several styles minus network of its own."""

    def ask(profile: Profile) -> Finding:
        named = f"distance to {style}, {run} minus a network of its own"
        row, plain = (
            _row(profile, "styles_own", network=run, style=style),
            _row(profile, "styles", network="photograph", to=style),
        )
        if row is None or plain is None:
            return _nothing(named, _absent(profile, f"{run}, {style}", "styles_own", "styles"))
        alone = _row(profile, "styles", network=str(row["own"]), style=style, to=style)
        moved = abs(float(plain["value"]) - float(alone["value"])) if alone else float("nan")
        effect = _of(row, named, DIFFERENCE, UNKNOWN)
        why = f"over {effect.n} photographs, {ONE_EACH}"
        return Finding((effect,), (SHARE * moved,), (run, str(row["own"])), why)

    return ask


def cyclegan(profile: Profile) -> Finding:
    """Nothing yet: the comparator is not there."""
    del profile
    return _nothing("seconds a step, cartoongan over cyclegan", "no CycleGAN in this study yet")


def _scenes() -> np.ndarray:
    """The bundled photographs, one view of each scene, uint8 (N, 192, 192, 3)."""
    corpus = photographs()
    scenes = {item.group: i for i, item in reversed(list(enumerate(corpus.items)))}
    return np.stack([images.square(corpus.image(i), 192) for i in sorted(scenes.values())])


def reversal(profile: Profile) -> Finding:
    """Share of edge pixels with reversed detail, guided minus bilateral, at equal smoothing (r = 5, eps = 0.04)."""
    del profile  # the same photographs in all of them
    return _reversal()


@functools.cache
def _reversal() -> Finding:
    found = gradient_reversal.reversals(_scenes(), 5, (0.04,)).pivot(index="photo", columns="filter", values="share")
    named = "share of edge pixels with reversed detail, guided minus bilateral, equal smoothing"
    effect = over((found["guided"] - found["bilateral"]).to_numpy(), named, "photographs")
    return Finding((effect,), why=f"over {len(found)} photographs")


def contrast(gain: str) -> Callable[[Profile], Finding]:
    """Contrast (standard deviation of the luma, grey levels) of structure images, adaptive minus mean colours.

    Args:
        gain: after the power, ``none`` as in the paper's equation or ``mean`` (:class:`wbclib.options.Structure`).
    """
    return lambda profile: _contrast(gain)  # the same photographs in all profiles


@functools.cache
def _contrast(gain: str) -> Finding:
    x = images.to_tensor(_scenes())
    kinds = (Structure(gain=gain), Structure(colouring="mean"))
    adaptive, mean = (
        [float(content.luma(picture).std()) for picture in images.to_uint8(structure(x, kind))] for kind in kinds
    )
    named = f"contrast of structure images, grey levels, adaptive (mu = {kinds[0].mu:g}, gain: {gain}) minus mean"
    return Finding((over(np.subtract(adaptive, mean), named, "photographs"),), why=f"over {len(x)} photographs")
