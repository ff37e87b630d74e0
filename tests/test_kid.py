"""Kernel distance against torch-fidelity and a direct double sum."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_fidelity.metric_kid import kid_features_to_metric

from wbclib.measure.kid import kid, mmd2


def pair(seed: int, n: int = 30, m: int = 24, width: int = 5) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(size=(n, width)), random.normal(0.4, 1.2, size=(m, width))


def test_equals_torch_fidelity() -> None:
    a, b = pair(0)
    theirs = kid_features_to_metric(
        torch.from_numpy(a), torch.from_numpy(b), kid_subsets=7, kid_subset_size=11, rng_seed=3, verbose=False
    )
    mean, deviation = kid(a, b, subsets=7, subset_size=11, seed=3)
    assert mean == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-9)
    assert deviation == pytest.approx(theirs["kernel_inception_distance_std"], rel=1e-9)


def test_equals_the_direct_sum() -> None:
    a, b = pair(1, n=6, m=4, width=3)

    def k(x: np.ndarray, y: np.ndarray) -> float:
        return (float(x @ y) / 3 + 1) ** 3

    within_a = np.mean([k(a[i], a[j]) for i in range(6) for j in range(6) if i != j])
    within_b = np.mean([k(b[i], b[j]) for i in range(4) for j in range(4) if i != j])
    across = np.mean([k(x, y) for x in a for y in b])
    assert mmd2(a, b) == pytest.approx(within_a + within_b - 2 * across, rel=1e-12)


def test_unbiased_around_zero_for_one_distribution_and_positive_for_two() -> None:
    random = np.random.default_rng(2)
    same = [mmd2(random.normal(size=(8, 4)), random.normal(size=(8, 4))) for _ in range(400)]
    assert min(same) < 0
    assert abs(np.mean(same)) < 3 * np.std(same) / np.sqrt(len(same))
    a, b = pair(3, n=200, m=200)
    mean, deviation = kid(a, b + 1, subsets=20, subset_size=50)
    assert mean > 3 * deviation


def test_seed_chooses_the_subsets() -> None:
    a, b = pair(4)
    assert kid(a, b, 5, 10, seed=1) == kid(a, b, 5, 10, seed=1)
    assert kid(a, b, 5, 10, seed=1) != kid(a, b, 5, 10, seed=2)
    whole = kid(a[:24], b, 3, 24)
    assert whole == pytest.approx((mmd2(a[:24], b), 0), abs=1e-12)


def test_spread_holds_the_value_of_another_subset_in_85_to_95_percent_of_200_trials() -> None:
    """What mean -+ 1.645 deviations means: where 90 % of other samples of the subset's size lie, not of the mean.

    The subset is a tenth of the sample: subsets of most of it share their images and spread less than samples do.
    """
    random, held, mean_held = np.random.default_rng(6), 0, 0
    truth = 3 * 0.5**2 + 3 * (1 + 0.25 - 1) ** 2 + (0.125 + 3 * 0.5) ** 2  # N(1/2, 1), N(0, 1): moments 1 to 3
    for trial in range(200):
        a, b = random.normal(0.5, size=(300, 1)), random.normal(size=(300, 1))
        mean, deviation = kid(a, b, subsets=40, subset_size=30, seed=trial)
        other = mmd2(random.normal(0.5, size=(30, 1)), random.normal(size=(30, 1)))
        held += abs(other - mean) <= 1.645 * deviation
        mean_held += abs(truth - mean) <= 1.645 * deviation
    assert 0.85 * 200 <= held <= 0.95 * 200
    assert mean_held > 0.95 * 200, "for the mean itself it is too wide"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"subset_size": 25}, "sets of 30 and 24"),
        ({"subset_size": 1}, "at least 2"),
        ({"subsets": 0}, "at least 1"),
        ({"a": np.zeros((1, 5))}, "at least 2 images"),
        ({"a": np.full((9, 5), np.inf)}, "infinity"),
        ({"a": np.zeros((9, 5, 1))}, "arrays"),
        ({"a": np.zeros((9, 6))}, "different networks"),
    ],
)
def test_bad_arguments_are_named(change: dict[str, object], message: str) -> None:
    a, b = pair(5)
    with pytest.raises(ValueError, match=message):
        kid(**{"a": a, "b": b, "subsets": 3, "subset_size": 8, **change})  # type: ignore[arg-type]
