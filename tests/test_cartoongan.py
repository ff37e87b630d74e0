"""CartoonGAN's networks, losses, pool and step: the paper's parameter counts, values by hand, gradients that arrive."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from toy_images import noise

from wbclib import losses
from wbclib.corpora.edges import edge_smoothed
from wbclib.corpora.loader import Loader
from wbclib.corpora.toon import cartoons
from wbclib.files import UserError
from wbclib.networks.residual import CartoonDiscriminator, ImagePool, ResidualGenerator
from wbclib.options import Edges, RunConfig, run_config
from wbclib.profiles import load
from wbclib.train import checkpoints, run, trained
from wbclib.train.device import open_fabric
from wbclib.train.methods import METHODS, CartoonGAN


def parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def images(count: int = 2, size: int = 16, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def config(**change: Any) -> RunConfig:
    """A run without a perceptual network."""
    values = {"method": "cartoongan", "generator": "residual", "residual": {"width": 4}, "size": 16,
              "precision": "float32", "weights": {"adversarial": 1.0}}  # fmt: skip
    return run_config(values | change)


def method(**change: Any) -> CartoonGAN:
    torch.manual_seed(0)
    settings = config(**change)
    found = METHODS["cartoongan"](settings, open_fabric(settings, "cpu"), {"downloads": False})
    assert isinstance(found, CartoonGAN)
    return found


def batch() -> dict[str, Tensor]:
    return {name: images(seed=k) for k, name in enumerate(("photo", "cartoon", "smoothed"))}


# --- Networks


def test_parameter_counts_are_those_of_the_paper() -> None:
    assert parameters(ResidualGenerator()) == 11_120_195
    scales = 2 * (64 + 128 + 256 + 16 * 256 + 128 + 64)  # scale and shift of every normalisation
    assert parameters(ResidualGenerator(affine=True)) == parameters(ResidualGenerator(norm="batch"))
    assert parameters(ResidualGenerator(norm="batch")) == 11_120_195 + scales == 11_129_667
    layers = ((3, 32), (32, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 1))
    assert parameters(CartoonDiscriminator()) == sum(9 * a * b + b for a, b in layers) == 1_128_385


@pytest.mark.parametrize("norm", ["instance", "batch"])
@pytest.mark.parametrize("size", [(8, 8), (20, 12)])
def test_shapes_and_range(norm: str, size: tuple[int, int]) -> None:
    x = torch.rand(2, 3, *size)
    y = ResidualGenerator(4, norm)(x)
    assert y.shape == x.shape and y.abs().max() <= 1
    assert CartoonDiscriminator(4, norm)(x).shape == (2, 1, size[0] // 4, size[1] // 4)


def test_the_first_normalisation_removes_the_scale_of_the_input() -> None:
    network, x = ResidualGenerator(4, eps=1e-18).double(), images(1).double()
    torch.testing.assert_close(network(x), network(0.25 * x), rtol=0, atol=1e-9)
    assert (network(x) - network(x.flip(3))).abs().max() > 1e-3


def test_wrong_inputs_and_options_are_named() -> None:
    for bad in (torch.zeros(1, 3, 10, 8), torch.zeros(1, 3, 4, 4), torch.zeros(1, 1, 8, 8)):
        with pytest.raises(ValueError, match=r"multiples of 4|expected"):
            ResidualGenerator(4)(bad)
    with pytest.raises(ValueError, match="expected"):
        CartoonDiscriminator(4)(torch.zeros(1, 1, 8, 8))
    with pytest.raises(UserError, match=r"residual\.norm: 'group' is not possible; say instance or batch"):
        method(residual={"norm": "group"})
    with pytest.raises(UserError, match=r"residual\.width: 0 is not possible; say a whole number, at least 1"):
        method(residual={"width": 0})
    with pytest.raises(UserError, match="generator: 'vae' is not possible; say unet, residual or cyclegan"):
        method(generator="vae")


# --- Losses and the step


def test_edge_promoting_loss_by_hand() -> None:
    logit = torch.full((1, 1, 2, 2), math.log(3.0))  # D = 0.75
    assert losses.rejected(logit, "log").item() == pytest.approx(-math.log(0.25))
    assert losses.rejected(logit, "lsgan").item() == pytest.approx(math.log(3.0) ** 2 / 2)
    assert losses.perceptual(logit, 0 * logit, "squared").item() == pytest.approx(math.log(3.0) ** 2)
    with pytest.raises(ValueError, match="say"):
        losses.rejected(logit, "hinge")


@pytest.mark.parametrize("kind", ["log", "lsgan"])
def test_the_discriminators_loss_has_three_parts(kind: str) -> None:
    one = method(adversarial=kind, edges={"weight": 0.5})
    data = batch()
    with torch.no_grad():
        real, fake, edge = (
            one.modules["cartoon"](data[name]).double().numpy() for name in ("cartoon", "photo", "smoothed")
        )
    if kind == "log":
        soft = lambda x: np.log1p(np.exp(x)).mean()  # noqa: E731
        wanted = soft(-real) + soft(fake) + 0.5 * soft(edge)
    else:
        wanted = 0.5 * (((real - 1) ** 2).mean() + (fake**2).mean() + 0.5 * (edge**2).mean())
    found = one.update_discriminator("cartoon", data["cartoon"], data["photo"], data["smoothed"])
    assert found.item() == pytest.approx(wanted, rel=1e-4)


def test_the_adversarial_gradient_reaches_every_layer_of_the_generator() -> None:
    one = method()
    before = {name: value.clone() for name, value in one.modules["generator"].named_parameters()}
    gradients: dict[str, float] = {}
    for name, value in one.modules["generator"].named_parameters():
        value.register_hook(lambda g, name=name: gradients.__setitem__(name, float(g.abs().max())))
    logged = one.step(batch(), torch.Generator().manual_seed(0))
    assert set(logged) == {"d_cartoon", "total", "adversarial"}
    assert set(gradients) == set(before)
    assert all(gradients[name] > 0 for name in before if name.endswith("weight"))
    moved = dict(one.modules["generator"].named_parameters())
    assert all(not torch.equal(moved[name], value) for name, value in before.items() if name.endswith("weight"))


def test_the_discriminator_learns_to_reject_smoothed_edges_only_where_it_is_asked_to() -> None:
    data = batch()
    data["smoothed"] = F.avg_pool2d(data["cartoon"], 3, 1, 1)
    logits = {}
    for weight in (0.0, 4.0):
        one, draw = method(edges={"weight": weight}, lr=2e-3), torch.Generator()
        assert (one.edges is None) == (weight == 0)
        shown = data if weight else {name: value for name, value in data.items() if name != "smoothed"}
        for _ in range(30):
            one.step(shown, draw.manual_seed(0))
        with torch.no_grad():
            logits[weight] = (one.modules["cartoon"](data["cartoon"]) - one.modules["cartoon"](data["smoothed"])).mean()
    assert logits[4.0] > logits[0.0] + 0.1


def test_batch_normalisation_uses_running_means_when_it_stylises() -> None:
    one = method(residual={"width": 4, "norm": "batch"})
    for step in range(3):
        one.step(batch(), torch.Generator().manual_seed(step))
    pair = images(2, seed=9)
    together, alone = one.stylise(pair), one.stylise(pair[:1])
    torch.testing.assert_close(together[:1], alone, rtol=0, atol=1e-5)
    assert one.modules["generator"].training


# --- The image pool


def test_the_pool_keeps_then_swaps() -> None:
    pool, draw = ImagePool(3, 2), torch.Generator().manual_seed(0)
    first = torch.arange(3.0)[:, None, None, None].expand(3, 3, 2, 2)
    assert torch.equal(pool(first, draw), first)  # while it fills, it passes on
    values = []
    for k in range(3, 400):
        image = torch.full((1, 3, 2, 2), float(k))
        values.append((k, float(pool(image, draw)[0, 0, 0, 0])))
    old = [seen for k, seen in values if seen != k]
    assert all(seen < k for k, seen in values if seen != k)
    assert len(old) == len(set(old)), "an image leaves the pool once"
    assert 0.4 < len(old) / len(values) < 0.6


def test_the_pool_is_part_of_the_checkpoint() -> None:
    one, other = method(pool=4), method(pool=4)
    for step in range(3):
        one.step(batch(), torch.Generator().manual_seed(step))
    kept = {name: value.clone() for name, value in checkpoints.flatten(one.modules, one.optimisers).items()}
    checkpoints.restore(kept, other.modules, other.optimisers)
    results = [m.step(batch(), torch.Generator().manual_seed(7)) for m in (one, other)]
    assert {k: v.item() for k, v in results[0].items()} == {k: v.item() for k, v in results[1].items()}
    assert torch.equal(one.modules["pool"].images, other.modules["pool"].images)


# --- The run


def test_loader_smooths_the_very_cartoons_of_the_batch() -> None:
    corpus = cartoons(3, 64, seed=0)
    plain_loader, smoothing = (Loader(corpus, corpus, 48, 2, 5, edges=edges) for edges in (None, Edges()))
    a, b = plain_loader.batch(3), smoothing.batch(3)
    assert set(b) == {"photo", "cartoon", "smoothed"}
    assert torch.equal(a["photo"], b["photo"]) and torch.equal(a["cartoon"], b["cartoon"])
    for crop, smooth in zip(b["cartoon"], b["smoothed"], strict=True):
        array = ((crop + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
        wanted = torch.from_numpy(edge_smoothed(array, Edges())).permute(2, 0, 1) / 127.5 - 1
        torch.testing.assert_close(smooth, wanted, rtol=0, atol=1e-5)
    with pytest.raises(UserError, match="edges.blur: 4 must be odd"):
        Loader(corpus, corpus, 48, 2, 5, edges=Edges(blur=4))


def test_smoke_run_resumes_bit_for_bit(study: Path, precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    smoke = load("smoke")
    runs = {"cartoongan": dataclasses.replace(smoke.run("cartoongan"), init="", steps=6, checkpoint_every=2, pool=3)}
    profile = dataclasses.replace(smoke, runs=runs)
    whole = run("cartoongan", dataclasses.replace(profile, name="whole"), progress=False)
    original, calls = CartoonGAN.step, []

    def dies(self: CartoonGAN, *arguments: Any) -> dict[str, Tensor]:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return original(self, *arguments)

    monkeypatch.setattr(CartoonGAN, "step", dies)
    with pytest.raises(KeyboardInterrupt):
        run("cartoongan", dataclasses.replace(profile, name="cut"), progress=False)
    again = run("cartoongan", dataclasses.replace(profile, name="cut"), progress=False)
    weights = [
        trained("cartoongan", dataclasses.replace(profile, name=name)).method.modules["generator"].state_dict()
        for name in ("whole", "cut")
    ]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())
    assert whole["final_losses"] == again["final_losses"]


def test_noise_is_no_cartoon() -> None:
    """The smoothed set of an image without edges is the image."""
    flat = np.full((32, 32, 3), 90, np.uint8)
    assert np.array_equal(edge_smoothed(flat, Edges()), flat)
    busy = noise(32, 32)
    assert not np.array_equal(edge_smoothed(busy, Edges()), busy)
