"""Differences over seeds: against SciPy's Student intervals, and verdicts on records made up for the purpose."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from wbclib.measure import seeds


def values(**runs: list[float]) -> pd.DataFrame:
    rows = [(run, seed, "flatness", value) for run, found in runs.items() for seed, value in enumerate(found)]
    return pd.DataFrame(rows, columns=["run", "seed", "measure", "value"])


def test_the_interval_is_that_of_scipy() -> None:
    data = np.array([3.0, 5.0, 4.5, 9.0])
    expected = stats.ttest_1samp(data, 0.0).confidence_interval(0.90)
    assert seeds.student(data) == pytest.approx((data.mean(), expected.low, expected.high))


def test_one_value_has_no_interval_and_none_is_an_error() -> None:
    mean, low, high = seeds.student(np.array([2.0]))
    assert mean == 2.0 and np.isnan([low, high]).all()
    for bad in ([], [1.0, np.nan], [[1.0]]):
        with pytest.raises(ValueError, match="finite numbers"):
            seeds.student(np.array(bad))


def test_differences_are_paired_by_seed() -> None:
    """Seeds differ by 10, the change by 1: unpaired nothing could be told."""
    table = seeds.compare_over_seeds(values(full=[10.0, 20.0, 30.0], changed=[11.1, 21.0, 30.9]), "full").set_index(
        "run"
    )
    expected = stats.ttest_rel([11.1, 21.0, 30.9], [10.0, 20.0, 30.0]).confidence_interval(0.90)
    row = table.loc["changed"]
    assert (row["difference"], row["diff_low"], row["diff_high"]) == pytest.approx((1.0, expected.low, expected.high))
    pooled = np.sqrt((np.var([10, 20, 30], ddof=1) + np.var([11.1, 21.0, 30.9], ddof=1)) / 2)
    assert row["effect_size"] == pytest.approx(1.0 / pooled)
    assert table.loc["full", ["difference", "diff_low", "effect_size"]].isna().all()
    assert list(table.index) == ["full", "changed"] and (table["seeds"] == 3).all()


def test_the_same_configuration_with_other_seeds_cannot_be_told_and_a_degraded_one_can() -> None:
    random = np.random.default_rng(0)
    full, same = random.normal(5.0, 0.3, (2, 4))
    degraded = full + 3.0 + random.normal(0.0, 0.3, 4)
    table = seeds.compare_over_seeds(
        values(full=list(full), same=list(same), degraded=list(degraded)), "full"
    ).set_index("run")
    assert table.loc["same", "diff_low"] < 0 < table.loc["same", "diff_high"] and table.loc["degraded", "diff_low"] > 0


def test_the_interval_covers_as_often_as_it_says() -> None:
    """Of identical configurations one in ten is told apart, whatever the number of seeds: that is what 90 % means."""
    random = np.random.default_rng(1)
    for count in (2, 3, 5):
        told = [seeds.student(random.normal(size=count) - random.normal(size=count)) for _ in range(2000)]
        share = np.mean([low > 0 or high < 0 for _, low, high in told])
        assert 0.08 < share < 0.12


def test_a_run_without_a_seed_of_the_others_is_an_error() -> None:
    with pytest.raises(ValueError, match="lacks a seed"):
        seeds.compare_over_seeds(values(full=[1.0, 2.0], changed=[1.0]), "full")


def test_two_runs_differ_by_chance_no_more_than_the_noise_says() -> None:
    """Of pairs that differ in their seed alone at most one in ten is farther apart."""
    random = np.random.default_rng(2)
    for count in (2, 3, 4):
        drawn = random.normal(size=(2000, count + 1))
        apart = [abs(row[-1] - row[0]) > seeds.noise(row[:-1]) for row in drawn]
        assert 0.05 < np.mean(apart) < 0.11
    with pytest.raises(ValueError, match="at least two runs"):
        seeds.noise(np.array([1.0]))
