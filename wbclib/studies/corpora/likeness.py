"""What a corpus is made of, and how far one corpus is from another in the measures of a cartoon."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import pandas as pd
import torch

from wbclib import corpora, images
from wbclib.corpora import Corpus
from wbclib.corpora.bundled import photographs
from wbclib.corpora.loader import Loader
from wbclib.corpora.toon import cartoons
from wbclib.files import UserError
from wbclib.measure.cartoonness import LABELS, MEASURES
from wbclib.measure.intervals import mean_interval
from wbclib.options import CorpusSpec, RunConfig
from wbclib.profiles import Profile


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


def disagreeing(values: pd.DataFrame) -> list[str] | None:
    """Measures in which a reader's own cartoons lean the other way from photographs than the drawn ones do.

    Args:
        values: means, a row a measure, a column a corpus (names as :func:`sides` gives them).

    Returns:
        Names of the measures; None where there are no own cartoons to compare with.
    """
    if "own cartoons" not in values:
        return None
    real = values["own photographs"] if "own photographs" in values else values["photographs"]
    drawn, own = values["toon"] - values["photographs"], values["own cartoons"] - real
    return [str(name) for name in values.index[drawn * own < 0]]


def recompressed(pictures: Sequence[np.ndarray], quality: int = 92) -> list[np.ndarray]:
    """The pictures after one JPEG coding, as frames of a film or scans would come."""
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality]
    coded = [cv2.imencode(".jpg", image[..., ::-1], flags)[1] for image in pictures]
    return [images.decode(data.tobytes()) for data in coded]


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
