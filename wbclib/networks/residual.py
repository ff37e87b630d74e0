"""CartoonGAN's networks (Chen, Lai, Liu, CVPR 2018, figure 2): a residual generator and a patch discriminator."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2  # of every LeakyReLU of the discriminator
NORMS = ("instance", "batch")
BLOCKS = 8


def normalisation(kind: str, channels: int, affine: bool | None = None, eps: float = 1e-5) -> nn.Module:
    """``instance``: each image by itself, scale and shift only where asked. ``batch``: with both, and running means.

    Raises:
        ValueError: unknown kind.
    """
    if kind == "instance":
        return nn.InstanceNorm2d(channels, eps=eps, affine=bool(affine))
    if kind == "batch":
        return nn.BatchNorm2d(channels, eps=eps, affine=affine is not False)
    raise ValueError(f"normalisation {kind!r}: say {' or '.join(NORMS)}")


def _reflected(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """A convolution that keeps the size (or halves it), borders reflected."""
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, padding_mode="reflect")


class Block(nn.Module):
    """x + norm(conv3(ReLU(norm(conv3(x))))), borders reflected; no activation after the sum."""

    def __init__(self, channels: int, norm: str = "instance", affine: bool | None = None, eps: float = 1e-5) -> None:
        super().__init__()
        self.conv_1 = _reflected(channels, channels, 3)
        self.norm_1 = normalisation(norm, channels, affine, eps)
        self.conv_2 = _reflected(channels, channels, 3)
        self.norm_2 = normalisation(norm, channels, affine, eps)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.norm_2(self.conv_2(F.relu(self.norm_1(self.conv_1(x)))))


class ResidualGenerator(nn.Module):
    """CartoonGAN's generator: 11 120 195 parameters in its convolutions at the paper's width.

    conv7, twice (conv3 stride 2, conv3), eight residual blocks, twice (transposed conv3 stride 2, conv3), conv7, tanh.
    Normalisation and ReLU follow conv7 and the second convolution of every pair; nothing stands between the two
    of a pair. Borders are reflected. (The first normalisation removes the brightness scale of its input.)

    Input and output: (N, 3, H, W), RGB in [-1, 1]; H and W are multiples of 4, at least 8.

    Args:
        width: channels of the first layer; 64 in the paper.
        norm: ``instance`` (the authors' code; better in their hands than the paper's) or ``batch`` (the paper).
        affine: whether instance normalisation has a scale and a shift; the released weights have both.
        eps: added to the variance.
    """

    def __init__(self, width: int = 64, norm: str = "instance", affine: bool | None = None, eps: float = 1e-5) -> None:
        super().__init__()
        if width < 1:
            raise ValueError(f"width {width} must be at least 1")
        self.width, self.norm = width, norm
        w1, w2, w4 = width, 2 * width, 4 * width
        self.conv = _reflected(3, w1, 7)
        self.norm_0 = normalisation(norm, w1, affine, eps)
        self.down1_1 = _reflected(w1, w2, 3, stride=2)
        self.down1_2 = _reflected(w2, w2, 3)
        self.norm_1 = normalisation(norm, w2, affine, eps)
        self.down2_1 = _reflected(w2, w4, 3, stride=2)
        self.down2_2 = _reflected(w4, w4, 3)
        self.norm_2 = normalisation(norm, w4, affine, eps)
        self.blocks = nn.Sequential(*(Block(w4, norm, affine, eps) for _ in range(BLOCKS)))
        self.up1_1 = nn.ConvTranspose2d(w4, w2, 3, stride=2, padding=1, output_padding=1)
        self.up1_2 = _reflected(w2, w2, 3)
        self.norm_3 = normalisation(norm, w2, affine, eps)
        self.up2_1 = nn.ConvTranspose2d(w2, w1, 3, stride=2, padding=1, output_padding=1)
        self.up2_2 = _reflected(w1, w1, 3)
        self.norm_4 = normalisation(norm, w1, affine, eps)
        self.out = _reflected(w1, 3, 7)
        self.initialise()

    @torch.no_grad()
    def initialise(self) -> None:
        """Kaiming initialisation, zero biases, a small output layer: tanh begins where its slope is 1."""
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        self.out.weight.mul_(0.1)

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))

    def encode(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) to the feature map after the last residual block, (N, 4 width, H/4, W/4)."""
        if x.ndim != 4 or x.shape[1] != 3:
            raise ValueError(f"expected images (N, 3, H, W), got {tuple(x.shape)}")
        if x.shape[2] % 4 or x.shape[3] % 4 or min(x.shape[2:]) < 8:
            raise ValueError(
                f"size {x.shape[2]}x{x.shape[3]}: sides must be multiples of 4, at least 8; use images.crop_to_multiple"
            )
        y = F.relu(self.norm_0(self.conv(x)))
        y = F.relu(self.norm_1(self.down1_2(self.down1_1(y))))
        y = F.relu(self.norm_2(self.down2_2(self.down2_1(y))))
        return self.blocks(y)

    def decode(self, y: Tensor) -> Tensor:
        """From the feature map of :meth:`encode` to the output."""
        y = F.relu(self.norm_3(self.up1_2(self.up1_1(y))))
        y = F.relu(self.norm_4(self.up2_2(self.up2_1(y))))
        return torch.tanh(self.out(y))


class CartoonDiscriminator(nn.Module):
    """CartoonGAN's discriminator, 1 128 385 parameters in its convolutions at the paper's width.

    (N, 3, H, W) -> logits (N, 1, H/4, W/4).

    Args:
        width: channels of the first layer; 32 in the paper.
        norm: ``instance`` or ``batch``.
    """

    def __init__(self, width: int = 32, norm: str = "instance") -> None:
        super().__init__()
        w1, w2, w4, w8 = width, 2 * width, 4 * width, 8 * width
        self.layers = nn.Sequential(
            nn.Conv2d(3, w1, 3, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(w1, w2, 3, stride=2, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(w2, w4, 3, padding=1),
            normalisation(norm, w4),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(w4, w4, 3, stride=2, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(w4, w8, 3, padding=1),
            normalisation(norm, w8),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(w8, w8, 3, padding=1),
            normalisation(norm, w8),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(w8, 1, 3, padding=1),
        )
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, a=SLOPE, nonlinearity="leaky_relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 4 or x.shape[1] != 3:
            raise ValueError(f"expected (N, 3, H, W), got {tuple(x.shape)}")
        return self.layers(x)


class ImagePool(nn.Module):
    """A history of outputs for the discriminator (Shrivastava et al., CVPR 2017; CycleGAN; the authors' code: 50).

    Once it is full, each new image is either passed on or put in the place of a kept one, which is passed on instead,
    with equal chances. Its contents are buffers, so they are part of every checkpoint.

    Args:
        capacity: number of images kept, at least 1.
        size: side of the images.
    """

    images: Tensor
    count: Tensor

    def __init__(self, capacity: int, size: int) -> None:
        super().__init__()
        self.register_buffer("images", torch.zeros(capacity, 3, size, size))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def forward(self, x: Tensor, draw: torch.Generator) -> Tensor:
        """What the discriminator sees in place of (N, 3, size, size); random numbers come from ``draw`` alone."""
        swap = torch.rand(len(x), generator=draw) < 0.5
        place = torch.randint(len(self.images), (len(x),), generator=draw)
        seen = []
        for k, image in enumerate(x):
            if self.count < len(self.images):
                self.images[self.count] = image
                self.count += 1
                seen.append(image)
            elif swap[k]:
                seen.append(self.images[place[k]].clone())
                self.images[place[k]] = image
            else:
                seen.append(image)
        return torch.stack(seen)
