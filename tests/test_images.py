"""The image convention: arrays and tensors, sizes, grids."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from toy_images import noise

from wbclib import images
from wbclib.files import UserError

# --- tensors and arrays


def test_all_256_values_survive_the_round_trip() -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    tensor = images.to_tensor(ramp)
    assert tensor.shape == (3, 16, 16) and tensor.dtype == torch.float32
    assert (tensor.min().item(), tensor.max().item()) == (-1.0, 1.0)
    np.testing.assert_array_equal(images.to_uint8(tensor), ramp)


def test_channels_and_batch_keep_their_places() -> None:
    batch = np.stack([noise(5, 7, seed) for seed in range(3)])
    tensor = images.to_tensor(batch)
    assert tensor.shape == (3, 3, 5, 7)
    assert tensor[2, 1, 4, 6].item() == pytest.approx(batch[2, 4, 6, 1] / 127.5 - 1, abs=1e-6)
    np.testing.assert_array_equal(images.to_uint8(tensor), batch)


def test_a_read_only_image_becomes_a_tensor_of_its_own() -> None:
    image = noise(4, 4)
    image.flags.writeable = False
    images.to_tensor(image).zero_()
    np.testing.assert_array_equal(image, noise(4, 4))


@pytest.mark.parametrize(
    ("value", "byte"), [(1.3, 255), (-1.3, 0), (1e9, 255), (float("inf"), 255), (0.0, 128), (-0.999, 0), (0.5, 191)]
)
def test_overshoot_is_clamped_and_never_wraps(value: float, byte: int) -> None:
    assert (images.to_uint8(torch.full((3, 2, 2), value)) == byte).all()


def test_one_channel_is_shown_as_grey() -> None:
    grey = images.to_uint8(torch.tensor([[[-1.0, 1.0]]]))
    np.testing.assert_array_equal(grey, [[[0, 0, 0], [255, 255, 255]]])


def test_low_precision_and_gradients_are_accepted() -> None:
    tensor = torch.zeros(3, 2, 2, dtype=torch.bfloat16, requires_grad=True)
    assert (images.to_uint8(tensor) == 128).all()


@pytest.mark.parametrize("bad", [torch.full((3, 2, 2), float("nan")), torch.zeros(2, 2), torch.zeros(4, 2, 2)])
def test_what_is_no_image_is_refused(bad: torch.Tensor) -> None:
    with pytest.raises(ValueError):
        images.to_uint8(bad)


@pytest.mark.parametrize("bad", [np.zeros((2, 2, 3), np.float32), np.zeros((2, 2, 4), np.uint8)])
def test_only_uint8_rgb_becomes_a_tensor(bad: np.ndarray) -> None:
    with pytest.raises(ValueError):
        images.to_tensor(bad)


# --- sizes


def test_shrinking_averages_areas() -> None:
    image = noise(12, 20)
    expected = image.reshape(4, 3, 5, 4, 3).astype(float).mean(axis=(1, 3))
    assert np.abs(images.resize(image, (4, 5)) - expected).max() <= 0.51


def test_growing_keeps_black_and_white_apart() -> None:
    step = np.zeros((8, 8, 3), np.uint8)
    step[:, 4:] = 255
    grown = images.resize(step, (32, 32))
    assert grown[:, :12].max() < 64 and grown[:, 20:].min() > 191  # an overshoot that wrapped would break this


def test_one_side_may_grow_while_the_other_shrinks() -> None:
    columns = np.repeat(np.array([10, 200], np.uint8), 4)[None, :, None].repeat(3, axis=2).repeat(4, axis=0)
    changed = images.resize(columns, (8, 2))
    np.testing.assert_array_equal(changed[:, :, 0], np.tile([10, 200], (8, 1)))


def test_fit_square_and_multiple() -> None:
    image = noise(40, 60)
    assert images.fit(image, 20).shape == (20, 30, 3)
    np.testing.assert_array_equal(images.square(image, 40), image[:, 10:50])
    np.testing.assert_array_equal(images.crop_to_multiple(noise(43, 61), 4), noise(43, 61)[:40, :60])
    with pytest.raises(UserError, match="too small"):
        images.crop_to_multiple(noise(3, 9), 4)


def test_grid_puts_images_in_rows_with_white_gaps() -> None:
    tiles = [np.full((2, 3, 3), value, np.uint8) for value in (10, 20, 30)]
    sheet = images.grid(tiles, columns=2, gap=1)
    white, expected = 255, np.full((5, 7), 255)
    expected[0:2, 0:3], expected[0:2, 4:7], expected[3:5, 0:3] = 10, 20, 30
    np.testing.assert_array_equal(sheet[:, :, 1], expected)
    assert (sheet[2] == white).all()
    with pytest.raises(ValueError):
        images.grid([], columns=2)
