"""Frechet distance between two sets of images, over the features of a named network.

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
    return between(moments(a, np.ones(len(a))), moments(b, np.ones(len(b))))


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
