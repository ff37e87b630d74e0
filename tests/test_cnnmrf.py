"""CNNMRF: patches matched as a plain loop matches them, averaged where they overlap, and no pull where all fits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from skimage import transform
from torch import Tensor

from wbclib import images
from wbclib.baselines import cnnmrf
from wbclib.baselines.cnnmrf import CNNMRF
from wbclib.files import UserError
from wbclib.networks import features
from wbclib.networks.layers import Activations

ONE = CNNMRF(steps=12, resolutions=1, turns=1, scales=1, tv=0.0)


def drawn(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def picture(seed: int = 0, height: int = 48, width: int = 56) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture(scope="module")
def seen() -> Activations:
    network = features.load("random_vgg11")
    return Activations(network, ["relu3_1", "relu3_2"])


@pytest.fixture(autouse=True)
def layers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cnnmrf, "CONTENT", ("relu3_2",))


def by_hand(own: Tensor, others: Tensor) -> list[int]:
    """The row at the smallest angle, one after the other."""
    found = []
    for a in own.tolist():
        best, where = -np.inf, -1
        for number, b in enumerate(others.tolist()):
            cosine = np.dot(a, b) / np.sqrt(np.dot(a, a) * np.dot(b, b))
            if cosine > best:
                best, where = cosine, number
        found.append(where)
    return found


def test_matches_are_those_of_a_plain_search_in_one_piece_and_in_parts() -> None:
    own, others = drawn((23, 18)), drawn((31, 18), 1)
    others[7] *= 50  # longer, at no smaller angle
    wanted = by_hand(own, others)
    assert cnnmrf.match(own, others).tolist() == wanted
    assert cnnmrf.match(own, others, memory=62).tolist() == wanted, "two rows at a time"
    assert cnnmrf.match(own, others, memory=1).tolist() == wanted, "a row at a time, though it is too long"


def test_overlapping_patches_are_averaged_pixel_by_pixel() -> None:
    found = drawn((1, 2, 8, 7))  # the last row is in no patch
    chosen = drawn((3 * 3, 2 * 9), 1)
    wanted, count = np.zeros((2, 8, 7)), np.zeros((2, 8, 7))
    for number, patch in enumerate(chosen.reshape(9, 2, 3, 3).numpy()):
        top, left = 2 * (number // 3), 2 * (number % 3)
        wanted[:, top : top + 3, left : left + 3] += patch
        count[:, top : top + 3, left : left + 3] += 1
    average, there = cnnmrf.assemble(chosen, found.shape)
    np.testing.assert_allclose(average[0].numpy(), wanted / np.maximum(count, 1), rtol=1e-6)
    np.testing.assert_array_equal(there[0].numpy(), count > 0)
    assert not there[..., 7, :].any() and there[..., :7, :].all()


def test_a_pull_is_the_average_over_the_patches_that_overlap() -> None:
    found, style = drawn((1, 2, 9, 9)).requires_grad_(True), drawn((20, 18), 1)
    cnnmrf.pull(found, style).backward()
    own = cnnmrf.patches(found.detach())
    apart = own - style[by_hand(own, style)]
    total = F.fold(apart.T[None], (9, 9), 3, stride=2)
    count = F.fold(torch.ones_like(apart).T[None], (9, 9), 3, stride=2)
    torch.testing.assert_close(found.grad, total / count)


def test_a_picture_in_its_own_style_finds_itself_and_is_not_pulled(seen: Activations) -> None:
    x = images.to_tensor(picture())[None].requires_grad_(True)
    style = cnnmrf.fit(picture(), seen, ONE)
    own = cnnmrf.patches(seen(x)["relu3_1"].detach())
    assert cnnmrf.match(own, style["relu3_1"]).tolist() == list(range(len(own)))
    value = cnnmrf.loss(seen(x), style, seen(x)["relu3_2"].detach(), "relu3_2", ONE)
    value.backward()
    assert value.item() < 1e-9 and float(x.grad.abs().max()) < 1e-6
    np.testing.assert_array_equal(cnnmrf.stylise(picture(), picture(), seen, ONE), picture())


def test_drawing_comes_nearer_to_the_patches_of_the_style(seen: Activations) -> None:
    photo, style = picture(), np.repeat(np.arange(56, dtype=np.uint8)[None, :, None] * 4, 48, 0).repeat(3, 2)
    options = replace(ONE, style=1.0, content=0.01)
    out = cnnmrf.stylise(photo, style, seen, options)
    assert out.shape == photo.shape and out.dtype == np.uint8
    others = cnnmrf.fit(style, seen, options)["relu3_1"]
    before, after = (float(cnnmrf.pull(seen(images.to_tensor(p)[None])["relu3_1"], others)) for p in (photo, out))
    assert after < 0.5 * before
    np.testing.assert_array_equal(cnnmrf.stylise(photo, style, seen, options), out)
    held = cnnmrf.stylise(photo, style, seen, replace(options, style=0.0, content=1.0))
    np.testing.assert_array_equal(held, photo)  # with nothing but content nothing changes


def test_coarse_to_fine_draws_in_the_size_of_the_photograph(seen: Activations) -> None:
    options = replace(ONE, steps=2, resolutions=2)
    photo, style = picture(1, 70, 91), picture(2, 80, 64)
    assert cnnmrf.stylise(photo, style, seen, options).shape == photo.shape
    with pytest.raises(UserError, match="at 3 resolutions needs pictures of at least 128 pixels"):
        cnnmrf.stylise(photo, style, seen, replace(options, resolutions=3))


def test_variants_of_a_style_are_turned_and_scaled_and_hold_nothing_but_picture() -> None:
    height, width = np.mgrid[:60, :80]
    smooth = np.stack([3 * width, 4 * height, 255 - 3 * width], -1).astype(np.uint8)
    found = cnnmrf.variants(smooth, CNNMRF())
    assert len(found) == 9
    np.testing.assert_array_equal(found[4], smooth)  # neither turned nor scaled
    assert found[7].shape == (63, 84, 3) and found[1].shape == (57, 76, 3)
    assert len(cnnmrf.variants(smooth, replace(CNNMRF(), turns=2, scales=1))) == 2
    turned = found[5].astype(float)
    slope = np.diff(turned[..., 0], axis=1).mean(), np.diff(turned[..., 0], axis=0).mean()
    assert np.hypot(*slope) == pytest.approx(3, rel=0.02)  # a plane stays one: no border was drawn in
    assert abs(np.degrees(np.arctan2(slope[1], slope[0]))) == pytest.approx(7.5, abs=0.2)
    wanted = transform.rotate(smooth, 7.5, resize=False, order=1, preserve_range=True)
    top, left = (60 - turned.shape[0]) // 2, (80 - turned.shape[1]) // 2
    middle = wanted[top : top + turned.shape[0], left : left + turned.shape[1]]
    assert np.abs(turned - middle).mean() < 4  # up to half a pixel
