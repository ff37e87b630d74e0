"""Generators, discriminators and the loader of the released weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from wbclib.files import UserError
from wbclib.networks.discriminators import FeatureDiscriminator, PatchDiscriminator
from wbclib.networks.generators import UNet, legacy_upsample
from wbclib.networks.official import load_whitebox


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def test_unet_has_the_papers_number_of_parameters() -> None:
    assert sum(p.numel() for p in UNet().parameters()) == 1_467_075


@pytest.mark.parametrize("upsample", ["half_pixel", "legacy"])
@pytest.mark.parametrize("padding", ["symmetric", "same"])
def test_unet_keeps_the_size_and_uses_every_parameter(padding: str, upsample: str) -> None:
    network = UNet(padding, upsample)
    x = torch.randn(2, 3, 24, 20)
    y = network(x)
    assert y.shape == x.shape
    y.square().sum().backward()
    silent = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert silent == []


def test_unet_starts_inside_the_range_and_sees_its_input() -> None:
    network = UNet()
    a, b = network(torch.rand(2, 3, 32, 32) * 2 - 1)
    assert a.abs().max() < 1
    assert (a - b).abs().mean() > 0.01


def test_unet_refuses_sizes_it_cannot_restore() -> None:
    with pytest.raises(ValueError, match="crop_to_multiple"):
        UNet()(torch.zeros(1, 3, 30, 32))
    with pytest.raises(ValueError, match="N, 3, H, W"):
        UNet()(torch.zeros(1, 1, 32, 32))
    with pytest.raises(ValueError, match="padding"):
        UNet(padding="reflect")


def test_legacy_upsampling_is_the_formula() -> None:
    x = torch.tensor([[0.0, 2.0, 8.0], [4.0, 6.0, 10.0]]).reshape(1, 1, 2, 3)
    row0, row1 = [0, 1, 2, 5, 8, 8], [4, 5, 6, 8, 10, 10]  # out[2i] = x[i], out[2i+1] = (x[i] + x[i+1]) / 2
    between = [(a + b) / 2 for a, b in zip(row0, row1, strict=True)]
    assert legacy_upsample(x)[0, 0].tolist() == [row0, between, row1, row1]


def test_same_padding_starts_at_the_first_pixel_and_symmetric_before_it() -> None:
    """A convolution that takes only its top left tap shows where its windows start."""
    x = torch.arange(1.0, 17.0).reshape(1, 1, 4, 4).expand(1, 32, 4, 4).contiguous()
    found = {}
    for padding in ("same", "symmetric"):
        network = UNet(padding)
        with torch.no_grad():
            network.conv_1.weight.zero_()
            network.conv_1.weight[0, 0, 0, 0] = 1
        found[padding] = network.down(network.conv_1, x)[0, 0].tolist()
    assert found["same"] == [[1, 3], [9, 11]]
    assert found["symmetric"] == [[0, 0], [0, 6]]


def test_same_padding_pads_bottom_and_right_with_zeros() -> None:
    """By hand: 3x3 sums, stride 2, over a 4x4 image of ones that is extended by one zero row and column."""
    network = UNet("same")
    with torch.no_grad():
        network.conv_1.weight.zero_()
        network.conv_1.weight[0, 0] = 1
    summed = network.down(network.conv_1, torch.ones(1, 32, 4, 4))[0, 0]
    assert summed.tolist() == [[9, 6], [6, 4]]


def released(seed: int) -> dict[str, np.ndarray]:
    """Arrays of the released names and shapes, spelled out, with values of no meaning."""
    shapes: dict[str, tuple[int, int, int]] = {
        **{"conv": (32, 3, 7), "conv_1": (32, 32, 3), "conv_2": (64, 32, 3), "conv_3": (64, 64, 3)},
        **{"conv_4": (128, 64, 3), "conv_5": (64, 128, 3), "conv_6": (64, 64, 3), "conv_7": (32, 64, 3)},
        **{"conv_8": (32, 32, 3), "conv_9": (3, 32, 7)},
        **{f"block_{i}.conv{j}": (128, 128, 3) for i in range(4) for j in (1, 2)},
    }
    random = np.random.default_rng(seed)
    arrays = {}
    for name, (outputs, inputs, kernel) in shapes.items():
        arrays[f"{name}.weight"] = random.normal(0, 0.05, (outputs, inputs, kernel, kernel)).astype(np.float16)
        arrays[f"{name}.bias"] = random.normal(0, 0.05, outputs).astype(np.float16)
    return arrays


def test_released_weights_are_read_into_rgb(tmp_path: Path) -> None:
    """The loaded network on RGB equals the plain network on BGR with both ends reordered."""
    arrays = released(1)
    np.savez(tmp_path / "weights.npz", **arrays)
    network = load_whitebox(tmp_path / "weights.npz")
    plain = UNet("same", "legacy")
    plain.load_state_dict({name: torch.from_numpy(value).float() for name, value in arrays.items()})
    x = torch.rand(1, 3, 16, 16) * 2 - 1
    with torch.no_grad():
        torch.testing.assert_close(network(x), plain(x.flip(1)).flip(1), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("fault", ["missing", "extra", "shape", "text", "cut", "pickle"])
def test_odd_released_weights_are_refused(fault: str, tmp_path: Path) -> None:
    path, arrays = tmp_path / "weights.npz", released(2)
    if fault == "missing":
        del arrays["block_2.conv1.bias"]
    if fault == "extra":
        arrays["conv_10.bias"] = np.zeros(3)
    if fault == "shape":
        arrays["conv_1.weight"] = arrays["conv_1.weight"][:, :16]
    if fault == "pickle":
        arrays["conv.bias"] = np.array([{"an": "object"}] * 32, dtype=object)
    np.savez(path, **arrays)
    if fault == "text":
        path.write_text("not an archive")
    if fault == "cut":
        path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(UserError, match="weights.npz"):
        load_whitebox(path)


@pytest.mark.parametrize("channels", [1, 3])
def test_discriminator_gives_one_logit_per_patch(channels: int) -> None:
    network = PatchDiscriminator(channels)
    x = torch.randn(2, channels, 64, 48, requires_grad=True)
    logits = network(x)
    assert logits.shape == (2, 1, 8, 6)
    logits[0, 0, 0, 0].backward()
    assert x.grad is not None
    reached = x.grad[0].abs().sum(0).nonzero().max().item()
    assert 16 < reached < 32  # a patch of 43 pixels around the corner, not the whole image
    assert x.grad[1].abs().sum() == 0
    with pytest.raises(ValueError, match="expected"):
        network(torch.zeros(1, 4 - channels, 64, 64))


def test_discriminator_of_features_gives_one_logit_per_patch() -> None:
    network = FeatureDiscriminator(5, width=8)
    x = torch.randn(2, 5, 21, 14, requires_grad=True)
    logits = network(x)
    assert logits.shape == (2, 1, 11, 7)
    logits[0, 0, 5, 3].backward()
    assert x.grad is not None
    rows = x.grad[0].abs().sum((0, 2)).nonzero()
    assert rows.max() - rows.min() + 1 == 7  # a 3 x 3, then a 3 x 3 of every second: seven features across
    assert x.grad[1].abs().sum() == 0
    with pytest.raises(ValueError, match=r"expected features \(N, 5, h, w\)"):
        network(torch.zeros(1, 3, 8, 8))


@pytest.mark.parametrize(
    ("build", "width", "count"), [(PatchDiscriminator, "base", 7), (FeatureDiscriminator, "width", 4)]
)
def test_discriminator_convolutions_have_spectral_norm_one(
    build: Callable[..., torch.nn.Module], width: str, count: int
) -> None:
    network = build(3, **{width: 8})  # here, not above: its weights are drawn from the test's seed
    network.train()
    for _ in range(60):
        network(torch.zeros(1, 3, 8, 8))
    layers = [layer for layer in network.modules() if isinstance(layer, torch.nn.Conv2d)]
    assert len(layers) == count
    for layer in layers:
        matrix = layer.weight.detach().flatten(1).numpy()
        assert np.linalg.svd(matrix, compute_uv=False)[0] == pytest.approx(1, abs=0.02)


def test_discriminator_can_be_trained_twice_between_steps() -> None:
    """Real and fake batches pass before one backward; the power iteration must not spoil the first graph."""
    network = PatchDiscriminator(1, base=4)
    real, fake = network(torch.ones(1, 1, 16, 16)), network(torch.zeros(1, 1, 16, 16))
    (F.softplus(-real).mean() + F.softplus(fake).mean()).backward()
    assert all(p.grad is not None for p in network.parameters())
