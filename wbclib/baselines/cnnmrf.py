"""Patches of activations: Li, Wand, "Combining Markov Random Fields and CNNs for Image Synthesis", CVPR 2016 (CNNMRF).

Gatys et al. compare statistics of a whole picture; here every small patch of activations shall be one that the picture
of the style has. Each patch of what is drawn looks for the style's patch of the smallest angle, and is pulled towards
it as it stands (its length counts). Where patches overlap, their pulls are averaged, as in the authors' program: the
gradient of half the squared distance to the average of the patches that were found, held fixed. They are looked for
anew at every step. From coarse to fine: each resolution starts from what the one before has drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm.auto import tqdm

from wbclib import images
from wbclib.baselines.nst import variation
from wbclib.files import UserError
from wbclib.networks.frozen import FeatureNetwork
from wbclib.networks.layers import Activations, available
from wbclib.values import AtLeastOne, NotNegative, Positive

LOCAL = ("relu3_1", "relu4_1")
CONTENT = ("relu4_2", "relu3_1")  # as published, and where the network ends before it
SIZE, STRIDE = 3, 2  # of patches, in pixels of a layer
SMALLEST = 32  # pixels of a short side at the coarsest resolution: relu4_1 has a patch and a half there
MEMORY = 2**24  # numbers in a matrix of likenesses at once


@dataclass(frozen=True)
class CNNMRF:
    """Settings; by default those of the authors' script for style transfer, but for ``tv``.

    Theirs is 1e-3 with activations of another scale; over a normalised VGG it would smooth everything.
    """

    steps: AtLeastOne = 100  # evaluations of loss and gradient at every resolution
    resolutions: AtLeastOne = 3  # each twice as fine as the one before
    style: NotNegative = 1e-4
    content: NotNegative = 20.0
    tv: NotNegative = 1e-5  # of the squared differences of neighbours in [-1, 1], halved
    turns: AtLeastOne = 3  # how many rotations of the style are looked at, pi / 24 apart
    scales: AtLeastOne = 3  # and how many sizes of it
    scale_step: Positive = 1.05


def activations(network: FeatureNetwork) -> Activations:
    """The layers that are compared: those of the paper, as far as the network goes."""
    known = available(network)
    content = next(name for name in CONTENT if name in known)
    return Activations(network, [*(name for name in LOCAL if name in known), content])


def content_layer(seen: Activations) -> str:
    """Of :func:`activations`: the layer that keeps the photograph."""
    return next(name for name in CONTENT if name in seen.wanted.values())


def patches(found: Tensor) -> Tensor:
    """Patches (n, C * 9) of activations (1, C, H, W), row by row of their grid; H and W at least 3."""
    return F.unfold(found, SIZE, stride=STRIDE)[0].T


def match(own: Tensor, others: Tensor, memory: int = MEMORY) -> Tensor:
    """For every row of ``own`` (n, D) the row of ``others`` (m, D) at the smallest angle: numbers (n,).

    Args:
        memory: of how many numbers a matrix of likenesses may have; more rows are looked at in parts.
    """
    towards = F.normalize(others, dim=1).T
    rows = max(1, memory // len(others))
    return torch.cat([(part @ towards).argmax(1) for part in own.split(rows)])


def assemble(chosen: Tensor, shape: torch.Size) -> tuple[Tensor, Tensor]:
    """What patches (n, C * 9) say on average of activations of a shape (1, C, H, W), and where any says something.

    Returns:
        (1, C, H, W), and 0 or 1 in the same shape: the grid of patches may end before the last row or column.
    """
    area = (shape[-2], shape[-1])
    total = F.fold(chosen.T[None], area, SIZE, stride=STRIDE)
    count = F.fold(torch.ones_like(chosen).T[None], area, SIZE, stride=STRIDE)
    return total / count.clamp(min=1), (count > 0).to(total.dtype)


def pull(found: Tensor, style: Tensor) -> Tensor:
    """Half the squared distance of activations (1, C, H, W) to the average of the style's patches that fit them best.

    Args:
        style: patches (m, C * 9).
    """
    with torch.no_grad():
        wanted, there = assemble(style[match(patches(found), style)], found.shape)
    return ((found - wanted) * there).square().sum() / 2


def variants(picture: np.ndarray, options: CNNMRF) -> list[np.ndarray]:
    """The picture of a style in several sizes and turned a little either way, cut to what is picture: uint8 (H, W, 3).

    Of an even number of turns or sizes, more lie above.
    """
    height, width = picture.shape[:2]
    found = []
    for grown in range(-((options.scales - 1) // 2), options.scales // 2 + 1):
        factor = options.scale_step**grown
        for turned in range(-((options.turns - 1) // 2), options.turns // 2 + 1):
            angle = turned * np.pi / 24
            # The largest picture of the same shape that fits into the turned one.
            cosine, sine, longer = np.cos(angle), abs(np.sin(angle)), max(height, width) / min(height, width)
            inner = 1 / (cosine + longer * sine)
            size = (max(1, round(width * factor * inner)), max(1, round(height * factor * inner)))
            matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), np.degrees(angle), factor)
            matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
            found.append(cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE))
    return found


def fit(picture: np.ndarray, seen: Activations, options: CNNMRF) -> dict[str, Tensor]:
    """Every layer's patches (m, C * 9) of a picture uint8 (H, W, 3) and its variants."""
    found: dict[str, list[Tensor]] = {}
    with torch.no_grad():
        for variant in variants(picture, options):
            for name, value in seen(images.to_tensor(variant)[None].to(seen.device)).items():
                if name in LOCAL:
                    found.setdefault(name, []).append(patches(value))
    return {name: torch.cat(parts) for name, parts in found.items()}


def loss(
    found: Mapping[str, Tensor], style: Mapping[str, Tensor], target: Tensor, layer: str, options: CNNMRF
) -> Tensor:
    """Weighted sum of the squared distance to the photograph's activations and of every layer's :func:`pull`."""
    total = options.content * F.mse_loss(found[layer], target)
    for name, others in style.items():
        total = total + options.style * pull(found[name], others)
    return total


def stylise(photo: np.ndarray, style: np.ndarray, seen: Activations, options: CNNMRF | None = None) -> np.ndarray:
    """A photograph drawn with patches of a picture, both uint8 (H, W, 3): uint8 in the photograph's size.

    Both are made smaller together: the style's patches are as large as those of the photograph at every resolution.

    Raises:
        UserError: one of them is too small at the coarsest resolution; the optimisation diverged.
    """
    options = options or CNNMRF()
    coarsest = min(*photo.shape[:2], *style.shape[:2]) >> (options.resolutions - 1)
    if coarsest < SMALLEST:
        least = SMALLEST << (options.resolutions - 1)
        raise UserError(
            f"CNNMRF at {options.resolutions} resolutions needs pictures of at least {least} pixels a side; "
            "take larger ones, or fewer resolutions"
        )
    layer, x = content_layer(seen), torch.empty(0)
    total = options.steps * options.resolutions
    with tqdm(total=total, desc="patches", unit="step", leave=False, disable=None) as bar:
        for level in reversed(range(options.resolutions)):
            shown = images.to_tensor(_smaller(photo, level))[None].to(seen.device)
            wanted = fit(_smaller(style, level), seen, options)
            with torch.no_grad():
                target = seen(shown)[layer]
            x = F.interpolate(x, shown.shape[-2:], mode="bilinear") if len(x) else shown.clone()
            x.requires_grad_(True)
            optimiser = torch.optim.LBFGS(
                [x], max_iter=options.steps, max_eval=options.steps, tolerance_grad=-1, tolerance_change=-1
            )

            def evaluate(x: Tensor = x, wanted: dict[str, Tensor] = wanted, target: Tensor = target) -> Tensor:
                x.grad = None
                value = loss(seen(x), wanted, target, layer, options) + options.tv * variation(x)
                if not torch.isfinite(value):
                    raise UserError(f"CNNMRF diverged after {bar.n} steps; say fewer, or other weights")
                value.backward()
                bar.update()
                return value

            optimiser.step(evaluate)
            x = x.detach()
    return images.to_uint8(x.clamp(-1, 1).cpu())[0]


def _smaller(picture: np.ndarray, level: int) -> np.ndarray:
    return images.fit(picture, max(1, min(picture.shape[:2]) >> level))
