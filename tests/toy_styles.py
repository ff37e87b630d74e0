"""An untrained style whose faults would show, and how far two pictures are apart."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from wbclib.inference.styles import Style
from wbclib.networks.generators import UNet
from wbclib.options import OutputFilter


def seeded_style(
    padding: str = "symmetric", upsample: str = "half_pixel", output: OutputFilter | None = None, margin: int = 0
) -> Style:
    """An untrained generator with biases that show, and an output that reaches beyond [-1, 1]."""
    torch.manual_seed(7)
    network = UNet(padding, upsample).eval()
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.bias, std=0.1)  # type: ignore[arg-type]
    with torch.no_grad():
        network.conv_9.weight.mul_(8)
    return Style("seeded", network, output or OutputFilter(), "for tests alone", "seed 7", margin=margin)


def psnr(a: Tensor, b: Tensor) -> float:
    """In dB, of values in [-1, 1]."""
    return 10 * math.log10(4 / float((a - b).square().mean()))
