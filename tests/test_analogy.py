"""Deep Image Analogy: what it finds for a picture and itself, moved, exchanged, and its parts by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import nn

from wbclib.baselines import analogy, patchmatch
from wbclib.baselines.analogy import Analogy
from wbclib.files import UserError
from wbclib.networks import features
from wbclib.networks.frozen import FeatureNetwork

FEW = Analogy(iterations=4, steps=5)


@pytest.fixture(scope="module")
def vgg() -> FeatureNetwork:
    """Drawn, with the layers to relu4_1."""
    return features.load("random_vgg11")


def picture(height: int = 48, width: int = 56, seed: int = 0) -> np.ndarray:
    """Smooth at random, so that a place is known by what lies about it."""
    noise = np.random.default_rng(seed).random((height, width, 3))
    smooth = ndimage.gaussian_filter(noise, (2, 2, 0))
    return np.interp(smooth, (smooth.min(), smooth.max()), (0, 255)).astype(np.uint8)


def test_the_layers_are_the_papers_as_far_as_the_network_goes(vgg: FeatureNetwork) -> None:
    assert analogy.layers(vgg) == ["relu4_1", "relu3_1", "relu2_1", "relu1_1"]


def test_a_picture_and_itself_stay_where_they_are(vgg: FeatureNetwork) -> None:
    found = analogy.find(picture(), picture(), vgg, FEW)
    for fields in (found.there, found.back):
        for field in fields.values():
            np.testing.assert_array_equal(field, patchmatch.identity(field.shape[:2], field.shape[:2]))
    np.testing.assert_array_equal(found.a_like_b, picture())
    np.testing.assert_array_equal(found.b_like_a, picture())


def test_a_picture_is_found_in_a_larger_one(vgg: FeatureNetwork) -> None:
    look = picture(72, 72)
    photo = look[16:64, 8:64]  # by whole pixels of the deepest layer
    found = analogy.find(photo, look, vgg, Analogy(steps=5))
    moved = found.there["relu1_1"] - patchmatch.identity((48, 56), (48, 56))
    inside = moved[8:-8, 8:-8].reshape(-1, 2)
    assert (inside == (16, 8)).all(1).mean() > 0.9
    assert np.abs(found.a_like_b.astype(int) - photo)[8:-8, 8:-8].mean() < 3


def test_exchanged_pictures_exchange_what_is_found(vgg: FeatureNetwork) -> None:
    one, two = picture(), picture(40, 64, 1)
    found, turned = analogy.find(one, two, vgg, FEW), analogy.find(two, one, vgg, FEW)
    np.testing.assert_array_equal(found.a_like_b, turned.b_like_a)
    np.testing.assert_array_equal(found.b_like_a, turned.a_like_b)
    assert found.a_like_b.shape == one.shape and found.b_like_a.shape == two.shape
    again = analogy.find(one, two, vgg, FEW)
    np.testing.assert_array_equal(again.a_like_b, found.a_like_b)
    assert {*found.a_like_b[..., 0].ravel()} != {*one[..., 0].ravel()}


def test_what_is_drawn_has_the_colours_of_the_look(vgg: FeatureNetwork) -> None:
    photo, look = picture(), picture(seed=1)
    look[..., 2] = 0  # a look without blue
    found = analogy.find(photo, look, vgg, FEW)
    assert not found.a_like_b[..., 2].any() and found.b_like_a[..., 2].any()


def test_strong_features_are_those_above_a_twentieth_of_the_range() -> None:
    norms = torch.tensor([[0.0, 1.0, 5.0], [6.0, 50.0, 100.0]])
    found = (norms / 2).sqrt().expand(1, 2, 2, 3)  # two channels, half of the squared norm each
    assert analogy.strong(found)[0, 0].tolist() == [[0, 0, 0], [1, 1, 1]]


def test_features_are_brought_to_their_places() -> None:
    found = torch.arange(12.0).reshape(1, 2, 2, 3)
    field = np.array([[[1, 2], [0, 0]]], np.int32)
    assert analogy.warp(found, field)[0].tolist() == [[[5, 0]], [[11, 6]]]


def test_inverting_a_linear_part_solves_it() -> None:
    part = nn.Sequential(nn.Conv2d(3, 3, 1))
    torch.manual_seed(0)
    nn.init.orthogonal_(part[0].weight.view(3, 3))
    wanted = torch.rand(1, 3, 6, 5, generator=torch.Generator().manual_seed(0))
    for parameter in part.parameters():
        parameter.requires_grad_(False)
    found = analogy.invert(wanted, torch.zeros(1, 3, 6, 5), part, 60)
    exact = torch.einsum("ij,njhw->nihw", part[0].weight[..., 0, 0].T, wanted - part[0].bias.view(1, 3, 1, 1))
    torch.testing.assert_close(found, exact, atol=1e-3, rtol=1e-3)


def test_what_cannot_be_is_said(vgg: FeatureNetwork) -> None:
    with pytest.raises(UserError, match="at least 32 pixels a side"):
        analogy.find(picture(), picture(31, 60), vgg)
    with pytest.raises(UserError, match="no blend 4; say 1, 2, 3"):
        Analogy(blend=4)
