"""The random colour shift as a random variable: its weights, its range, and the colours that it makes one.

A draw is three weights w; the shifted image is w·(R, G, B). Images are uint8 (N, H, W, 3).
"""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import torch
from skimage.color import deltaE_ciede2000, rgb2lab

from wbclib import images
from wbclib.files import UserError
from wbclib.options import Texture
from wbclib.represent.texture import LUMA, channel_weights

Y = np.array(LUMA)
CHANNELS = ("R", "G", "B", "sum")


def draws(options: Texture, count: int, seed: int = 0) -> np.ndarray:
    """``count`` draws of the channel weights, float64 (count, 3)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.stack([channel_weights(options, generator) for _ in range(count)]).numpy()


def exact_moments(options: Texture, nodes: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the weights of R, G, B and of their sum, (4,) each, without drawing.

    ``paper``: alpha y and (1 - alpha)/sqrt 3 for a channel, alpha and 1 - alpha for the sum. ``official``: the division
    by the sum has no short closed form, so the integral over the cube of uniforms is done by Gauss-Legendre
    quadrature, exact to many digits because the integrand is smooth.
    """
    if options.variant == "paper":
        a, b = options.alpha, 1 - options.alpha
        return np.array([*(a * Y), a]), np.array([b / 3**0.5] * 3 + [b])
    if options.variant != "official":
        raise UserError(f"texture.variant: {options.variant!r} is unknown; say paper or official")
    points, mass = np.polynomial.legendre.leggauss(nodes)
    raw = Y + options.spread * np.array(list(itertools.product(points, repeat=3)))
    weight = np.array([np.prod(m) for m in itertools.product(mass / 2, repeat=3)])
    values = raw / raw.sum(1, keepdims=True)
    mean = weight @ values
    sd = np.sqrt(weight @ np.square(values - mean))
    return np.array([*mean, 1.0]), np.array([*sd, 0.0])


def moments(options: Texture, weights: np.ndarray) -> pd.DataFrame:
    """Drawn against exact moments: variant, weight, mean, mean_exact, sd, sd_exact, negative, min, max.

    ``negative`` is the share of draws in which the weight is below 0.
    """
    drawn = np.column_stack([weights, weights.sum(1)])
    exact = exact_moments(options)
    return pd.DataFrame(
        {
            "variant": options.variant,
            "weight": CHANNELS,
            "mean": drawn.mean(0),
            "mean_exact": exact[0],
            "sd": np.where(drawn.std(0) < 1e-12, 0.0, drawn.std(0)),
            "sd_exact": exact[1],
            "negative": (drawn < 0).mean(0),
            "min": drawn.min(0),
            "max": drawn.max(0),
        }
    )


def gain_density(gain: np.ndarray, alpha: float) -> np.ndarray:
    """Exact density of the paper's sum of weights: alpha + (1 - alpha)(b1 + b2 + b3), b uniform on (-1, 1)."""
    t = np.abs((np.asarray(gain, float) - alpha) / (1 - alpha))
    middle, rim = (3 - t * t) / 8, np.square(np.clip(3 - t, 0, None)) / 16
    return np.where(t <= 1, middle, rim) / (1 - alpha)


def shifted(pictures: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Shifted images on the [-1, 1] scale, not clipped: uint8 (N, H, W, 3) and weights (3,) or (N, 3) to (N, H, W)."""
    data = pictures / 127.5 - 1
    return np.einsum("nhwc,nc->nhw", data, np.broadcast_to(weights, (len(pictures), 3)))


def shown(pictures: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Shifted images as uint8 (N, H, W, 3); what leaves [-1, 1] is clipped, as on a screen."""
    planes = torch.from_numpy(shifted(pictures, weights))[:, None]
    return images.to_uint8(planes)


def beyond(pictures: np.ndarray, weights: np.ndarray) -> pd.DataFrame:
    """Where the shifted values lie, a row a draw: low and high (1 % and 99 % quantile), outside (share off [-1, 1])."""
    colours = pictures.reshape(-1, 3)[::7] / 127.5 - 1  # every seventh pixel is plenty for quantiles
    rows = []
    for w in weights:
        values = colours @ w
        low, high = np.quantile(values, (0.01, 0.99))
        rows.append({"low": low, "high": high, "outside": float((np.abs(values) > 1 + 1e-9).mean())})
    return pd.DataFrame(rows)


def range_table(pictures: np.ndarray, views: dict[str, np.ndarray]) -> pd.DataFrame:
    """:func:`beyond` in one row a view: medians of low and high, mean and largest share outside [-1, 1]."""
    rows = []
    for name, weights in views.items():
        found = beyond(pictures, weights)
        ends = {"low": found["low"].median(), "high": found["high"].median()}
        rows.append({"view": name, **ends, "outside": found["outside"].mean(), "outside_worst": found["outside"].max()})
    return pd.DataFrame(rows)


def palette(levels: int = 6) -> np.ndarray:
    """A grid of sRGB colours, uint8 (levels^3, 3)."""
    steps = np.rint(np.linspace(0, 255, levels)).astype(np.uint8)
    return np.array(list(itertools.product(steps, repeat=3)), np.uint8)


def colour_pairs(colours: np.ndarray, least: float = 20.0) -> pd.DataFrame:
    """All pairs that differ clearly, CIEDE2000 of at least ``least``: columns a, b (row numbers), difference."""
    lab = rgb2lab(colours[None])[0]
    a, b = np.triu_indices(len(colours), 1)
    difference = deltaE_ciede2000(lab[a], lab[b])
    keep = difference >= least
    return pd.DataFrame({"a": a[keep], "b": b[keep], "difference": difference[keep]})


def collapsed(colours: np.ndarray, pairs: pd.DataFrame, weights: np.ndarray, within: float = 5.0) -> np.ndarray:
    """Which pairs come to lie within ``within`` grey levels of each other: bool (draws, pairs)."""
    greys = np.atleast_2d(weights) @ colours.T.astype(float)
    return np.abs(greys[:, pairs["a"]] - greys[:, pairs["b"]]) < within


def collapse_table(colours: np.ndarray, pairs: pd.DataFrame, views: dict[str, np.ndarray]) -> pd.DataFrame:
    """How many clearly different colours become one grey: view, draws, pairs, in_one_draw, in_half, in_all.

    ``in_one_draw`` is the mean share of pairs over the draws, ``in_half`` and ``in_all`` the shares of pairs that are
    hidden in at least half and in all of the draws.
    """
    rows = []
    for name, weights in views.items():
        share = collapsed(colours, pairs, weights).mean(0)
        row = {"in_one_draw": share.mean(), "in_half": (share >= 0.5).mean(), "in_all": (share == 1).mean()}
        rows.append({"view": name, "draws": len(np.atleast_2d(weights)), "pairs": len(pairs), **row})
    return pd.DataFrame(rows)


def worst_pairs(colours: np.ndarray, pairs: pd.DataFrame, weights: np.ndarray, count: int = 6) -> pd.DataFrame:
    """For one draw the most different colours that become one grey: a, b (hex), difference, grey_a, grey_b (0-255).

    Every colour is used once, so that the list shows different pairs.
    """
    found = pairs[collapsed(colours, pairs, weights)[0]].sort_values("difference", ascending=False, kind="stable")
    rows: list[dict[str, float | str]] = []
    used: set[int] = set()
    for a, b, difference in found[["a", "b", "difference"]].itertuples(index=False):
        if len(rows) < count and not {a, b} & used:
            used |= {a, b}
            greys = (colours[[a, b]] / 127.5 - 1) @ np.asarray(weights).ravel() * 127.5 + 127.5
            names = ["#" + "".join(f"{v:02x}" for v in colours[i]) for i in (a, b)]
            rows.append(
                dict(zip(("a", "b", "difference", "grey_a", "grey_b"), (*names, difference, *greys), strict=True))
            )
    return pd.DataFrame(rows)
