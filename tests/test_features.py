"""Frozen networks against torchvision's and pytorch-fid's own: their layers, their values, random ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torchvision.transforms.functional import normalize

from wbclib.networks.features import channels, load
from wbclib.networks.frozen import ColourTransform

Place = Callable[..., Path]
pytestmark = pytest.mark.usefixtures("weight_folders")


def photographs(size: int = 48) -> tuple[Tensor, Tensor]:
    """Random images in [-1, 1] and the same as torchvision normalises them."""
    x = torch.rand(2, 3, size, size) * 2 - 1
    return x, normalize((x + 1) / 2, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def assert_equal(found: Tensor, wanted: Tensor) -> None:
    """Equal up to float32 rounding, which grows with the size of the sums."""
    torch.testing.assert_close(found, wanted, rtol=0, atol=2e-4 * wanted.std().item())


def output_of(network: nn.Module, layer: nn.Module, x: Tensor) -> Tensor:
    """What ``layer`` gives inside ``network``'s own forward, before an in-place ReLU can touch it."""
    caught: list[Tensor] = []
    handle = layer.register_forward_hook(lambda _m, _i, result: caught.append(result.clone()))
    with torch.no_grad():
        network.eval()(x)
    handle.remove()
    return caught[0]


def small_classifier(monkeypatch: pytest.MonkeyPatch, name: str) -> nn.Module:
    """torchvision's VGG, its 120 million classifier weights left out of memory."""
    monkeypatch.setattr(torchvision.models.VGG, "forward", lambda self, x: self.features(x))
    with torch.device("meta"):
        network = getattr(torchvision.models, name)(weights=None)
    network.features.to_empty(device="cpu")
    for parameter in network.features.parameters():
        nn.init.normal_(parameter, 0, 0.05)
    return network


@pytest.mark.parametrize(("name", "index", "group_layer"), [("vgg19", 25, 4), ("vgg16", 21, 3)])
def test_vgg_layer_and_normalisation(
    name: str, index: int, group_layer: int, place_weights: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = small_classifier(monkeypatch, name)
    kinds = [type(layer).__name__ for layer in theirs.features[: index + 1]]
    assert kinds.count("MaxPool2d") == 3  # the fourth group
    assert kinds[::-1].index("MaxPool2d") == 2 * group_layer - 1  # its last convolution
    place_weights(name, {f"features.{key}": value for key, value in theirs.features.state_dict().items()})
    ours, (x, normalised) = load(name), photographs()
    found = ours.features(x)
    assert_equal(found, output_of(theirs, theirs.features[index], normalised))
    assert found.shape == (2, channels(name), 6, 6) == (2, 512, 6, 6)
    assert (found < 0).float().mean() > 0.1  # before the ReLU


def test_normalised_vgg_reads_its_own_colour_transform(place_weights: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = small_classifier(monkeypatch, "vgg19")
    state = {f"features.{key}": value for key, value in theirs.features[:11].state_dict().items()}
    prep = nn.Conv2d(3, 3, 1)
    prep.weight.data = 255 * torch.eye(3).flip(0).reshape(3, 3, 1, 1)
    prep.bias.data = torch.tensor([-103.939, -116.779, -123.68])
    place_weights("vgg19_conv3_1", {**state, "prep.weight": prep.weight.data, "prep.bias": prep.bias.data})
    ours, (x, _) = load("vgg19_conv3_1"), photographs(32)
    with torch.no_grad():
        wanted = output_of(theirs, theirs.features[10], prep((x + 1) / 2))
    found = ours(x)
    assert_equal(found, wanted)
    assert found.shape == (2, channels("vgg19_conv3_1"), 8, 8) == (2, 256, 8, 8)
    assert found.min() < 0


def test_squeezenet_layers(place_weights: Place) -> None:
    theirs = torchvision.models.squeezenet1_1(weights=None)
    place_weights("squeezenet1_1", theirs.state_dict())
    ours, (x, normalised) = load("squeezenet1_1"), photographs(64)
    assert_equal(ours(x), output_of(theirs, theirs.features[7], normalised))
    assert ours(x).shape[1] == channels("squeezenet1_1")
    deepest = output_of(theirs, theirs.features[12], normalised).mean((2, 3))
    assert_equal(ours.pooled(x), deepest)


def test_resnet_layers(place_weights: Place) -> None:
    theirs = torchvision.models.resnet50(weights=None)
    place_weights("resnet50", theirs.state_dict())
    ours, (x, normalised) = load("resnet50"), photographs(64)
    assert_equal(ours(x), output_of(theirs, theirs.layer3, normalised))
    assert ours(x).shape[1] == channels("resnet50")
    pooled = output_of(theirs, theirs.avgpool, normalised).flatten(1)
    assert_equal(ours.pooled(x), pooled)


def gluon_arrays() -> dict[str, Tensor]:
    """Random arrays with the names and shapes of Gluon's ResNet-50 v2, up to what is read of the third stage."""
    found: dict[str, Tensor] = {}

    def norm(name: str, channels: int) -> None:
        found[f"{name}_gamma"], found[f"{name}_running_var"] = torch.rand(channels) + 0.5, torch.rand(channels) + 0.5
        found[f"{name}_beta"], found[f"{name}_running_mean"] = 0.1 * torch.randn(channels), 0.1 * torch.randn(channels)

    def conv(name: str, outputs: int, inputs: int, side: int) -> None:
        found[f"{name}_weight"] = torch.randn(outputs, inputs, side, side) / (inputs * side**2) ** 0.5

    norm("batchnorm0", 3)
    conv("conv0", 64, 3, 7)
    norm("batchnorm1", 64)
    for stage, blocks, inputs, outputs in ((1, 3, 64, 256), (2, 4, 256, 512)):
        convolutions = 0
        for block in range(blocks):
            shapes = [(outputs // 4, outputs if block else inputs, 1), (outputs // 4, outputs // 4, 3)]
            shapes += [(outputs, outputs // 4, 1)] + ([] if block else [(outputs, inputs, 1)])
            for number, (rows, columns, side) in enumerate(shapes):
                conv(f"stage{stage}_conv{convolutions}", rows, columns, side)
                convolutions += 1
                if number < 3:
                    norm(f"stage{stage}_batchnorm{3 * block + number}", columns)
    norm("stage3_batchnorm0", 512)
    return found


def test_preactivated_resnet_is_the_papers(place_weights: Place) -> None:
    """Against He et al. 2016b written down block by block over Gluon's numbering, and not over our modules."""
    state = gluon_arrays()
    place_weights("resnet50_v2", state)
    ours, (x, y) = load("resnet50_v2"), photographs(64)

    def norm(y: Tensor, name: str) -> Tensor:
        scaled = (y - state[f"{name}_running_mean"][:, None, None]) / (
            state[f"{name}_running_var"][:, None, None] + 1e-5
        ) ** 0.5
        return scaled * state[f"{name}_gamma"][:, None, None] + state[f"{name}_beta"][:, None, None]

    def conv(y: Tensor, name: str, stride: int = 1) -> Tensor:
        weight = state[f"{name}_weight"]
        return nn.functional.conv2d(y, weight, stride=stride, padding=weight.shape[-1] // 2)

    y = norm(conv(norm(y, "batchnorm0"), "conv0", 2), "batchnorm1").clamp_min(0)
    y = nn.functional.max_pool2d(y, 3, 2, 1)
    for stage, firsts in ((1, (0, 4, 7)), (2, (0, 4, 7, 10))):  # a block's first convolution; the first has a shortcut
        for block, k in enumerate(firsts):
            stride, name = 2 if stage == 2 and not block else 1, f"stage{stage}_"
            active = norm(y, f"{name}batchnorm{3 * block}").clamp_min(0)
            around = y if block else conv(active, f"{name}conv3", stride)
            inner = norm(conv(active, f"{name}conv{k}"), f"{name}batchnorm{3 * block + 1}").clamp_min(0)
            inner = norm(conv(inner, f"{name}conv{k + 1}", stride), f"{name}batchnorm{3 * block + 2}").clamp_min(0)
            y = conv(inner, f"{name}conv{k + 2}") + around
    mean, variance = (state[f"stage3_batchnorm0_running_{what}"][:, None, None] for what in ("mean", "var"))
    found = ours(x)
    assert_equal(found, (y - mean) / (variance + 1e-5) ** 0.5)
    assert found.shape == (2, channels("resnet50_v2"), 8, 8) == (2, 512, 8, 8)


@pytest.mark.parametrize("which", [0, 1])
def test_mobilenet_from_arrays_or_from_torchvisions_file(which: int, place_weights: Place) -> None:
    theirs = torchvision.models.mobilenet_v2(weights=None)
    state = {k: v for k, v in theirs.state_dict().items() if which == 1 or not k.endswith("num_batches_tracked")}
    place_weights("mobilenet_v2", state, which)
    ours, (x, normalised) = load("mobilenet_v2"), photographs(64)
    deepest = output_of(theirs, theirs.features[18], normalised)
    assert_equal(ours.pooled(x), deepest.mean((2, 3)))
    assert ours.pooled(x).shape == (2, channels("mobilenet_v2")) == (2, 1280)


def test_inception_is_pytorch_fids(place_weights: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from pytorch_fid import inception

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("pytorch-fid's own loader was asked")

    full: dict[str, Tensor] = {}
    monkeypatch.setattr(inception, "load_state_dict_from_url", lambda *_, **__: full)
    with monkeypatch.context() as patch:  # the names of the whole network, as its file has them
        patch.setattr(nn.Module, "load_state_dict", lambda self, _: full.update(self.state_dict()))
        inception.fid_inception_v3()
    place_weights("inception", full)
    theirs = inception.InceptionV3().eval()
    monkeypatch.setattr(inception, "load_state_dict_from_url", refuse)
    ours, (x, _) = load("inception"), photographs(64)
    with torch.no_grad():
        wanted = theirs((x + 1) / 2)[0][:, :, 0, 0]
    assert_equal(ours.pooled(x), wanted)
    assert wanted.shape == (2, channels("inception")) == (2, 2048)


def test_random_networks_are_drawn_alike() -> None:
    first, second = load("random_vgg11"), load("random_vgg11")
    assert second.origin == first.origin
    assert first.origin["pretrained"] is False
    assert first.origin["sha256"] == "c8ffc272fe1ee252b39a26911af41dada6fdd15dd03a08167d8665bf7de05c4c"
    x, _ = photographs()
    assert torch.equal(first(x), second(x))


def test_random_vgg11_is_torchvisions_architecture(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs, ours = small_classifier(monkeypatch, "vgg11"), load("random_vgg11")
    theirs.features.load_state_dict({**theirs.features.state_dict(), **ours.body.state_dict()})
    x, normalised = photographs()
    convolutions = [layer for layer in theirs.features if isinstance(layer, nn.Conv2d)]
    assert_equal(ours(x), output_of(theirs, convolutions[4], normalised))
    for layer in convolutions[:5]:  # He: variance 2 / fan in
        assert layer.weight.var().item() * layer.weight[0].numel() == pytest.approx(2, rel=0.1)


def test_random_resnet_is_one_and_tells_images_apart() -> None:
    network = load("random_resnet18")
    convolutions = sum(p.numel() for p in network.parameters() if p.ndim == 4)
    assert convolutions == sum(p.numel() for p in torchvision.models.resnet18().parameters() if p.ndim == 4)
    x = torch.nn.functional.interpolate(torch.rand(16, 3, 8, 8) * 2 - 1, size=64, mode="bilinear")
    pooled = network.pooled(x)
    assert pooled.shape == (16, 64 + 128 + 256 + 512)
    for stage in pooled.split([64, 128, 256, 512], 1):  # no stage drowns the others
        assert 0.02 < stage.std(0).mean() < 2


@pytest.mark.parametrize("name", ["random_vgg11", "random_resnet18"])
def test_gradients_reach_the_image_and_never_the_weights(name: str) -> None:
    network = load(name).train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    x = photographs()[0].requires_grad_()
    assert network(x).shape[1] == channels(name)
    (network(x).abs().mean() + network.pooled(x).mean()).backward()
    assert x.grad is not None and x.grad.abs().sum() > 0
    assert all(p.grad is None and not p.requires_grad for p in network.parameters())
    assert not any(module.training for module in network.modules())
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_colour_transform_keeps_its_precision_under_autocast() -> None:
    transform = ColourTransform(255 * torch.eye(3), torch.zeros(3))
    x = torch.full((1, 3, 2, 2), 200.5 / 127.5 - 1)
    with torch.autocast("cpu", torch.bfloat16):
        assert transform(x).flatten().tolist() == pytest.approx([200.5] * 12, abs=1e-3)


def test_images_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="N, 3, H, W"):
        load("random_vgg11")(torch.zeros(1, 1, 32, 32))
