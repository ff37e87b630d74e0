"""Extrapolation to infinitely many images: Gaussians of known distance, the closed form of the bias, coverage."""

from __future__ import annotations

import numpy as np
import pytest

from wbclib.measure import extrapolation, fid

WIDTH, COUNT = 8, 160
TRUTH = 1.0  # of N(0, I) and N(m, I) with |m| = 1
BIAS = (2 * WIDTH + WIDTH * (WIDTH + 1) / 2) / COUNT  # |means|^2: 2 D / N; |covariances|^2 / 4: D (D + 1) / 2 N


def pair(random: np.random.Generator, count: int = COUNT) -> tuple[np.ndarray, np.ndarray]:
    shift = np.full(WIDTH, 1 / np.sqrt(WIDTH))
    return random.normal(size=(count, WIDTH)) + shift, random.normal(size=(count, WIDTH))


def test_a_line_is_read_at_its_end() -> None:
    intercept, slope, residual = extrapolation.at_infinity(3 + 0.5 * np.array([1, 2, 4]), (1, 2, 4))
    assert (intercept, slope) == pytest.approx((3, 0.5)) and residual < 1e-12
    assert extrapolation.at_infinity(np.array([1.0, 2, 2]), (1, 2, 3))[2] == pytest.approx(1 / 3)


def test_parts_are_disjoint_and_use_every_image() -> None:
    """At k = 1 the distance itself; at k = 2 of four images a side, one of the three ways to cut them into pairs."""
    a, b = np.array([[0.0], [1], [3], [7]]), np.array([[0.0], [2], [3], [9]])
    found = extrapolation.curve(a, b, (1, 2), repeats=1, seed=3)
    assert found[0] == pytest.approx(fid.frechet(a, b))
    cuts = [([0, 1], [2, 3]), ([0, 2], [1, 3]), ([0, 3], [1, 2])]
    ways = [
        np.mean([fid.frechet(a[p], b[q]) for p, q in zip(first, second, strict=True)])
        for first in cuts
        for one in cuts
        for second in (one, one[::-1])
    ]
    assert min(abs(found[1] - way) for way in ways) < 1e-9


def test_bias_is_the_slope_and_is_gone_from_the_end() -> None:
    """Against the closed form of the bias of two Gaussians of equal covariance, in the mean of 60 samples."""
    random, fits, plain = np.random.default_rng(0), [], []
    for trial in range(60):
        a, b = pair(random)
        fits.append(extrapolation.at_infinity(extrapolation.curve(a, b, seed=trial))[:2])
        plain.append(fid.frechet(a, b))
    (intercept, slope), error = np.mean(fits, 0), np.std(plain) / np.sqrt(60)
    assert np.mean(plain) == pytest.approx(TRUTH + BIAS, abs=3 * error)
    assert slope == pytest.approx(BIAS, rel=0.1)
    assert intercept == pytest.approx(TRUTH, abs=3 * error) and 3 * error < BIAS / 2
    errors = np.abs(np.array(plain) - TRUTH).mean(), np.abs(np.array(fits)[:, 0] - TRUTH).mean()
    assert errors[1] < 0.7 * errors[0], "also sample by sample it is nearer to the truth"


def test_interval_covers_the_known_distance_where_that_of_the_plain_value_does_not() -> None:
    random, held, plain = np.random.default_rng(1), 0, 0
    for trial in range(100):
        a, b = pair(random)
        row = extrapolation.extrapolated({"x": a}, b, (1, 2, 3), repeats=2, bootstraps=25, seed=trial).iloc[0]
        held += row["low"] <= TRUTH <= row["high"]
        plain += abs(row["frechet"] - TRUTH) <= (row["high"] - row["low"]) / 2
    assert 83 <= held <= 97
    assert plain < held - 10


def test_crops_of_a_photograph_stay_together() -> None:
    """Four equal crops a photograph: by photograph the line is that of the photographs alone, by crop it is not."""
    random = np.random.default_rng(2)
    a, b = pair(random, 60)
    groups = np.repeat([f"p{i:02}" for i in range(60)], 4)
    crops = [np.repeat(x, 4, axis=0) for x in (a, b)]
    alone = extrapolation.curve(a, b, (1, 2, 3), seed=5)
    together = extrapolation.curve(*crops, (1, 2, 3), seed=5, groups=groups, reference_groups=groups)
    np.testing.assert_allclose(together, alone, rtol=0.05)  # equal but for N - 1 in the covariance
    apart = extrapolation.curve(*crops, (1, 2, 3), seed=5)
    assert apart[2] - apart[0] < 0.5 * (together[2] - together[0])


def test_table_of_several_sets() -> None:
    random = np.random.default_rng(3)
    a, b = pair(random)
    found = extrapolation.extrapolated({"x": a, "y": a + 1, "z": a}, b, repeats=2, bootstraps=5).set_index("name")
    assert list(found.reset_index().columns) == extrapolation.COLUMNS
    assert found.loc["x"].tolist() == found.loc["z"].tolist()
    assert found.loc["y", "frechet"] == fid.frechet(a + 1, b) > found.loc["y", "extrapolated"]
    few = extrapolation.extrapolated({"x": a[:10]}, b, bootstraps=5).iloc[0]
    assert np.isfinite(few["extrapolated"]) and np.isnan(few["low"])


def test_bad_parts_are_named() -> None:
    a, b = pair(np.random.default_rng(4), 12)
    with pytest.raises(ValueError, match="12 photographs cannot be cut into 7 parts"):
        extrapolation.curve(a, b, (1, 7))
    with pytest.raises(ValueError, match="6 photographs cannot be cut into 4 parts"):
        extrapolation.curve(a, b, groups=np.arange(12) // 2)
    with pytest.raises(ValueError, match="at least two numbers of parts"):
        extrapolation.curve(a, b, (2,))
    with pytest.raises(ValueError, match="groups"):
        extrapolation.curve(a, b, groups=range(5))
