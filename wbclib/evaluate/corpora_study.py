"""What cartoons have and photographs lack, one number an image, and what a corpus is made of.

Images are uint8 (H, W, 3) RGB, brought to one size first: every measure here depends on the size in pixels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import pandas as pd
import torch
from scipy import fft
from skimage.color import rgb2lab

from wbclib import corpora, images
from wbclib.corpora import Corpus
from wbclib.corpora.bundled import photographs
from wbclib.corpora.loader import Loader
from wbclib.corpora.toon import cartoons
from wbclib.evaluate import content
from wbclib.evaluate.stats import mean_interval
from wbclib.files import UserError
from wbclib.profiles import CorpusSpec, Profile, RunConfig

FLAT = 1.0  # grey levels per pixel: below this a gradient counts as none
OUTLINE_WIDTH, OUTLINE_DEPTH, OUTLINE_LUMA = 7, 40.0, 96.0  # pixels, grey levels, grey levels
LABELS = {
    "flat_share": "near-zero gradient, share of pixels",
    "exactly_flat_share": "no gradient at all, share of pixels",
    "edge_concentration": "gradient on the 10 % strongest pixels, share",
    "outline_share": "dark outline, share of pixels",
    "number_of_colours": "number of colours",
    "chroma": "chroma (saturation)",
    "spectral_slope": "spectral slope",
}


def flat_share(image: np.ndarray, below: float = FLAT) -> float:
    """Share of pixels whose luma gradient is under ``below`` grey levels per pixel; 0 to 1."""
    return float((content.gradient(image) < below).mean())


def exactly_flat_share(image: np.ndarray) -> float:
    """Share of pixels whose 3x3 neighbourhood has one single colour; 0 to 1."""
    kernel = np.ones((3, 3), np.uint8)
    return float((cv2.dilate(image, kernel) == cv2.erode(image, kernel)).all(-1).mean())


def edge_concentration(image: np.ndarray, share: float = 0.1) -> float:
    """Part of all luma gradient that lies on the ``share`` of pixels where it is strongest; ``share`` if uniform."""
    values = np.sort(content.gradient(image), axis=None)
    total = float(values.sum())
    return float(values[-max(1, round(share * values.size)) :].sum() / total) if total > 0 else share


def outline_mask(image: np.ndarray) -> np.ndarray:
    """Pixels of thin dark lines, bool (H, W).

    A pixel counts if its luma is under 96 grey levels and at least 40 below what a closing with a disc of 7 pixels
    puts there (the black top hat; Serra 1982): it is dark, and lighter things lie within three pixels on two sides.
    """
    y = content.luma(image).astype(np.float32)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (OUTLINE_WIDTH, OUTLINE_WIDTH))
    return (cv2.morphologyEx(y, cv2.MORPH_BLACKHAT, disc) >= OUTLINE_DEPTH) & (y < OUTLINE_LUMA)


def chroma(image: np.ndarray) -> float:
    """Mean CIELAB chroma, the distance from grey; 0 is grey, sRGB reaches about 134.

    Chroma stands for saturation here, because HSV saturation is undefined in the black of outlines.
    """
    lab = rgb2lab(image)
    return float(np.hypot(lab[..., 1], lab[..., 2]).mean())


def spectral_slope(image: np.ndarray, bands: int = 12) -> float:
    """Slope of log amplitude over log frequency of the luma; about -1 for natural scenes (Field 1987), 0 for noise.

    The amplitude is the root mean square of the cosine transform in ``bands`` rings from 1/32 to 1/2 cycles per pixel.
    """
    y = content.luma(image)
    power = np.square(fft.dctn(y - y.mean(), norm="ortho"))
    down, right = (np.arange(side) / (2 * side) for side in y.shape)
    frequency = np.hypot(down[:, None], right[None, :])
    edges = np.geomspace(1 / 32, 1 / 2, bands + 1)
    ring = np.digitize(frequency, edges)
    rows = [
        (np.sqrt(a * b), power[ring == i + 1].mean()) for i, (a, b) in enumerate(zip(edges, edges[1:], strict=False))
    ]
    centres, means = np.array(rows).T
    if not (means > 1e-12).all():
        return float("nan")  # an image of one colour has no spectrum
    return float(np.polyfit(np.log(centres), 0.5 * np.log(means), 1)[0])


MEASURES = {
    "flat_share": flat_share,
    "exactly_flat_share": exactly_flat_share,
    "edge_concentration": edge_concentration,
    "outline_share": lambda image: float(outline_mask(image).mean()),
    "number_of_colours": lambda image: float(content.number_of_colours(image)),
    "chroma": chroma,
    "spectral_slope": spectral_slope,
}


def sides(profile: Profile, drawn: int = 0) -> dict[str, Corpus]:
    """The corpora to compare: bundled photographs and drawn cartoons always, the reader's own where they differ.

    Args:
        profile: whose corpora are compared.
        drawn: how many cartoons are drawn; 0: as many as the profile trains on, 64 where it trains on others.

    Returns:
        ``photographs`` and ``toon``, and ``own photographs``, ``own cartoons`` (training split) for folders.
    """
    config = _config(profile)
    spec = config.cartoons if config.cartoons.kind == "toon" else CorpusSpec(kind="toon", count=64, seed=1)
    found = {"photographs": photographs(), "toon": cartoons(drawn or spec.count, spec.size, spec.seed)}
    for role, own in (("own photographs", config.photos), ("own cartoons", config.cartoons)):
        if own.kind == "folder":
            found[role] = corpora.load(own, "train")
    return found


def _config(profile: Profile) -> RunConfig:
    """All runs of a profile read the same corpora; the first one names them."""
    return next(iter(profile.runs.values()))


def squares(corpus: Corpus, side: int, count: int) -> tuple[np.ndarray, list[str]]:
    """Central squares of the first ``count`` images, uint8 (N, side, side, 3), and the group of each image."""
    chosen = range(min(count, len(corpus)))
    return np.stack([images.square(corpus.image(i), side) for i in chosen]), [corpus.items[i].group for i in chosen]


def measure(pictures: Sequence[np.ndarray], groups: Sequence[str] | None = None) -> pd.DataFrame:
    """One row an image, one column a measure of :data:`MEASURES`, and the column ``group``."""
    frame = pd.DataFrame([{name: function(image) for name, function in MEASURES.items()} for image in pictures])
    return frame.assign(group=list(groups) if groups is not None else [str(i) for i in range(len(frame))])


def by_group(frame: pd.DataFrame) -> pd.DataFrame:
    """Means over the images of a group, the unit of every interval: two views of one scene are not two scenes."""
    return frame.groupby("group", sort=False)[list(MEASURES)].mean()


def above(cartoons: np.ndarray, photos: np.ndarray) -> float:
    """Probability that a random cartoon's value is above a random photograph's, ties half (area under the ROC)."""
    difference = np.asarray(cartoons, float)[:, None] - np.asarray(photos, float)[None, :]
    return float((difference > 0).mean() + 0.5 * (difference == 0).mean())


def summary(frames: Mapping[str, pd.DataFrame], level: float = 0.90) -> pd.DataFrame:
    """Mean of every measure in every corpus: ``value`` [``low``, ``high``], and the spread.

    Columns: measure, corpus, n_images, n_groups, value, low, high, sd (standard deviation between groups).
    """
    rows = []
    for name in MEASURES:
        for corpus, frame in frames.items():
            values = by_group(frame)[name].dropna().to_numpy()
            value, low, high = mean_interval(values, level)
            counts = {"n_images": len(frame), "n_groups": frame["group"].nunique()}
            numbers = {"value": value, "low": low, "high": high, "sd": float(values.std(ddof=1))}
            rows.append({"measure": LABELS[name], "corpus": corpus, **counts, **numbers})
    return pd.DataFrame(rows)


def separation(cartoons: pd.DataFrame, photos: pd.DataFrame, resamples: int = 500, seed: int = 0) -> pd.DataFrame:
    """How far each measure tells cartoons from photographs: columns measure, ratio, above, low, high.

    ``ratio`` is that of the means, ``above`` the probability of :func:`above` with its 90 % bootstrap interval over
    groups, both sides resampled.
    """
    first, second = by_group(cartoons), by_group(photos)
    rng, rows = np.random.default_rng(seed), []
    for name in MEASURES:
        a, b = (side[name].dropna().to_numpy() for side in (first, second))
        draws = [above(rng.choice(a, a.size), rng.choice(b, b.size)) for _ in range(resamples)]
        low, high = np.quantile(draws, (0.05, 0.95))
        row = {"measure": LABELS[name], "ratio": a.mean() / b.mean(), "above": above(a, b), "low": low, "high": high}
        rows.append(row)
    return pd.DataFrame(rows)


def recompressed(pictures: Sequence[np.ndarray], quality: int = 92) -> list[np.ndarray]:
    """The pictures after one JPEG coding, as frames of a film or scans would come."""
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality]
    coded = [cv2.imencode(".jpg", image[..., ::-1], flags)[1] for image in pictures]
    return [np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]) for data in coded]


def inventory(profile: Profile) -> pd.DataFrame:
    """The corpora that the profile's runs read: role, corpus, kind, split, N, sizes, files left out, digest."""
    rows = []
    config = _config(profile)
    for role, spec in (("photographs", config.photos), ("cartoons", config.cartoons)):
        for split in ("train", "validation"):
            corpus = corpora.load(spec, split)
            rows.append({"role": role, "split": split, "held_back_percent": spec.validation_percent} | _line(corpus))
    return pd.DataFrame(rows)


def _line(corpus: Corpus) -> dict[str, object]:
    short = [min(item.size) for item in corpus.items]
    return {
        "corpus": corpus.name,
        "n": len(corpus),
        "groups": len({item.group for item in corpus.items}),
        "short_side_min": min(short),
        "short_side_median": float(np.median(short)),
        "files_left_out": len(corpus.skipped),
        "digest": corpus.digest()[:12],
    }


def left_out(profile: Profile) -> pd.DataFrame:
    """Why files of the profile's corpora were left out: role, reason, files. No file is named."""
    config, rows = _config(profile), []
    for role, spec in (("photographs", config.photos), ("cartoons", config.cartoons)):
        for _, reason in corpora.load(spec, "train").skipped:
            kind = "same bytes as another file" if reason.startswith("same bytes") else reason.split(" (")[0]
            rows.append({"role": role, "reason": kind})
    frame = pd.DataFrame(rows, columns=["role", "reason"])
    return frame.groupby(["role", "reason"], sort=True).size().rename("files").reset_index()


def batch_digest(batch: Mapping[str, torch.Tensor]) -> str:
    """Twelve digits of the sha256 over the bytes of a batch: equal only if every pixel is."""
    if not batch:
        raise UserError("there is no batch to hash; ask the loader for one")
    whole = hashlib.sha256()
    for name in sorted(batch):
        whole.update(name.encode() + batch[name].contiguous().numpy().tobytes())
    return whole.hexdigest()[:12]


def determinism(photos: Corpus, cartoons: Corpus, size: int, batch: int, seed: int, step: int = 17) -> pd.DataFrame:
    """One batch asked for in several ways: columns asked, digest, equal (to the first)."""
    first, again = Loader(photos, cartoons, size, batch, seed), Loader(photos, cartoons, size, batch, seed)
    other = Loader(photos, cartoons, size, batch, seed + 1)
    ahead = dict(again.prefetch(max(0, step - 3), step + 1, workers=3))
    asked = {
        f"step {step}, the first thing asked for": first.batch(step),
        f"step {step} once more, by a new loader": again.batch(step),
        f"step {step} after others, made ahead by 3 threads": ahead[step],
        f"step {step + 1}": first.batch(step + 1),
        f"step {step} of another seed": other.batch(step),
    }
    digests = {name: batch_digest(values) for name, values in asked.items()}
    expected = next(iter(digests.values()))
    return pd.DataFrame([{"asked": name, "digest": d, "equal": d == expected} for name, d in digests.items()])
