"""The files of frozen weights: found, missing, damaged or downloaded, and the records of where they came from."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

from wbclib.files import UserError, sha256
from wbclib.networks import weights
from wbclib.networks.features import NETWORKS, files, load

Place = Callable[..., Path]
pytestmark = pytest.mark.usefixtures("weight_folders")


def test_origin_says_where_the_weights_came_from(place_weights: Place, weight_folders: Path) -> None:
    path = place_weights("squeezenet1_1", torchvision.models.squeezenet1_1(weights=None).state_dict())
    origin = load("squeezenet1_1").origin
    assert (origin["network"], origin["pretrained"], origin["licence"]) == ("squeezenet1_1", True, "BSD-3-Clause")
    assert origin["sha256"] == sha256(path)
    assert origin["source"].endswith(f"assets/weights/{path.name}")
    shutil.move(path, weight_folders / "hub" / "checkpoints")
    elsewhere = load("squeezenet1_1").origin
    assert elsewhere["source"].endswith(f"torch hub cache/{path.name}")
    assert str(weight_folders) not in str(origin) + str(elsewhere)


def test_files_are_what_another_machine_needs(place_weights: Place) -> None:
    assert files("squeezenet1_1") == files("random_vgg11") == []
    path = place_weights("squeezenet1_1", torchvision.models.squeezenet1_1(weights=None).state_dict())
    assert files("squeezenet1_1") == [path]
    path.write_bytes(b"")
    with pytest.raises(UserError, match="damaged"):
        files("squeezenet1_1")


def test_missing_weights_say_what_to_put_where() -> None:
    with pytest.raises(UserError, match=r"vgg19-dcbb9e9d\.pth at .*weights.* or allow downloads"):
        load("vgg19")
    with pytest.raises(UserError, match=r"weights of vgg19_conv3_1 not found: put vgg19_norm\S*npz at (?!.*downloads)"):
        load("vgg19_conv3_1", downloads=True)
    with pytest.raises(UserError, match="unknown feature network 'vgg'; say one of vgg19"):
        load("vgg")


@pytest.mark.parametrize("damage", ["cut", "other", "unrecorded"])
def test_damaged_weights_are_refused(damage: str, place_weights: Place) -> None:
    state = torchvision.models.squeezenet1_1(weights=None).state_dict()
    path = place_weights("squeezenet1_1", state)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-1000])
    if damage == "other":
        np.savez(path, anything=np.zeros(3))
    if damage == "unrecorded":
        np.savez(path, **{key: value.numpy() + 1 for key, value in state.items()})
    with pytest.raises(UserError, match=r"squeezenet1_1_torchvision_fp16\.npz is damaged or another file"):
        load("squeezenet1_1")


def test_weights_of_another_network_do_not_fit(place_weights: Place) -> None:
    state = torchvision.models.squeezenet1_1(weights=None).state_dict()
    del state["features.12.squeeze.bias"]
    place_weights("squeezenet1_1", state)
    with pytest.raises(UserError, match=r"12\.squeeze\.bias is missing"):
        load("squeezenet1_1")


class Odd:
    """Something that only unpickling could bring back."""


@pytest.mark.parametrize("kind", ["object.pth", "cut.pth", "object.npz", "cut.npz", "cut.safetensors", "text.pkl"])
def test_only_plain_arrays_are_read(kind: str, tmp_path: Path) -> None:
    path = tmp_path / kind
    if kind == "object.pth":
        torch.save({"a": Odd()}, path)
    elif kind == "object.npz":
        np.savez(path, a=np.array([Odd()], dtype=object))
    elif kind.startswith("cut"):
        (torch.save({"a": torch.zeros(9)}, path) if kind == "cut.pth" else path.write_bytes(b"PK\x03\x04 and no more"))
        path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UserError, match=kind):
        weights.read(path)


def test_downloads_are_kept_only_with_the_recorded_hash(weight_folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over file:// addresses: the official road without a network."""
    torch.save(torchvision.models.squeezenet1_1(weights=None).state_dict(), weight_folders / "served.pth")
    url, cache = (weight_folders / "served.pth").as_uri(), weight_folders / "hub" / "checkpoints" / "w.pth"
    spec, right = NETWORKS["squeezenet1_1"], sha256(weight_folders / "served.pth")

    def record(digest: str, address: str) -> None:
        file = weights.WeightFile("w.pth", digest, "test", "none", address)
        monkeypatch.setitem(NETWORKS, "squeezenet1_1", dataclasses.replace(spec, files=(file,)))

    record(right[:63] + ("0" if right[63] != "0" else "1"), url)
    with pytest.raises(UserError, match="sent another file"):
        load("squeezenet1_1", downloads=True)
    assert not cache.exists()
    record(right, url + ".gone")
    with pytest.raises(UserError, match=r"could not fetch w\.pth"):
        load("squeezenet1_1", downloads=True)
    record(right, url)
    with pytest.raises(UserError, match="not found"):
        load("squeezenet1_1")
    assert load("squeezenet1_1", downloads=True).origin["sha256"] == right == sha256(cache)


def test_every_download_has_a_full_hash_that_agrees_with_its_file_name() -> None:
    listed = [file for spec in NETWORKS.values() for file in spec.files]
    assert len(listed) == 10
    for file in listed:
        assert len(bytes.fromhex(file.sha256)) == 32
        if file.url:
            assert file.url.endswith(f"-{file.sha256[:8]}.pth")
            assert file.name == file.url.rsplit("/", 1)[1]


def test_torchvisions_addresses_are_its_own() -> None:
    models = torchvision.models
    official = {
        "vgg19": models.VGG19_Weights,
        "vgg16": models.VGG16_Weights,
        "squeezenet1_1": models.SqueezeNet1_1_Weights,
        "resnet50": models.ResNet50_Weights,
        "mobilenet_v2": models.MobileNet_V2_Weights,
    }
    assert {name: NETWORKS[name].files[-1].url for name in official} == {
        name: kind.IMAGENET1K_V1.url for name, kind in official.items()
    }
