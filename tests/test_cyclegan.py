"""CycleGAN: the published sizes, its losses by hand, gradients that reach both generators, and resuming bit for bit."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from wbclib import losses
from wbclib.files import UserError
from wbclib.networks.cyclegan import CycleDiscriminator, CycleGenerator
from wbclib.options import RunConfig, Weights, run_config
from wbclib.profiles import Profile, impossible, load
from wbclib.train import loop, run
from wbclib.train.device import open_fabric
from wbclib.train.methods import METHODS, CycleGAN, Pretrain

WEIGHTS = {"adversarial": 1.0, "adversarial_back": 1.0, "cycle": 10.0, "identity": 5.0}


def images(seed: int = 0, count: int = 2, size: int = 32) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def config(**change: Any) -> RunConfig:
    values = {"method": "cyclegan", "generator": "cyclegan", "cycle": {"width": 4, "blocks": 1}, "size": 32,
              "precision": "float32", "weights": WEIGHTS}  # fmt: skip
    return run_config(values | change)


def method(**change: Any) -> CycleGAN:
    torch.manual_seed(0)
    settings = config(**change)
    found = METHODS["cyclegan"](settings, open_fabric(settings, "cpu"), {"downloads": False})
    assert isinstance(found, CycleGAN)
    return found


def batch() -> dict[str, Tensor]:
    return {"photo": images(0), "cartoon": images(1)}


def test_parameter_counts_are_those_published() -> None:
    """REFERENCE, section 4: 11 378 179 and 2 764 737, as the official code prints them."""
    count = {
        network: sum(p.numel() for p in network.parameters()) for network in (CycleGenerator(), CycleDiscriminator())
    }
    assert list(count.values()) == [11_378_179, 2_764_737]


def test_sizes_of_what_the_networks_give() -> None:
    x = images(size=40)
    assert CycleGenerator(2, 1)(x).shape == x.shape and CycleGenerator(2, 1)(x).abs().max() <= 1
    assert CycleDiscriminator(2)(images(size=256, count=1)).shape == (
        1,
        1,
        30,
        30,
    )  # as published: 30 x 30 patches of 70
    for network, wrong in ((CycleGenerator(2, 1), images(size=38)), (CycleDiscriminator(2), images()[:, :1])):
        with pytest.raises(ValueError, match=r"multiples of 4|expected"):
            network(wrong)


def test_one_logit_sees_seventy_pixels() -> None:
    network, x = CycleDiscriminator(2), images(size=128, count=1).requires_grad_(True)
    norms = [layer for layer in network.modules() if isinstance(layer, nn.InstanceNorm2d)]
    for layer in norms:  # which looks at the whole image
        layer.forward = lambda y: y  # type: ignore[method-assign]
    network(x)[0, 0, 7, 7].backward()
    assert x.grad is not None
    rows = x.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    assert int(rows.max() - rows.min()) + 1 == 70


def test_identity_generators_give_neither_loss() -> None:
    photo, cartoon = batch().values()
    same = SimpleNamespace(
        cartoon=cartoon, photo_again=photo, cartoon_again=cartoon, same_cartoon=cartoon, same_photo=photo
    )
    assert losses.cycle(photo, same) == 0 and losses.identity(photo, same) == 0  # type: ignore[arg-type]


def test_losses_by_hand() -> None:
    photo, cartoon = torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8)
    made = SimpleNamespace(cartoon=cartoon, photo_again=photo + 0.25, cartoon_again=cartoon * 0.5,
                           same_cartoon=-cartoon, same_photo=photo - 0.125)  # fmt: skip
    assert losses.cycle(photo, made) == 0.25 + 0.5 and losses.identity(photo, made) == 2 + 0.125  # type: ignore[arg-type]


def test_what_is_logged_is_what_the_networks_say_and_identity_is_shown_images_of_the_generators_own_kind() -> None:
    """The step's terms from its generators before they move; ports of this method swap what identity is shown."""
    model, shown = method(), batch()
    there, back = model.plain("generator"), model.plain("back")
    with torch.no_grad():
        drawn, turned = there(shown["photo"]), back(shown["cartoon"])
        cycle = (back(drawn) - shown["photo"]).abs().mean() + (there(turned) - shown["cartoon"]).abs().mean()
        same = (there(shown["cartoon"]) - shown["cartoon"]).abs().mean() + (
            back(shown["photo"]) - shown["photo"]
        ).abs().mean()
        before = {
            role: model.plain(role)(shown[kind]) for role, kind in (("cartoon", "cartoon"), ("photograph", "photo"))
        }
        fake = {"cartoon": model.plain("cartoon")(drawn), "photograph": model.plain("photograph")(turned)}
    logged = model.step(shown, torch.Generator())
    assert logged["cycle"].item() == pytest.approx(cycle.item(), rel=1e-4)
    assert logged["identity"].item() == pytest.approx(same.item(), rel=1e-4)
    for role in ("cartoon", "photograph"):
        wanted = 0.5 * ((before[role] - 1) ** 2).mean() + 0.5 * (fake[role] ** 2).mean()
        assert logged[f"d_{role}"].item() == pytest.approx(wanted.item(), rel=1e-4)
    total = logged["adversarial"] + logged["adversarial_back"] + 10 * logged["cycle"] + 5 * logged["identity"]
    assert logged["total"].item() == pytest.approx(total.item(), rel=1e-5)


def test_every_network_moves() -> None:
    model = method()
    before = {role: [p.detach().clone() for p in model.learns[role]] for role in model.learns}
    assert set(before) == {"generator", "back", "cartoon", "photograph"}
    model.step(batch(), torch.Generator())
    for role, values in before.items():
        assert any((old != new).any() for old, new in zip(values, model.learns[role], strict=True)), role


def test_without_the_identity_loss_nothing_is_computed_for_it() -> None:
    model = method(weights={**WEIGHTS, "identity": 0.0})
    calls: list[int] = []
    model.plain("back").register_forward_hook(lambda *_: calls.append(1))
    assert "identity" not in model.step(batch(), torch.Generator())
    assert len(calls) == 2, "the cartoons turned, and the drawn photographs back"


def test_each_discriminator_has_a_pool_of_its_own() -> None:
    model, draw = method(pool=2), torch.Generator().manual_seed(0)
    model.step(batch(), draw)
    pools = {role: model.modules[f"pool_{role}"] for role in ("cartoon", "photograph")}
    assert all(pool.count == 2 for pool in pools.values())
    assert not torch.equal(pools["cartoon"].images, pools["photograph"].images)


def cyclegan(steps: int, seed: int = 0) -> Profile:
    settings = {"method": "cyclegan", "generator": "cyclegan", "cycle": {"width": 2, "blocks": 1}, "size": 32,
                "pool": 2, "steps": steps, "seed": seed, "checkpoint_every": 2, "batch": 1, "weights": WEIGHTS,
                "cartoons": {"kind": "toon", "count": 4, "size": 64}}  # fmt: skip
    smoke = load("smoke")
    return dataclasses.replace(smoke, runs={"cyclegan": run_config(settings)}, comparison={}, ablation=())


def test_a_resumed_run_is_the_run_that_was_not_stopped(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("cyclegan", cyclegan(4), progress=False)
    whole = load_file(loop.generator_file("smoke", "cyclegan"))
    monkeypatch.setenv("WBC_ROOT", str(study / "again"))
    step, seen = CycleGAN.step, []

    def dies(self: CycleGAN, shown: dict[str, Tensor], draw: torch.Generator) -> dict[str, Tensor]:
        if len(seen) == 3:
            raise KeyboardInterrupt
        seen.append(1)
        return step(self, shown, draw)

    with monkeypatch.context() as patch:
        patch.setattr(CycleGAN, "step", dies)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            run("cyclegan", cyclegan(4), progress=False)
    run("cyclegan", cyclegan(4), progress=False)
    for name, value in load_file(loop.generator_file("smoke", "cyclegan")).items():
        assert torch.equal(value, whole[name]), name


def test_the_published_settings_are_a_preset() -> None:
    found = run_config({"preset": "cyclegan"})
    assert (found.pool, found.batch, found.lr, found.beta1, found.beta2, found.lr_fall) == (
        50,
        1,
        2e-4,
        0.5,
        0.999,
        0.5,
    )
    assert (found.weights.cycle, found.weights.identity, found.cycle.width, found.cycle.blocks) == (10, 5, 64, 9)


def test_what_cannot_be_is_said_before_anything_is_done() -> None:
    assert "say method: cyclegan, or 0" in impossible(run_config({"method": "cartoongan", "weights": {"cycle": 1.0}}))
    assert "say at least 32" in impossible(config(size=16))
    assert impossible(config()) == ""
    for term, said in (("cycle", "no way back"), ("adversarial_back", "no discriminator")):
        settings = dataclasses.replace(run_config({"method": "pretrain"}), weights=Weights(**{term: 1.0}))
        with pytest.raises(UserError, match=f"{said}.*{term}"):
            Pretrain(settings, open_fabric(settings, "cpu"), {"downloads": False})
