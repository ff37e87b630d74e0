"""Paired comparison: written-out resamples, known distances, coverage, photographs with several crops."""

from __future__ import annotations

from itertools import product
from math import factorial
from typing import Any

import numpy as np
import pytest

from wbclib.measure import fid, kid, paired, resampling

Random = np.random.Generator


def three(random: Random, n: int = 200, m: int = 300) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two methods on the same 2-d inputs and a reference N(0, I): a ~ N((1, 0), I), b ~ N(0, 2^2 I)."""
    inputs = random.normal(size=(n, 2))
    return inputs + [1, 0], 2 * inputs, random.normal(size=(m, 2))


def difference_of(
    a: np.ndarray, b: np.ndarray, reference: np.ndarray, groups: resampling.Groups, metric: str = "frechet", **more: Any
) -> tuple[float, float, float]:
    """The row of one pair as (difference, low, high)."""
    found = paired.paired_differences(
        {"a": a, "b": b}, reference, groups, network="n", to="x", metrics=[metric], pairs=[("a", "b")], **more
    )
    difference, low, high = found.loc[0, ["difference", "diff_low", "diff_high"]]
    return difference, low, high


FRECHET_A, FRECHET_B = 1.0, 2.0  # |m|^2 and 2 (2 - 1)^2


def moment(power: int, mean: float, deviation: float) -> float:
    """E[x^power] of a normal x, power 0 to 3."""
    return (1.0, mean, mean**2 + deviation**2, mean**3 + 3 * mean * deviation**2)[power]


def mmd2_of_gaussians(mean: tuple[float, float], deviation: float) -> float:
    """Squared MMD of N(mean, deviation^2 I) and N(0, I) in 2-d under (x.y / 2 + 1)^3, from the kernel's monomials."""
    total = 0.0
    for i, j in product(range(4), repeat=2):
        if (rest := 3 - i - j) >= 0:
            weight = factorial(3) / (factorial(i) * factorial(j) * factorial(rest)) / 2 ** (i + j)
            here = moment(i, mean[0], deviation) * moment(j, mean[1], deviation)
            total += weight * (here - moment(i, 0, 1) * moment(j, 0, 1)) ** 2
    return total


KID_A, KID_B = mmd2_of_gaussians((1, 0), 1), mmd2_of_gaussians((0, 0), 2)


def test_the_closed_form_of_the_kernel_distance() -> None:
    """The monomials are the kernel's, and a large sample is near the closed form."""
    x, y = np.array([[0.3, -1.2]]), np.array([[2.0, 0.7]])
    powers = [(i, j) for i, j in product(range(4), repeat=2) if i + j <= 3]
    weights = [6 / (factorial(i) * factorial(j) * factorial(3 - i - j)) / 2 ** (i + j) for i, j in powers]
    found = sum(w * np.prod(x**p) * np.prod(y**p) for w, p in zip(weights, powers, strict=True))
    assert kid.kernel(x, y)[0, 0] == pytest.approx(found, rel=1e-12)
    a, b, reference = three(np.random.default_rng(0), 1500, 1500)
    assert kid.mmd2(a, reference) == pytest.approx(KID_A, rel=0.15)
    assert kid.mmd2(b, reference) == pytest.approx(KID_B, rel=0.15)


@pytest.mark.parametrize("metric", ["frechet", "kid"])
def test_values_are_the_distances_themselves(metric: str) -> None:
    a, b, reference = three(np.random.default_rng(1), 30, 20)
    distance = {"frechet": fid.frechet, "kid": kid.mmd2}[metric]
    groups = [f"photograph {i // 3}" for i in range(30)]
    difference, low, high = difference_of(a, b, reference, groups, metric, bootstraps=10)
    assert difference == pytest.approx(distance(a, reference) - distance(b, reference), rel=1e-9)
    assert low < difference < high and high - difference == pytest.approx(difference - low)
    value, low, high = resampling.interval(a, reference, groups, metric, bootstraps=10)
    assert low < value < high and value == pytest.approx(distance(a, reference), rel=1e-9)


@pytest.mark.parametrize("width", [2, 12, 40])
def test_a_draw_of_frechet_is_the_distance_of_the_copies_written_out(width: int) -> None:
    """Whole photographs, each with all of its crops, the same for both methods; reference images too."""
    mixed = np.random.default_rng(12).normal(size=(2, width)) + 3.0
    a, b, reference = (
        x @ mixed + np.cos(np.outer(x[:, 0], range(width))) for x in three(np.random.default_rng(2), 12, 10)
    )
    groups, images = np.arange(12) // 2, np.arange(10) // 2
    drawn = resampling.distances({"a": a, "b": b}, reference, groups, "frechet", 2, 7, images)[1]
    random = np.random.default_rng(7)
    first = np.bincount(random.integers(0, 6, 6), minlength=6)[groups]
    second = np.bincount(random.integers(0, 5, 5), minlength=5)[images]
    copies = np.repeat(reference, second, axis=0)
    wanted = [fid.frechet(np.repeat(x, first, axis=0), copies) for x in (a, b)]
    np.testing.assert_allclose(drawn[0], wanted, rtol=1e-9)


def test_a_draw_of_the_kernel_leaves_out_pairs_of_copies() -> None:
    """Against a sum over all pairs of the copies written out, one loop turn a pair."""
    x, _, reference = three(np.random.default_rng(3), 10, 7)
    groups = np.array([0, 0, 0, 1, 1, 2, 3, 3, 4, 4])
    measure = resampling._Kernel([x], reference, groups, np.arange(7))
    counts, images = np.array([2.0, 0, 1, 3, 0]), np.array([1.0, 0, 2, 1, 1, 0, 2])

    def mean(features: np.ndarray, labels: np.ndarray, times: np.ndarray) -> float:
        rows = [(i, copy) for i, g in enumerate(labels) for copy in range(int(times[g]))]
        values = [
            kid.kernel(features[[i]], features[[j]])[0, 0]
            for i, s in rows
            for j, t in rows
            if i != j and (labels[i] != labels[j] or s == t)
        ]
        return float(np.mean(values))

    across = np.average(kid.kernel(x, reference), weights=np.outer(counts[groups], images))
    wanted = mean(x, groups, counts) + mean(reference, np.arange(7), images) - 2 * across
    np.testing.assert_allclose(measure(counts, images), [wanted], rtol=1e-10)


def test_draws_of_the_kernel_stay_unbiased() -> None:
    """Copies that counted as pairs would raise the draws above the value by the kernel's diagonal over N."""
    random = np.random.default_rng(4)
    a, reference = random.normal(size=(40, 2)), random.normal(size=(40, 2))
    value, drawn = resampling.distances({"a": a}, reference, range(40), "kid", 4000, 0)
    error = drawn.std() / np.sqrt(len(drawn))
    assert drawn.mean() == pytest.approx(value[0], abs=4 * error)
    diagonal = np.mean(np.diag(kid.kernel(a, a)) + np.diag(kid.kernel(reference, reference)))
    assert diagonal / 40 > 10 * error, "the test would see the bias"


@pytest.mark.parametrize("metric", ["frechet", "kid"])
def test_identical_methods_differ_by_nothing(metric: str) -> None:
    a, _, reference = three(np.random.default_rng(5), 30, 30)
    assert difference_of(a, a.copy(), reference, np.arange(30), metric, bootstraps=20) == (0, 0, 0)


@pytest.mark.parametrize(("metric", "truth"), [("frechet", FRECHET_A - FRECHET_B), ("kid", KID_A - KID_B)])
def test_interval_of_the_difference_covers_the_known_one(metric: str, truth: float) -> None:
    """200 trials; N is such that the Frechet bias (2 values, of the order of 1 / N) is far below the half width."""
    random, held = np.random.default_rng(6), 0
    for trial in range(200):
        a, b, reference = three(random)
        _, low, high = difference_of(a, b, reference, range(len(a)), metric, bootstraps=60, seed=trial)
        held += low <= truth <= high
    assert 0.85 * 200 <= held <= 0.95 * 200


def test_sharing_photographs_narrows_and_crops_of_one_photograph_widen() -> None:
    """Twenty photographs with ten nearly equal crops each say little more than twenty crops."""
    random = np.random.default_rng(8)
    photographs = np.repeat(random.normal(size=(20, 2)), 10, axis=0) + 0.1 * random.normal(size=(200, 2))
    a, b, reference = photographs + [1, 0], photographs + [0.8, 0], random.normal(size=(200, 2))
    groups = np.repeat([f"p{i}" for i in range(20)], 10)
    _, low, high = difference_of(a, b, reference, groups)
    _, naive_low, naive_high = difference_of(a, b, reference, np.arange(200))
    assert high - low > 2 * (naive_high - naive_low)
    alone = [np.diff(resampling.interval(x, reference, groups)[1:])[0] for x in (a, b)]
    assert high - low < 0.5 * np.hypot(*alone)


def test_table_has_every_pair_and_every_metric() -> None:
    random = np.random.default_rng(9)
    inputs, reference = random.normal(size=(60, 3)), random.normal(size=(80, 3))
    sets = {"near": inputs + 0.05 * random.normal(size=(60, 3)), "far": inputs + 2, "same": inputs + 2}
    groups = np.repeat([f"p{i}" for i in range(30)], 2)
    found = paired.paired_differences(sets, reference, groups, network="n", to="cartoons", bootstraps=30)
    assert list(found.columns) == paired.COLUMNS
    assert list(zip(found["a"], found["b"], strict=True)) == 2 * [("near", "far"), ("near", "same"), ("far", "same")]
    assert found["verdict"].tolist() == 2 * ["nearer", "nearer", "cannot tell"]
    assert set(found["n"]) == {60} and set(found["photographs"]) == {30} and set(found["to"]) == {"cartoons"}
    one = paired.paired_differences(
        sets, reference, groups, network="n", to="x", pairs=[("far", "near")], metrics=["kid"]
    )
    row = one.iloc[0]
    assert (row["metric"], row["verdict"]) == ("kid", "farther")


def test_few_photographs_have_no_interval() -> None:
    a, b, reference = three(np.random.default_rng(10), 12, 30)
    difference, low, high = difference_of(a, b, reference, np.arange(12) // 3)
    assert np.isfinite(difference) and np.isnan([low, high]).all()
    assert paired.verdict(low, high) == "cannot tell"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"groups": range(11)}, "groups"),
        ({"b": np.zeros((11, 2))}, "groups"),
        ({"reference_groups": range(3)}, "groups"),
        ({"metric": "is"}, "unknown metric 'is'"),
        ({"bootstraps": 1}, "at least 2"),
        ({"b": np.zeros((12, 3))}, "different networks"),
    ],
)
def test_bad_arguments_are_named(change: dict[str, object], message: str) -> None:
    a, b, reference = three(np.random.default_rng(11), 12, 8)
    with pytest.raises(ValueError, match=message):
        difference_of(**{"a": a, "b": b, "reference": reference, "groups": range(12), **change})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no features of c"):
        paired.paired_differences({"a": a}, reference, range(12), network="n", to="x", pairs=[("a", "c")])


def test_equal_questions_are_answered_once_and_others_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    a, b, reference = (random.normal(size=(24, 3)) for _ in range(3))
    groups = np.arange(24) // 2
    first = resampling.distances({"a": a, "b": b}, reference, groups, "kid", 5, 0)
    with monkeypatch.context() as patch:
        patch.setattr(resampling, "_Kernel", None)  # computing it again would now fail
        again = resampling.distances({"x": a, "y": b}, reference, groups, "kid", 5, 0)
        assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    for change in ({"seed": 1}, {"groups": groups // 2}, {"reference": reference + 1}, {"metric": "frechet"}):
        asked = {"reference": reference, "groups": groups, "metric": "kid", "bootstraps": 5, "seed": 0} | change
        assert not np.array_equal(resampling.distances({"a": a, "b": b}, **asked)[1], first[1])
