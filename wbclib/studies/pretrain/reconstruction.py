"""How well a generator gives a photograph back, where it fails, and what the two pretraining losses see.

Images are uint8 (H, W, 3); errors are in grey levels (steps of 1 on the 0-255 scale).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pandas as pd
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from wbclib import images
from wbclib.losses import perceptual
from wbclib.measure.content import gradient
from wbclib.measure.intervals import mean_interval
from wbclib.networks.features import FeatureNetwork


def quality(photos: np.ndarray, outputs: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    """PSNR in dB, SSIM (Wang et al. 2004), mean error and the error's concentration, one row a photograph.

    Args:
        photos, outputs: uint8 (N, H, W, 3), H and W at least 7.
    """
    if photos.shape != outputs.shape or len(photos) != len(names):
        raise ValueError(
            f"photographs {photos.shape}, outputs {outputs.shape} and {len(names)} names do not belong together"
        )
    rows = [
        {
            "photograph": name,
            "psnr": float(peak_signal_noise_ratio(photo, output, data_range=255)),
            "ssim": float(structural_similarity(photo, output, data_range=255, channel_axis=2)),
            "error": float(error(photo, output).mean()),
            "error_at_edges": error_at_edges(photo, output),
        }
        for name, photo, output in zip(names, photos, outputs, strict=True)
    ]
    return pd.DataFrame(rows)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Mean over the photographs with its 90 % interval: measure, value, low, high, n."""
    measures = [column for column in table.columns if column != "photograph"]
    rows = [(name, *mean_interval(table[name].to_numpy()), len(table)) for name in measures]
    return pd.DataFrame(rows, columns=["measure", "value", "low", "high", "n"])


def error(photo: np.ndarray, output: np.ndarray) -> np.ndarray:
    """Absolute difference averaged over the channels, float64 (H, W), grey levels."""
    return np.abs(photo.astype(np.float64) - output).mean(2)


def error_at_edges(photo: np.ndarray, output: np.ndarray, share: float = 0.2) -> float:
    """Mean error where the photograph's gradient is among its strongest ``share``, over the mean error elsewhere.

    1: the error knows nothing of edges; 3: edges are three times as wrong. NaN where there is no error elsewhere.
    """
    order = np.argsort(gradient(photo), axis=None, kind="stable")
    values = error(photo, output).ravel()[order]
    cut = round((1 - share) * values.size)
    rest = float(values[:cut].mean())
    return float(values[cut:].mean()) / rest if rest > 0 else float("nan")


def references(photos: np.ndarray) -> dict[str, np.ndarray]:
    """Reconstructions without training, to hold a PSNR against: the mean colour, and a quarter of the image's side.

    The second is what passes the generator's bottleneck without its skip connections: (H/4, W/4) and back, bilinear.
    """
    size = photos.shape[2], photos.shape[1]
    small = [cv2.resize(photo, (size[0] // 4, size[1] // 4), interpolation=cv2.INTER_AREA) for photo in photos]
    blurred = [cv2.resize(image, size, interpolation=cv2.INTER_LINEAR) for image in small]
    means = photos.mean((1, 2), keepdims=True).round().astype(np.uint8)
    return {"mean colour": np.broadcast_to(means, photos.shape).copy(), "quarter size and back": np.stack(blurred)}


def distortions(photos: np.ndarray, seed: int = 0) -> dict[str, np.ndarray]:
    """Five ways to be wrong, float64 (N, H, W, 3) on the 0-255 scale: blur, shift, noise, brightness, colour cast."""
    x = photos.astype(np.float64)
    cast = np.array([40.0, 0.0, -40.0])
    return {
        "blur (sigma 2 px)": np.stack([cv2.GaussianBlur(image, (0, 0), 2.0) for image in x]),
        "shift by 2 px": np.roll(x, 2, axis=2),
        "noise": x + np.random.default_rng(seed).normal(0, 25, x.shape),
        "brightness": x + 25.0,
        "colour cast": x + cast,
    }


@torch.inference_mode()
def sensitivity(photos: np.ndarray, network: FeatureNetwork, level: float = 0.06, seed: int = 0) -> pd.DataFrame:
    """Content loss of distortions that all have one pixel loss: what L_content punishes and L_pixel does not.

    Every distortion is blended with the photograph until the pixel L1 on [-1, 1] data is ``level``; no clipping, so
    that the levels are equal to the last digit.

    Returns:
        Columns distortion, pixel, content, and relative: content over the mean of all distortions.
    """
    x = images.to_tensor(photos)
    target = network(x)
    rows = []
    for name, wrong in distortions(photos, seed).items():
        change = torch.from_numpy(np.moveaxis(wrong, -1, 1) / 127.5 - 1) - x
        change = (change * (level / change.abs().mean())).float()
        rows.append((name, float(change.abs().mean()), float(perceptual(network(x + change), target))))
    table = pd.DataFrame(rows, columns=["distortion", "pixel", "content"])
    return table.assign(relative=table["content"] / table["content"].mean())
