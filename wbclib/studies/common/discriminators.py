"""What discriminators see and what they say, patch by patch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from scipy.stats import mannwhitneyu

from wbclib import images, paths
from wbclib.options import RunConfig
from wbclib.profiles import Profile
from wbclib.train import checkpoints
from wbclib.train.loop import Trained
from wbclib.train.methods import WhiteBox


@dataclass(frozen=True)
class Seen:
    """One discriminator's view of one set of images.

    Attributes:
        pictures: the representation that it looks at, uint8 (N, H, W, 3); the texture's one channel thrice.
        logits: its answer a patch, float32 (N, h, w); larger says "cartoon".
    """

    pictures: np.ndarray
    logits: np.ndarray

    @property
    def maps(self) -> np.ndarray:
        """Logits at the pictures' size, bilinear: float32 (N, H, W)."""
        planes = torch.from_numpy(self.logits)[:, None]
        size = list(self.pictures.shape[1:3])
        return F.interpolate(planes, size=size, mode="bilinear", align_corners=False)[:, 0].numpy()


def available(profile: Profile, name: str) -> bool:
    """Whether the discriminators of a finished run are here: weights alone bring the generator only."""
    config = profile.run(name)
    found = checkpoints.newest(paths.run(profile.name, name)) if config.method != "pretrain" else None
    return found is not None and found[1]["step"] == config.steps


def neutral(config: RunConfig) -> float:
    """Logit at which a discriminator is undecided: halfway between the targets of LSGAN, 0 for the log loss."""
    return 0.5 if config.adversarial == "lsgan" else 0.0


@torch.inference_mode()
def look(model: Trained, pictures: np.ndarray, seed: int = 0, batch: int = 8) -> dict[str, Seen]:
    """What each discriminator sees of finished images, and what it says.

    Args:
        model: a finished white-box or CartoonGAN run whose discriminators are here (:func:`available`).
        pictures: uint8 (N, H, W, 3): outputs, photographs or cartoons.
        seed: of the colour shifts, one a batch; equal seeds give equal shifts to sets of equal size.

    Returns:
        One :class:`Seen` a discriminator (surface, texture). CartoonGAN's ``cartoon`` sees the pictures, and so does
        ``projected``, through a network whose features are no pictures.
    """
    method, draw = model.method, torch.Generator().manual_seed(seed)
    seen: dict[str, list[torch.Tensor]] = {}
    logits: dict[str, list[torch.Tensor]] = {}
    for part in images.to_tensor(pictures).to(method.fabric.device).split(batch):
        views = method.represent(part, part, draw) if isinstance(method, WhiteBox) else {"cartoon": (part, part)}
        for role, (view, _) in views.items():
            seen.setdefault(role, []).append((part if role == "projected" else view).cpu())
            logits.setdefault(role, []).append(method.modules[role](view).float().cpu())
    return {role: Seen(images.to_uint8(torch.cat(seen[role])), torch.cat(logits[role])[:, 0].numpy()) for role in seen}


def told_apart(cartoons: np.ndarray, others: np.ndarray) -> float:
    """Probability that a cartoon's mean logit is above another image's (area under the ROC curve).

    0.5: the discriminator is fooled; 1: it is right about every pair. Args: logits (N, h, w), (M, h, w).
    """
    a, b = cartoons.mean((1, 2)), others.mean((1, 2))
    return float(mannwhitneyu(a, b).statistic / (len(a) * len(b)))


def judge(seen: Mapping[str, Mapping[str, Seen]]) -> pd.DataFrame:
    """Mean logit of every set for each discriminator, and how well the discriminator tells it from cartoons.

    Args:
        seen: name of a set -> what :func:`look` returned for it; ``cartoon`` must be among the names.

    Returns:
        Columns discriminator, images, logit, told_apart (:func:`told_apart`; NaN for the cartoons themselves), n.
    """
    rows = []
    for role in seen["cartoon"] if seen else ():
        real = seen["cartoon"][role].logits
        for name, views in seen.items():
            logits = views[role].logits
            apart = float("nan") if name == "cartoon" else told_apart(real, logits)
            rows.append((role, name, float(logits.mean()), apart, len(logits)))
    return pd.DataFrame(rows, columns=["discriminator", "images", "logit", "told_apart", "n"])
