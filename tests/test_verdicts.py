"""Verdicts against tables of other libraries, worked examples, and simulated records whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from wbclib.measure import power, verdicts
from wbclib.measure.power import TRIALS, simulated
from wbclib.measure.verdicts import (
    CONTRADICTED,
    LEVEL,
    OPEN,
    SUPPORTED,
    Asked,
    Effect,
    decide,
    holm,
    of_interval,
    over,
)


def told(*asked: Asked) -> list[str]:
    return [one.verdict for one in decide(asked)]


def test_p_and_interval_are_those_of_the_t_test() -> None:
    values = np.random.default_rng(0).normal(0.4, 1, 9)
    effect = over(values, "m", "seeds")
    assert effect.beyond(0, 1) == pytest.approx(stats.ttest_1samp(values, 0, alternative="greater").pvalue)
    assert effect.beyond(0.7, -1) == pytest.approx(stats.ttest_1samp(values, 0.7, alternative="less").pvalue)
    wanted = stats.ttest_1samp(values, 0).confidence_interval(0.90)
    assert effect.interval == pytest.approx((wanted.low, wanted.high))


def test_an_effect_from_its_interval_is_the_effect_from_its_values() -> None:
    values = np.random.default_rng(1).normal(2, 3, 6)
    first = over(values, "m", "photographs")
    second = of_interval("m", first.value, *first.interval, 6, "photographs", student=True)
    assert second.error == pytest.approx(first.error)
    boot = of_interval("m", 1.0, 1.0 - 1.645, 1.0 + 1.645, 50, "photographs", student=False)
    assert boot.error == pytest.approx(1.0, rel=1e-3)


def test_holm_by_hand() -> None:
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.9, 0.6]), [1, 1])
    assert len(holm([])) == 0


@pytest.mark.parametrize(
    ("effect", "supports", "expected"),
    [
        (Effect("m", 2.0, 0.5, 20, "photographs"), "higher", SUPPORTED),
        (Effect("m", 2.0, 0.5, 20, "photographs"), "lower", CONTRADICTED),
        (Effect("m", -2.0, 0.5, 20, "photographs"), "lower", SUPPORTED),
        (Effect("m", 0.5, 0.5, 20, "photographs"), "higher", OPEN),
        (Effect("m", 2.0, 0.5, 20, "photographs", chance=2.0), "higher", OPEN),
        (Effect("m", 2e9, 0.5, 20, "photographs", chance=math.inf), "higher", OPEN),
        (Effect("m", 2.0, n=1, unit="seeds"), "higher", OPEN),
        (Effect("m", 2.0, 0.0, 3, "seeds"), "higher", SUPPORTED),
        (Effect("m", 0.0, 0.0, 3, "seeds"), "higher", OPEN),
        (Effect("m"), "higher", OPEN),
    ],
)
def test_one_effect(effect: Effect, supports: str, expected: str) -> None:
    (found,) = decide([Asked((effect,), supports)])
    assert found.verdict == expected and bool(found.why_not) == (expected == OPEN)


@pytest.mark.parametrize(
    ("value", "error", "margin", "expected"),
    [
        (0.1, 0.1, 0.5, SUPPORTED),
        (0.3, 0.01, 0.5, SUPPORTED),  # it can be told from 0, and is small all the same
        (0.9, 0.1, 0.5, CONTRADICTED),
        (-0.9, 0.1, 0.5, CONTRADICTED),
        (0.1, 0.6, 0.5, OPEN),
        (0.5, 0.01, 0.5, OPEN),
        (0.0, 0.1, math.nan, OPEN),
    ],
)
def test_equally_well_is_asked_against_a_margin(value: float, error: float, margin: float, expected: str) -> None:
    assert told(Asked((Effect("m", value, error, 30, "photographs"),), "none", (margin,))) == [expected]


def test_all_effects_must_agree() -> None:
    clear, other, weak = (Effect("m", value, 0.3, 20, "photographs") for value in (2.0, -2.0, 0.2))
    assert told(Asked((clear, clear))) == [SUPPORTED]
    (found,) = decide([Asked((clear, weak))])
    assert (found.verdict, found.agree) == (OPEN, 1) and "too few photographs" in found.why_not
    assert decide([Asked((clear, other))])[0].why_not == "its measures point both ways"
    assert told(Asked((other, other))) == [CONTRADICTED]


def test_a_family_asks_more_of_each_than_a_claim_alone() -> None:
    barely = Asked((Effect("m", 1.0, 0.5, 30, "photographs"),))
    assert 0.025 < barely.support() < 0.05
    nothing = Asked((Effect("m", 0.0, 0.5, 30, "photographs"),))
    assert told(barely) == [SUPPORTED] and told(barely, nothing) == [OPEN, OPEN]
    assert decide([barely, nothing])[0].why_not == "too little for the number of claims in its family"
    assert told(barely, Asked((Effect("m"),)), Asked(())) == [SUPPORTED, OPEN, OPEN], (
        "what is not measured costs nothing"
    )


def test_p_is_that_of_the_claim_and_what_points_the_other_way_is_told() -> None:
    """By SciPy's t: an effect of -1 with an error of 0.5 over 3 seeds speaks against "higher"."""
    against, nothing = Asked((Effect("m", -1.0, 0.5, 3, "seeds"),)), Asked((Effect("m", 0.0, 0.5, 3, "seeds"),))
    (found,) = decide([against])
    assert found.p == pytest.approx(stats.t.cdf(2.0, 2)) and found.verdict == OPEN
    assert found.why_not == "points against the claim; too few seeds for so small an effect, or there is none"
    surely = Asked((Effect("m", -1.7, 0.5, 3, "seeds"),))
    told_of = decide([surely, nothing])[0].why_not
    assert told_of == "points against the claim; too little for the number of claims in its family"


@pytest.mark.parametrize(("n", "unit", "one"), [(3, "seeds", "initialisation"), (1, "seeds", "training"),
                                                (60, "photographs", "training")])  # fmt: skip
def test_where_chance_is_unknown_there_is_no_p(n: int, unit: str, one: str) -> None:
    (found,) = decide([Asked((Effect("m", 2.0, 0.1, n, unit, chance=math.inf),))])
    assert math.isnan(found.p) and math.isnan(found.corrected)
    assert found.why_not == f"one {one} of each: nothing says what another would change"


SURE = 3 * math.sqrt(LEVEL * (1 - LEVEL) / TRIALS)  # by how much a share of 5 % may be off by chance


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_no_effect_is_called_one_in_five_of_a_hundred_at_most(seeds: int) -> None:
    found = simulated(0.0, seeds)
    assert found[SUPPORTED] <= LEVEL + SURE and found[CONTRADICTED] <= LEVEL + SURE
    assert found[SUPPORTED] >= LEVEL - SURE, "nor is it rarer: the test is not blind"


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_power_is_that_of_the_noncentral_t(seeds: int) -> None:
    for truth in (0.5, 2.0):
        wanted = stats.nct.sf(stats.t.ppf(1 - LEVEL, seeds - 1), seeds - 1, truth * math.sqrt(seeds))
        assert simulated(truth, seeds)[SUPPORTED] == pytest.approx(wanted, abs=0.03)


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_equal_ones_are_found_with_enough_seeds_and_never_contradicted(seeds: int) -> None:
    equal = simulated(0.0, seeds, margin=1.5)
    assert equal[CONTRADICTED] <= LEVEL + SURE
    assert equal[SUPPORTED] > {3: 0.2, 5: 0.7, 10: 0.95}[seeds]
    edge = simulated(1.5, seeds, margin=1.5)
    assert edge[SUPPORTED] <= LEVEL + SURE, "as far apart as the margin is not equally well"
    assert simulated(3.0, seeds, margin=1.5)[CONTRADICTED] > {3: 0.2, 5: 0.7, 10: 0.95}[seeds]


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_what_a_device_adds_to_all_seeds_fools_nobody_where_it_is_known_or_unknown(seeds: int) -> None:
    assert simulated(0.0, seeds, device=1.0)[SUPPORTED] <= LEVEL + SURE
    assert simulated(5.0, seeds, device=1.0, chance="unknown")[SUPPORTED] == 0
    fooled = simulated(0.0, seeds, device=1.0, chance="left out")[SUPPORTED]
    assert fooled > LEVEL + SURE, "left out, it does fool: the simulation shows what the rule is for"


def test_the_table_of_what_can_be_seen_has_a_row_a_case_and_number_of_seeds() -> None:
    found = power.simulate_verdicts((3, 10), trials=60)
    assert len(found) == 22 and found["seeds"].tolist() == [3, 10] * 11
    assert found[["supported", "contradicted", "cannot_tell"]].sum(axis=1).to_numpy() == pytest.approx(1)
    known = found[(found["truth"] == "large: 2") & (found["device_adds"] == "nothing")]["supported"]
    assert known.tolist() == [simulated(2.0, seeds, trials=60)[SUPPORTED] for seeds in (3, 10)]


def test_values_that_are_none_are_refused() -> None:
    for values in ([], [1.0, math.nan], [[1.0]]):
        with pytest.raises(ValueError, match="finite"):
            verdicts.over(values, "m", "seeds")
