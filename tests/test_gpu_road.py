"""The road that a GPU takes, walked without one (:mod:`pretend_cuda`): nothing is left on the wrong device."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from pretend_cuda import GPU, fabric, marked, pretended
from torch import nn

from wbclib import losses
from wbclib.bench import roofline
from wbclib.inference import engine
from wbclib.inference.inpaint import Inpainting
from wbclib.inference.styles import load_style
from wbclib.inference.stylist import Stylist
from wbclib.measure import fid
from wbclib.measure.damages import DAMAGES
from wbclib.networks import features
from wbclib.profiles import Profile, load
from wbclib.represent.structure import structure
from wbclib.studies.cartoongan import parts as cartoongan_parts
from wbclib.studies.common import discriminators, sharpness
from wbclib.studies.control import knobs
from wbclib.studies.noise import repairs
from wbclib.train import loop, run, trained

RUNS = ("whitebox", "cartoongan", "styles-third")  # the first and the last start from runs of the other methods


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine with a GPU, for the whole test."""
    for module in (loop, roofline):
        monkeypatch.setattr(module, "open_fabric", fabric)
    with pretended(monkeypatch):
        yield


@pytest.fixture
def smoke(study: object) -> Profile:
    return load("smoke")


def test_the_pretence_refuses_what_cuda_refuses(gpu: None) -> None:
    x = torch.ones(3).to("cuda")
    assert x.device == GPU and (x + 1).device == GPU and x[1:].cpu().device.type == "cpu"
    for wrong, match in (
        (lambda: x + torch.ones(3), "same device"),
        (lambda: torch.where(torch.tensor([True, False, True]), x, x), "same device"),
        (lambda: nn.Linear(3, 1)(x), "same device"),
        (lambda: torch.rand(3, device="cuda", generator=torch.Generator()), "generator"),
    ):
        with pytest.raises(RuntimeError, match=match):
            wrong()
    for wrong in (x.numpy, lambda: np.asarray(x)):
        with pytest.raises(TypeError, match="Use Tensor.cpu"):
            wrong()
    layer = nn.Linear(3, 1).to("cuda")
    assert layer(x).sum().backward() is None and layer.weight.grad is not None
    assert layer.weight.grad.device == GPU and layer.weight.device == GPU
    with torch.autocast("cuda", torch.bfloat16):
        assert layer(x).dtype == torch.bfloat16
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(x).dtype == torch.float32, "an autocast of the CPU alone does nothing to it"
        assert nn.Linear(3, 1)(torch.ones(3)).dtype == torch.bfloat16


@pytest.mark.parametrize("name", RUNS)
def test_every_method_trains_there_as_on_the_cpu(
    smoke: Profile, precision: str, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    """Nearly the same losses: filters and structure colours take other code there, and rounding grows with steps."""
    expected = run(name, smoke, progress=False)
    monkeypatch.setenv("WBC_ROOT", f"{tmp_path}/gpu")
    monkeypatch.setattr(loop, "open_fabric", fabric)
    with pretended(monkeypatch):
        found = run(name, smoke, progress=False)
        model = trained(name, smoke)
        values = list(model.method.modules["generator"].parameters())
        assert values and all(map(marked, values)) and not any(v.requires_grad for v in values)
        drawn = model(loop.sample_photographs(32))
    assert found["device"]["kind"] == "cuda" and found["device"]["name"] == "a GPU that is not there"
    assert found["final_losses"] == pytest.approx(expected["final_losses"], rel=0.1)
    assert drawn.dtype == np.uint8 and drawn.shape[1:] == (32, 32, 3)


def test_a_run_resumes_there(smoke: Profile, gpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    config = dataclasses.replace(smoke.run("cartoongan"), pool=2, steps=4, checkpoint_every=2, init="")
    smoke = dataclasses.replace(smoke, runs={**smoke.runs, "cartoongan": config})
    step, left = loop.METHODS["cartoongan"].step, [3]

    def stops(self: object, *words: object) -> object:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return step(self, *words)  # type: ignore[arg-type]

    monkeypatch.setattr(loop.METHODS["cartoongan"], "step", stops)
    with pytest.raises(KeyboardInterrupt):
        run("cartoongan", smoke, progress=False)
    assert run("cartoongan", smoke, progress=False)["steps"] == 4


def test_what_notebooks_do_with_a_trained_generator_works_there(smoke: Profile, precision: str, gpu: None) -> None:
    photos = loop.sample_photographs(64)[:2]
    whitebox, start, cartoongan = (trained(name, smoke) for name in ("whitebox", "pretrain", "cartoongan"))
    assert len(sharpness.sharpened(whitebox, photos, (0.0, 1.0))) == 2
    assert knobs.without_training(whitebox, start, photos, (0.5,), (1e-3,))
    for model in (whitebox, cartoongan):
        seen = discriminators.look(model, photos)
        assert all(np.isfinite(one.logits).all() for one in seen.values())
    plain = cartoongan_parts.unwrapped(cartoongan.method.modules["generator"])
    networks = {"instance": plain, "fixed": cartoongan_parts.fixed_statistics(plain, photos)}
    assert np.isfinite(cartoongan_parts.invariance(networks, photos)["output_moved"]).all()
    assert len(cartoongan_parts.altered_pictures(networks, photos[0])) == 3
    damage = next(damage for damage in DAMAGES if not repairs.damaged(damage, photos)[1].all())
    made, known, found = repairs.ways(cartoongan, damage, photos, Inpainting(steps=2))
    assert set(made) >= {repairs.FEATURES, repairs.BOTH} and not known.all()
    assert all((one.last <= one.first).all() for one in found.values())


def test_the_parts_of_a_step_are_counted_there(smoke: Profile, precision: str, gpu: None) -> None:
    work = roofline.parts(smoke.run("whitebox"), {"downloads": False})
    assert all(roofline.counted(call)[0] >= 0 for call in work.values())


def test_structure_images_and_losses_stay_there(smoke: Profile, gpu: None) -> None:
    x = (torch.rand(2, 3, 32, 32) * 2 - 1).to("cuda")
    assert structure(x, smoke.run("whitebox").structure).device == GPU
    assert losses.discriminator(x, x, "lsgan").device == GPU


def test_measures_take_features_there(weight_folders: object, gpu: None) -> None:
    photos = loop.sample_photographs(64)
    network = features.load("random_resnet18")
    on_cpu = fid.features(photos, network)
    np.testing.assert_allclose(fid.features(photos, network.to("cuda")), on_cpu, rtol=1e-5)


def test_the_engine_there_follows_the_precision(gpu: None, precision: str) -> None:
    style, photo = load_style("peppercarrot"), loop.sample_photographs(96)[0]
    network, device = engine.placed(style)
    assert device == "cuda" and (network is None) == (precision == "float32")
    drawn = Stylist(style, device=device, engine=network)(photo).astype(int)
    exact = Stylist(style, device=device)(photo)
    assert np.abs(drawn - exact).max() <= (0 if precision == "float32" else 6), "grey levels"


def test_pictures_are_drawn_there_in_one_pass_and_in_tiles(gpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = loop.sample_photographs(96)[0]
    stylist = Stylist(load_style("peppercarrot"), 0.3)
    assert stylist.device.type == "cuda" and stylist(photo[:50, :71]).shape == (50, 71, 3)
    with monkeypatch.context() as patch:
        patch.setattr("wbclib.inference.stylist.halo", lambda radius: 8)
        assert Stylist(load_style("peppercarrot"), tile=32)(photo).shape == photo.shape
