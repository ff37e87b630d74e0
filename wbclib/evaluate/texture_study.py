"""What the random colour shift hides, what it keeps, and how its two variants are distributed.

A draw is three weights w; the shifted image is w·(R, G, B). Images are uint8 (N, H, W, 3), or float (N, 3, H, W) in
[-1, 1] where gradients or the range matter.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from skimage.color import deltaE_ciede2000, rgb2lab

from wbclib import images
from wbclib.evaluate.corpora_study import above
from wbclib.evaluate.stats import mean_interval
from wbclib.files import UserError
from wbclib.profiles import Texture
from wbclib.represent.texture import LUMA, channel_weights

Y = np.array(LUMA)
FOLDS = 12
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
        rows.append({"low": low, "high": high, "outside": float((np.abs(values) > 1).mean())})
    return pd.DataFrame(rows)


def entropy(counts: np.ndarray) -> float:
    """Entropy in bits of a table of counts."""
    p = counts[counts > 0] / counts.sum()
    return float(-(p * np.log2(p)).sum())


def mutual_information(a: np.ndarray, b: np.ndarray, bins: int = 32) -> float:
    """Bits that a real-valued image tells about the integer labels ``a`` (or the reverse), Miller-Madow corrected.

    Args:
        a: labels from 0 on, any shape.
        b: real numbers, same shape; binned into ``bins`` classes of equal size, so that the scale does not matter.
    """
    a, b = a.ravel(), b.ravel()
    edges = np.unique(np.quantile(b, np.linspace(0, 1, bins + 1)[1:-1]))
    table = np.zeros((int(a.max()) + 1, len(edges) + 1))
    np.add.at(table, (a, np.digitize(b, edges)), 1)
    cells = (table > 0).sum() - (table.sum(1) > 0).sum() - (table.sum(0) > 0).sum() + 1
    bias = cells / (2 * table.sum() * np.log(2))
    return max(0.0, entropy(table.sum(1)) + entropy(table.sum(0)) - entropy(table) - bias)


def hue_classes(picture: np.ndarray, classes: int = 12, least_chroma: float = 8.0) -> tuple[np.ndarray, np.ndarray]:
    """CIELAB hue of a uint8 picture as ``classes`` labels, and the mask of pixels that have a hue, both (H, W)."""
    lab = rgb2lab(picture)
    angle = np.arctan2(lab[..., 2], lab[..., 1]) % (2 * np.pi)
    labels = np.minimum((angle / (2 * np.pi) * classes).astype(np.int64), classes - 1)
    return labels, np.hypot(lab[..., 1], lab[..., 2]) >= least_chroma


def hue_left(pictures: np.ndarray, weights: np.ndarray, name: str) -> pd.DataFrame:
    """How much of the hue one grey plane still tells: a row a picture, means over the draws.

    Columns view, picture, hue_bits (entropy of 12 hue classes), told_bits (mutual information with the plane), told
    (their ratio, 0 to 1). Pictures in which fewer than 1 % of the pixels have a hue are left out.
    """
    rows = []
    for i, picture in enumerate(pictures):
        labels, coloured = hue_classes(picture)
        if coloured.mean() < 0.01 or np.unique(labels[coloured]).size < 2:
            continue
        bits = entropy(np.bincount(labels[coloured]))
        planes = ((picture[coloured] / 127.5 - 1) @ w for w in np.atleast_2d(weights))
        told = float(np.mean([mutual_information(labels[coloured], plane) for plane in planes]))
        rows.append({"view": name, "picture": i, "hue_bits": bits, "told_bits": told, "told": told / bits})
    return pd.DataFrame(rows)


def edge_correlation(pictures: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Correlation of gradient magnitude, shifted image against luma: (draws, pictures), 1 where edges are the same."""
    data = pictures / 127.5 - 1
    slopes = np.stack(np.gradient(data, axis=(1, 2))).reshape(2, len(pictures), -1, 3)  # linear: one pass for all draws
    luma = np.hypot(*(slopes @ Y))
    return np.array([_correlations(luma, np.hypot(*(slopes @ w))) for w in np.atleast_2d(weights)])


def _correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = (v - v.mean(1, keepdims=True) for v in (a, b))
    norm = np.sqrt(np.square(a).sum(1) * np.square(b).sum(1))
    return np.divide((a * b).sum(1), norm, out=np.zeros(len(a)), where=norm > 1e-12)


def colour_features(pictures: np.ndarray) -> np.ndarray:
    """What a colour-blind-to-place observer sees: mean and standard deviation of R, G and B, (N, 6)."""
    data = pictures.reshape(len(pictures), -1, 3) / 127.5 - 1
    return np.hstack([data.mean(1), data.std(1)])


def grey_features(pictures: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The same of one shifted plane a picture: mean and standard deviation, (N, 2)."""
    planes = shifted(pictures, weights).reshape(len(pictures), -1)
    return np.stack([planes.mean(1), planes.std(1)], -1)


def discriminability(cartoons: np.ndarray, photos: np.ndarray, groups: Sequence[str]) -> float:
    """How well a linear discriminant tells cartoons from photographs it has not seen: area under the ROC curve.

    Cross-validated in at most ``FOLDS`` folds: images are scored by a discriminant fitted without them, and no scene
    is on both sides. 0.5 is chance; below it, nothing general was learnt.

    Args:
        cartoons, photos: features (N, D).
        groups: scene of every photograph.
    """
    names = list(dict.fromkeys(groups))
    if len(names) < 3:
        raise UserError(f"{len(names)} scenes are too few to leave one out; give photographs of at least 3 scenes")
    folds = min(FOLDS, len(names))
    fold_p = np.array([names.index(g) % folds for g in groups])
    fold_c = np.arange(len(cartoons)) % folds
    scores = np.zeros(len(cartoons)), np.zeros(len(photos))
    for k in range(folds):
        w, middle = _discriminant(cartoons[fold_c != k], photos[fold_p != k])
        scores[0][fold_c == k] = (cartoons[fold_c == k] - middle) @ w
        scores[1][fold_p == k] = (photos[fold_p == k] - middle) @ w
    return above(*scores)


def _discriminant(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fisher's direction and the midpoint of the means; a little ridge keeps small samples invertible."""
    scatter = 0.5 * (np.cov(a, rowvar=False) + np.cov(b, rowvar=False))
    scatter = np.atleast_2d(scatter)
    ridge = 1e-3 * np.trace(scatter) / len(scatter) * np.eye(len(scatter))
    direction = np.linalg.solve(scatter + ridge, a.mean(0) - b.mean(0))
    return direction / np.sqrt(direction @ scatter @ direction), 0.5 * (a.mean(0) + b.mean(0))


def cues(
    cartoons: np.ndarray,
    photos: np.ndarray,
    groups: Sequence[str],
    views: dict[str, Texture],
    repeats: int,
    seed: int = 0,
) -> pd.DataFrame:
    """Discriminability by colour, mean and contrast alone: columns view, auc, low, high.

    ``colour``: R, G, B; ``luma``: Y; then each of ``views`` with a fresh draw for every picture, because D_t never
    learns which draw it is shown. ``low`` and ``high`` are 5 % and 95 % quantiles over ``repeats`` sets of draws.
    """
    fixed = {"colour": colour_features, "luma": lambda x: grey_features(x, Y)}
    rows = []
    for name, features in fixed.items():
        auc = discriminability(features(cartoons), features(photos), groups)
        rows.append({"view": name, "auc": auc, "low": float("nan"), "high": float("nan")})
    for name, options in views.items():
        found = []
        for k in range(repeats):
            w = draws(options, len(cartoons) + len(photos), seed + k)
            a, b = grey_features(cartoons, w[: len(cartoons)]), grey_features(photos, w[len(cartoons) :])
            found.append(discriminability(a, b, groups))
        low, high = np.quantile(found, (0.05, 0.95))
        rows.append({"view": name, "auc": float(np.mean(found)), "low": low, "high": high})
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
    rows, used = [], set()
    for a, b, difference in found[["a", "b", "difference"]].itertuples(index=False):
        if len(rows) < count and not {a, b} & used:
            used |= {a, b}
            greys = (colours[[a, b]] / 127.5 - 1) @ np.asarray(weights).ravel() * 127.5 + 127.5
            names = ["#" + "".join(f"{v:02x}" for v in colours[i]) for i in (a, b)]
            rows.append(
                dict(zip(("a", "b", "difference", "grey_a", "grey_b"), (*names, difference, *greys), strict=True))
            )
    return pd.DataFrame(rows)


def alphas(
    cartoons: np.ndarray,
    photos: np.ndarray,
    groups: Sequence[str],
    values: Sequence[float],
    repeats: int,
    seed: int = 0,
) -> pd.DataFrame:
    """The paper's alpha between noise (0) and plain luma (1): columns alpha, auc, edges, edges_low (5 % of draws)."""
    rows = []
    for alpha in values:
        options = Texture(variant="paper", alpha=float(alpha))
        table = cues(cartoons, photos, groups, {"shifted": options}, repeats, seed)
        correlation = edge_correlation(photos, draws(options, 8 * repeats, seed)).mean(1)
        edges = {"edges": correlation.mean(), "edges_low": np.quantile(correlation, 0.05)}
        rows.append({"alpha": alpha, "auc": table["auc"].iloc[-1], **edges})
    return pd.DataFrame(rows)


def hue_table(pictures: np.ndarray, views: dict[str, np.ndarray]) -> pd.DataFrame:
    """:func:`hue_left` of several views: view, n, hue_bits, told_bits, told with its 90 % interval over pictures."""
    rows = []
    for name, weights in views.items():
        frame = hue_left(pictures, weights, name)
        value, low, high = mean_interval(frame["told"].to_numpy())
        bits = {"hue_bits": frame["hue_bits"].mean(), "told_bits": frame["told_bits"].mean()}
        rows.append({"view": name, "n": len(frame), **bits, "told": value, "low": low, "high": high})
    return pd.DataFrame(rows)


def edge_table(pictures: np.ndarray, views: dict[str, np.ndarray]) -> pd.DataFrame:
    """:func:`edge_correlation` of several views over all draws and pictures: view, draws, n, mean, p05, least."""
    rows = []
    for name, weights in views.items():
        values = edge_correlation(pictures, weights)
        low = {"p05": np.quantile(values, 0.05), "least": values.min()}
        rows.append({"view": name, "draws": len(values), "n": len(pictures), "mean": values.mean(), **low})
    return pd.DataFrame(rows)
