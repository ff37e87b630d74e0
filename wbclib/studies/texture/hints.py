"""What one colour-shifted plane still tells: hue, edges, and whether it was a cartoon.

Images are uint8 (N, H, W, 3); weights are draws of :func:`wbclib.studies.texture.colour_draws.draws`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from skimage.color import rgb2lab

from wbclib.files import UserError
from wbclib.measure.intervals import mean_interval
from wbclib.options import Texture
from wbclib.studies.corpora.likeness import above
from wbclib.studies.texture.colour_draws import Y, draws, shifted

FOLDS = 12


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
    slopes = np.array(np.gradient(data, axis=(1, 2))).reshape(2, len(pictures), -1, 3)  # linear: one pass for all draws
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
    rows: list[dict[str, float | str]] = []
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
        correlation = edge_correlation(photos[:12], draws(options, 4 * repeats, seed)).mean(1)
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
