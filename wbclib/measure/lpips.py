"""LPIPS: how far two images are apart to the eye (Zhang et al., CVPR 2018), version 0.1 over SqueezeNet 1.1.

Features of seven layers, each scaled to unit length over its channels, are subtracted, squared, weighted by the
learnt head of the layer, averaged over space and summed over the layers (eq. 1). 0: the same image; the larger, the
farther. The heads were fitted to what people said of patches of 64 pixels; values at different sizes do not compare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from wbclib import images as image_convention
from wbclib.files import UserError
from wbclib.measure.effect import clustered_interval
from wbclib.networks import features, weights
from wbclib.networks.frozen import FeatureNetwork
from wbclib.networks.weights import WeightFile

LAYERS = (1, 4, 7, 9, 10, 11, 12)  # of torchvision's ``features``; the heads lin0 .. lin6 belong to them
CHANNELS = (64, 128, 256, 384, 384, 512, 512)
EPSILON = 1e-10  # added to the length of a feature vector, as the authors do
HEADS = WeightFile(
    "lpips_lin_v0.1.npz",
    "7c037f6cded10581d169d9a4003b8ee823408add4f94aff4b52bd16645ddb792",
    "LPIPS v0.1 linear heads, Zhang et al.",
    "BSD-2-Clause",
)


@dataclass(frozen=True)
class Lpips:
    """The network, its heads (C,), one a layer, and what a record says about both."""

    network: FeatureNetwork
    heads: tuple[Tensor, ...]
    origin: dict[str, Any]

    def layers(self, x: Tensor) -> list[Tensor]:
        """Features (N, C, h, w) of :data:`LAYERS`, unit length over the channels, of RGB (N, 3, H, W) in [-1, 1].

        The authors' shift and scale, (-.030, -.088, -.188) and (.458, .448, .450) in [-1, 1], are the mean and the
        standard deviation of ImageNet, which the network applies.
        """
        x, found = self.network.prepare(x), []
        for number, layer in enumerate([*self.network.body, *self.network.tail]):
            x = layer(x)
            if number in LAYERS:
                found.append(x / (x.square().sum(1, keepdim=True).sqrt() + EPSILON))
        return found

    def __call__(self, a: Tensor, b: Tensor) -> Tensor:
        """Distances (N,) of RGB images (N, 3, H, W) in [-1, 1]."""
        pairs = zip(self.layers(a), self.layers(b), self.heads, strict=True)
        return torch.stack([torch.einsum("nchw,c->nhw", (p - q).square(), w).mean((1, 2)) for p, q, w in pairs]).sum(0)


def load(downloads: bool = False) -> Lpips:
    """LPIPS on the CPU. SqueezeNet may be downloaded; the heads are looked for in assets/weights.

    Raises:
        weights.MissingWeights: SqueezeNet or the heads are not there; says what to put where.
        UserError: what is there is damaged or another file.
    """
    network = features.load("squeezenet1_1", downloads)
    file, path, label = weights.obtain("LPIPS", (HEADS,), downloads)
    state = weights.read(path)
    heads = [state.get(f"squeeze.lin{i}.model.1.weight", torch.zeros(0)).flatten() for i in range(len(LAYERS))]
    if [len(head) for head in heads] != list(CHANNELS):
        raise UserError(f"{label} holds no heads for SqueezeNet; fetch it again")
    origin = {
        "metric": "LPIPS v0.1",
        "network": network.origin["network"],
        "layers": ", ".join(f"features.{number}" for number in LAYERS),
        "source": f"{file.origin}: {label}; {network.origin['source']}",
        "sha256": file.sha256,
        "network_sha256": network.origin["sha256"],
        "licence": f"{file.licence}; {network.origin['licence']}",
        "pretrained": network.origin["pretrained"],
    }
    return Lpips(network, tuple(heads), origin)


@torch.inference_mode()
def distances(a: np.ndarray, b: np.ndarray, metric: Lpips, batch: int = 16) -> np.ndarray:
    """LPIPS of image i of ``a`` and image i of ``b``, uint8 (N, H, W, 3) both: float64 (N,).

    Raises:
        ValueError: other types or shapes, different sizes, or no images.
    """
    if a.shape != b.shape or a.ndim != 4 or a.shape[-1] != 3 or a.dtype != np.uint8 or b.dtype != np.uint8:
        raise ValueError(f"expected two uint8 (N, H, W, 3), got {a.dtype} {a.shape} and {b.dtype} {b.shape}")
    if len(a) == 0:
        raise ValueError("no images to measure")
    device = next(metric.network.parameters()).device
    moved = Lpips(metric.network, tuple(head.to(device) for head in metric.heads), metric.origin)
    parts = []
    for start in range(0, len(a), batch):
        pair = (image_convention.to_tensor(x[start : start + batch]).to(device) for x in (a, b))
        parts.append(moved(*pair).double().cpu())
    return torch.cat(parts).numpy()


def measure_lpips(
    outputs: Mapping[str, np.ndarray], photos: np.ndarray, groups: Sequence[str] | np.ndarray, metric: Lpips
) -> pd.DataFrame:
    """How far every method's outputs are from the photographs that they were made from.

    Args:
        outputs: method -> uint8 (N, H, W, 3), image i made from photograph i.
        photos: uint8 (N, H, W, 3).
        groups: (N,) photograph that each crop was cut from; the 90 % interval of the mean draws photographs.

    Returns:
        One row a method: method, lpips, low, high, n, photographs.
    """
    rows = []
    for method, pictures in outputs.items():
        found = clustered_interval(distances(pictures, photos, metric), groups)
        rows.append((method, *found, len(photos), len(np.unique(np.asarray(groups)))))
    return pd.DataFrame(rows, columns=["method", "lpips", "low", "high", "n", "photographs"])
