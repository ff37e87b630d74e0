"""Neural style transfer by optimisation: Gatys, Ecker, Bethge, "Image Style Transfer Using CNNs", CVPR 2016.

A picture is changed until its activations in one deep layer are those of the photograph and the correlations of its
activations in several layers, the Gram matrices, are those of a picture in the wanted style. Several styles: the mean
of their Gram matrices, so that a whole corpus can be one style ("all images" in CartoonGAN's comparison).

Weights are those that Gatys gave for his own program, over a VGG19 whose activations were normalised. Over
torchvision's VGG19 the same numbers balance content and style in another way, which nobody has looked at here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm.auto import tqdm

from wbclib import images
from wbclib.files import UserError
from wbclib.networks.frozen import FeatureNetwork
from wbclib.networks.layers import POOLINGS, Activations, available
from wbclib.values import AtLeastOne, Count, NotNegative, OneOf

STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT = ("relu4_2", "relu3_1")  # as published, and where the network ends before it
STARTS = ("content", "noise")
Grams = Mapping[str, Tensor]  # layer -> (C, C)


@dataclass(frozen=True)
class NST:
    """Settings; by default Gatys's own."""

    steps: AtLeastOne = 500  # evaluations of loss and gradient
    content: NotNegative = 1.0
    style: NotNegative = 1000.0  # over the squared number of a layer's channels
    tv: NotNegative = 0.0  # of the squared differences of neighbours in [-1, 1], halved
    pooling: Annotated[str, OneOf(*POOLINGS)] = "max"
    start: Annotated[str, OneOf(*STARTS)] = "content"
    seed: Count = 0  # of the noise

    def __post_init__(self) -> None:
        for word, known in ((self.pooling, POOLINGS), (self.start, STARTS)):
            if word not in known:
                raise UserError(f"style transfer: {word!r} is unknown; say {' or '.join(known)}")


def activations(network: FeatureNetwork, options: NST) -> Activations:
    """The layers that are compared: those of the paper, as far as the network goes."""
    known = available(network)
    content = next(name for name in CONTENT if name in known)
    return Activations(network, [*(name for name in STYLE if name in known), content], options.pooling)


def content_layer(seen: Activations) -> str:
    """Of :func:`activations`: the layer that keeps the photograph."""
    return next(name for name in CONTENT if name in seen.wanted.values())


def gram(found: Tensor) -> Tensor:
    """Correlations of channels over space, (N, C, C): F F^T / (H W) of activations (N, C, H, W)."""
    flat = found.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[-1]


def fit(pictures: Sequence[np.ndarray], seen: Activations) -> Grams:
    """Mean Gram matrix of every style layer, over pictures uint8 (H, W, 3) of any sizes.

    Raises:
        ValueError: no pictures.
    """
    if not len(pictures):
        raise ValueError("a style needs at least one picture")
    total: dict[str, Tensor] = {}
    with torch.no_grad():
        for picture in pictures:
            for name, found in seen(images.to_tensor(picture)[None].to(seen.device)).items():
                if name in STYLE:
                    part = gram(found)[0] / len(pictures)
                    total[name] = total[name] + part if name in total else part
    return total


def loss(found: Mapping[str, Tensor], grams: Grams, target: Tensor, layer: str, options: NST) -> Tensor:
    """Weighted sum of the content loss and of every layer's style loss, all of them means of squared differences.

    Args:
        found: activations of the picture, N = 1.
        grams: :func:`fit`.
        target: activations of the photograph in the layer ``layer``.
    """
    total = options.content * F.mse_loss(found[layer], target)
    for name, wanted in grams.items():
        total = total + options.style / len(wanted) ** 2 * F.mse_loss(gram(found[name])[0], wanted)
    return total


def variation(x: Tensor) -> Tensor:
    """Half the sum of squared differences of neighbouring values of (N, C, H, W)."""
    return (x.diff(dim=-1).square().sum() + x.diff(dim=-2).square().sum()) / 2


def stylise(
    photo: np.ndarray,
    grams: Grams,
    seen: Activations,
    options: NST | None = None,
    told: Callable[[float], None] | None = None,
) -> np.ndarray:
    """A photograph in the style of :func:`fit`, by L-BFGS.

    Nothing is clamped before the end: a clamp inside makes the method of second order explode.

    Args:
        photo: uint8 (H, W, 3), short side at least 16 pixels.
        told: called with the loss of every evaluation.

    Returns:
        uint8 (H, W, 3).

    Raises:
        UserError: the optimisation diverged.
    """
    options = options or NST()
    shown = images.to_tensor(photo)[None].to(seen.device)
    if options.start == "content":
        x = shown.clone()
    else:
        noise = torch.randn(shown.shape, generator=torch.Generator().manual_seed(options.seed))
        x = 0.001 * noise.to(seen.device)
    x.requires_grad_(True)
    layer = content_layer(seen)
    with torch.no_grad():
        target = seen(shown)[layer]
    # As many evaluations as asked for: no tolerance ends it before.
    optimiser = torch.optim.LBFGS(
        [x], max_iter=options.steps, max_eval=options.steps, tolerance_grad=-1, tolerance_change=-1, history_size=100
    )
    with tqdm(total=options.steps, desc="style transfer", unit="step", leave=False, disable=None) as bar:

        def evaluate() -> Tensor:
            optimiser.zero_grad()
            value = loss(seen(x), grams, target, layer, options) + options.tv * variation(x)
            if not torch.isfinite(value):
                raise UserError(f"style transfer diverged after {bar.n} steps; say fewer, or other weights")
            value.backward()
            bar.update()
            if told:
                told(value.item())
            return value

        optimiser.step(evaluate)
    return images.to_uint8(x.detach().clamp(-1, 1).cpu())[0]
