"""What measured differences say of a claim: the one place where verdicts are computed.

A claim is asked of one or several effects: measures, networks, styles. It is *supported* only where every one of them
supports it (an intersection-union test: Berger 1982), *contradicted* only where every one contradicts it, and otherwise
it *cannot* be told. Each test is one-sided at :data:`LEVEL`, on Student's t of the effect over its standard error; what
several claims of a family ask is corrected by Holm (1979). That two things do equally well is asked by two one-sided
tests against a margin that was fixed before (Schuirmann 1987); it is contradicted by an effect beyond the margin, never
by a small one that can be told.

A replicate is a training with a seed of its own and, where the two arms differ in their initialisation, with an
initialisation of its own. The chance of a training that no replicates of the same arm, size and device have measured is
unknown, and nothing is told then, however sure a measure is of the two networks at hand.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from wbclib.measure import seeds

LEVEL = 0.05  # of each one-sided test; an interval of 90 % that lies beside 0 says the same
SUPPORTED, CONTRADICTED, OPEN = "supported", "contradicted", "cannot tell"
SIDES = {"higher": 1, "lower": -1, "none": 0}
NAN = float("nan")
UNKNOWN = float("inf")  # chance, where there are no replicates of the same arm, size and device


@dataclass(frozen=True)
class Effect:
    """A measured difference.

    Attributes:
        measure: what was measured, in words.
        value: the difference, in units of the measure.
        error: its standard error over the units; missing where there is one unit alone.
        n: how many independent units.
        unit: what they are: seeds, photographs.
        chance: standard deviation of what another training of both arms would change and the units do not show;
            infinite where nothing says, 0 where nothing was trained or the units are trainings.
    """

    measure: str
    value: float = NAN
    error: float = NAN
    n: int = 0
    unit: str = ""
    chance: float = 0.0

    @property
    def total(self) -> float:
        """Standard error with chance."""
        return math.hypot(self.error, self.chance)

    def beyond(self, bound: float, side: int) -> float:
        """One-sided p of the effect lying above a bound (``side`` 1) or below it (-1); 1 where nothing was measured.

        Where chance is unknown the test cannot see anything: p is one half.
        """
        if self.n < 2 or not all(map(math.isfinite, (self.value, self.error, bound))):
            return 1.0
        if math.isinf(self.chance):
            return 0.5
        away = side * (self.value - bound)
        if self.total == 0:
            return 0.0 if away > 0 else 1.0
        return float(stats.t.sf(away / self.total, self.n - 1))

    @property
    def interval(self) -> tuple[float, float]:
        """(low, high) of 1 - 2 :data:`LEVEL`, with chance where it is known; missing where there is no error."""
        if self.n < 2 or not math.isfinite(self.error):
            return NAN, NAN
        wide = self.total if math.isfinite(self.chance) else self.error
        half = float(stats.t.ppf(1 - LEVEL, self.n - 1)) * wide
        return self.value - half, self.value + half


def over(values: Sequence[float] | np.ndarray, measure: str, unit: str, chance: float = 0.0) -> Effect:
    """The mean of independent values, with its standard error.

    Raises:
        ValueError: no values, more than one dimension, or a value that is not finite.
    """
    found = seeds.student(np.asarray(values), 1 - 2 * LEVEL)
    return of_interval(measure, *found, len(values), unit, student=True, chance=chance)


def of_interval(
    measure: str, value: float, low: float, high: float, n: int, unit: str, *, student: bool, chance: float = 0.0
) -> Effect:
    """An effect from its interval of 90 %.

    Args:
        student: the interval is Student's over ``n`` units; else it is a bootstrap's, 1.645 standard errors either way.
    """
    wide = float(stats.t.ppf(1 - LEVEL, n - 1)) if student and n > 1 else float(stats.norm.ppf(1 - LEVEL))
    return Effect(measure, float(value), (float(high) - float(low)) / 2 / wide, int(n), unit, chance)


def direction(effect: Effect) -> str:
    """``higher`` or ``lower`` than 0, each by its one-sided test, or :data:`OPEN`: of one effect, asked alone."""
    for name in ("higher", "lower"):
        if effect.beyond(0.0, SIDES[name]) <= LEVEL:
            return name
    return OPEN


@dataclass(frozen=True)
class Asked:
    """One claim's effects and what would support it.

    Attributes:
        supports: ``higher`` or ``lower`` than 0, or ``none``: equally well, within ``margins``.
        margins: one an effect, above 0; asked only by ``none``.
    """

    effects: tuple[Effect, ...]
    supports: str = "higher"
    margins: tuple[float, ...] = ()

    def support(self) -> float:
        """p of the claim: the largest over its effects, 1 where there are none."""
        return max((self._support(i) for i in range(len(self.effects))), default=1.0)

    def contradiction(self) -> float:
        """p of its opposite."""
        return max((self._contradiction(i) for i in range(len(self.effects))), default=1.0)

    def _support(self, i: int) -> float:
        effect, side = self.effects[i], SIDES[self.supports]
        if side:
            return effect.beyond(0.0, side)
        margin = self._margin(i)
        return max(effect.beyond(-margin, 1), effect.beyond(margin, -1))

    def _contradiction(self, i: int) -> float:
        effect, side = self.effects[i], SIDES[self.supports]
        if side:
            return effect.beyond(0.0, -side)
        margin = self._margin(i)
        return min(1.0, 2 * min(effect.beyond(margin, 1), effect.beyond(-margin, -1)))

    def _margin(self, i: int) -> float:
        return self.margins[i] if i < len(self.margins) else NAN

    def agree(self) -> int:
        """How many of the effects support the claim by themselves, uncorrected."""
        return sum(self._support(i) <= LEVEL for i in range(len(self.effects)))


@dataclass(frozen=True)
class Verdict:
    """What is said of a claim.

    Attributes:
        verdict: :data:`SUPPORTED`, :data:`CONTRADICTED` or :data:`OPEN`.
        p: of the claim, or of its opposite where that is the verdict; missing where chance is unknown.
        corrected: the same by Holm over the family.
        agree: how many of the effects support the claim by themselves.
        why_not: what is missing, where it cannot be told; else empty.
    """

    verdict: str
    p: float
    corrected: float
    agree: int
    why_not: str = ""


def decide(family: Sequence[Asked]) -> list[Verdict]:
    """Verdicts of the claims of one family, in their order.

    Claims of which nothing was measured ask nothing, and cost the others nothing.
    """
    asked = [i for i, claim in enumerate(family) if any(effect.n for effect in claim.effects)]
    support, contradiction = (np.ones(len(family)) for _ in range(2))
    support[asked] = holm([family[i].support() for i in asked])
    contradiction[asked] = holm([family[i].contradiction() for i in asked])
    found = []
    for i, claim in enumerate(family):
        for name, p, corrected in (
            (SUPPORTED, claim.support(), support[i]),
            (CONTRADICTED, claim.contradiction(), contradiction[i]),
        ):
            if corrected <= LEVEL:
                found.append(Verdict(name, p, float(corrected), claim.agree()))
                break
        else:
            blind = any(effect.n and math.isinf(effect.chance) for effect in claim.effects)
            p, corrected = (NAN, NAN) if blind else (claim.support(), float(support[i]))
            found.append(Verdict(OPEN, p, corrected, claim.agree(), why_not(claim)))
    return found


def why_not(claim: Asked) -> str:
    """What is missing of a claim that cannot be told."""
    there = [effect for effect in claim.effects if effect.n]
    if not there:
        return "nothing was measured"
    if blind := [effect for effect in there if math.isinf(effect.chance)]:
        alone = "initialisation" if all(effect.unit == "seeds" and effect.n > 1 for effect in blind) else "training"
        return f"one {alone} of each: nothing says what another would change"
    if any(effect.n < 2 for effect in there):
        return f"one of its {there[0].unit} alone"
    if not SIDES[claim.supports] and not all(map(math.isfinite, claim.margins or (NAN,))):
        return "no margin says what equally well is"
    side = SIDES[claim.supports]
    if len({effect.value > 0 for effect in there}) > 1 and side:
        return "its measures point both ways"
    against = all(side * effect.value < 0 for effect in there)
    sure = (claim.contradiction() if against else claim.support()) <= LEVEL
    lacks = f"too few {there[0].unit} for so small an effect, or there is none"
    lacks = "too little for the number of claims in its family" if sure else lacks
    return f"points against the claim; {lacks}" if against else lacks


def holm(p: Sequence[float]) -> np.ndarray:
    """p values corrected by Holm (1979) for all of them being asked at once, in their order, at most 1."""
    values = np.asarray(p, np.float64)
    order = np.argsort(values, kind="stable")
    corrected = np.empty(len(values))
    corrected[order] = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)).clip(max=1)
    return corrected
