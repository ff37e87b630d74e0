"""Residual adapters: many styles in one network, a few values of its own for each.

Sources: Rebuffi, Bilen, Vedaldi, "Learning multiple visual domains with residual adapters" (NeurIPS 2017, series) and
"Efficient parametrization of multi-domain deep neural networks" (CVPR 2018, parallel); scale and shift of the instance
normalisation for every style as in Dumoulin, Shlens, Kudlur, "A learned representation for artistic style" (ICLR 2017).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize

KINDS = ("series", "parallel")
Mix = Mapping[str, float]  # share of every style; the shares that are missing are 0


class _Styled:
    """A layer with values of its own for every style, of which :func:`select` takes a weighted sum."""

    mix: dict[str, float]

    def mixed(self, values: nn.ParameterDict) -> Tensor | None:
        """Weighted sum of the chosen styles' values; None where no style is chosen."""
        chosen = [values[style] * share if share != 1 else values[style] for style, share in self.mix.items()]
        return cast(Tensor, sum(chosen[1:], chosen[0])) if chosen else None


class AdaptedConv(nn.Conv2d, _Styled):
    """A shared 3 x 3 convolution and, for every style, a 1 x 1 convolution that begins at zero.

    ``parallel``: conv3(x) + conv1(x), of one stride. ``series``: y + conv1(norm(y)) with y = conv3(x) and an instance
    normalisation without values of its own. Parameters of the shared convolution keep their names; a style's are
    ``adapters.STYLE``.
    """

    def __init__(self, shared: nn.Conv2d, styles: Sequence[str], kind: str) -> None:
        super().__init__(
            shared.in_channels,
            shared.out_channels,
            3,
            shared.stride,  # type: ignore[arg-type]
            shared.padding,  # type: ignore[arg-type]
            padding_mode=shared.padding_mode,
            device="meta",  # the parameters are the shared ones
        )
        self.weight, self.bias = shared.weight, shared.bias
        self.kind, self.mix = kind, {}
        inputs = shared.out_channels if kind == "series" else shared.in_channels
        empty = torch.zeros(shared.out_channels, inputs, 1, 1)
        self.adapters = nn.ParameterDict({style: nn.Parameter(empty.clone()) for style in styles})

    def forward(self, x: Tensor) -> Tensor:
        weight = self.mixed(self.adapters)
        if weight is None:
            return super().forward(x)
        if self.kind == "series":
            y = super().forward(x)
            return y + F.conv2d(F.instance_norm(y), weight)
        # One convolution for both: a 1 x 1 beside a 3 x 3 is a 3 x 3 with another centre. (On its way back a 1 x 1
        # convolution of stride 2 in channels-last layout writes beyond its memory, in PyTorch 2.15 on a CPU.)
        return self._conv_forward(x, self.weight + F.pad(weight, (1, 1, 1, 1)), self.bias)


class AdaptedNorm(nn.InstanceNorm2d, _Styled):
    """Instance normalisation without values, then (1 + scale) and shift of the style; both begin at zero."""

    def __init__(self, shared: nn.InstanceNorm2d, styles: Sequence[str]) -> None:
        super().__init__(shared.num_features, shared.eps)
        self.mix = {}
        empty = torch.zeros(shared.num_features, 1, 1)
        self.scales = nn.ParameterDict({style: nn.Parameter(empty.clone()) for style in styles})
        self.shifts = nn.ParameterDict({style: nn.Parameter(empty.clone()) for style in styles})

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        scale, shift = self.mixed(self.scales), self.mixed(self.shifts)
        return y if scale is None or shift is None else y * (1 + scale) + shift


def adapt(network: nn.Module, styles: Sequence[str], kind: str) -> nn.Module:
    """Give a network adapters, in place: its 3 x 3 convolutions and its instance normalisations.

    No style is chosen at first, and while none is, the network computes what it computed before, bit for bit. Whoever
    chooses a new style begins there too.

    Args:
        network: with instance normalisation without values of its own, or with none.
        styles: their names, of letters, digits, ``_`` and ``-``.
        kind: ``series`` or ``parallel``.

    Returns:
        The network itself.

    Raises:
        ValueError: unknown kind, a name that is none, no style, a normalisation that mixes images or has values, or
            weights that are made from others.
    """
    if kind not in KINDS:
        raise ValueError(f"adapters {kind!r}: say {' or '.join(KINDS)}")
    if not styles or len(set(styles)) < len(styles):
        raise ValueError(f"styles {list(styles)}: name at least one, and each once")
    for style in styles:
        if not re.fullmatch(r"[\w-]+", style) or hasattr(nn.ParameterDict, style):
            raise ValueError(f"style {style!r}: say another name, of letters, digits, _ and -")
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.BatchNorm2d) or (isinstance(child, nn.InstanceNorm2d) and child.affine):
                raise ValueError("adapters need instance normalisation without values of its own (norm: instance)")
            if parametrize.is_parametrized(child):
                raise ValueError(f"layer {name} has reparametrised weights (spectral norm): adapters would drop that")
            if isinstance(child, nn.Conv2d) and child.kernel_size == (3, 3):
                setattr(module, name, AdaptedConv(child, styles, kind))
            elif isinstance(child, nn.InstanceNorm2d):
                setattr(module, name, AdaptedNorm(child, styles))
    return network


def select(network: nn.Module, mix: str | Mix | None) -> None:
    """Choose a style, a mixture of styles (shares as a mapping), or none: the shared network alone.

    A mixture interpolates the styles' own values. Shares need not sum to 1; beyond it a style is exaggerated.

    Raises:
        ValueError: a style that the network does not have, or a share that is not finite.
    """
    shares = {} if mix is None else {mix: 1.0} if isinstance(mix, str) else dict(mix)
    known = styles(network)
    if unknown := sorted(set(shares) - set(known)):
        raise ValueError(f"style {unknown[0]!r} is not in this network; it has: {', '.join(known) or 'none'}")
    if not all(abs(share) < float("inf") for share in shares.values()):
        raise ValueError(f"shares {shares} must be finite")
    for layer in network.modules():
        if isinstance(layer, _Styled):
            layer.mix = {style: float(share) for style, share in shares.items() if share}


def styles(network: nn.Module) -> list[str]:
    """Names of the styles that a network has values for, in their order."""
    return next((list(m.adapters) for m in network.modules() if isinstance(m, AdaptedConv)), [])


def style_of(name: str) -> str | None:
    """The style that a parameter belongs to, by its name in ``state_dict``; None: shared by all."""
    found = re.search(r"\.(?:adapters|scales|shifts)\.([\w-]+)$", name)
    return found[1] if found else None


def own(network: nn.Module, style: str) -> list[nn.Parameter]:
    """The parameters that belong to one style alone."""
    return [value for name, value in network.named_parameters() if style_of(name) == style]


def shared(network: nn.Module) -> list[nn.Parameter]:
    """The parameters that all styles share."""
    return [value for name, value in network.named_parameters() if style_of(name) is None]
