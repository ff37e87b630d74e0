"""Filters side by side: closed forms, direct sums, and toy edges whose profile is known."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import ndtr

from wbclib import images
from wbclib.bench import filters as filters_bench
from wbclib.corpora.bundled import photographs
from wbclib.measure import filters
from wbclib.options import OutputFilter
from wbclib.studies.surface import gradient_reversal, layers


def field(side: int = 24, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (side, side))


def photo(side: int = 64) -> np.ndarray:
    return images.square(photographs().image(0), side)


def test_guided_is_opencv_away_from_the_borders() -> None:
    data = field(40).astype(np.float32)
    other = cv2.ximgproc.guidedFilter(data, data, 3, 0.1)
    np.testing.assert_allclose(filters.guided(data, 3, 0.1)[8:-8, 8:-8], other[8:-8, 8:-8], atol=1e-4)
    colours = np.stack([field(seed=s) for s in range(3)], -1)
    np.testing.assert_allclose(filters.guided(colours, 2, 0.1)[..., 1], filters.guided(colours[..., 1], 2, 0.1))


def test_bilateral_is_the_weighted_mean_that_it_should_be() -> None:
    data, radius, sigma = field(), 2, 0.7
    y, x = np.mgrid[-4:5, -4:5]
    window = data[12 - 4 : 12 + 5, 12 - 4 : 12 + 5]
    weight = np.exp(-(x * x + y * y) / (2 * (radius + 0.5) ** 2) - (window - data[12, 12]) ** 2 / (2 * sigma**2))
    weight[np.hypot(x, y) > 2 * radius] = 0
    direct = (weight * window).sum() / weight.sum()
    assert filters.bilateral(data, radius, sigma)[12, 12] == pytest.approx(direct, abs=1e-3)
    np.testing.assert_allclose(filters.bilateral(data, radius, 1e-3), data, atol=1e-3)


def test_slope_is_variance_over_variance_plus_eps() -> None:
    data = field()
    variance = data[10 - 3 : 10 + 4, 12 - 3 : 12 + 4].var()
    assert filters.slope(data, 3, 0.2)[10, 12] == pytest.approx(variance / (variance + 0.2))
    at_half = np.where(np.indices((24, 24)).sum(0) % 2, 1, -1) * filters.half_point(0.2) / filters.LEVELS
    assert filters.slope(at_half, 4, 0.2)[12, 12] == pytest.approx(0.5, abs=0.002)


def test_match_inverts_a_falling_function() -> None:
    assert filters.match(0.25, lambda x: 1 / x, 0.1, 100) == pytest.approx(4)
    with pytest.raises(ValueError, match="not reached"):
        filters.match(20, lambda x: 1 / x, 0.1, 100)


def test_equal_smoothing_leaves_equal_noise() -> None:
    sigma = filters.equal_smoothing(5, 0.04)
    noise = np.random.default_rng(9).normal(0, 6 / filters.LEVELS, (96, 96))  # another field than it was fitted on
    left = filters.guided(noise, 5, 0.04).std(), filters.bilateral(noise, 5, sigma).std()
    assert left[1] == pytest.approx(left[0], rel=0.05)


def test_enhancing_with_no_smoothing_changes_nothing() -> None:
    assert (filters.enhanced(photo(), lambda data: data) == photo()).all()
    halved = filters.enhanced(np.full((4, 4, 3), 200, np.uint8), lambda data: data - 0.02, boost=4)
    assert (halved == round(200 + 4 * 0.02 * 127.5)).all()


def test_cost_gives_ratios_to_the_first_radius_and_the_threads_back() -> None:
    before = torch.get_num_threads(), cv2.getNumThreads()
    table = filters_bench.over_radius((2, 4), 32, repeats=1)
    assert (torch.get_num_threads(), cv2.getNumThreads()) == before
    assert table["guided_ratio"].iloc[0] == table["bilateral_ratio"].iloc[0] == 1
    assert table["bilateral_ratio"].iloc[1] == table["bilateral"].iloc[1] / table["bilateral"].iloc[0]


def test_noisy_step_is_a_blurred_step() -> None:
    clean, noisy = gradient_reversal.noisy_step(height=100, width=3, noise=6, size=128)
    x = np.arange(128) - 63.5
    np.testing.assert_allclose(clean[5] * 127.5, 100 * (ndtr(x / 3) - 0.5), atol=0.5)
    assert (noisy - clean).std() * 127.5 == pytest.approx(6, rel=0.03)


def test_profiles_and_overshoot_of_a_filter_that_does_nothing() -> None:
    clean, noisy = gradient_reversal.noisy_step(noise=0)
    table = gradient_reversal.profiles(clean, noisy, {"none": lambda data: data})
    assert table["none detail"].abs().max() < 1e-9
    assert gradient_reversal.overshoot(table, "none") == pytest.approx(0, abs=0.1)
    raised = table.assign(**{"none enhanced": table["none enhanced"] + np.where(table["x"].between(4, 8), 7.0, 0.0)})
    assert gradient_reversal.overshoot(raised, "none") == pytest.approx(7, abs=1)


def test_reversal_is_the_sign_of_the_detail_along_the_gradient() -> None:
    clean, _ = gradient_reversal.noisy_step()
    none = gradient_reversal.reversal(clean, 0.5 * clean)  # detail = I/2: same direction everywhere
    assert none == {"share": 0, "strength": pytest.approx(0)}
    full = gradient_reversal.reversal(clean, 1.5 * clean)  # detail = -I/2: steeper than the input everywhere
    assert full == {"share": 1, "strength": pytest.approx(0.5)}


def test_the_bilateral_filter_reverses_gradients_and_the_guided_filter_does_not() -> None:
    clean, _ = gradient_reversal.noisy_step(height=100, width=2)
    assert gradient_reversal.reversal(clean, filters.guided(clean, 5, 0.04))["strength"] < 1e-6
    assert gradient_reversal.reversal(clean, filters.bilateral(clean, 5, 0.2))["strength"] > 0.05
    table = gradient_reversal.reversals(photo()[None], 5, (0.04,)).set_index("filter")
    assert table.loc["guided", "share"] < 0.01 < table.loc["bilateral", "share"]


def test_yardstick_of_the_same_and_of_half_the_contrast() -> None:
    stick = layers.Yardstick(photo())
    assert stick.kept(photo()) == {"texture": pytest.approx(1), "edges": pytest.approx(1)}
    half = np.rint(photo() / 2).astype(np.uint8)
    assert stick.kept(half) == {"texture": pytest.approx(0.5, abs=0.03), "edges": pytest.approx(0.5, abs=0.01)}
    with pytest.raises(ValueError, match="no texture"):
        layers.Yardstick(np.full((32, 32, 3), 90, np.uint8))


def test_sweep_and_tradeoff_agree() -> None:
    x = images.to_tensor(photo()[None])
    swept = layers.sweep(x, (0, 4), (0.01, 0.2))
    assert (swept.loc[swept["radius"] == 0, ["texture", "edges"]] == 1).all(axis=None)  # radius 0 is the image itself
    traded = layers.tradeoff(photo()[None], 4, (0.01, 0.2), blurs=(1.0,))
    guided = traded[traded["filter"] == "guided"]
    expected = swept[swept["radius"] == 4]
    np.testing.assert_allclose(guided[["texture", "edges"]], expected[["texture", "edges"]], atol=0.01)
    assert set(traded["filter"]) == {"guided", "bilateral", "Gaussian"}


def test_removed_by_nothing_and_by_half() -> None:
    x = images.to_tensor(np.stack([photo()] * 2))
    table = layers.removed({"photograph": x}, lambda batch: batch).set_index("measure")["value"]
    assert (table["change, grey levels"], table["gradient left"]) == (0, 1)
    table = layers.removed({"photograph": x}, lambda batch: batch / 2).set_index("measure")["value"]
    assert table["change, grey levels"] == pytest.approx(float(x.abs().mean()) / 2 * 127.5, rel=1e-4)
    assert table["gradient left"] == pytest.approx(0.5, abs=0.02)


def test_sharpness_runs_from_filtered_to_raw() -> None:
    x = images.to_tensor(photo()[None])
    output = torch.roll(x, 1, -1)
    table = layers.sharpness(x, output, (0.0, 0.5, 1.0), OutputFilter())
    assert isinstance(table, pd.DataFrame) and table["setting"].tolist() == ["as trained", *["at inference"] * 3]
    trained, smooth, half, raw = table["to_raw"]
    assert raw == pytest.approx(0, abs=1e-5) and half == pytest.approx(smooth / 2, rel=1e-4) and trained > smooth


def test_edge_table_puts_both_measures_side_by_side() -> None:
    clean, noisy = gradient_reversal.noisy_step()
    steeper = {"steeper": lambda data: 1.5 * data}
    edges = gradient_reversal.profiles(clean, noisy, steeper)
    (row,) = gradient_reversal.edge_table(clean, edges, steeper).to_dict("records")
    assert row["filter"] == "steeper" and row["share"] == 1
    assert row["overshoot"] == gradient_reversal.overshoot(edges, "steeper")
