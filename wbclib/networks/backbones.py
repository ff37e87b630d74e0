"""Architectures of the frozen networks, with torchvision's (or Gluon's) layer numbers so that the weights fit.

Built here rather than imported, because a machine that only trains has no torchvision; the tests compare
them with torchvision's own, or with the formula.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Simonyan & Zisserman 2015, configurations A, D and E: channels of the convolutions, "M" for max pooling.
VGG11 = (64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M")
VGG16 = (64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M")
VGG19 = (64, 64, "M", 128, 128, "M", *(4 * (256,)), "M", *(4 * (512,)), "M", *(4 * (512,)), "M")


def vgg(configuration: Sequence[int | str], last: int) -> nn.Sequential:
    """Layers 0 .. ``last`` (included) of a VGG without batch norm, numbered as torchvision's ``features``."""
    layers: list[nn.Module] = []
    width = 3
    for entry in configuration:
        if isinstance(entry, int):
            layers += [nn.Conv2d(width, entry, 3, padding=1), nn.ReLU()]
            width = entry
        else:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers[: last + 1])


class Fire(nn.Module):
    """Fire module of SqueezeNet (Iandola et al. 2016): conv1 to few channels, then conv1 and conv3 side by side."""

    def __init__(self, inputs: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))], 1)


def squeezenet() -> nn.Sequential:
    """The feature layers of SqueezeNet 1.1, numbered as torchvision's."""

    def pool() -> nn.Module:
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    return nn.Sequential(
        *(nn.Conv2d(3, 64, 3, stride=2), nn.ReLU(), pool()),
        *(Fire(64, 16, 64), Fire(128, 16, 64), pool()),
        *(Fire(128, 32, 128), Fire(256, 32, 128), pool()),
        *(Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256)),
    )


class BasicBlock(nn.Module):
    """Residual block of ResNet-18 (He et al. 2016); the shortcut is a conv1 where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs, momentum=None)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs, momentum=None)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            convolution = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.shortcut = nn.Sequential(convolution, nn.BatchNorm2d(outputs, momentum=None))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


def resnet18() -> nn.Sequential:
    """ResNet-18 without its classifier, as four stages (64, 128, 256, 512 channels; strides 4, 8, 16, 32)."""
    stem = (nn.Conv2d(3, 64, 7, 2, padding=3, bias=False), nn.BatchNorm2d(64, momentum=None), nn.ReLU())
    return nn.Sequential(
        nn.Sequential(*stem, nn.MaxPool2d(3, 2, padding=1), BasicBlock(64, 64, 1), BasicBlock(64, 64, 1)),
        nn.Sequential(BasicBlock(64, 128, 2), BasicBlock(128, 128, 1)),
        nn.Sequential(BasicBlock(128, 256, 2), BasicBlock(256, 256, 1)),
        nn.Sequential(BasicBlock(256, 512, 2), BasicBlock(512, 512, 1)),
    )


class Bottleneck(nn.Module):
    """Pre-activated bottleneck (He et al. 2016b, "Identity Mappings in Deep Residual Networks").

    Norm and ReLU come before each convolution, and nothing after the sum; where the shape changes the shortcut is a
    conv1 of what the first ReLU gives. Layers are registered in the order in which Gluon numbers them.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        width = outputs // 4
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, width, 1, bias=False)
        self.bn2, self.conv2 = nn.BatchNorm2d(width), nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn3, self.conv3 = nn.BatchNorm2d(width), nn.Conv2d(width, outputs, 1, bias=False)
        changes = stride != 1 or inputs != outputs
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if changes else None

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(x))
        around = x if self.shortcut is None else self.shortcut(y)
        y = self.conv2(F.relu(self.bn2(self.conv1(y))))
        return self.conv3(F.relu(self.bn3(y))) + around


def resnet50_v2() -> nn.Sequential:
    """ResNet-50 v2 up to its second stage (512 channels, stride 8), and the norm behind it without scale and shift.

    That norm is the third stage's first one: it brings every channel to mean 0 and variance 1 over ImageNet, where the
    sum itself grows from block to block.
    """
    stem = (nn.BatchNorm2d(3), nn.Conv2d(3, 64, 7, 2, padding=3, bias=False), nn.BatchNorm2d(64), nn.ReLU())
    return nn.Sequential(
        nn.Sequential(*stem, nn.MaxPool2d(3, 2, padding=1)),
        nn.Sequential(Bottleneck(64, 256, 1), *(Bottleneck(256, 256, 1) for _ in range(2))),
        nn.Sequential(Bottleneck(256, 512, 2), *(Bottleneck(512, 512, 1) for _ in range(3))),
        nn.BatchNorm2d(512, affine=False),
    )


def from_gluon(network: nn.Sequential, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Gluon's arrays under the names of :func:`resnet50_v2`; those that are not there are left out."""
    found = {}
    for number, stage in enumerate(network):
        prefix, counts = f"stage{number}_" if number else "", {"conv": 0, "batchnorm": 0}
        for name, layer in stage.named_modules(prefix=str(number)):
            kind = {nn.Conv2d: "conv", nn.BatchNorm2d: "batchnorm"}.get(type(layer))
            if kind is not None:
                theirs = f"{prefix}{kind}{counts[kind]}_"
                counts[kind] += 1
                pairs = {"weight": "weight" if kind == "conv" else "gamma", "bias": "beta"}
                for key in layer.state_dict():
                    if (other := theirs + pairs.get(key, key)) in state:
                        found[f"{name}.{key}"] = state[other]
    return found


@torch.no_grad()
def draw(network: nn.Module, seed: int) -> None:
    """He-initialise every convolution (normal, fan in, gain of the ReLU; zero biases) from ``seed``.

    NumPy's legacy generator draws the numbers: its stream is frozen, so the same seed is the same network on
    every machine and with every later version.
    """
    random = np.random.RandomState(seed)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            fan_in = layer.weight[0].numel()
            values = random.standard_normal(tuple(layer.weight.shape)) * np.sqrt(2 / fan_in)
            layer.weight.copy_(torch.from_numpy(values))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def pink_noise(count: int, size: int, seed: int) -> Tensor:
    """Noise whose amplitude falls as 1/frequency, as in natural images: (count, 3, size, size), mean 0, deviation 0.5.

    Half of the variance is common to the three channels (natural images are mostly grey).
    """
    random = np.random.RandomState(seed)
    rows, columns = np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :]
    frequency = np.maximum(np.hypot(rows, columns), 1 / size)
    white = random.standard_normal((count, 3, size, size)) + random.standard_normal((count, 1, size, size))
    noise = np.fft.irfft2(np.fft.rfft2(white) / frequency, s=(size, size))
    noise -= noise.mean((1, 2, 3), keepdims=True)
    noise *= 0.5 / noise.std((1, 2, 3), keepdims=True)
    return torch.from_numpy(noise).float()


@torch.no_grad()
def calibrate(network: nn.Module, images: Tensor) -> None:
    """Set the statistics of every batch norm to those of ``images``, then switch to evaluation mode.

    With identity statistics the activations of a random residual network grow from block to block and differ
    in scale by orders of magnitude from channel to channel.
    """
    network.train()
    network(images)
    network.eval()
