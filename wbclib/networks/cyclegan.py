"""CycleGAN's networks (Zhu, Park, Isola, Efros, ICCV 2017): a residual generator and a patch discriminator."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wbclib.networks.residual import SLOPE, Block

DEVIATION = 0.02  # of the normal distribution that every weight starts from


class CycleGenerator(nn.Module):
    """conv7, twice conv3 stride 2, residual blocks, twice transposed conv3 stride 2, conv7, tanh.

    Instance normalisation without scale and shift and ReLU after every convolution but the last. 11 378 179 parameters
    at the published size. Input and output: (N, 3, H, W), RGB in [-1, 1]; H and W are multiples of 4, at least 8.

    Args:
        width: channels of the first layer; 64 as published.
        blocks: residual blocks; 9 as published for 256 px, 6 for 128 px.
    """

    def __init__(self, width: int = 64, blocks: int = 9) -> None:
        super().__init__()
        if width < 1 or blocks < 1:
            raise ValueError(f"width {width} and blocks {blocks} must be at least 1")
        w1, w2, w4 = width, 2 * width, 4 * width
        self.layers = nn.Sequential(
            nn.Conv2d(3, w1, 7, padding=3, padding_mode="reflect"), nn.InstanceNorm2d(w1), nn.ReLU(),
            nn.Conv2d(w1, w2, 3, 2, padding=1), nn.InstanceNorm2d(w2), nn.ReLU(),
            nn.Conv2d(w2, w4, 3, 2, padding=1), nn.InstanceNorm2d(w4), nn.ReLU(),
            *(Block(w4) for _ in range(blocks)),
            nn.ConvTranspose2d(w4, w2, 3, 2, padding=1, output_padding=1), nn.InstanceNorm2d(w2), nn.ReLU(),
            nn.ConvTranspose2d(w2, w1, 3, 2, padding=1, output_padding=1), nn.InstanceNorm2d(w1), nn.ReLU(),
            nn.Conv2d(w1, 3, 7, padding=3, padding_mode="reflect"), nn.Tanh(),
        )  # fmt: skip
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 4 or x.shape[1] != 3:
            raise ValueError(f"expected images (N, 3, H, W), got {tuple(x.shape)}")
        if x.shape[2] % 4 or x.shape[3] % 4 or min(x.shape[2:]) < 8:
            raise ValueError(f"size {x.shape[2]}x{x.shape[3]}: sides must be multiples of 4, at least 8")
        return self.layers(x)


class CycleDiscriminator(nn.Module):
    """PatchGAN of 70 pixels: conv4 stride 2 three times, conv4, conv4 to one logit a patch; 2 764 737 parameters.

    (N, 3, H, W) -> logits (N, 1, H/8 - 2, W/8 - 2); sides of at least 32.

    Args:
        width: channels of the first layer; 64 as published.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        w1, w2, w4, w8 = width, 2 * width, 4 * width, 8 * width
        self.layers = nn.Sequential(
            nn.Conv2d(3, w1, 4, 2, padding=1), nn.LeakyReLU(SLOPE),
            nn.Conv2d(w1, w2, 4, 2, padding=1), nn.InstanceNorm2d(w2), nn.LeakyReLU(SLOPE),
            nn.Conv2d(w2, w4, 4, 2, padding=1), nn.InstanceNorm2d(w4), nn.LeakyReLU(SLOPE),
            nn.Conv2d(w4, w8, 4, 1, padding=1), nn.InstanceNorm2d(w8), nn.LeakyReLU(SLOPE),
            nn.Conv2d(w8, 1, 4, 1, padding=1),
        )  # fmt: skip
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 4 or x.shape[1] != 3:
            raise ValueError(f"expected (N, 3, H, W), got {tuple(x.shape)}")
        return self.layers(x)


@torch.no_grad()
def initialise(network: nn.Module) -> None:
    """Weights from N(0, 0.02), zero biases."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, DEVIATION)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
