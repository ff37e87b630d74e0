"""Edges under a smoothing filter: profiles, halos and gradient reversal (He et al. 2013, section 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter1d

from wbclib.measure import content
from wbclib.measure.filters import LEVELS, Smooth, bilateral, equal_smoothing, guided

EDGE_SHARE = 0.05  # of the pixels: where the photograph's gradient is strongest


def noisy_step(
    height: float = 100.0, width: float = 2.0, noise: float = 6.0, size: int = 128, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """A vertical edge, blurred as by a lens, with sensor noise: (clean, noisy), float64 (size, size) in [-1, 1].

    Args:
        height: of the step in grey levels, centred on mid grey.
        width: standard deviation of the blur in pixels.
        noise: standard deviation in grey levels.
    """
    sharp = np.where(np.arange(size) < size // 2, -0.5, 0.5) * height / LEVELS
    clean = np.tile(gaussian_filter1d(sharp, width), (size, 1)) if width > 0 else np.tile(sharp, (size, 1))
    return clean, clean + np.random.default_rng(seed).normal(0, noise / LEVELS, clean.shape)


def profiles(clean: np.ndarray, noisy: np.ndarray, filters: Mapping[str, Smooth], boost: float = 4.0) -> pd.DataFrame:
    """Mean over the rows of an edge, in grey levels: columns x, input, and per filter smooth, detail, enhanced.

    Detail is input minus smooth; enhanced is input plus ``boost`` times detail (boost 4: five times the detail).
    Averaging rows removes the noise from the picture, not from what the filters saw.
    """
    found = {"x": np.arange(clean.shape[1]) - clean.shape[1] // 2 + 0.5, "input": noisy.mean(0) * LEVELS + LEVELS}
    for name, smooth in filters.items():
        q = smooth(noisy).mean(0) * LEVELS + LEVELS
        found[f"{name} smooth"] = q
        found[f"{name} detail"] = found["input"] - q
        found[f"{name} enhanced"] = found["input"] + boost * (found["input"] - q)
    return pd.DataFrame(found)


def overshoot(frame: pd.DataFrame, name: str, within: float = 30.0) -> float:
    """How far the enhanced edge leaves the range of the input's plateaus, in grey levels, larger side."""
    near = frame[frame["x"].abs() <= within]
    plateau = np.sort(near["input"].to_numpy())
    ends = max(1, len(plateau) // 4)
    low, high = plateau[:ends].mean(), plateau[-ends:].mean()
    enhanced = near[f"{name} enhanced"]
    return float(max(enhanced.max() - high, low - enhanced.min(), 0.0))


def reversal(image: np.ndarray, smooth: np.ndarray) -> dict[str, float]:
    """Gradient reversal of the detail layer of a luma image (float, [-1, 1]), on the image's strongest edges.

    The detail layer d = I - q is reversed at a pixel if its derivative along the image's gradient is negative: there
    the filter has made the edge steeper than it was, and boosting the detail turns the edge over.

    Returns:
        ``share``: of the 5 % strongest edge pixels, how many are reversed, 0 to 1.
        ``strength``: sum of the reversed derivatives over the sum of the image's, 0 for none.
    """
    (gy, gx), (dy, dx) = (np.gradient(v) for v in (image, image - smooth))
    size = np.hypot(gx, gy)
    edge = size >= np.quantile(size, 1 - EDGE_SHARE)
    along = (gx * dx + gy * dy)[edge] / size[edge]
    return {"share": float((along < 0).mean()), "strength": float(np.clip(-along, 0, None).sum() / size[edge].sum())}


def edge_table(clean: np.ndarray, edges: pd.DataFrame, filters: Mapping[str, Smooth]) -> pd.DataFrame:
    """:func:`reversal` of the clean edge, :func:`overshoot` of its profiles: filter, share, strength, overshoot."""
    rows = [{"filter": n, **reversal(clean, f(clean)), "overshoot": overshoot(edges, n)} for n, f in filters.items()]
    return pd.DataFrame(rows)


def reversals(photos: np.ndarray, radius: int, epses: Sequence[float], noise: float = 6.0) -> pd.DataFrame:
    """Both filters at equal smoothing on the luma of photographs (uint8); see :func:`equal_smoothing`.

    Columns photo, eps, filter, sigma_range (grey levels), share and strength (see :func:`reversal`).
    """
    rows = []
    for eps in epses:
        sigma = equal_smoothing(radius, eps, noise)
        for i, photo in enumerate(photos):
            data = content.luma(photo) / LEVELS - 1
            pair = {"guided": guided(data, radius, eps), "bilateral": bilateral(data, radius, sigma)}
            about = {"photo": i, "eps": eps, "sigma_range": sigma * LEVELS}
            rows += [{**about, "filter": name, **reversal(data, q)} for name, q in pair.items()]
    return pd.DataFrame(rows)
