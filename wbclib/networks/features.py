"""Frozen networks that losses and metrics look through: the layer, the normalisation, where the weights came from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from torch import Tensor, nn

from wbclib.files import UserError
from wbclib.networks import backbones, weights
from wbclib.networks.frozen import ColourTransform, FeatureNetwork, State, fill
from wbclib.networks.weights import WeightFile

SEED = 20200614  # of the networks that are drawn, not trained


@dataclass(frozen=True)
class Spec:
    """A line of :data:`NETWORKS`. Without ``files`` the network is drawn from :data:`SEED`, not trained."""

    build: Callable[[State], FeatureNetwork]
    layer: str
    channels: int  # of that layer's features
    files: tuple[WeightFile, ...] = ()
    pooled: str = "mean over space of the same layer"


def _vgg(configuration: tuple[int | str, ...], last: int) -> Callable[[State], FeatureNetwork]:
    def build(state: State) -> FeatureNetwork:
        body = backbones.vgg(configuration, last)
        fill(body, state)
        return FeatureNetwork(ColourTransform.imagenet(), body)

    return build


def _vgg_normalised(state: State) -> FeatureNetwork:
    body = backbones.vgg(backbones.VGG19, last=10)
    fill(body, state)
    return FeatureNetwork(ColourTransform(state["prep.weight"].reshape(3, 3), state["prep.bias"]), body)


def _squeezenet(state: State) -> FeatureNetwork:
    layers = backbones.squeezenet()
    fill(layers, state)
    return FeatureNetwork(ColourTransform.imagenet(), layers[:8], layers[8:])


def _resnet50(state: State) -> FeatureNetwork:
    from torchvision.models import resnet50

    network = resnet50(weights=None)
    fill(network, state, prefix="")
    stem = nn.Sequential(network.conv1, network.bn1, network.relu, network.maxpool)
    body = nn.Sequential(stem, network.layer1, network.layer2, network.layer3)
    return FeatureNetwork(ColourTransform.imagenet(), body, nn.Sequential(network.layer4))


def _resnet50_v2(state: State) -> FeatureNetwork:
    body = backbones.resnet50_v2()
    fill(body, backbones.from_gluon(body, state), prefix="")
    return FeatureNetwork(ColourTransform.imagenet(), body)


def _mobilenet(state: State) -> FeatureNetwork:
    from torchvision.models import mobilenet_v2

    layers = mobilenet_v2(weights=None).features
    fill(layers, state)
    return FeatureNetwork(ColourTransform.imagenet(), layers)


class _First(nn.Module):
    """The first of the outputs that pytorch-fid's network returns as a list."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x)[0]


def _inception(state: State) -> FeatureNetwork:
    from pytorch_fid import inception

    # pytorch-fid's own loader would download, and unpickle what it gets; it is handed the verified weights instead.
    with mock.patch.object(inception, "load_state_dict_from_url", lambda *_, **__: state):
        network = inception.InceptionV3([inception.InceptionV3.BLOCK_INDEX_BY_DIM[2048]])
    return FeatureNetwork(ColourTransform.unit(), nn.Sequential(_First(network)))


def _random_vgg11(_: State) -> FeatureNetwork:
    body = backbones.vgg(backbones.VGG11, last=11)
    backbones.draw(body, SEED)
    return FeatureNetwork(ColourTransform.imagenet(), body)


def _random_resnet18(_: State) -> FeatureNetwork:
    body = backbones.resnet18()
    backbones.draw(body, SEED)
    network = FeatureNetwork(ColourTransform.imagenet(), body, stages=True)
    backbones.calibrate(body, network.prepare(backbones.pink_noise(8, 128, SEED)))
    return network


def _torchvision(stem: str, digest: str) -> WeightFile:
    name = f"{stem}-{digest[:8]}.pth"  # torchvision's file names end with the first digits of the sha256
    url = f"https://download.pytorch.org/models/{name}"
    return WeightFile(name, digest, "torchvision IMAGENET1K_V1", "BSD-3-Clause", url)


NETWORKS: dict[str, Spec] = {
    "vgg19": Spec(
        _vgg(backbones.VGG19, last=25),
        "conv4_4 before its ReLU",
        512,
        (_torchvision("vgg19", "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44"),),
    ),
    "vgg16": Spec(  # VGG16 has three convolutions in its fourth group, so there is no conv4_4
        _vgg(backbones.VGG16, last=21),
        "conv4_3 before its ReLU",
        512,
        (_torchvision("vgg16", "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0"),),
    ),
    "vgg19_conv3_1": Spec(
        _vgg_normalised,
        "conv3_1 before its ReLU",
        256,
        (
            WeightFile(
                "vgg19_normalised_to_conv3_1_fp32.npz",
                "65de27ba0051c9bd2c92dfc1b452a5fa37efb761349b99c147dd041f6a71fdbc",
                "Oxford VGG19, normalised after Gatys et al.",
                "CC-BY-4.0",
            ),
        ),
    ),
    "squeezenet1_1": Spec(
        _squeezenet,
        "features.7 (second fire module of 256 channels, stride 8)",
        256,
        (
            WeightFile(
                "squeezenet1_1_torchvision_fp16.npz",
                "0820e85584d6c7494cd1d545a4c52a2c1378c29d594515b2ae312a750e1bb15f",
                "torchvision IMAGENET1K_V1, half precision",
                "BSD-3-Clause",
            ),
            _torchvision("squeezenet1_1", "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b"),
        ),
        pooled="mean over space of features.12 (512 values)",
    ),
    "resnet50": Spec(
        _resnet50,
        "layer3",
        1024,
        (_torchvision("resnet50", "0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a"),),
        pooled="mean over space of layer4 (2048 values)",
    ),
    "resnet50_v2": Spec(
        _resnet50_v2,
        "second stage (512 channels, stride 8), every channel of mean 0 and variance 1 over ImageNet",
        512,
        (
            WeightFile(
                "resnet50v2_gluon_stage1to3_fp16.npz",
                "18a757c6f3771d266709fc3e72840a08ff5aef46394fc7cac9b2bd5f14da84ac",
                "Gluon model zoo, ResNet-50 v2, ImageNet, half precision",
                "Apache-2.0",
            ),
        ),
    ),
    "mobilenet_v2": Spec(
        _mobilenet,
        "features.18",
        1280,
        (
            WeightFile(
                "mobilenetv2_features_fp16.npz",
                "83c43e5660c1ef6319626363c169659b6ca75efe70b974aea91bffaf007d573c",
                "MobileNetV2 1.0, ImageNet, batch norm folded, half precision",
                "Apache-2.0",
            ),
            _torchvision("mobilenet_v2", "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889"),
        ),
        pooled="mean over space of the same layer (1280 values)",
    ),
    "inception": Spec(
        _inception,
        "final average pooling (2048 values), input resized to 299x299",
        2048,
        (
            WeightFile(
                "pt_inception-2015-12-05-6726825d.pth",
                "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
                "FID Inception of 2015-12-05, ported by pytorch-fid",
                "Apache-2.0",
                "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
                "pt_inception-2015-12-05-6726825d.pth",
            ),
        ),
        pooled="the same layer",
    ),
    # Liu et al., "A Generic Perceptual Loss for Modeling Structured Output Dependencies", CVPR 2021.
    "random_vgg11": Spec(_random_vgg11, "fifth convolution (512 channels, stride 8) before its ReLU", 512),
    "random_resnet18": Spec(
        _random_resnet18,
        "fourth stage; batch norm statistics of seeded 1/f noise",
        512,
        pooled="means over space of the four stages side by side (960 values)",
    ),
}


# For style transfer, which looks into many layers; the weights of "vgg19", which may have trained what is measured.
LAYERED: dict[str, Spec] = {
    "vgg19_relu5_1": Spec(
        _vgg(backbones.VGG19, last=29),
        "relu5_1",
        512,
        (_torchvision("vgg19", "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44"),),
    ),
}


def load(name: str, downloads: bool = False) -> FeatureNetwork:
    """The frozen network ``name`` of :data:`NETWORKS` or :data:`LAYERED`, on the CPU.

    Weights are looked for in assets/weights, then in the torch hub cache, then (``downloads``) at their
    official address; always against the recorded sha256.

    Args:
        downloads: weights may be fetched.

    Raises:
        UserError: unknown name; weights not found, damaged, or not the recorded ones; a package is missing.
    """
    spec = find(name)
    return _pretrained(name, spec, downloads) if spec.files else _drawn(name, spec)


def channels(name: str) -> int:
    """How many channels the features of a network have.

    Raises:
        UserError: unknown name.
    """
    return find(name).channels


def files(name: str) -> list[Path]:
    """The verified local file of a network's weights, for taking it to another machine; none if drawn or not here."""
    spec = find(name)
    try:
        return [weights.obtain(name, spec.files, downloads=False)[1]] if spec.files else []
    except weights.MissingWeights:
        return []


def find(name: str) -> Spec:
    """How a network is built, and of which files.

    Raises:
        UserError: unknown name.
    """
    known = NETWORKS | LAYERED
    if name not in known:
        raise UserError(f"unknown feature network {name!r}; say one of {', '.join(NETWORKS)}")
    return known[name]


def _pretrained(name: str, spec: Spec, downloads: bool) -> FeatureNetwork:
    file, path, label = weights.obtain(name, spec.files, downloads)
    try:
        network = spec.build(weights.read(path))
    except ModuleNotFoundError as error:
        raise UserError(f"network {name} needs the package {error.name}; install it or choose another") from error
    network.origin = _origin(name, spec, f"{file.origin}: {label}", file.sha256, file.licence, True)
    return network


def _drawn(name: str, spec: Spec) -> FeatureNetwork:
    network = spec.build({})
    drawn = hashlib.sha256()
    for key, value in sorted(network.body.named_parameters()):
        drawn.update(key.encode() + value.detach().numpy().tobytes())
    source = f"drawn, not trained: He initialisation, seed {SEED}"
    network.origin = _origin(name, spec, source, drawn.hexdigest(), "none needed", False)
    return network


def _origin(name: str, spec: Spec, source: str, digest: str, licence: str, pretrained: bool) -> dict[str, Any]:
    return {
        "network": name,
        "layer": spec.layer,
        "pooled": spec.pooled,
        "source": source,
        "sha256": digest,
        "licence": licence,
        "pretrained": pretrained,
    }
