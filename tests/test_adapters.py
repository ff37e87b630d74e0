"""Residual adapters: off they are not there, on they are what the equations say, and each style's are its own."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wbclib.networks import adapters
from wbclib.networks.discriminators import PatchDiscriminator
from wbclib.networks.residual import CartoonDiscriminator, ResidualGenerator

STYLES = ["comic", "ink"]


def networks(kind: str) -> list[tuple[nn.Module, nn.Module]]:
    """The plain networks, and equal ones with adapters."""
    pairs = []
    for build in (lambda: ResidualGenerator(4), lambda: CartoonDiscriminator(4)):
        torch.manual_seed(3)
        plain = build()
        torch.manual_seed(3)
        pairs.append((plain, adapters.adapt(build(), STYLES, kind)))
    return pairs


def filled(network: nn.Module, seed: int = 0) -> nn.Module:
    """Every style's values drawn at random."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for style in STYLES:
            for value in adapters.own(network, style):
                value.copy_(0.3 * torch.randn(value.shape, generator=draw))
    return network


@pytest.fixture
def x() -> Tensor:
    return torch.rand(2, 3, 24, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize("kind", adapters.KINDS)
def test_off_it_is_the_shared_network_bit_for_bit(kind: str, x: Tensor) -> None:
    for plain, adapted in networks(kind):
        filled(adapted)
        assert torch.equal(adapted(x), plain(x))
        adapters.select(adapted, "ink")
        assert not torch.allclose(adapted(x), plain(x))
        adapters.select(adapted, None)
        assert torch.equal(adapted(x), plain(x))


@pytest.mark.parametrize("kind", adapters.KINDS)
def test_a_new_style_begins_at_the_shared_network(kind: str, x: Tensor) -> None:
    for plain, adapted in networks(kind):
        adapters.select(adapted, "comic")
        assert torch.equal(adapted(x), plain(x))


@pytest.mark.parametrize("stride", [1, 2])
def test_parallel_is_a_one_by_one_beside_the_three_by_three(stride: int) -> None:
    shared = nn.Conv2d(5, 7, 3, stride, 1, padding_mode="reflect")
    layer = adapters.adapt(nn.Sequential(shared), STYLES, "parallel")
    filled(layer)
    y = torch.randn(2, 5, 9, 11)
    adapters.select(layer, "ink")
    wanted = shared(y) + F.conv2d(y, layer[0].adapters["ink"], stride=stride)
    torch.testing.assert_close(layer(y), wanted)


def test_series_is_identity_plus_a_mixing_of_normalised_channels() -> None:
    shared = nn.Conv2d(3, 6, 3, padding=1)
    layer = adapters.adapt(nn.Sequential(shared), STYLES, "series")
    filled(layer)
    y = torch.randn(2, 3, 9, 11)
    adapters.select(layer, "comic")
    with torch.no_grad():
        out = shared(y)
        mean, variance = out.mean((2, 3), keepdim=True), out.var((2, 3), unbiased=False, keepdim=True)
        normal = (out - mean) / (variance + 1e-5).sqrt()
        wanted = out + torch.einsum("oi,nihw->nohw", layer[0].adapters["comic"][:, :, 0, 0], normal)
    torch.testing.assert_close(layer(y).detach(), wanted)


def test_each_style_has_its_scale_and_shift() -> None:
    layer = adapters.adapt(nn.Sequential(nn.InstanceNorm2d(4), nn.Conv2d(4, 1, 3)), STYLES, "parallel")[0]
    y = torch.randn(2, 4, 8, 8)
    with torch.no_grad():
        layer.scales["ink"].fill_(0.5)
        layer.shifts["ink"].fill_(-2.0)
    layer.mix = {"ink": 1.0}
    torch.testing.assert_close(layer(y).detach(), 1.5 * F.instance_norm(y) - 2)


@pytest.mark.parametrize("kind", adapters.KINDS)
def test_a_mixture_is_the_style_between(kind: str, x: Tensor) -> None:
    for _, network in networks(kind):
        filled(network)
        adapters.select(network, {"comic": 0.25, "ink": 0.75})
        mixed = network(x)
        with torch.no_grad():
            for a, b in zip(adapters.own(network, "comic"), adapters.own(network, "ink"), strict=True):
                a.mul_(0.25).add_(0.75 * b)
        adapters.select(network, "comic")
        torch.testing.assert_close(mixed, network(x))
        adapters.select(network, {"ink": 1.0})
        one = network(x)
        adapters.select(network, "ink")
        assert torch.equal(one, network(x))


def test_what_is_shared_and_what_is_not_is_all_there_is() -> None:
    for plain, adapted in networks("parallel"):
        assert adapters.styles(adapted) == STYLES and adapters.styles(plain) == []
        count = sum(p.numel() for p in plain.parameters())
        convs = [m for m in plain.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
        norms = [m for m in plain.modules() if isinstance(m, nn.InstanceNorm2d)]
        each = sum(m.in_channels * m.out_channels for m in convs) + sum(2 * m.num_features for m in norms)
        assert sum(p.numel() for p in adapters.shared(adapted)) == count
        assert [sum(p.numel() for p in adapters.own(adapted, style)) for style in STYLES] == [each, each]
        assert sum(p.numel() for p in adapted.parameters()) == count + 2 * each


def test_a_plain_network_is_loaded_under_its_own_names() -> None:
    for plain, adapted in networks("series"):
        with torch.no_grad():
            for value in plain.parameters():
                value.normal_()
        missing, unexpected = adapted.load_state_dict(plain.state_dict(), strict=False)
        assert not unexpected and {adapters.style_of(name) for name in missing} == set(STYLES)
        y = torch.rand(1, 3, 16, 16)
        assert torch.equal(adapted(y), plain(y))


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="say series or parallel"):
        adapters.adapt(ResidualGenerator(2), STYLES, "both")
    with pytest.raises(ValueError, match="name at least one, and each once"):
        adapters.adapt(ResidualGenerator(2), ["a", "a"], "series")
    for name in ("a.b", "keys", ""):
        with pytest.raises(ValueError, match="say another name"):
            adapters.adapt(ResidualGenerator(2), [name], "series")
    with pytest.raises(ValueError, match="norm: instance"):
        adapters.adapt(ResidualGenerator(2, "batch"), STYLES, "series")
    with pytest.raises(ValueError, match="spectral norm"):
        adapters.adapt(PatchDiscriminator(3), STYLES, "series")
    network = adapters.adapt(ResidualGenerator(2), STYLES, "series")
    with pytest.raises(ValueError, match="it has: comic, ink"):
        adapters.select(network, "oil")
    with pytest.raises(ValueError, match="finite"):
        adapters.select(network, {"ink": float("nan")})
