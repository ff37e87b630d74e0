"""The colours of regions against SciPy, scikit-image and values worked out by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage import color
from toy_images import MEAN, PHOTOS, READINGS, photograph

from wbclib import images
from wbclib.files import UserError
from wbclib.options import Structure
from wbclib.represent import colour_regions, merge_regions, segment
from wbclib.represent.colouring import medians, spread
from wbclib.represent.scatter import colour_batch

# --- mean and median


@pytest.mark.parametrize("name", PHOTOS)
def test_mean_colours_equal_scipy_and_scikit_image(name: str) -> None:
    image = photograph(name)
    labels = segment(image, Structure())
    ours = colour_regions(image, labels, MEAN)
    assert ours.dtype == np.uint8
    theirs = color.label2rgb(labels + 1, image.astype(float), kind="avg", bg_label=0)
    assert np.abs(ours - theirs).max() <= 0.5 + 1e-9
    as_float = colour_regions((image / 127.5 - 1).astype(np.float64), labels, MEAN)
    for c in range(3):
        mean = ndimage.mean(image[..., c].astype(float), labels, np.arange(labels.max() + 1))
        np.testing.assert_allclose((as_float[..., c] + 1) * 127.5, mean[labels], atol=1e-9)


@pytest.mark.parametrize("name", PHOTOS)
def test_medians_equal_scipy(name: str) -> None:
    image = photograph(name)
    labels = segment(image, Structure())
    for values in (image.astype(float), np.random.default_rng(0).uniform(0, 255, image.shape)):
        ours = medians(values.reshape(-1, 3), labels.ravel())
        for c in range(3):
            theirs = ndimage.median(values[..., c], labels, np.arange(labels.max() + 1))
            np.testing.assert_allclose(ours[:, c], theirs, atol=1e-9)
    # The branch of small sigma alone, without the power, is that median.
    always = Structure(gamma1=1e3, gamma2=1e3, mu=1.0)
    painted = colour_regions(image, labels, always)
    np.testing.assert_array_equal(painted, np.rint(medians(image.reshape(-1, 3).astype(float), labels.ravel()))[labels])


# --- sigma and its thresholds


def half_and_half(sigma: float, centre: float = 120.0) -> np.ndarray:
    """120 pixels of a known sigma whose mean is ``centre`` and whose median lies below it, in (1, 120, 3).

    90 pixels at centre - d and 30 at centre + 3 d: variance (90 d² + 30 · 9 d²) / 120 = 3 d².
    """
    d = sigma / np.sqrt(3)
    values = np.array([centre - d] * 90 + [centre + 3 * d] * 30)
    return np.repeat(values[None, :, None], 3, 2) / 127.5 - 1


@pytest.mark.parametrize(
    ("sigma", "theta1_paper", "theta1_official"), [(10.0, 0.0, 1.0), (30.0, 0.5, 0.5), (44.0, 1.0, 0.0)]
)
def test_thresholds_choose_between_mean_and_median(sigma: float, theta1_paper: float, theta1_official: float) -> None:
    image, labels = half_and_half(sigma), np.zeros((1, 120), int)
    _, mean, measured = spread((image.reshape(-1, 3) + 1) * 127.5, labels.ravel())
    assert measured[0] == pytest.approx(sigma) and mean[0] == pytest.approx(120)
    median = 120 - sigma / np.sqrt(3)
    for order, theta1 in (("paper", theta1_paper), ("official", theta1_official)):
        colour = (colour_regions(image, labels, Structure(order=order, mu=1.0))[0, 0] + 1) * 127.5
        np.testing.assert_allclose(colour, theta1 * 120 + (1 - theta1) * median, atol=1e-9)


def test_each_region_has_its_own_branch() -> None:
    sigmas = (10, 30, 60)
    image = np.concatenate([half_and_half(s, 100.0) for s in sigmas])
    labels = np.repeat(np.arange(3)[:, None], 120, 1)
    colours = (colour_regions(image, labels, Structure(mu=1.0))[:, 0, 0] + 1) * 127.5
    d = np.array(sigmas) / np.sqrt(3)
    np.testing.assert_allclose(colours, 100 - d * [1, 0.5, 0], atol=1e-9)


def test_sigma_on_a_threshold_is_between() -> None:
    image, labels = np.full((1, 2, 3), 100, np.uint8), np.zeros((1, 2), int)
    image[0, 1] = 140  # sigma 20 exactly
    near = [colour_regions(image, labels, Structure(mu=1.0, gamma1=g, gamma2=40.0)) for g in (20.0, 20.001)]
    assert spread(image.reshape(-1, 3).astype(float), labels.ravel())[2][0] == 20.0
    assert all((n == 120).all() for n in near)  # mean and median agree here
    image = np.array([[[100] * 3] * 4 + [[150] * 3]], np.uint8)  # mean 110, median 100, sigma 20
    labels = np.zeros((1, 5), int)
    assert colour_regions(image, labels, Structure(mu=1.0))[0, 0, 0] == 105
    assert colour_regions(image, labels, Structure(mu=1.0, gamma1=20.001))[0, 0, 0] == 100
    assert colour_regions(image, labels, Structure(mu=1.0, gamma1=1.0, gamma2=19.999))[0, 0, 0] == 110


@pytest.mark.parametrize("name", PHOTOS)
def test_unit_thresholds_never_act(name: str) -> None:
    image = photograph(name, 64)
    labels = merge_regions(image, segment(image, Structure()), Structure(regions=30))
    sigma = spread(image.reshape(-1, 3) / 127.5 - 1, labels.ravel())[2]
    assert 0.02 < sigma.max() < 1  # 20 and 40 are far away
    official = Structure(thresholds="unit", order="official", mu=1.0)
    np.testing.assert_array_equal(colour_regions(image, labels, official), colour_regions(image, labels, MEAN))
    acting = colour_regions(image, labels, dataclasses.replace(official, thresholds="byte"))
    assert not np.array_equal(acting, colour_regions(image, labels, MEAN))


def test_a_flat_coloured_region_has_no_sigma() -> None:
    flat = np.tile(np.array([250.0, 10.0, 60.0]), (9, 1))
    assert spread(flat, np.zeros(9, int))[2][0] == pytest.approx(0, abs=1e-12)


# --- power


def test_power_keeps_brightness_and_raises_contrast_and_saturation() -> None:
    image = photograph("astronaut", 64)
    values, labels = image / 127.5 - 1, segment(image, Structure())
    plain = colour_regions(values, labels, Structure(mu=1.0))
    powered = colour_regions(values, labels, Structure(mu=1.2))
    assert powered.mean() == pytest.approx(plain.mean(), abs=1e-9)
    assert powered.std() > 1.05 * plain.std()
    assert -1 <= powered.min() and powered.max() <= 1
    saturation = [color.rgb2hsv((p + 1) / 2)[..., 1].mean() for p in (plain, powered)]
    assert saturation[1] > 1.05 * saturation[0]


def test_power_follows_its_formula() -> None:
    image = np.array([[[51, 102, 153]], [[102, 102, 102]]], np.uint8) / 127.5 - 1  # 0.2 0.4 0.6 and 0.4
    ours = (colour_regions(image, np.array([[0], [1]]), Structure(mu=1.2)) + 1) / 2
    powered = np.array([[0.2, 0.4, 0.6], [0.4, 0.4, 0.4]]) ** 1.2
    np.testing.assert_allclose(ours[:, 0], powered * 0.4 / powered.mean(), atol=1e-12)


def test_the_equation_as_printed_has_no_gain() -> None:
    image = np.full((2, 4, 3), 100, np.uint8)
    image[:, 2:] = 200
    found = colour_regions(image, np.repeat([[0, 0, 1, 1]], 2, 0), Structure(gain="none", mu=1.2))
    wanted = [round(255 * (value / 255) ** 1.2) for value in (100, 200)]
    assert found[0, 0].tolist() == [wanted[0]] * 3 and found[0, 3].tolist() == [wanted[1]] * 3
    with pytest.raises(UserError, match="gain"):
        colour_regions(image, np.zeros((2, 4), int), dataclasses.replace(Structure(), gain="some"))


@pytest.mark.parametrize("value", [0, 1, 77, 254, 255])
def test_grey_of_one_value_is_unchanged_by_the_power(value: int) -> None:
    image = np.full((4, 5, 3), value, np.uint8)
    np.testing.assert_array_equal(colour_regions(image, np.zeros((4, 5), int), Structure(mu=1.2)), image)


def test_black_and_white_stay() -> None:
    image = np.array([[[0, 0, 0]], [[128, 128, 128]], [[255, 255, 255]]], np.uint8)
    ours = colour_regions(image, np.arange(3)[:, None], Structure(mu=1.2))
    assert ours[0].max() == 0 and ours[2].min() == 255


# --- a batch by scatter


@pytest.mark.parametrize("reading", READINGS)
def test_colours_by_scatter_are_those_of_the_loop(reading: str) -> None:
    options = READINGS[reading]
    pixels = np.stack([photograph("astronaut", 40), photograph("coffee", 40), np.full((40, 40, 3), 200, np.uint8)])
    x = 1.1 * images.to_tensor(pixels) + torch.rand(3, 3, 40, 40, generator=torch.Generator().manual_seed(0)) / 100
    labels = [merge_regions(p, segment(p, options), options) for p in pixels]
    loop = [colour_regions(i.permute(1, 2, 0).double().numpy(), own, options) for i, own in zip(x, labels, strict=True)]
    ours = colour_batch(x.double(), torch.from_numpy(np.stack(labels)), options)
    np.testing.assert_allclose(ours.permute(0, 2, 3, 1), loop, atol=1e-9)
    assert colour_batch(x.half(), torch.from_numpy(np.stack(labels)), options).dtype == torch.float16
