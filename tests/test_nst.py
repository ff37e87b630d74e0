"""Style transfer by optimisation: Gram matrices by hand, a loss that is 0 where it should be, and its command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import toy_films
from torch import Tensor, nn

import wbclib
from wbclib import images
from wbclib.baselines import nst
from wbclib.baselines.nst import NST
from wbclib.cli import main
from wbclib.files import UserError
from wbclib.inference import by_picture, drawing, folder
from wbclib.networks import backbones, features, layers
from wbclib.networks.frozen import FeatureNetwork
from wbclib.networks.layers import Activations, places

SMALL = ("relu1_1", "relu2_1", "relu3_1")


def picture(seed: int = 0, height: int = 40, width: int = 36) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture(scope="module")
def vgg() -> FeatureNetwork:
    """Drawn, with the layers to conv4_1."""
    return features.load("random_vgg11")


@pytest.fixture
def seen(vgg: FeatureNetwork) -> Activations:
    return nst.activations(vgg, NST())


def test_layers_stand_where_torchvision_has_them() -> None:
    found = places(backbones.vgg(backbones.VGG19, last=36))
    wanted = {"conv1_1": 0, "relu1_1": 1, "relu2_1": 6, "conv3_1": 10, "relu3_1": 11, "relu4_1": 20, "relu4_2": 22}
    assert {name: found[name] for name in wanted} == wanted and found["relu5_1"] == 29


def test_activations_are_those_of_the_network(vgg: FeatureNetwork) -> None:
    x = images.to_tensor(picture())[None]
    last, first = (Activations(vgg, [name])(x)[name] for name in ("conv4_1", "relu1_1"))
    torch.testing.assert_close(last, vgg.features(x))
    torch.testing.assert_close(first, vgg.body[:2](vgg.prepare(x)))
    assert (Activations(vgg, ["relu4_1"])(x)["relu4_1"] == last.relu()).all(), "the ReLU after the last convolution"
    mean = Activations(vgg, ["conv2_1"], "average")(x)["conv2_1"]
    torch.testing.assert_close(mean, vgg.body[3](torch.nn.functional.avg_pool2d(first, 2)))
    with pytest.raises(ValueError, match="no layer relu9_9; it has conv1_1"):
        Activations(vgg, ["relu9_9"])
    with pytest.raises(ValueError, match="say max or average"):
        Activations(vgg, ["relu1_1"], "mean")


def test_gram_is_a_double_sum_and_blind_to_places() -> None:
    x = torch.randn(1, 4, 3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = nst.gram(x)[0]
    for i in range(4):
        for j in range(4):
            wanted = sum(float(x[0, i, r, c] * x[0, j, r, c]) for r in range(3) for c in range(5)) / 15
            assert found[i, j].item() == pytest.approx(wanted)
    assert torch.equal(found, found.T) and torch.linalg.eigvalsh(found).min() > -1e-12
    shuffled = x.flatten(2)[:, :, torch.randperm(15, generator=torch.Generator().manual_seed(1))].reshape(x.shape)
    torch.testing.assert_close(nst.gram(shuffled)[0], found)


def test_several_styles_are_the_mean_of_their_matrices(seen: Activations) -> None:
    one, other, twice = (nst.fit(p, seen) for p in ([picture(0)], [picture(1, 50, 44)], [picture(0), picture(0)]))
    both = nst.fit([picture(0), picture(1, 50, 44)], seen)
    assert set(both) == {*SMALL, "relu4_1"}
    for name in both:
        torch.testing.assert_close(twice[name], one[name])
        torch.testing.assert_close(both[name], (one[name] + other[name]) / 2)
    with pytest.raises(ValueError, match="at least one picture"):
        nst.fit([], seen)


def at(x: Tensor, grams: nst.Grams, target: Tensor, seen: Activations) -> tuple[float, float]:
    """Loss and largest gradient."""
    x = x.clone().requires_grad_(True)
    value = nst.loss(seen(x), grams, target, "relu3_1", NST())
    value.backward()
    assert x.grad is not None
    return value.item(), float(x.grad.abs().max())


def test_loss_and_gradient_are_0_where_both_pictures_are_one(seen: Activations) -> None:
    x = images.to_tensor(picture())[None]
    assert at(x, nst.fit([picture()], seen), seen(x)["relu3_1"].detach(), seen) == (0, 0)


def test_loss_by_hand(seen: Activations) -> None:
    """Content: mean of squared differences. Style: 1000 over squared channels, times that of the Gram matrices."""
    x, photo = (images.to_tensor(picture(seed))[None] for seed in (0, 4))
    target = seen(photo)["relu3_1"]
    content = float((seen(x)["relu3_1"] - target).square().mean())
    assert content > 0.001 and at(x, {}, target, seen)[0] == pytest.approx(content, rel=1e-5)
    own, wanted = (nst.fit([p], seen) for p in (picture(), picture(3) // 4))
    style = sum(1000 / len(own[n]) ** 2 * float((own[n] - wanted[n]).square().mean()) for n in own)
    assert style > 0.001 and at(x, wanted, target, seen)[0] == pytest.approx(content + style, rel=1e-4)


def test_variation_by_hand() -> None:
    x = torch.tensor([[[[0.0, 1.0], [3.0, 3.0]]]])
    assert nst.variation(x) == (1 + 0 + 9 + 4) / 2


@pytest.mark.parametrize("start", ["content", "noise"])
def test_so_many_evaluations_a_falling_loss_and_the_same_each_time(seen: Activations, start: str) -> None:
    options = NST(steps=12, start=start)
    grams = nst.fit([picture(3) // 4], seen)
    told: list[float] = []
    first = nst.stylise(picture(), grams, seen, options, told.append)
    assert len(told) == 12 and told[-1] < 0.9 * told[0] and first.shape == (40, 36, 3)
    np.testing.assert_array_equal(first, nst.stylise(picture(), grams, seen, options))


def test_every_setting_changes_what_is_drawn(seen: Activations, vgg: FeatureNetwork) -> None:
    grams = nst.fit([picture(3) // 4], seen)

    def draw(**change: object) -> np.ndarray:
        options = replace(NST(steps=4), **change)  # type: ignore[arg-type]
        return nst.stylise(picture(), grams, nst.activations(vgg, options), options)

    plain, noise = draw(), draw(start="noise")
    for other in (noise, draw(tv=1e-2), draw(pooling="average"), draw(style=1.0), draw(steps=5)):
        assert not np.array_equal(plain, other)
    assert not np.array_equal(noise, draw(start="noise", seed=1))
    with pytest.raises(UserError, match="is unknown; say"):
        NST(start="photo")
    with pytest.raises(UserError, match="is unknown; say"):
        NST(pooling="mean")


def test_an_optimisation_that_diverges_says_so(seen: Activations) -> None:
    grams = {name: torch.full_like(found, float("nan")) for name, found in nst.fit([picture(3)], seen).items()}
    with pytest.raises(UserError, match="diverged after 0 steps"):
        nst.stylise(picture(), grams, seen, NST(steps=3))


def test_the_whole_network_is_compared_where_its_weights_are(place_weights: Callable[..., Path]) -> None:
    torch.manual_seed(0)
    whole = backbones.vgg(backbones.VGG19, last=29)
    for layer in whole:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    place_weights("vgg19_relu5_1", {f"features.{name}": value for name, value in whole.state_dict().items()})
    network = layers.open_vgg19()
    seen = nst.activations(network, NST())
    assert network.origin["network"] == "vgg19_relu5_1" and nst.content_layer(seen) == "relu4_2"
    x = images.to_tensor(picture())[None]
    found = seen(x)
    assert set(found) == {*nst.STYLE, "relu4_2"}
    torch.testing.assert_close(found["relu5_1"], whole(network.prepare(x)))
    look = by_picture.ByPicture("nst:x", picture(3), network, NST(steps=2))
    wanted = nst.stylise(picture(), nst.fit([images.fit(picture(3), 36)], seen), seen, NST(steps=2))
    np.testing.assert_array_equal(look(picture()), wanted)  # content at its full weight


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch, vgg: FeatureNetwork, tmp_path: Path) -> Path:
    """A picture for a style, and a network that is here, asked for few steps."""
    monkeypatch.setattr(layers, "open_vgg19", lambda: vgg)
    monkeypatch.setattr(by_picture.ByPicture.__init__, "__defaults__", (NST(steps=3),))
    images.write(tmp_path / "style.png", picture(3, 60, 70))
    images.write(tmp_path / "photo.png", picture(0))
    images.write(tmp_path / "large.png", picture(0, 300, 290))
    return tmp_path


def test_the_command_draws_in_the_style_of_a_picture_at_its_own_working_size(drawn: Path) -> None:
    style, out = f"nst:{drawn / 'style.png'}", drawn / "out.png"
    assert main(["cartoonize", str(drawn / "large.png"), "--style", style, "--out", str(out)]) == 0
    found, photo = images.read(out), picture(0, 300, 290)
    np.testing.assert_array_equal(found, wbclib.cartoonize(photo, style))
    np.testing.assert_array_equal(found, drawing.open_drawing(style, detail=256)(photo))
    assert found.shape == photo.shape and not np.array_equal(found, wbclib.cartoonize(photo, style, detail=128))


def test_a_reduced_network_is_told_of_and_keeps_less(drawn: Path, caplog: pytest.LogCaptureFixture) -> None:
    look = by_picture.load(f"nst:{drawn / 'style.png'}")
    assert look is not None and "reduced variant" in caplog.text
    seen = nst.activations(look.network, look.options)
    assert nst.content_layer(seen) == "relu3_1"
    style = nst.fit([images.fit(picture(3, 60, 70), 36)], seen)
    wanted = nst.stylise(picture(), style, seen, replace(look.options, content=0.03))
    np.testing.assert_array_equal(look(picture()), wanted)


@pytest.mark.parametrize(
    ("name", "says", "status"),
    [
        ("nst:", "say which picture after the colon", 2),
        ("nst:photo.png", "the photograph itself", 1),
        ("nst:small.png", "20 x 50 pixels are too few for a style; say at least 32", 2),
        ("nst:text.png", "text.png", 2),
        ("nst:nowhere.png", "nowhere.png", 2),
    ],
)
def test_what_is_no_style_is_told(
    name: str, says: str, status: int, drawn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(drawn)
    images.write(Path("small.png"), picture(1, 50, 20))
    Path("text.png").write_text("no picture", encoding="utf-8")
    with pytest.raises((UserError, images.ImageError), match=says):
        wbclib.cartoonize(picture(), name)
    assert main(["cartoonize", "photo.png", "--style", name, "--out", "x.png"]) == status
    assert not Path("x.png").exists()


def test_other_limits_are_told(drawn: Path) -> None:
    style = f"nst:{drawn / 'style.png'}"
    with pytest.raises(UserError, match="too small for style transfer"):
        wbclib.cartoonize(picture(0, 31, 90), style)
    with pytest.raises(UserError, match="has no generator: leave out sharpness"):
        drawing.open_drawing(style, sharpness=0.5)
    assert main(["export", "--style", style, "--out", str(drawn / "a.onnx")]) == 2
    toy_films.make(drawn / "film.mp4", [toy_films.numbered(k) for k in range(3)])
    summary = folder.run([drawn / "film.mp4"], drawing.open_drawing(style), drawn / "drawn.mp4")
    assert "takes minutes for each" in summary.failed[0][1] and not (drawn / "drawn.mp4").exists()


def test_without_weights_the_message_says_where_they_go(weight_folders: Path) -> None:
    images.write(weight_folders / "style.png", picture(3))
    with pytest.raises(UserError, match="vgg19-dcbb9e9d.pth or vgg19_normalised"):
        by_picture.load(f"nst:{weight_folders / 'style.png'}")
