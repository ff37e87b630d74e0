"""Frechet distance between two sets of images, over the features of a named network, and its uncertainty.

Over pytorch-fid's Inception it is the FID (Heusel et al., NeurIPS 2017); over any other network it is a Frechet
distance and never called FID: :func:`metric_name` decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from wbclib import images as image_convention
from wbclib.networks.features import FeatureNetwork

Moments = tuple[np.ndarray, np.ndarray]  # mean and factor of the covariance
NORMAL_90 = 1.6448536269514722  # 95 % quantile of the standard normal: a two-sided 90 % interval


def metric_name(origin: Mapping[str, Any]) -> str:
    """``fid`` for the trained FID Inception, ``frechet`` for everything else."""
    return "fid" if origin["network"] == "inception" and origin["pretrained"] else "frechet"


@torch.inference_mode()
def features(images: np.ndarray, network: FeatureNetwork, batch: int = 32) -> np.ndarray:
    """Pooled features of uint8 images (N, H, W, 3): float64 (N, D). Runs on the device of ``network``."""
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8:
        raise ValueError(f"expected uint8 images (N, H, W, 3), got {images.dtype} {images.shape}")
    if len(images) == 0:
        raise ValueError("no images to measure")
    device = next(network.parameters()).device
    chunks = (images[start : start + batch] for start in range(0, len(images), batch))
    parts = [network.pooled(image_convention.to_tensor(chunk).to(device)).double().cpu() for chunk in chunks]
    return torch.cat(parts).numpy()


def checked(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64 (N, D).

    Raises:
        ValueError: for another rank, fewer than two rows, different D, or a value that is not finite.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    for x in (a, b):
        if x.ndim != 2:
            raise ValueError(f"features are (N, D) arrays, got shape {x.shape}")
        if len(x) < 2:
            raise ValueError(f"a distance needs at least 2 images on each side, got {len(x)}")
        if not np.isfinite(x).all():
            raise ValueError("features hold NaN or infinity: the network or its input is broken")
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"features of different networks: {a.shape[1]} and {b.shape[1]} values")
    return a, b


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """Squared Frechet distance of the Gaussians fitted to two sets of features (N_a, D) and (N_b, D).

    |m_a - m_b|^2 + tr S_a + tr S_b - 2 tr (S_a S_b)^(1/2), with unbiased covariances (Dowson & Landau 1982).
    With S = A^T A, A the centred features over sqrt(N - 1), the last trace is the sum of the singular values of
    A B^T: exact also where N <= D and the covariances are singular, and no larger than N or D, whichever is less.
    """
    a, b = checked(a, b)
    return _distance(a, np.ones(len(a)), b, np.ones(len(b)))


def frechet_interval(a: np.ndarray, b: np.ndarray, bootstraps: int = 50, seed: int = 0) -> tuple[float, float, float]:
    """Frechet distance with its 90 % interval: (value, low, high), low not below 0.

    The interval is value -+ 1.645 bootstrap standard errors, images being resampled on both sides. Percentiles of
    the bootstrap would be wrong here: a resample has fewer different images than the sample, which raises a Frechet
    distance, so that the percentiles often lie above the value itself. What this interval says is how much the
    value would move with other images of the same number; the bias of a small N is in the value and in both ends.
    """
    a, b = checked(a, b)
    if bootstraps < 2:
        raise ValueError("an interval needs at least 2 bootstraps")
    random = np.random.default_rng(seed)
    draws = [_distance(a, _counts(random, len(a)), b, _counts(random, len(b))) for _ in range(bootstraps)]
    value, half = frechet(a, b), NORMAL_90 * float(np.std(draws, ddof=1))
    return value, max(0.0, value - half), value + half


def _counts(random: np.random.Generator, count: int) -> np.ndarray:
    """How often every image is in one resample."""
    return np.bincount(random.integers(0, count, count), minlength=count).astype(np.float64)


def _distance(a: np.ndarray, counts_a: np.ndarray, b: np.ndarray, counts_b: np.ndarray) -> float:
    return between(moments(a, counts_a), moments(b, counts_b))


def between(a: Moments, b: Moments) -> float:
    """Squared Frechet distance of two Gaussians given by :func:`moments`."""
    (mean_a, factor_a), (mean_b, factor_b) = a, b
    cross = np.linalg.svd(factor_a @ factor_b.T, compute_uv=False).sum()
    traces = np.square(factor_a).sum() + np.square(factor_b).sum()
    return max(0.0, float(np.square(mean_a - mean_b).sum() + traces - 2 * cross))


def moments(x: np.ndarray, counts: np.ndarray) -> Moments:
    """Mean (D,) and a factor A (at most min(N, D) rows) with A^T A = covariance, row i counted ``counts[i]`` times."""
    x, counts = x[counts > 0], counts[counts > 0]
    mean = counts @ x / counts.sum()
    factor = (x - mean) * np.sqrt(counts / (counts.sum() - 1))[:, None]
    if len(factor) > factor.shape[1]:
        factor = np.asarray(np.linalg.qr(factor, mode="r"))
    return mean, factor
