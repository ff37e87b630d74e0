"""What the discriminators see and say, against the representations themselves and against counting pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from wbclib import images, profiles
from wbclib.options import run_config
from wbclib.represent.surface import surface
from wbclib.studies.common import discriminators
from wbclib.studies.common.discriminators import Seen
from wbclib.train.device import open_fabric
from wbclib.train.loop import Trained
from wbclib.train.methods import METHODS

RANDOM = np.random.default_rng(2)


@pytest.fixture(scope="module")
def model() -> Trained:
    """An untrained white-box method with both discriminators and no perceptual network."""
    config = run_config({"method": "whitebox", "precision": "float32", "weights": {"surface": 1.0, "texture": 1.0}})
    torch.manual_seed(0)
    method = METHODS["whitebox"](config, open_fabric(config, "cpu"), {"downloads": False})
    for module in method.modules.values():
        module.eval().requires_grad_(False)
    return Trained({}, method)


def test_look_shows_the_representations_and_one_logit_a_patch(model: Trained) -> None:
    pictures = RANDOM.integers(0, 255, (3, 32, 32, 3), dtype=np.uint8)
    found = discriminators.look(model, pictures, batch=2)
    assert set(found) == {"surface", "texture"}
    assert {role: seen.logits.shape for role, seen in found.items()} == dict.fromkeys(found, (3, 4, 4))
    wanted = images.to_uint8(surface(images.to_tensor(pictures), model.method.config.surface))
    np.testing.assert_array_equal(found["surface"].pictures, wanted)
    grey = found["texture"].pictures
    assert (grey[..., 0] == grey[..., 1]).all() and (grey[..., 0] == grey[..., 2]).all()
    again = discriminators.look(model, pictures, batch=2)["texture"].logits
    np.testing.assert_array_equal(again, found["texture"].logits)
    assert not np.array_equal(discriminators.look(model, pictures, seed=1)["texture"].pictures, grey)


def test_maps_bring_logits_to_the_size_of_the_picture() -> None:
    logits = np.array([[[0.0, 1.0], [0.0, 1.0]]], np.float32)
    maps = Seen(np.zeros((1, 16, 16, 3), np.uint8), logits).maps
    assert maps.shape == (1, 16, 16)
    assert (maps[0, :, 0] == 0).all() and (maps[0, :, -1] == 1).all()
    assert (np.diff(maps[0], axis=1) >= 0).all()


def test_told_apart_counts_the_pairs() -> None:
    cartoons, others = (RANDOM.normal(m, 1, (n, 2, 3)) for m, n in ((0.5, 7), (0.0, 9)))
    pairs = [float(a.mean() > b.mean()) for a in cartoons for b in others]
    assert discriminators.told_apart(cartoons, others) == pytest.approx(np.mean(pairs))
    assert discriminators.told_apart(cartoons + 100, others) == 1


def test_judge_lists_every_set_for_each_discriminator() -> None:
    pictures = np.zeros((4, 8, 8, 3), np.uint8)
    views = {
        name: {"surface": Seen(pictures, np.full((4, 2, 2), v))} for name, v in (("output", 0.0), ("cartoon", 1.0))
    }
    table = discriminators.judge(views)
    assert table["images"].tolist() == ["output", "cartoon"] and table["logit"].tolist() == [0, 1]
    assert table["told_apart"][0] == 1 and np.isnan(table["told_apart"][1])
    assert discriminators.judge({}).empty


def test_without_a_run_folder_there_are_no_discriminators(study: Path) -> None:
    profile = profiles.load("smoke")
    assert not discriminators.available(profile, "whitebox") and not discriminators.available(profile, "pretrain")


def test_undecided_is_where_the_loss_is_indifferent() -> None:
    assert discriminators.neutral(run_config({"adversarial": "lsgan"})) == 0.5
    assert discriminators.neutral(run_config({"adversarial": "log"})) == 0


def test_a_discriminator_of_features_is_shown_with_the_pictures() -> None:
    config = run_config(
        {"method": "whitebox", "precision": "float32", "features": "random_vgg11", "weights": {"projected": 1.0}}
    )
    method = METHODS["whitebox"](config, open_fabric(config, "cpu"), {"downloads": False})
    method.modules["projected"].eval()  # a spectral norm in training moves with every look
    pictures = RANDOM.integers(0, 255, (2, 32, 32, 3), dtype=np.uint8)
    found = discriminators.look(Trained({}, method), pictures)["projected"]
    np.testing.assert_array_equal(found.pictures, pictures)
    with torch.no_grad():
        wanted = method.modules["projected"](method.perceive(images.to_tensor(pictures)))[:, 0]
    np.testing.assert_allclose(found.logits, wanted.numpy(), atol=1e-5)
    assert found.logits.shape == (2, 2, 2)
