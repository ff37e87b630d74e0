"""A training step: which terms reach the generator, what is computed once, what a discriminator is shown."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import Tensor

from wbclib import images, losses
from wbclib.files import UserError
from wbclib.options import Weights
from wbclib.profiles import Profile, load
from wbclib.train import device, loop, run, trained
from wbclib.train.methods import CartoonGAN, Pretrain, WhiteBox
from wbclib.train.view import View


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Profile:
    """The smoke profile in an empty folder."""
    monkeypatch.setenv("WBC_ROOT", str(tmp_path))
    return load("smoke")


def changed(profile: Profile, name: str, **values: object) -> Profile:
    """The profile with one run changed."""
    config = dataclasses.replace(profile.run(name), **values)  # type: ignore[arg-type]
    return dataclasses.replace(profile, runs={**profile.runs, name: config})


def agree(one: torch.Tensor, other: torch.Tensor, precision: str) -> None:
    """The same sums in another order: float32 to its rounding; bfloat16, whose 8 bits round each product's result, to
    a hundredth of the whole tensor's length (its small elements are differences of larger ones)."""
    if precision == "float32":
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
    else:
        assert (one - other).norm() <= 0.01 * other.norm()


def test_every_term_reaches_the_generator(study: Profile, precision: str) -> None:
    """A port was found whose generator never received the adversarial gradient."""
    fabric = device.open_fabric(study.run("whitebox"), "cpu")
    weights = dict.fromkeys(("surface", "texture", "projected", "structure", "content", "tv"), 0.0)
    for term in weights:
        config = dataclasses.replace(study.run("whitebox"), weights=Weights(**{**weights, term: 1.0}), lr=1e-3)
        torch.manual_seed(0)
        method = WhiteBox(config, fabric, {"downloads": False})
        before = [p.clone() for p in method.modules["generator"].parameters()]
        batch = {key: torch.rand(2, 3, 32, 32) * 2 - 1 for key in ("photo", "cartoon")}
        logged = method.step(batch, torch.Generator().manual_seed(0))
        after = list(method.modules["generator"].parameters())
        assert all(not torch.equal(a, b) for a, b in zip(before, after, strict=True)), term
        assert set(method.modules) == {"generator"} | ({term} & {"surface", "texture", "projected"})
        assert logged["total"] == logged[term]


def test_features_of_kept_photographs_are_computed_once(
    study: Profile, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = dataclasses.replace(study.run("pretrain"), weights=Weights(content=1.0), size=32, kept=4)
    method = Pretrain(config, device.open_fabric(config, "cpu"), {"downloads": False})
    photos = loop.sample_photographs(32)[:4]
    batch = {"photo": images.to_tensor(photos[[2, 0]])}
    output = (0.5 * batch["photo"]).requires_grad_(True)
    plain = View(method, batch, output)
    method.remember(photos)
    kept = View(method, batch | {"index": torch.tensor([2, 0])}, output)
    value = losses.TERMS["content"].value
    expected = value(plain)
    seen = []
    perceive = method.perceive
    monkeypatch.setattr(method, "perceive", lambda image: seen.append(image) or perceive(image))
    assert value(kept).item() == pytest.approx(expected.item(), rel=2e-3), "half precision"
    assert len(seen) == 1 and seen[0] is output, "the photographs are not looked at again"


@pytest.mark.parametrize("smoothed", [False, True])
def test_one_batch_for_a_discriminator_changes_no_gradient(study: Profile, precision: str, smoothed: bool) -> None:
    """Cartoons, outputs and smoothed cartoons side by side, or one after the other."""
    torch.manual_seed(0)
    config = dataclasses.replace(study.run("cartoongan"), lr=0.0)
    images_of = [torch.rand(2, 3, 32, 32) * 2 - 1 for _ in range(3 if smoothed else 2)]
    found = []
    for together in (True, False):
        torch.manual_seed(1)
        method = CartoonGAN(config, device.open_fabric(config, "cpu"), {"downloads": False})
        method.together = together
        loss = method.update_discriminator("cartoon", *images_of)
        found.append([loss, *(p.grad for p in method.modules["cartoon"].parameters())])
    for one, other in zip(*found, strict=True):
        agree(one, other, precision)
    plain = dataclasses.replace(study.run("whitebox"), lr=0.0)
    for role, channels in (("surface", 3), ("texture", 1)):
        found = []
        for together in (True, False):
            torch.manual_seed(1)
            method = WhiteBox(plain, device.open_fabric(plain, "cpu"), {"downloads": False})
            method.together = together
            method.modules[role].eval()  # in training each pass takes a step of the spectral norms' power iteration
            loss = method.update_discriminator(role, *(image[:, :channels] for image in images_of[:2]))
            found.append([loss, *(p.grad for p in method.modules[role].parameters())])
        for one, other in zip(*found, strict=True):
            agree(one, other, precision)
    batch = dataclasses.replace(config, residual=dataclasses.replace(config.residual, norm="batch"))
    assert CartoonGAN(batch, device.open_fabric(batch, "cpu"), {"downloads": False})._couples_images("cartoon")


def test_a_term_without_weight_is_not_computed(study: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wbclib.train.method.begin", None)
    weights = dataclasses.replace(study.run("whitebox").weights, structure=0.0)
    study = changed(study, "whitebox", weights=weights)
    assert "structure" not in run("whitebox", study, progress=False)["final_losses"]


def test_outputs_are_clamped_and_repeatable(study: Profile, precision: str) -> None:
    model = trained("whitebox", study)
    photos = loop.sample_photographs(64)
    first, second = model(photos), model(photos)
    assert first.shape == photos.shape and (first == second).all()
    with torch.no_grad():
        last = dict(model.method.modules["generator"].named_parameters())
        next(value for key, value in last.items() if value.shape == (3,)).fill_(50.0)
    assert (model(photos) == 255).all()  # an official release wraps around here


def test_precision_is_bfloat16_only_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WBC_PRECISION", raising=False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": False, "avx512_bf16": False})
    assert device.precision("auto", "cpu") == "32-true"
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    assert device.precision("auto", "cpu") == "bf16-mixed"
    assert device.precision("bfloat16", "cpu") == "bf16-mixed"
    with pytest.raises(UserError, match="say auto, float32 or bfloat16"):
        device.precision("half", "cpu")


@pytest.mark.parametrize("native", [False, True])
def test_the_environment_decides_what_auto_means(monkeypatch: pytest.MonkeyPatch, native: bool) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": native})
    for word, fabrics in (("float32", "32-true"), ("bfloat16", "bf16-mixed")):
        monkeypatch.setenv("WBC_PRECISION", word)
        assert device.precision("auto", "cpu") == fabrics
        assert device.precision("float32", "cpu") == "32-true", "what a run asks for by name stays"
        assert device.precision("bfloat16", "cpu") == "bf16-mixed"
    monkeypatch.setenv("WBC_PRECISION", "half")
    for asked in ("auto", "float32"):
        with pytest.raises(UserError, match="WBC_PRECISION=half: say float32 or bfloat16"):
            device.precision(asked, "cpu")


def test_the_precision_is_in_the_record_and_in_the_log(
    study: Profile, precision: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "wbclib")
    record = run("pretrain", study, progress=False)
    fabrics = {"float32": "32-true", "bfloat16": "bf16-mixed"}[precision]
    assert record["device"]["precision"] == fabrics
    assert f"({fabrics})" in caplog.text
    weights = trained("pretrain", study).method.plain("generator").state_dict().values()
    assert {value.dtype for value in weights} == {torch.float32}, "weights are kept in float32 either way"


def test_the_projected_discriminator_sees_features_of_output_and_cartoon(
    study: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And none is computed twice; its update never reaches the generator."""
    config = dataclasses.replace(study.run("whitebox"), weights=Weights(projected=1.0, content=1.0), lr=1e-3)
    method = WhiteBox(config, device.open_fabric(config, "cpu"), {"downloads": False})
    seen, shown = [], method.perceive

    def perceive(image: Tensor) -> Tensor:
        seen.append(image)
        return shown(image)

    monkeypatch.setattr(method, "perceive", perceive)
    batch = {key: torch.rand(2, 3, 32, 32) * 2 - 1 for key in ("photo", "cartoon")}
    before = [value.clone() for value in method.modules["projected"].parameters()]
    caught: list[tuple[Tensor, Tensor]] = []
    update = method.update_discriminator

    def updated(role: str, real: Tensor, fake: Tensor) -> Tensor:
        caught.append((real, fake))
        loss = update(role, real, fake)
        assert all(value.grad is None for value in method.modules["generator"].parameters())
        return loss

    monkeypatch.setattr(method, "update_discriminator", updated)
    method.step(batch, torch.Generator().manual_seed(0))
    assert len(seen) == 3, "output, cartoon, photograph"
    [(real, fake)] = caught
    torch.testing.assert_close(real, shown(batch["cartoon"]))
    assert not real.requires_grad and fake.requires_grad and fake.shape == real.shape
    assert all(not torch.equal(a, b) for a, b in zip(before, method.modules["projected"].parameters(), strict=True))


def test_discriminators_see_output_and_cartoon_through_one_window_that_moves(
    study: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them, the one of features too; what the other terms look at stays whole, and no shift changes nothing."""
    config = dataclasses.replace(
        study.run("whitebox"), weights=Weights(surface=1.0, projected=1.0, content=1.0), shift=7
    )
    method = WhiteBox(config, device.open_fabric(config, "cpu"), {"downloads": False})
    rows, columns = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    where = torch.stack([rows, columns, torch.zeros(32, 32)])[None]
    draw, places = torch.Generator().manual_seed(0), set()
    for _ in range(400):
        image, cartoon = method.shifted(where, where + 100, draw)
        assert image.shape == (1, 3, 25, 25) and torch.equal(cartoon, image + 100)
        places.add((int(image[0, 0, 0, 0]), int(image[0, 1, 0, 0])))
        assert torch.equal(image[0, :, 0, 0] + torch.tensor([24.0, 24.0, 0.0]), image[0, :, -1, -1])
    assert places == {(top, left) for top in range(8) for left in range(8)}

    sides: dict[str, set[int]] = {}
    perceive, update = method.perceive, method.update_discriminator
    monkeypatch.setattr(
        method, "perceive", lambda x: sides.setdefault("features", set()).add(x.shape[-1]) or perceive(x)
    )
    monkeypatch.setattr(
        method, "update_discriminator",
        lambda role, real, fake: sides.setdefault(role, set()).update((real.shape[-1], fake.shape[-1]))
        or update(role, real, fake),
    )  # fmt: skip
    batch = {key: torch.rand(2, 3, 32, 32) * 2 - 1 for key in ("photo", "cartoon")}
    method.step(batch, torch.Generator().manual_seed(0))
    assert sides["surface"] == {25} and sides["features"] == {25, 32} and len(sides["projected"]) == 1

    still = WhiteBox(dataclasses.replace(config, shift=0), device.open_fabric(config, "cpu"), {"downloads": False})
    state = draw.get_state()
    assert still.shifted(where, where, draw) == (where, where) and torch.equal(draw.get_state(), state)


@pytest.mark.parametrize(
    ("run_name", "term"), [("pretrain", "projected"), ("cartoongan", "surface"), ("whitebox", "adversarial")]
)
def test_a_term_whose_discriminator_the_method_lacks_is_refused(study: Profile, run_name: str, term: str) -> None:
    weights = Weights(**{"pixel": 1.0, term: 0.5})
    with pytest.raises(UserError, match=f"has no discriminator for the loss term {term}: weigh it 0"):
        run(run_name, changed(study, run_name, weights=weights), progress=False)
