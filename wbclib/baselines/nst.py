"""Neural style transfer by optimisation: Gatys, Ecker, Bethge, "Image Style Transfer Using CNNs", CVPR 2016.

A picture is changed until its activations in one deep layer are those of the photograph and the correlations of its
activations in several layers, the Gram matrices, are those of a picture in the wanted style. Several styles: the mean
of their Gram matrices, so that a whole corpus can be one style ("all images" in CartoonGAN's comparison).
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
from wbclib.networks.frozen import FeatureNetwork
from wbclib.networks.layers import Layers, available
from wbclib.values import AtLeastOne, Count, NotNegative, OneOf

STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT = ("relu4_2", "relu3_1")  # as published, and where the network ends before it
Grams = Mapping[str, Tensor]  # layer -> (C, C)


@dataclass(frozen=True)
class NST:
    """Settings, by default Gatys's own; :data:`JOHNSON` are those of the implementation that is used most."""

    steps: AtLeastOne = 500  # evaluations of loss and gradient
    content: NotNegative = 1.0
    style: NotNegative = 1000.0
    # channels: a layer's style loss over the squared number of its channels | values: Gram matrices over theirs, too
    norm: Annotated[str, OneOf("channels", "values")] = "channels"
    tv: NotNegative = 0.0  # of the squared differences of neighbours, halved
    pooling: Annotated[str, OneOf("max", "average")] = "max"
    start: Annotated[str, OneOf("content", "noise")] = "content"
    seed: Count = 0  # of the noise


JOHNSON = NST(steps=1000, content=5.0, style=100.0, norm="values", tv=1e-3, start="noise")


def layers_of(network: FeatureNetwork, options: NST) -> Layers:
    """The layers that are compared: those of the paper, as far as the network goes."""
    known = available(network)
    content = next(name for name in CONTENT if name in known)
    return Layers(network, [*(name for name in STYLE if name in known), content], options.pooling)


def content_layer(layers: Layers) -> str:
    """Of :func:`layers_of`: the one whose activations are kept."""
    return next(name for name in CONTENT if name in layers.wanted.values())


def gram(activations: Tensor) -> Tensor:
    """Correlations of channels over space, (N, C, C): F F^T / (H W) of activations (N, C, H, W)."""
    flat = activations.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[-1]


def fit(pictures: Sequence[np.ndarray], layers: Layers) -> Grams:
    """Mean Gram matrix of every style layer, over pictures uint8 (H, W, 3) of any sizes.

    Raises:
        ValueError: no pictures.
    """
    if not len(pictures):
        raise ValueError("a style needs at least one picture")
    total: dict[str, Tensor] = {}
    with torch.inference_mode():
        for picture in pictures:
            for name, found in layers(images.to_tensor(picture)[None]).items():
                if name in STYLE:
                    total[name] = total.get(name, torch.zeros(())) + gram(found)[0] / len(pictures)
    return {name: found.clone() for name, found in total.items()}


def loss(found: Mapping[str, Tensor], grams: Grams, target: Tensor, layers: Layers, options: NST) -> Tensor:
    """Weighted sum of content and style losses.

    Args:
        found: activations of the picture, ``layers(x)``, N = 1.
        grams: :func:`fit`.
        target: activations of the photograph in :func:`content_layer`.
    """
    total = options.content * F.mse_loss(found[content_layer(layers)], target)
    for name, wanted in grams.items():
        channels = len(wanted)
        scale = 1 / channels**2 if options.norm == "channels" else 1.0
        divisor = 1.0 if options.norm == "channels" else channels
        total = total + options.style * scale * F.mse_loss(gram(found[name])[0] / divisor, wanted / divisor)
    return total


def variation(x: Tensor) -> Tensor:
    """Half the sum of squared differences of neighbouring values of (N, C, H, W)."""
    return (x.diff(dim=-1).square().sum() + x.diff(dim=-2).square().sum()) / 2


def stylise(
    photo: np.ndarray,
    grams: Grams,
    layers: Layers,
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
    """
    options = options or NST()
    shown = images.to_tensor(photo)[None]
    if options.start == "content":
        x = shown.clone()
    else:
        x = 0.001 * torch.randn(shown.shape, generator=torch.Generator().manual_seed(options.seed))
    x.requires_grad_(True)
    with torch.no_grad():
        target = layers(shown)[content_layer(layers)]
    # As many evaluations as asked for: no tolerance ends it before.
    optimiser = torch.optim.LBFGS(
        [x], max_iter=options.steps, max_eval=options.steps, tolerance_grad=-1, tolerance_change=-1, history_size=100
    )
    with tqdm(total=options.steps, desc="style transfer", unit="step", leave=False, disable=None) as bar:

        def evaluate() -> Tensor:
            optimiser.zero_grad()
            value = loss(layers(x), grams, target, layers, options)
            if options.tv:
                value = value + options.tv * variation(x)
            value.backward()
            bar.update()
            if told:
                told(value.item())
            return value

        optimiser.step(evaluate)
    return images.to_uint8(x.detach().clamp(-1, 1))[0]
