"""Frechet distance against pytorch-fid and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pytorch_fid.fid_score import calculate_frechet_distance

from wbclib.measure import fid, resampling
from wbclib.networks.features import load


def moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return x.mean(0), np.cov(x, rowvar=False)


def correlated(random: np.random.Generator, count: int, width: int) -> np.ndarray:
    return random.normal(size=(count, width)) @ random.normal(size=(width, width)) + random.normal(size=width)


def oracle(a: np.ndarray, b: np.ndarray, capfd: pytest.CaptureFixture[str]) -> float:
    return float(calculate_frechet_distance(*moments(a), *moments(b)))


@pytest.mark.filterwarnings("ignore:.*disp.*argument:DeprecationWarning")
@pytest.mark.parametrize(("n_a", "n_b", "width"), [(60, 80, 12), (200, 50, 30)])
def test_equals_pytorch_fid(n_a: int, n_b: int, width: int, capfd: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(width)
    a, b = correlated(random, n_a, width), correlated(random, n_b, width)
    assert fid.frechet(a, b) == pytest.approx(oracle(a, b, capfd), rel=1e-8)


def test_closed_form_of_diagonal_gaussians() -> None:
    """For commuting covariances: |m_a - m_b|^2 + sum (s_a - s_b)^2. The factors are made so that they are exact."""
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float) * np.sqrt(7 / 8)
    np.testing.assert_allclose(np.cov(corners, rowvar=False), np.eye(3), atol=1e-12)
    a = corners * [1, 2, 3] + [0, 0, 5]
    b = corners * [4, 2, 1] + [2, 0, 4]
    assert fid.frechet(a, b) == pytest.approx((4 + 1) + (9 + 0 + 4), rel=1e-12)


def test_fewer_images_than_features_is_exact() -> None:
    """Singular covariances that live in two dimensions of a hundred: the distance is that in the two dimensions."""
    random = np.random.default_rng(1)
    a, b = correlated(random, 9, 2), correlated(random, 8, 2)
    turn = np.linalg.qr(random.normal(size=(100, 100)))[0][:2]
    assert fid.frechet(a @ turn, b @ turn) == pytest.approx(fid.frechet(a, b), rel=1e-9)


def test_distance_of_a_set_to_itself_is_zero_and_it_is_symmetric() -> None:
    random = np.random.default_rng(2)
    a, b = correlated(random, 10, 40), correlated(random, 12, 40)
    assert fid.frechet(a, a) < 1e-6 * np.square(a).sum()
    assert fid.frechet(a, b) == pytest.approx(fid.frechet(b, a), rel=1e-9)


def test_a_shift_alone_is_its_square() -> None:
    a = np.random.default_rng(3).normal(size=(30, 5))
    assert fid.frechet(a, a + [3, 0, 4, 0, 0]) == pytest.approx(25, rel=1e-9)


@pytest.mark.parametrize(("count", "width"), [(40, 6), (12, 30)])
def test_counted_images_equal_repeated_images(count: int, width: int) -> None:
    """The resamples of the bootstrap, computed from counts, equal the distance of the sets written out."""
    random = np.random.default_rng(4)
    a, b = correlated(random, count, width), correlated(random, count, width)
    counts = np.bincount(random.integers(0, count, count), minlength=count).astype(float)
    wanted = fid.frechet(np.repeat(a, counts.astype(int), axis=0), b)
    assert fid.between(fid.moments(a, counts), fid.moments(b, np.ones(count))) == pytest.approx(wanted, rel=1e-9)


def test_90_percent_intervals_hold_the_known_distance_in_85_to_95_percent_of_200_trials() -> None:
    """N((1, 0, 0), 2^2 I) and N(0, I) are 1 + 3 (2 - 1)^2 = 4 apart. At N = 400 the bias is a tenth of the half."""
    random, held = np.random.default_rng(0), 0
    for trial in range(200):
        a, b = 2 * random.normal(size=(400, 3)) + [1, 0, 0], random.normal(size=(400, 3))
        _, low, high = resampling.interval(a, b, range(400), bootstraps=50, seed=trial)
        held += low <= 4 <= high
    assert 0.85 * 200 <= held <= 0.95 * 200


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros((1, 4)), "at least 2"),
        (np.zeros(4), "arrays"),
        (np.full((5, 4), np.nan), "NaN"),
        (np.zeros((5, 3)), "different networks"),
    ],
)
def test_bad_features_are_named(bad: np.ndarray, message: str) -> None:
    good = np.random.default_rng(0).normal(size=(6, 4))
    with pytest.raises(ValueError, match=message):
        fid.frechet(bad, good) if bad.shape != (5, 3) else fid.frechet(good, bad)


def test_features_are_the_networks_and_do_not_depend_on_the_batch() -> None:
    network = load("random_resnet18")
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    found = fid.features(images, network, batch=2)
    assert found.shape == (5, 960)
    assert found.dtype == np.float64
    x = torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.no_grad():
        np.testing.assert_allclose(found, network.pooled(x).numpy(), rtol=1e-3, atol=1e-4)
    with pytest.raises(ValueError, match="uint8"):
        fid.features(images / 255, network)
    with pytest.raises(ValueError, match="no images"):
        fid.features(images[:0], network)


def test_only_the_trained_fid_inception_is_called_fid() -> None:
    assert fid.metric_name({"network": "inception", "pretrained": True}) == "fid"
    assert fid.metric_name({"network": "inception", "pretrained": False}) == "frechet"
    assert fid.metric_name({"network": "random_resnet18", "pretrained": False}) == "frechet"
    assert fid.metric_name({"network": "mobilenet_v2", "pretrained": True}) == "frechet"
