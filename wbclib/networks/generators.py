"""The white-box generator: a fully convolutional U-Net (Wang & Yu, CVPR 2020, figure of the generator)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2  # of every LeakyReLU
PADDINGS = ("symmetric", "same")
UPSAMPLINGS = ("half_pixel", "legacy")


def interleave(x: Tensor, dim: int) -> Tensor:
    """Twice as many samples along ``dim``: the sample itself, then the mean with its neighbour (the last: itself)."""
    size = x.shape[dim]
    follower = torch.cat([x.narrow(dim, 1, size - 1), x.narrow(dim, size - 1, 1)], dim)
    return torch.stack([x, (x + follower) / 2], dim + 1).flatten(dim, dim + 1)


def legacy_upsample(x: Tensor) -> Tensor:
    """TensorFlow 1's bilinear x2: out[2i] = x[i], out[2i+1] = (x[i] + x[i+1]) / 2, the last one clamped.

    (N, C, H, W) -> (N, C, 2H, 2W). Unlike half-pixel bilinear it moves the image by a quarter of an input
    pixel towards the top left; the released weights were trained with it.
    """
    return interleave(interleave(x, 2), 3)


class ResidualBlock(nn.Module):
    """x + conv3(LeakyReLU(conv3(x))), without normalisation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.leaky_relu(self.conv1(x), SLOPE))


class UNet(nn.Module):
    """The white-box U-Net, 1 467 075 parameters.

    Input and output: (N, 3, H, W), RGB in [-1, 1]; H and W are multiples of 4. The output layer is linear:
    nothing keeps values inside [-1, 1], so clamp before they become bytes. Layers are named as in the
    released weights.

    Args:
        padding: of the stride-2 convolutions. ``symmetric``: one pixel on every side. ``same``: TensorFlow's
            SAME, which on even sizes pads the bottom and the right only.
        upsample: ``half_pixel`` (PyTorch's bilinear) or ``legacy`` (see :func:`legacy_upsample`).
    """

    def __init__(self, padding: str = "symmetric", upsample: str = "half_pixel") -> None:
        super().__init__()
        if padding not in PADDINGS or upsample not in UPSAMPLINGS:
            raise ValueError(f"padding is one of {PADDINGS}, upsample one of {UPSAMPLINGS}: {padding!r}, {upsample!r}")
        self.padding, self.upsampling = padding, upsample
        down = 1 if padding == "symmetric" else 0
        self.conv = nn.Conv2d(3, 32, 7, padding=3)
        self.conv_1 = nn.Conv2d(32, 32, 3, stride=2, padding=down)
        self.conv_2 = nn.Conv2d(32, 64, 3, padding=1)
        self.conv_3 = nn.Conv2d(64, 64, 3, stride=2, padding=down)
        self.conv_4 = nn.Conv2d(64, 128, 3, padding=1)
        self.block_0 = ResidualBlock(128)
        self.block_1 = ResidualBlock(128)
        self.block_2 = ResidualBlock(128)
        self.block_3 = ResidualBlock(128)
        self.conv_5 = nn.Conv2d(128, 64, 3, padding=1)
        self.conv_6 = nn.Conv2d(64, 64, 3, padding=1)
        self.conv_7 = nn.Conv2d(64, 32, 3, padding=1)
        self.conv_8 = nn.Conv2d(32, 32, 3, padding=1)
        self.conv_9 = nn.Conv2d(32, 3, 7, padding=3)
        self.initialise()

    @torch.no_grad()
    def initialise(self) -> None:
        """Kaiming initialisation for LeakyReLU, zero biases, a small output layer.

        Residual branches start at a quarter of that scale, so that four of them do not multiply the variance
        by sixteen; the output starts near mid-grey, where a clamp to [-1, 1] passes every gradient.
        """
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, a=SLOPE, nonlinearity="leaky_relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        for block in self.blocks():
            block.conv2.weight.mul_(0.25)
        self.conv_9.weight.mul_(0.1)

    def blocks(self) -> tuple[ResidualBlock, ...]:
        """The four residual blocks, in order."""
        return self.block_0, self.block_1, self.block_2, self.block_3

    def down(self, layer: nn.Conv2d, x: Tensor) -> Tensor:
        """A stride-2 convolution with the chosen padding, and its LeakyReLU."""
        return F.leaky_relu(layer(F.pad(x, (0, 1, 0, 1)) if self.padding == "same" else x), SLOPE)

    def up(self, x: Tensor) -> Tensor:
        """Bilinear x2."""
        if self.upsampling == "legacy":
            return legacy_upsample(x)
        return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 4 or x.shape[1] != 3:
            raise ValueError(f"expected images (N, 3, H, W), got {tuple(x.shape)}")
        if x.shape[2] % 4 or x.shape[3] % 4:
            raise ValueError(
                f"size {x.shape[2]}x{x.shape[3]} is not a multiple of 4; use images.crop_to_multiple first"
            )
        full = F.leaky_relu(self.conv(x), SLOPE)
        half = F.leaky_relu(self.conv_2(self.down(self.conv_1, full)), SLOPE)
        y = F.leaky_relu(self.conv_4(self.down(self.conv_3, half)), SLOPE)
        for block in self.blocks():
            y = block(y)
        y = F.leaky_relu(self.conv_5(y), SLOPE)
        y = F.leaky_relu(self.conv_6(self.up(y) + half), SLOPE)
        y = F.leaky_relu(self.conv_7(y), SLOPE)
        y = F.leaky_relu(self.conv_8(self.up(y) + full), SLOPE)
        return self.conv_9(y)
