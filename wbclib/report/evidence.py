"""What a claim is judged by: answers taken from a profile's tables, or measured here where they stand in none."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from wbclib import images
from wbclib.corpora.bundled import photographs
from wbclib.evaluate import comparison, content, damages, fid, gradient_reversal, noise_study, seeds
from wbclib.files import UserError
from wbclib.options import Structure
from wbclib.profiles import Profile
from wbclib.report import tables
from wbclib.represent.structure import structure

NAN = float("nan")
SHARE = 0.1  # of what the full run changes in a photograph: less than that apart is equally well
ONE_EACH = "one run of each; by chance: as full white-box runs of other seeds differ in the ablation"
ONE_START = "; all seeds share one initialisation, whose own chance is not in it"


@dataclass(frozen=True)
class Finding:
    """What was measured of one claim."""

    measure: str
    effect: float = NAN
    low: float = NAN
    high: float = NAN
    by_chance: float = 0.0  # how far the effect may be from 0 by chance alone; infinite: nothing says
    margin: float = NAN  # within which two things do equally well
    records: tuple[str, ...] = ()  # runs
    why: str = ""  # what the interval is over, or why nothing was measured


def _rows(profile: Profile, name: str, **where: str) -> pd.DataFrame:
    """Rows of a saved table with these values; none where no such table has been made."""
    try:
        found = tables.load(name, profile.name)
    except UserError:
        return pd.DataFrame()
    for column, value in where.items():
        found = found[found[column].astype(str) == value]
    return found


def _row(profile: Profile, name: str, **where: str) -> dict[str, object] | None:
    """The first of :func:`_rows`; None where there is none."""
    found = _rows(profile, name, **where)
    return {str(key): value for key, value in found.iloc[0].items()} if len(found) else None


def _absent(profile: Profile, what: str, *names: str) -> str:
    """Why nothing was measured, true whether the run or the whole table is missing."""
    return f"no row of {what} in {' or '.join(f'tables/{name}.csv' for name in names)} of profile {profile.name}"


def _to_cartoons(profile: Profile) -> str:
    """The Frechet distance to cartoons over the first measuring network, as the ablation names it."""
    network = comparison.networks(profile)[0]
    return f"{fid.metric_name(network.origin)}_{network.origin['network']}_to_cartoons"


def _chance(profile: Profile, measure: str) -> float:
    """How far two runs may differ by chance in a measure, from the full white-box runs of several seeds."""
    row = _row(profile, "ablation", run="full", measure=measure)
    scale = np.sqrt(float(row["seeds"])) if row else NAN  # type: ignore[arg-type]
    chance = float(row["by_chance"]) * scale if row else NAN  # type: ignore[arg-type]
    return chance if np.isfinite(chance) else float("inf")


def moved(run: str, measure: str) -> Callable[[Profile], Finding]:
    """What a variant of the ablation does to a measure, against the full run."""

    def ask(profile: Profile) -> Finding:
        named = f"{measure.replace('_', ' ')}, {run} minus full"
        for name in ("ablation", "switches"):
            row = _row(profile, name, run=run, measure=measure)
            if row is None:
                continue
            variant = next(v for v in profile.ablation if v.name == run)
            several, chance = row["over"] == "seeds", float(row["by_chance"])  # type: ignore[arg-type]
            chance = 0.0 if several else chance if np.isfinite(chance) else float("inf")
            whole = float(row["difference"]) / float(row["share"]) if several and row["share"] else NAN  # type: ignore
            runs = (*profile.ablation[0].runs, *variant.runs)
            why = f"over {row['n']} {row['over']}" + (ONE_START if variant.start or run == "no-initialisation" else "")
            return Finding(named, *_numbers(row), chance, SHARE * abs(whole), runs, why)
        return Finding(named, why=_absent(profile, run, "ablation", "switches"))

    return ask


def nearer(run: str) -> Callable[[Profile], Finding]:
    """Distance to cartoons without something, minus with it: above 0 it is needed."""
    return lambda profile: moved(run, _to_cartoons(profile))(profile)


def _numbers(row: dict[str, object]) -> tuple[float, float, float]:
    return tuple(float(row[key]) for key in ("difference", "diff_low", "diff_high"))  # type: ignore[arg-type, return-value]


def controls(term: str, measure: str) -> Callable[[Profile], Finding]:
    """What a measure does from the smallest to the largest weight of a sweep."""

    def ask(profile: Profile) -> Finding:
        row = _row(profile, "follows", term=term, measure=measure)
        runs = tuple(run for v in profile.ablation if v.kind == "control" and v.what == term for run in v.runs)
        if row is None:
            return Finding(measure.replace("_", " "), why=_absent(profile, term, "follows"))
        named = f"{measure.replace('_', ' ')}, weight x{row['highest']:g} minus x{row['lowest']:g}"
        effect, low, high = (float(row[key]) for key in ("change", "low", "high"))  # type: ignore[arg-type]
        why = f"monotonic: {row['monotonic']}; interval: what chance does between full runs, not at the ends"
        # What goes to and fro is not controlled, nor what one end alone decides: another processor ends it elsewhere.
        chance = 0.0 if row["monotonic"] == "yes" else float("inf")
        return Finding(named, effect, low, high, chance, records=runs, why=why)

    return ask


def cartoongan(run: str, measure: str) -> Callable[[Profile], Finding]:
    """What a variant of CartoonGAN does to a measure; one run of each, so chance is that of the white box's runs."""

    def ask(profile: Profile) -> Finding:
        named = f"{measure.replace('_', ' ')}, {run} minus cartoongan"
        row = _row(profile, "cartoongan_ablation", run=run, measure=measure)
        if row is None:
            return Finding(named, why=_absent(profile, run, "cartoongan_ablation"))
        why = f"over {row['photographs']} photographs, {ONE_EACH}"
        return Finding(named, *_numbers(row), _chance(profile, measure), records=("cartoongan", run), why=why)

    return ask


def kept(profile: Profile) -> Finding:
    """Edge agreement of the white box minus that of CartoonGAN, from notebook 09's paired table."""
    return _against_cartoongan(profile, "edge_agreement", "kept_paired", {"measure": "edge_agreement"})


def distance(profile: Profile) -> Finding:
    """Distance of the white box to cartoons minus that of CartoonGAN, from notebook 09's paired table."""
    measure = _to_cartoons(profile)
    metric, network = measure.removesuffix("_to_cartoons").split("_", 1)
    return _against_cartoongan(profile, measure, "paired", {"metric": metric, "network": network, "to": "cartoons"})


def _against_cartoongan(profile: Profile, measure: str, table: str, where: dict[str, str]) -> Finding:
    """The white box minus CartoonGAN, in a table of paired differences: the profile's first style."""
    style, named = next(iter(profile.styles())), f"{measure.replace('_', ' ')}, whitebox minus cartoongan"
    row = _row(profile, table, style=style, a="whitebox", b="cartoongan", **where)
    if row is None:
        return Finding(named, why=_absent(profile, "cartoongan", table))
    runs = tuple(profile.styles()[style][method] for method in ("whitebox", "cartoongan"))
    why = f"over {row['photographs']} photographs, {ONE_EACH}"
    return Finding(named, *_numbers(row), _chance(profile, measure), records=runs, why=why)


def flow_lines(profile: Profile) -> Finding:
    """Lines found again under the strongest noise, flow-based minus Canny's, of equal total length."""
    named = "lines found again under noise (F1), flow minus Canny"
    rows = _rows(profile, "flow_lines", method="flow minus Canny", measure="again")
    if rows.empty:
        return Finding(named, why=_absent(profile, "flow minus Canny", "flow_lines"))
    row = rows.sort_values("noise").to_dict("records")[-1]
    why = f"over {row['n']} photographs, noise of {row['noise']:g} grey levels"
    return Finding(named, row["value"], row["low"], row["high"], why=why)


def flow_smoothing(profile: Profile) -> Finding:
    """Gradient left on edges where as much is left in texture, flow-based minus plain bilateral filter."""
    named = "share of the gradient left on edges, 70 % left in texture, flow-based minus bilateral"
    row = _row(profile, "flow_smoothing", filter="difference")
    if row is None:
        return Finding(named, why=_absent(profile, "difference", "flow_smoothing"))
    value, low, high = (float(row[key]) for key in ("edges", "low", "high"))  # type: ignore[arg-type]
    return Finding(named, value, low, high, why=f"over {row['n']} photographs")


def features_inpaint(profile: Profile) -> Finding:
    """Difference from the clean cartoon inside the largest missing blocks, feature map minus mending first."""
    way, largest = noise_study.FEATURES, max(damages.DAMAGES, key=lambda damage: damage.size).name
    named = f"difference inside what is missing, grey levels, {way} minus {noise_study.BASELINE} ({largest})"
    row = _row(profile, "noise", damage=largest, way=way, measure="inside")
    if row is None:
        return Finding(named, why=_absent(profile, way, "noise"))
    value, low, high = (float(row[key]) for key in ("against_mended", "against_low", "against_high"))  # type: ignore[arg-type]
    why = f"over {row['photographs']} photographs, one seed of damages"
    return Finding(named, value, low, high, records=("cartoongan",), why=why)


def own_network(run: str, style: str) -> Callable[[Profile], Finding]:
    """Distance to a style's cartoons, network of several styles minus network of its own; chance as for CartoonGAN."""

    def ask(profile: Profile) -> Finding:
        named = f"distance to {style}, {run} minus a network of its own"
        row, plain = (
            _row(profile, "styles_own", network=run, style=style),
            _row(profile, "styles", network="photograph", to=style),
        )
        if row is None or plain is None:
            return Finding(named, why=_absent(profile, f"{run}, {style}", "styles_own", "styles"))
        alone = _row(profile, "styles", network=str(row["own"]), style=style, to=style)
        moved = abs(float(plain["value"]) - float(alone["value"])) if alone else NAN  # type: ignore[arg-type]
        why = f"over {row['photographs']} photographs, {ONE_EACH}"
        chance = _chance(profile, _to_cartoons(profile))
        return Finding(named, *_numbers(row), chance, SHARE * moved, (run, str(row["own"])), why)

    return ask


def cyclegan(profile: Profile) -> Finding:
    """Nothing yet: the comparator is not there."""
    del profile
    return Finding("seconds a step, cartoongan over cyclegan", why="no CycleGAN in this study yet")


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
    apart = seeds.student((found["guided"] - found["bilateral"]).to_numpy())
    named = "share of edge pixels with reversed detail, guided minus bilateral, equal smoothing"
    return Finding(named, *apart, why=f"over {len(found)} photographs")


def contrast(profile: Profile) -> Finding:
    """Contrast (standard deviation of the luma, grey levels) of structure images, adaptive minus mean colours."""
    del profile  # the same photographs in all of them
    return _contrast()


@functools.cache
def _contrast() -> Finding:
    x = images.to_tensor(_scenes())
    kinds = (Structure(), Structure(colouring="mean"))
    adaptive, mean = (
        [float(content.luma(picture).std()) for picture in images.to_uint8(structure(x, kind))] for kind in kinds
    )
    named = "contrast of structure images, grey levels, adaptive (mu = 1.2) minus mean"
    return Finding(named, *seeds.student(np.subtract(adaptive, mean)), why=f"over {len(x)} photographs")
