"""VGG19's activations by the names that papers use: ``relu3_1`` is the first ReLU of the third group."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from wbclib.files import UserError
from wbclib.networks import features
from wbclib.networks.frozen import FeatureNetwork
from wbclib.networks.weights import PLACE, MissingWeights

DEEP, SHALLOW = "vgg19_relu5_1", "vgg19_conv3_1"
POOLINGS = ("max", "average")


def places(body: nn.Sequential) -> dict[str, int]:
    """Name -> number of every convolution and ReLU of a VGG."""
    found, group, count = {}, 1, 0
    for number, layer in enumerate(body):
        if isinstance(layer, nn.Conv2d):
            count += 1
            found[f"conv{group}_{count}"] = number
        elif isinstance(layer, nn.ReLU):
            found[f"relu{group}_{count}"] = number
        else:
            group, count = group + 1, 0
    return found


def _closed(network: FeatureNetwork) -> nn.Sequential:
    """A copy of the network's body that ends with a ReLU."""
    body = nn.Sequential(*(copy.deepcopy(layer) for layer in network.body))
    return body.append(nn.ReLU()) if isinstance(body[-1], nn.Conv2d) else body


def available(network: FeatureNetwork) -> list[str]:
    """The layers of a VGG, with the ReLU of a convolution that it ends with."""
    return list(places(_closed(network)))


class Activations:
    """Activations of some layers: ``seen(x)`` is name -> (N, C, h, w) of RGB (N, 3, H, W) in [-1, 1].

    Args:
        network: a VGG of :mod:`wbclib.networks.features`.
        names: of :func:`available`.
        pooling: ``max``, or ``average`` (Gatys et al. 2016), which makes activations smaller.

    Raises:
        ValueError: a layer that the network does not have, or another pooling.
    """

    def __init__(self, network: FeatureNetwork, names: Sequence[str], pooling: str = "max") -> None:
        body = _closed(network)
        known = places(body)
        if unknown := [name for name in names if name not in known]:
            raise ValueError(f"the network has no layer {unknown[0]}; it has {', '.join(known)}")
        if pooling not in POOLINGS:
            raise ValueError(f"pooling {pooling!r}: say {' or '.join(POOLINGS)}")
        if pooling == "average":
            body = nn.Sequential(*(nn.AvgPool2d(2) if isinstance(layer, nn.MaxPool2d) else layer for layer in body))
        self.wanted = {known[name]: name for name in names}
        self.prepare, self.body = network.prepare, body[: max(self.wanted) + 1]
        self.body.requires_grad_(False)

    @property
    def device(self) -> torch.device:
        """Where images must be."""
        return next(self.body.parameters()).device

    def __call__(self, x: Tensor) -> dict[str, Tensor]:
        found, x = {}, self.prepare(x)
        for number, layer in enumerate(self.body):
            x = layer(x)
            if number in self.wanted:
                found[self.wanted[number]] = x
        return found


def open_vgg19() -> FeatureNetwork:
    """VGG19 as deep as its weights are here: torchvision's to relu5_1, or the normalised one to conv3_1.

    Raises:
        UserError: neither is here; the message says what to put where.
    """
    for name in (DEEP, SHALLOW):
        try:
            return features.load(name)
        except MissingWeights:
            continue
    files = " or ".join(file.name for name in (DEEP, SHALLOW) for file in features.find(name).files)
    raise UserError(f"VGG19 is not here: put {files} at {PLACE}, or torchvision's into the torch hub cache")
