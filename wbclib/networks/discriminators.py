"""Patch discriminators of the white-box framework (Wang & Yu, CVPR 2020)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

SLOPE = 0.2


class PatchDiscriminator(nn.Module):
    """Three times (conv3 stride 2, conv3) with 1, 2 and 4 times ``base`` channels, then conv1 to one logit a patch.

    Every convolution is spectrally normalised (Miyato et al., ICLR 2018), LeakyReLU 0.2 between them.
    (N, in_channels, H, W) -> logits (N, 1, ceil(H/8), ceil(W/8)). In training mode every forward pass makes one
    step of the power iteration; in evaluation mode the estimates stay as they are.

    Args:
        in_channels: 3 for the surface discriminator, 1 for the texture discriminator.
        base: channels of the first stage; 32 in the paper's code.
    """

    def __init__(self, in_channels: int, base: int = 32) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = in_channels
        for channels in (base, 2 * base, 4 * base):
            layers += [_convolution(width, channels, 3, 2), nn.LeakyReLU(SLOPE)]
            layers += [_convolution(channels, channels, 3, 1), nn.LeakyReLU(SLOPE)]
            width = channels
        self.layers = nn.Sequential(*layers, _convolution(width, 1, 1, 1))
        self.in_channels = in_channels

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 4 or x.shape[1] != self.in_channels:
            raise ValueError(f"expected (N, {self.in_channels}, H, W), got {tuple(x.shape)}")
        return self.layers(x)


def _convolution(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Module:
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2)
    nn.init.kaiming_normal_(layer.weight, a=SLOPE, nonlinearity="leaky_relu")
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return spectral_norm(layer)


class FeatureDiscriminator(nn.Module):
    """Judges images by what a frozen network makes of them: conv1, conv3 stride 2, conv3, conv1 to one logit a patch.

    The idea is Projected GAN's (Sauer et al., NeurIPS 2021); here it sees one layer of features, and no random mixing
    of channels. Spectrally normalised as :class:`PatchDiscriminator`.
    (N, in_channels, h, w) -> logits (N, 1, ceil(h/2), ceil(w/2)).

    Args:
        in_channels: those of the features (:func:`wbclib.networks.features.channels`).
        width: channels of the hidden layers.
    """

    def __init__(self, in_channels: int, width: int = 128) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.layers = nn.Sequential(
            _convolution(in_channels, width, 1, 1),
            nn.LeakyReLU(SLOPE),
            _convolution(width, width, 3, 2),
            nn.LeakyReLU(SLOPE),
            _convolution(width, width, 3, 1),
            nn.LeakyReLU(SLOPE),
            _convolution(width, 1, 1, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 4 or x.shape[1] != self.in_channels:
            raise ValueError(f"expected features (N, {self.in_channels}, h, w), got {tuple(x.shape)}")
        return self.layers(x)
