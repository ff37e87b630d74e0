"""Runs that are one run, changed: terms dropped one at a time, switches set another way, weights swept, other seeds.

A profile's ``ablation`` block says which of them it trains; the switches stand in ``profiles.d/switches.yaml``. All of
them are plain runs, so that the graph trains what is missing and a new term or switch needs no code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from wbclib.files import UserError
from wbclib.options import run_config
from wbclib.values import Count, OneOf, Range, build, merge, said

Values = Mapping[str, Any]
FULL = "full"
Kind = Annotated[str, OneOf("full", "replicate", "drop", "switch", "control")]


@dataclass(frozen=True)
class Grid:
    """The ``ablation`` block of a profile."""

    full: str = "whitebox"  # the run that every other one is, changed
    base: Mapping[str, Any] = field(default_factory=dict)  # a schedule for all of them, the full one too
    seeds: Annotated[tuple[Count, ...], Range(1)] = (0,)
    one_seed: tuple[Kind, ...] = ()  # kinds of variants that are trained with the first of the seeds alone
    all_seeds: tuple[str, ...] = ()  # switches that are trained with all of them in spite of that
    replicates: Count = 2  # with one seed: further full runs, with other seeds, to see how far runs differ by chance
    drop: bool = True  # every term of the full run, and its initialisation
    switches: tuple[str, ...] = ()  # of switches.yaml: a switch with all of its settings, or one as switch-setting
    control: Any = field(default_factory=dict)  # term -> factors of its weight


@dataclass(frozen=True)
class Variant:
    """One way to train, with a run for every seed."""

    name: str  # full, no-surface, adversarial-log, structure-x10
    kind: str  # full | replicate | drop | switch | control
    what: str  # the term or switch that is changed; empty: nothing is
    setting: str  # what it is changed to: none, log, x10
    runs: tuple[str, ...]  # in the order of the grid's seeds
    start: str = ""  # a run that is there only for these to start from

    @property
    def other_start(self) -> bool:
        """Whether it has another initialisation than the full run; all of its seeds then share that one."""
        return bool(self.start) or self.what == "initialisation"

    @property
    def factor(self) -> float:
        """Factor of the weight in a sweep."""
        return float(self.setting.removeprefix("x"))


def expand(
    block: Values, runs: Mapping[str, Values], switches: Values, where: str
) -> tuple[dict[str, Values], tuple[Variant, ...]]:
    """The runs of an ablation and what each of them is.

    Args:
        block: values of :class:`Grid`.
        runs: plain values of every run of the profile, its base laid under them.
        switches: switch -> setting -> changes to the full run; a key ``start`` changes the run that it starts from.
        where: for messages.

    Returns:
        Plain values of the additional runs by their names, and the variants, the full one first.

    Raises:
        UserError: an unknown run, switch or term, or a name that the profile has already.
    """
    grid: Grid = build(Grid, block, where)
    if grid.full not in runs:
        raise UserError(f"{where}.full: there is no run {grid.full!r}; there are: {', '.join(runs)}")
    full = merge(runs[grid.full], grid.base)
    if unknown := sorted(set(grid.all_seeds) - switches.keys()):
        raise UserError(f"{where}.all_seeds: unknown switch {unknown[0]!r}; known are: {', '.join(switches)}")
    made: dict[str, Values] = {}
    variants = []
    for kind, what, setting, change in _changes(grid, full, switches, where):
        name = {"full": FULL, "drop": f"no-{what}", "replicate": f"full-seed{setting}"}.get(kind, f"{what}-{setting}")
        change, own, start = dict(change), {}, ""
        if first := _started(change.pop("start", None), runs, full, where):
            start = change["init"] = f"{name}-start"
            own[start] = first
        if kind != "full" and run_config(merge(full, change)) == run_config(full):
            continue  # the full run's own setting
        seeds = grid.seeds[:1] if kind in grid.one_seed and what not in grid.all_seeds else grid.seeds
        seeded = {name if seed == seeds[0] else f"{name}-seed{seed}": {"seed": seed} for seed in seeds}
        own |= {run: merge(merge(full, seed), change) for run, seed in seeded.items()}
        if taken := sorted(own.keys() & (runs.keys() | made.keys())):
            raise UserError(f"{where}: run {taken[0]!r} is there twice; rename the profile's or the switch")
        made |= own
        variants.append(Variant(name, kind, what, setting, tuple(seeded), start))
    return made, tuple(variants)


def _started(change: Values | None, runs: Mapping[str, Values], full: Values, where: str) -> Values | None:
    """The run that the full one starts from, changed; None where nothing changes."""
    if not change:
        return None
    if not full.get("init"):
        raise UserError(f"{where}: a switch changes the initialisation (start), which the full run has not")
    before = runs[full["init"]]
    after = merge(before, change)
    return None if run_config(after) == run_config(before) else after


def _changes(grid: Grid, full: Values, switches: Values, where: str) -> Iterator[tuple[str, str, str, Values]]:
    """(kind, what, setting, changes) of every variant."""
    config = run_config(full, where)
    weights = {term: weight for term, weight in asdict(config.weights).items() if weight}
    yield "full", "", "", {}
    if len(grid.seeds) == 1:
        seeds = (grid.seeds[0] + 1 + number for number in range(grid.replicates))
        yield from (("replicate", "seed", str(seed), {"seed": seed}) for seed in seeds)
    if grid.drop:
        yield from (("drop", term, "none", {"weights": {term: 0.0}}) for term in weights)
        if config.init:
            yield "drop", "initialisation", "none", {"init": ""}
    settings = {f"{switch}-{setting}": (switch, setting) for switch, known in switches.items() for setting in known}
    for asked in grid.switches:
        if asked not in switches and asked not in settings:
            raise UserError(
                f"{where}.switches: unknown switch {asked!r}; known are: {', '.join([*switches, *settings])}"
            )
        chosen = [(asked, setting) for setting in switches[asked]] if asked in switches else [settings[asked]]
        yield from (("switch", switch, str(setting), switches[switch][setting] or {}) for switch, setting in chosen)
    yield from _sweeps(grid.control or {}, weights, where)


def _sweeps(control: object, weights: Mapping[str, float], where: str) -> Iterator[tuple[str, str, str, Values]]:
    """Changes of every point of every sweep; a term without factors has none."""
    if not isinstance(control, Mapping):
        raise UserError(f"{where}.control: say a mapping of term to factors of its weight, not {control!r}")
    for term, factors in control.items():
        if term not in weights:
            raise UserError(f"{where}.control: {term!r} is no term of the full run; it has: {', '.join(weights)}")
        if factors and not isinstance(factors, list | tuple):
            raise UserError(f"{where}.control.{term}: say a list of factors in [brackets], not {said(factors)}")
        for factor in factors or ():
            number = isinstance(factor, int | float) and not isinstance(factor, bool)
            if not number or not Range(0, above=True).holds(factor):
                raise UserError(f"{where}.control.{term}: a factor is a number above 0, not {said(factor)}")
            yield "control", term, f"x{factor:g}", {"weights": {term: weights[term] * factor}}
