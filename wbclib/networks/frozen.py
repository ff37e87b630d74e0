"""The module that every frozen network is, and what it needs: its colour transform and its weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wbclib.files import UserError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
State = Mapping[str, Tensor]


class ColourTransform(nn.Module):
    """Our [-1, 1] RGB to what a network was trained on: ``matrix @ ((x + 1) / 2) + offset`` for every pixel.

    Always in the precision of its own buffers: a network that wants 0-255 would lose half a grey level to
    bfloat16.
    """

    def __init__(self, matrix: Tensor, offset: Tensor) -> None:
        super().__init__()
        self.register_buffer("matrix", (matrix / 2).reshape(3, 3, 1, 1).float())
        self.register_buffer("offset", (matrix.sum(1) / 2 + offset).float())

    @classmethod
    def imagenet(cls) -> ColourTransform:
        """Mean and standard deviation of ImageNet, RGB in [0, 1]: what torchvision's networks expect."""
        mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
        return cls(torch.diag(1 / std), -mean / std)

    @classmethod
    def unit(cls) -> ColourTransform:
        """RGB in [0, 1]."""
        return cls(torch.eye(3), torch.zeros(3))

    def forward(self, x: Tensor) -> Tensor:
        matrix, offset = self.get_buffer("matrix"), self.get_buffer("offset")
        with torch.autocast(x.device.type, enabled=False):
            return F.conv2d(x.to(matrix.dtype), matrix, offset)


class FeatureNetwork(nn.Module):
    """A frozen network: RGB (N, 3, H, W) in [-1, 1] in, features out; gradients pass, weights never change.

    Attributes:
        origin: what a record and a caption say: network, layer, pooled, source (never an absolute path), sha256,
            licence, pretrained.
    """

    origin: dict[str, Any]

    def __init__(
        self, prepare: ColourTransform, body: nn.Sequential, tail: nn.Sequential | None = None, stages: bool = False
    ) -> None:
        super().__init__()
        self.prepare, self.body, self.tail, self.stages = prepare, body, tail or nn.Sequential(), stages
        self.origin = {}
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode, whatever the module around this one does."""
        return super().train(False)

    def features(self, x: Tensor) -> Tensor:
        """Feature map (N, C, h, w) of the layer that ``origin`` names."""
        if x.ndim != 4 or x.shape[1] != 3:
            raise ValueError(f"expected images (N, 3, H, W), got {tuple(x.shape)}")
        return self.body(self.prepare(x))

    forward = features

    def pooled(self, x: Tensor) -> Tensor:
        """One vector an image, (N, D): means over space of the deepest layer, or of every stage side by side."""
        if not self.stages:
            return self.tail(self.features(x)).mean((2, 3))
        x, means = self.prepare(x), []
        for stage in self.body:
            x = stage(x)
            means.append(x.mean((2, 3)))
        return torch.cat(means, 1)


def fill(module: nn.Module, state: State, prefix: str = "features.") -> None:
    """Load ``state[prefix + name]`` into every parameter and buffer ``name``; what lies above the layer is left out."""
    own = module.state_dict()
    picked = {name: state[prefix + name] for name in own if prefix + name in state}
    absent = [name for name in own if name not in picked and not name.endswith("num_batches_tracked")]
    wrong = [name for name in picked if picked[name].shape != own[name].shape]
    if absent or wrong:
        raise UserError(f"the weights do not fit the network: {(absent + wrong)[0]} is missing or of another shape")
    module.load_state_dict({**own, **picked})
