"""Is the look controllable? Sweeps of a weight, each point a training run, and controls that need no training.

Without training: mixing the weights of two trained generators ("deep network interpolation", Wang et al., CVPR 2019),
cross-fading their outputs, and the guided filter between photograph and output (white-box paper, section 3).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from scipy import stats

from wbclib.measure import effect, seeds, verdicts
from wbclib.measure.intervals import Interval
from wbclib.options import Structure, Texture
from wbclib.represent.structure import structure
from wbclib.represent.surface import sharpen
from wbclib.represent.texture import colour_shift
from wbclib.studies.common import sharpness
from wbclib.studies.common.expected import EXPECTED, OPPOSITE, outcome
from wbclib.train.loop import Trained, stylise
from wbclib.variants import FULL, Variant

ENOUGH = 3  # points from which an order says anything
NONE = (float("nan"),) * 3


def sweeps(found: pd.DataFrame, variants: Sequence[Variant]) -> pd.DataFrame:
    """The rows of the ablation's table that belong to sweeps, by term and rising factor of its weight.

    Args:
        found: :func:`wbclib.studies.common.grid.measure_variants` of the full run and the sweeps.

    Returns:
        The columns of ``found``, term and factor. The full run is a point of every sweep: factor 1.
    """
    swept = {variant.name: variant for variant in variants if variant.kind == "control"}
    parts = []
    for term in dict.fromkeys(variant.what for variant in swept.values()):
        factors = {FULL: 1.0} | {name: variant.factor for name, variant in swept.items() if variant.what == term}
        own = found[found["run"].isin(factors)]
        part = own.assign(term=term, factor=own["run"].map(factors))
        parts.append(part.sort_values("factor", kind="stable"))
    columns = [*found.columns, "term", "factor"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def follows(swept: pd.DataFrame, by_seed: pd.DataFrame) -> pd.DataFrame:
    """Does the measure follow the weight, and in one direction?

    Args:
        swept: :func:`sweeps`.
        by_seed: every run of the sweeps, unsummarised (:func:`wbclib.studies.common.grid.by_seed`).

    Returns:
        A row a term and measure that it is expected to move (:data:`wbclib.studies.common.expected.EXPECTED`): term,
        measure, expected (with more weight), lowest and highest (factors of the weight), points, at_lowest, at_full,
        at_highest, change (from lowest to highest, paired by seed), low, high (90 %, Student's over seeds; missing with
        one seed), n (seeds that all points have), tau (Kendall's, of measure and weight), verdict (higher, lower,
        cannot tell), outcome (as expected, the opposite, cannot tell), monotonic (yes: every step goes the way of the
        whole; no: one surely goes back; cannot tell), back, back_low, back_high (the step that goes back furthest, with
        its interval; missing where none does).
    """
    rows = []
    for term, part in swept.groupby("term", sort=False):
        for measure, without in EXPECTED.get(str(term), ()):
            points = part[part["measure"] == measure].sort_values("factor")
            # (seeds, points); a seed that one of the points lacks is left out
            wide = by_seed[by_seed["measure"] == measure].pivot(index="seed", columns="run", values="value")
            values = wide[points["run"].tolist()].dropna().to_numpy()
            means, n = values.mean(0), len(values)
            change, low, high = seeds.student(values[:, -1] - values[:, 0])
            tau = float(stats.kendalltau(points["factor"], means).statistic) if len(points) > 1 else float("nan")
            chance = 0.0 if n > 1 else verdicts.UNKNOWN
            told = verdicts.direction(
                verdicts.of_interval(measure, change, low, high, n, "seeds", student=True, chance=chance)
            )
            one_way, back = _steps(values)
            one_way = "cannot tell" if len(points) < ENOUGH or told == verdicts.OPEN else one_way
            full = float(means[points["run"].tolist().index(FULL)])
            ends = (float(points["factor"].iloc[0]), float(points["factor"].iloc[-1]), len(points))
            word = OPPOSITE[without]
            rows.append((term, measure, word, *ends, means[0], full, means[-1], change, low, high, n, tau, told,
                         outcome(word, told), one_way, *back))  # fmt: skip
    names = ["term", "measure", "expected", "lowest", "highest", "points", "at_lowest", "at_full", "at_highest"]
    names += ["change", "low", "high", "n", "tau", "verdict", "outcome", "monotonic", "back", "back_low", "back_high"]
    return pd.DataFrame(rows, columns=names)


def _steps(values: np.ndarray) -> tuple[str, Interval]:
    """Whether every step goes the way of the whole, and the step that goes back furthest with its interval.

    Args:
        values: (seeds, points).

    Returns:
        ``yes``, ``no`` (one goes back, by an interval over seeds that leaves 0 out) or ``cannot tell``.
    """
    steps = np.diff(values, axis=1)
    forward = steps.mean(0) * np.sign(values[:, -1].mean() - values[:, 0].mean())
    if (forward >= 0).all():
        return "yes", NONE
    found = verdicts.over(steps[:, int(forward.argmin())], "a step", "seeds")
    return "cannot tell" if verdicts.direction(found) == verdicts.OPEN else "no", (found.value, *found.interval)


def interpolated(first: Trained, second: Trained, share: float) -> Trained:
    """A generator whose weights lie between those of two others of one layout: (1 - share) first + share second.

    The way from network to picture (its output filter) is that of ``second``. Between generators that began as the same
    one (here: the initialisation), the way between the weights is nearly flat, and so are the pictures along it; of
    unrelated ones the middle draws nothing.

    Raises:
        ValueError: the two generators have different layouts.
    """
    one, two = (model.method.modules["generator"].state_dict() for model in (first, second))
    if {name: x.shape for name, x in one.items()} != {name: x.shape for name, x in two.items()}:
        raise ValueError("weights can be mixed of generators of one layout only")
    method = copy.copy(second.method)
    generator = copy.deepcopy(second.method.modules["generator"])
    generator.load_state_dict({name: torch.lerp(x, two[name], share) for name, x in one.items()})
    method.modules = {**second.method.modules, "generator": generator}
    return replace(second, method=method)


def crossfaded(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """Pictures between two, pixel by pixel; uint8 (N, H, W, 3)."""
    return np.rint((1 - share) * first.astype(np.float32) + share * second.astype(np.float32)).astype(np.uint8)


@torch.inference_mode()
def filtered(model: Trained, photos: np.ndarray, eps: float, amount: float = 0.0) -> np.ndarray:
    """Outputs with another eps of the run's guided filter; ``amount`` 1: none. uint8 (N, H, W, 3).

    eps belongs to [-1, 1] data: the larger it is, the fewer of the guide's edges are drawn again.
    """
    method = model.method
    settings = replace(method.config.output, infer_eps=eps)

    def draw(x: torch.Tensor) -> torch.Tensor:
        return sharpen(x, method.modules["generator"](x).float(), amount, settings)

    return stylise(draw, photos, method.fabric.device)


def without_training(
    full: Trained, start: Trained | None, photos: np.ndarray, amounts: Sequence[float], epses: Sequence[float]
) -> dict[str, dict[float, np.ndarray]]:
    """Every control that needs no training: control -> setting -> uint8 (N, H, W, 3).

    Args:
        start: the generator that ``full`` began as, for mixing their weights; None: it began from nothing.
        amounts: shares of ``full`` (0 to 1), and amounts of sharpness.
        epses: of the guided filter.
    """
    end = full(photos)
    ways = {}
    if start is not None:
        ways["mixed weights"] = {share: interpolated(start, full, share)(photos) for share in amounts}
    ways["cross-fade"] = {share: crossfaded(photos, end, share) for share in amounts}
    ways["sharpness"] = sharpness.sharpened(full, photos, amounts)
    ways["guided filter"] = {eps: filtered(full, photos, eps) for eps in epses}
    return ways


def drawn(full: Trained, start: Trained, photo: np.ndarray, share: float, sharpness: float, eps: float) -> np.ndarray:
    """One photograph, uint8 (H, W, 3), through mixed weights and the output filter with another eps and sharpness."""
    return filtered(interpolated(start, full, share), photo[None], eps, sharpness)[0]


def structured(photo: np.ndarray, options: Structure, regions: int, mu: float) -> np.ndarray:
    """The structure image of one photograph, uint8 (H, W, 3), with another number of regions and another power."""
    settings = replace(options, regions=regions, mu=mu)
    return stylise(lambda x: structure(x, settings), photo[None])[0]


def shifted(photo: np.ndarray, options: Texture, alpha: float, seed: int) -> np.ndarray:
    """One random colour shift of a photograph, uint8 (H, W, 3), with another share of the luma."""
    settings, draw = replace(options, alpha=alpha), torch.Generator().manual_seed(seed)
    return stylise(lambda x: colour_shift(x, settings, draw).expand(-1, 3, -1, -1), photo[None])[0]


def strips(variants: Sequence[Variant], outputs: Mapping[str, np.ndarray]) -> dict[str, dict[float, np.ndarray]]:
    """Pictures along every sweep: term -> factor of its weight, rising -> picture; the full run is factor 1."""
    swept = [variant for variant in variants if variant.kind == "control"]
    full = outputs[variants[0].runs[0]]
    found = {}
    for term in dict.fromkeys(variant.what for variant in swept):
        line = {1.0: full} | {v.factor: outputs[v.runs[0]] for v in swept if v.what == term}
        found[term] = dict(sorted(line.items()))
    return found


def along(
    made: Mapping[str, Mapping[float, np.ndarray]], photos: np.ndarray, groups: Sequence[str] | np.ndarray
) -> pd.DataFrame:
    """Every measure along controls: way, setting, measure, value, low, high, n (photographs).

    Args:
        made: control -> setting -> uint8 (N, H, W, 3), made from ``photos``.
    """
    parts = []
    for way, outputs in made.items():
        found = effect.effect({f"{setting:g}": x for setting, x in outputs.items()}, photos, groups)
        parts.append(found.assign(way=way, setting=found["method"].astype(float), n=found["photographs"]))
    return pd.concat(parts, ignore_index=True)[["way", "setting", "measure", "value", "low", "high", "n"]]


def reach(found: pd.DataFrame, measures: Sequence[str]) -> pd.DataFrame:
    """How far each control goes.

    Returns:
        way, measure, at_first, at_last, change, monotonic, largest_step (of neighbouring settings, as a share of the
        whole change: small where a slider moves the picture evenly).
    """
    rows = []
    for (way, measure), part in found[found["measure"].isin(measures)].groupby(["way", "measure"], sort=False):
        values = part.sort_values("setting")["value"].to_numpy()
        change, steps = values[-1] - values[0], np.diff(values)
        monotonic = bool((steps * np.sign(change) >= 0).all())
        largest = float(np.abs(steps).max() / abs(change)) if change else float("nan")
        rows.append((way, measure, values[0], values[-1], change, "yes" if monotonic else "no", largest))
    return pd.DataFrame(rows, columns=["way", "measure", "at_first", "at_last", "change", "monotonic", "largest_step"])
