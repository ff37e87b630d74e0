"""The colour shift: closed forms of its weights, one draw for a pair, gradients."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from skimage import data

from wbclib import images
from wbclib.files import UserError
from wbclib.options import Texture
from wbclib.represent import channel_weights, colour_shift, colour_shift_pair, luma

PAPER, OFFICIAL = Texture(variant="paper"), Texture(variant="official")
Y = np.array([0.299, 0.587, 0.114])


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=seeded(seed), dtype=torch.float64) * 2 - 1


def draws(options: Texture, count: int = 8_000) -> np.ndarray:
    generator = seeded(1)
    return torch.stack([channel_weights(options, generator) for _ in range(count)]).numpy()


def test_luma_equals_opencv() -> None:
    photo = images.square(data.astronaut(), 64)
    theirs = cv2.cvtColor(photo.astype(np.float32) / 127.5 - 1, cv2.COLOR_RGB2GRAY)
    ours = luma(images.to_tensor(photo)[None])
    assert ours.shape == (1, 1, 64, 64)
    np.testing.assert_allclose(ours[0, 0].numpy(), theirs, atol=1e-6)


def test_paper_weights_have_the_moments_of_the_uniform() -> None:
    # w = (1 - alpha) b + alpha y with b ~ U(-1, 1): mean alpha y, variance (1 - alpha)² / 3, ends alpha y ± (1 - alpha)
    weights = draws(PAPER)
    deviation = 0.2 / np.sqrt(3)
    np.testing.assert_allclose(weights.mean(0), 0.8 * Y, atol=5 * deviation / np.sqrt(len(weights)))
    np.testing.assert_allclose(weights.var(0), 0.04 / 3, rtol=0.06)
    np.testing.assert_allclose(weights.min(0), 0.8 * Y - 0.2, atol=2e-3)
    np.testing.assert_allclose(weights.max(0), 0.8 * Y + 0.2, atol=2e-3)
    assert np.abs(np.corrcoef(weights.T) - np.eye(3)).max() < 0.06  # three independent draws
    assert weights.sum(1).std() > 0.1  # contrast is not kept


def test_official_weights_are_uniform_numbers_divided_by_their_sum() -> None:
    weights = draws(OFFICIAL)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-15, rtol=0)
    # u in y ± s, w = u / (u + rest): the ends are where this channel and the other two are at opposite ends
    low, high = (Y - 0.1) / (Y - 0.1 + 1 - Y + 0.2), (Y + 0.1) / (Y + 0.1 + 1 - Y - 0.2)
    assert (weights >= low).all() and (weights <= high).all()
    # To first order w - y = (1 - y) d - y (d' + d''), each d of variance s² / 3
    np.testing.assert_allclose(weights.mean(0), Y, atol=5e-3)
    np.testing.assert_allclose(weights.var(0), ((1 - Y) ** 2 + 2 * Y**2) * 0.01 / 3, rtol=0.06)


def test_weights_follow_their_formulas_draw_by_draw() -> None:
    b = torch.rand(3, dtype=torch.float64, generator=seeded(7)).numpy() * 2 - 1
    np.testing.assert_allclose(channel_weights(PAPER, seeded(7)).numpy(), 0.2 * b + 0.8 * Y, atol=1e-15)
    np.testing.assert_allclose(
        channel_weights(OFFICIAL, seeded(7)).numpy(), (Y + 0.1 * b) / (Y + 0.1 * b).sum(), atol=1e-15
    )


@pytest.mark.parametrize("options", [PAPER, OFFICIAL])
def test_output_is_the_weighted_sum_of_the_channels(options: Texture) -> None:
    x = noise(3, 3, 5, 4)
    r, g, b = channel_weights(options, seeded(3)).tolist()
    shifted = colour_shift(x, options, seeded(3))
    assert shifted.shape == (3, 1, 5, 4)
    torch.testing.assert_close(shifted[:, 0], r * x[:, 0] + g * x[:, 1] + b * x[:, 2])


def test_extremes_are_the_luma_and_pure_noise() -> None:
    x = noise(1, 3, 5, 4)
    torch.testing.assert_close(colour_shift(x, Texture(alpha=1.0), seeded()), luma(x))
    torch.testing.assert_close(colour_shift(x, Texture(variant="official", spread=0.0), seeded()), luma(x))
    b = torch.rand(3, dtype=torch.float64, generator=seeded()) * 2 - 1
    torch.testing.assert_close(colour_shift(x, Texture(alpha=0.0), seeded())[0, 0], torch.tensordot(b, x[0], 1))


def test_grey_keeps_its_value_or_a_known_range() -> None:
    grey = torch.full((1, 3, 2, 2), 0.5, dtype=torch.float64)
    generator = seeded(2)
    official = torch.stack([colour_shift(grey, OFFICIAL, generator) for _ in range(200)])
    torch.testing.assert_close(official, torch.full_like(official, 0.5))
    paper = torch.stack([colour_shift(grey, PAPER, generator) for _ in range(4000)])
    # 0.5 (0.2 (b1 + b2 + b3) + 0.8): between 0.5 (0.8 - 0.6) and 0.5 (0.8 + 0.6), variance 0.25 * 0.04 * 3 / 3
    assert 0.1 <= float(paper.min()) < 0.16 and 0.64 < float(paper.max()) <= 0.7
    assert float(paper[:, 0, 0, 0, 0].var()) == pytest.approx(0.01, rel=0.1)


@pytest.mark.parametrize("options", [PAPER, OFFICIAL])
def test_a_pair_shares_one_draw_and_the_next_call_has_another(options: Texture) -> None:
    a, b, generator = noise(2, 3, 4, 4), noise(5, 3, 6, 6, seed=1), seeded(4)
    first, second = colour_shift_pair(a, b, options, generator)
    torch.testing.assert_close(first, colour_shift(a, options, seeded(4)))
    torch.testing.assert_close(second, colour_shift(b, options, seeded(4)))
    assert float((colour_shift(a, options, generator) - first).abs().max()) > 1e-3


def test_one_draw_serves_the_whole_batch() -> None:
    x = noise(1, 3, 4, 4).expand(6, -1, -1, -1)
    shifted = colour_shift(x, PAPER, seeded())
    assert torch.equal(shifted, shifted[:1].expand(6, -1, -1, -1))


@pytest.mark.parametrize("options", [PAPER, OFFICIAL])
def test_gradient(options: Texture) -> None:
    x = noise(2, 3, 3, 2).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda y: colour_shift(y, options, seeded(5)), (x,))


def test_type_is_kept() -> None:
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        assert colour_shift(torch.zeros(1, 3, 2, 2, dtype=dtype), PAPER, seeded()).dtype == dtype


@pytest.mark.parametrize("x", [torch.zeros(3, 4, 4), torch.zeros(1, 1, 4, 4), torch.zeros(1, 3, 4, 4).int()])
def test_bad_images_are_refused(x: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"\(N, 3, H, W\)"):
        colour_shift(x, PAPER, seeded())
    with pytest.raises(ValueError, match=r"\(N, 3, H, W\)"):
        luma(x)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Texture(variant="mine"), "say paper or official"),
        (Texture(alpha=1.2), "between 0 and 1"),
        (Texture(variant="official", spread=0.4), "below 1/3"),
    ],
)
def test_bad_options_are_named(options: Texture, said: str) -> None:
    with pytest.raises(UserError, match=said):
        colour_shift(torch.zeros(1, 3, 2, 2), options, seeded())
