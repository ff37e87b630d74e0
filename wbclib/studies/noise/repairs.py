"""Which way from a damaged photograph to its cartoon? Measured against the cartoon of the undamaged photograph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from skimage.metrics import structural_similarity

from wbclib import images
from wbclib.files import UserError
from wbclib.inference.inpaint import Inpainted, Inpainting, inpaint
from wbclib.measure import effect
from wbclib.measure.damages import Damage
from wbclib.networks.residual import ResidualGenerator
from wbclib.train.loop import Trained

AS_IT_IS, MENDED, AFTER, FEATURES, BOTH = (
    "as it is",
    "mended, then drawn",
    "drawn, then mended",
    "feature map",
    "mended, then feature map",
)
BASELINE = MENDED  # what the others are compared with
MEASURES = ("difference", "inside", "outside", "similarity")
Pictures = dict[str, np.ndarray]  # way -> uint8 (N, H, W, 3)


def damaged(damage: Damage, photos: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Photographs uint8 (N, H, W, 3) with a damage of its own each, and what is known of them, (N, H, W) bool."""
    made = [damage.make(photo, np.random.default_rng([seed, number])) for number, photo in enumerate(photos)]
    return np.stack([image for image, _ in made]), np.stack([known for _, known in made])


def ways(
    model: Trained, damage: Damage, photos: np.ndarray, options: Inpainting, seed: int = 0
) -> tuple[Pictures, np.ndarray, dict[str, Inpainted]]:
    """The cartoon of every damaged photograph in every way.

    ``as it is``: the damaged photograph is drawn. ``mended, then drawn``: OpenCV mends the photograph first. ``drawn,
    then mended``: OpenCV mends the cartoon; ``feature map``: :func:`wbclib.inference.inpaint.inpaint`; the same of the
    mended photograph. The last three need missing pixels.

    Args:
        model: a finished CartoonGAN run whose discriminator is here.
        photos: uint8 (N, H, W, 3), sides multiples of 4.

    Returns:
        The cartoons, what is known of the photographs (N, H, W), and what the optimiser found, for ways that have it.
    """
    generator, critic = (model.method.plain(role) for role in ("generator", "cartoon"))
    if not isinstance(generator, ResidualGenerator):
        raise UserError(f"run {model.record['name']} is no CartoonGAN: its generator has no block 8")
    worn, known = damaged(damage, photos, seed)
    mended = np.stack([damage.mends(image, there) for image, there in zip(worn, known, strict=True)])
    made = {AS_IT_IS: model(worn), MENDED: model(mended)}
    found: dict[str, Inpainted] = {}
    if known.all():
        return made, known, found
    made[AFTER] = np.stack([damage.mends(image, there) for image, there in zip(made[AS_IT_IS], known, strict=True)])
    fabric, kind = model.method.fabric, model.method.config.adversarial
    mask = torch.from_numpy(known)[:, None].to(fabric.device)
    for way, source in ((FEATURES, worn), (BOTH, mended)):
        x = images.to_tensor(source).to(fabric.device)
        found[way] = inpaint(generator, critic, x, mask, options, kind, autocast=fabric.autocast)
        made[way] = images.to_uint8(found[way].pictures.cpu())
    return made, known, found


def compared(clean: np.ndarray, made: Mapping[str, np.ndarray], known: np.ndarray) -> pd.DataFrame:
    """How far each way is from the cartoon of the undamaged photograph.

    Args:
        clean: cartoons of the undamaged photographs, uint8 (N, H, W, 3).
        known: (N, H, W).

    Returns:
        way, photo, measure, value: ``difference``, mean absolute, grey levels; the same ``inside`` and ``outside`` what
        is missing (NaN where nothing is); ``similarity``, SSIM (Wang et al. 2004), 1 where they are equal.
    """
    rows = []
    for way, pictures in made.items():
        for number, (a, b, there) in enumerate(zip(clean, pictures, known, strict=True)):
            apart = np.abs(a.astype(float) - b).mean(-1)
            inside = apart[~there].mean() if not there.all() else float("nan")
            alike = structural_similarity(a, b, channel_axis=-1, data_range=255)
            values = (apart.mean(), inside, apart[there].mean(), alike)
            rows += [(way, number, measure, float(x)) for measure, x in zip(MEASURES, values, strict=True)]
    return pd.DataFrame(rows, columns=["way", "photo", "measure", "value"])


def compare_repairs(found: pd.DataFrame, groups: Sequence[str] | np.ndarray) -> pd.DataFrame:
    """Means over photographs, and each way against the simple one, paired photograph by photograph.

    Args:
        found: :func:`compared` with a column ``damage``.
        groups: (N,) which photograph each crop was cut from; crops of one count as one.

    Returns:
        damage, way, measure, photographs, value, low, high, against_mended, against_low, against_high (90 %), verdict
        (whether the way is ``nearer`` to the clean cartoon than :data:`BASELINE`, ``farther``, or one ``cannot tell``).
    """
    rows = []
    for (damage, measure), part in found.groupby(["damage", "measure"], sort=False):
        wide = part.pivot(index="photo", columns="way", values="value")
        for way in dict.fromkeys(part["way"]):
            values = wide[way].to_numpy()
            if not np.isfinite(values).all():
                continue  # nothing is missing: there is no inside
            own = effect.clustered_interval(values, np.asarray(groups))
            apart, word = (float("nan"),) * 3, ""
            if way != BASELINE:
                apart = effect.clustered_interval(values - wide[BASELINE].to_numpy(), np.asarray(groups))
                word = _verdict(apart[1], apart[2], better=1 if measure == "similarity" else -1)
            rows.append((damage, way, measure, len(set(groups)), *own, *apart, word))
    columns = ["damage", "way", "measure", "photographs", "value", "low", "high"]
    return pd.DataFrame(rows, columns=[*columns, "against_mended", "against_low", "against_high", "verdict"])


def _verdict(low: float, high: float, better: int) -> str:
    """``better``: the sign of a difference that is nearer to the clean cartoon."""
    side = 1 if low > 0 else -1 if high < 0 else 0
    return "cannot tell" if not side else "nearer" if side == better else "farther"


def losses(found: Mapping[str, Inpainted], damage: str) -> pd.DataFrame:
    """Context loss before and after: damage, way, photo, first, last."""
    rows = [
        (damage, way, number, float(first), float(last))
        for way, one in found.items()
        for number, (first, last) in enumerate(zip(one.first, one.last, strict=True))
    ]
    return pd.DataFrame(rows, columns=["damage", "way", "photo", "first", "last"])


def score(told: pd.DataFrame, way: str, measure: str = "inside") -> dict[str, int]:
    """In how many damages a way is nearer, farther, or cannot be told from the simple one."""
    part = told[(told["way"] == way) & (told["measure"] == measure)]
    return {word: int((part["verdict"] == word).sum()) for word in ("nearer", "farther", "cannot tell")}
