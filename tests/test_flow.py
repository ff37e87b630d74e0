"""Flow-based abstraction: against slow references written from the equations, and on images with known answers."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage.color import rgb2lab
from torch import Tensor

from wbclib import images
from wbclib.bench.reference import flow as reference
from wbclib.corpora import bundled
from wbclib.files import UserError
from wbclib.options import Flow
from wbclib.represent import flow

SMALL = Flow(radius=4, iterations=2, sigma_m=1.5, drawings=2, sigma_e=1.5, sigma_g=1.0, smoothings=2)


def photograph(height: int, width: int) -> Tensor:
    """A crop of a bundled photograph, float64, so that nothing rounds to another pixel than the reference's."""
    picture = images.resize(bundled.photographs().image(0)[40:200, 130:310], (height, width))
    return images.to_tensor(picture[None]).double()


def grey(plane: np.ndarray) -> Tensor:
    """A grey image of a plane in [-1, 1]."""
    return torch.from_numpy(np.repeat(plane[None, None], 3, 1))


@pytest.mark.parametrize(("separable", "size"), [(False, (19, 26)), (True, (19, 26)), (False, (5, 70))])
def test_the_field_is_the_papers(separable: bool, size: tuple[int, int]) -> None:
    x, options = photograph(*size), replace(SMALL, separable=separable)
    found = flow.tangents(x, options)[0].numpy()
    expected = reference.tangents(reference.luma(x[0].numpy()), options)
    same = np.sign((found * expected).sum(0))  # a tangent and its opposite mean the same
    np.testing.assert_allclose(found * same, expected, atol=1e-4)
    assert np.hypot(*found) == pytest.approx(1, abs=1e-9)


def test_response_lines_and_smoothing_are_the_papers() -> None:
    x = photograph(19, 26)
    field = flow.tangents(x, SMALL)
    plane, tangents = reference.luma(x[0].numpy()), field[0].numpy()
    response = reference.response(plane, tangents, SMALL)
    np.testing.assert_allclose(flow.line_response(x, field, SMALL)[0, 0].numpy(), response, atol=1e-4)
    drawn = flow.lines(x, field, SMALL)[0, 0].numpy()
    np.testing.assert_array_equal(drawn, reference.lines(plane, tangents, SMALL))
    assert 0.02 < (drawn < 0).mean() < 0.5
    smoothed = flow.smooth(x, field, SMALL)[0].numpy()
    np.testing.assert_allclose(smoothed, reference.smooth(x[0].numpy(), tangents, SMALL), atol=1e-4)


@pytest.mark.parametrize(("kind", "tolerance"), [(torch.float64, 1e-4), (torch.float32, 1e-2)])
def test_curves_end_and_turn_as_in_the_reference(kind: torch.dtype, tolerance: float) -> None:
    """Along empty pixels, along axes in both directions (their scalar products are 0, of either sign), and anyhow."""
    rng, x = np.random.default_rng(0), photograph(19, 40).to(kind)
    angle = rng.uniform(0, 2 * np.pi, (19, 40))
    along = [(one, zero) for one in (1.0, -1.0) for zero in (0.0, -0.0)]
    axes = np.array([*along, *(pair[::-1] for pair in along), (0.0, 0.0)])[rng.integers(0, 9, (19, 40))]
    field = np.where(rng.random((19, 40)) < 0.7, axes.transpose(2, 0, 1), [np.cos(angle), np.sin(angle)])
    given, plane = torch.from_numpy(field)[None].to(kind), reference.luma(x[0].double().numpy())
    pairs = [
        (flow.line_response(x, given, SMALL)[0, 0], reference.response(plane, field, SMALL)),
        (127.5 * flow.smooth(x, given, SMALL)[0], 127.5 * reference.smooth(x[0].double().numpy(), field, SMALL)),
    ]
    for found, expected in pairs:
        off = np.abs(found.numpy() - expected) > tolerance
        assert not off.any() if kind == torch.float64 else off.mean() < 0.01  # rounding may choose another pixel


def test_far_to_the_right_lines_are_those_on_the_left() -> None:
    """Single precision holds places of a picture 4000 pixels wide to 1/4096."""
    x = photograph(24, 64).float().repeat(1, 1, 1, 64)
    response = flow.line_response(x, flow.tangents(x, Flow()), Flow())[0, 0]
    left, right = response[:, 64:128], response[:, 62 * 64 : 63 * 64]
    assert ((left - right).abs() > 0.05).float().mean() < 0.02


def test_the_sum_is_that_of_the_reference() -> None:
    x = photograph(19, 26)
    options = replace(SMALL, sharpness=0.5)  # OpenCV's lightness is off by up to 0.2, which steep steps enlarge
    found, expected = flow.abstraction(x, options)[0].numpy(), reference.abstraction(x[0].numpy(), options)
    np.testing.assert_allclose(found, expected, atol=0.015)


def test_single_precision_differs_in_few_pixels() -> None:
    """Places are rounded to pixels, so that a last digit may choose another one; nothing more than that."""
    x = photograph(120, 160)
    exact, single = flow.abstraction(x, Flow()), flow.abstraction(x.float(), Flow())
    assert single.dtype == torch.float32
    assert ((exact - single).abs().amax(1) > 1e-3).double().mean() < 0.01


def test_around_a_centre_the_field_goes_in_circles() -> None:
    y, x = np.mgrid[-40:41, -40:41]
    distance = np.hypot(x, y)
    field = flow.tangents(grey(np.cos(distance / 5)), Flow())[0].numpy()
    away = (distance > 8) & (distance < 34)
    off = np.abs((field * np.stack([x, y]) / np.maximum(distance, 1)).sum(0))[away]  # sine of the angle to the circle
    assert np.degrees(np.arcsin(off)).max() < 1


def test_the_field_grows_into_flat_areas() -> None:
    plane = np.full((40, 40), -0.5)
    plane[:, 20:] = 0.5
    field = flow.tangents(grey(plane), Flow(radius=5, iterations=3))[0].numpy()
    covered = np.flatnonzero(np.abs(field[1, 20]) > 0.999)  # straight up and down, like the edge
    assert covered.min() == 19 - 3 * 4 and covered.max() == 20 + 3 * 4
    assert not field[:, :, 0].any()


@pytest.mark.parametrize("angle", [0, 30, 90])
def test_a_step_edge_is_one_connected_line_on_its_dark_side(angle: float) -> None:
    y, x = np.mgrid[-32:33, -32:33]
    side = x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle))
    image = grey(np.clip(side, -0.5, 0.5))
    drawn = flow.lines(image, flow.tangents(image, Flow()), Flow())[0, 0].numpy() < 0
    _, parts = ndimage.label(drawn, np.ones((3, 3)))
    assert parts == 1
    across = [side[drawn].min(), side[drawn].max()]
    assert -5 < across[0] and across[1] < 0.5
    for row in range(-20, 21):  # it runs from end to end, without a gap
        band = np.abs(x * -np.sin(np.radians(angle)) + y * np.cos(np.radians(angle)) - row) < 0.75
        assert (drawn & band).any()


def test_a_step_stays_sharper_than_with_a_bilateral_filter_of_equal_smoothing() -> None:
    noise = np.random.default_rng(0).normal(0, 0.06, (96, 96))
    clean = np.where(np.mgrid[:96, :96][1] < 48, -0.3, 0.3)
    clean = ndimage.gaussian_filter(clean, 1.0)
    plane = clean + noise
    ours = flow.smooth(grey(plane), flow.tangents(grey(plane), Flow()), Flow(r_e=50, r_g=40))[0, 0].numpy()
    wanted = ours[8:-8, 8:36].std()

    def bilateral(sigma: float) -> np.ndarray:
        return cv2.bilateralFilter(plane.astype(np.float32), 25, 40 / 127.5, sigma)

    low, high = 0.3, 12.0
    for _ in range(30):  # the spatial sigma at which the flat part is as smooth
        middle = (low * high) ** 0.5
        low, high = (low, middle) if bilateral(middle)[8:-8, 8:36].std() < wanted else (middle, high)
    theirs = bilateral(high)
    assert theirs[8:-8, 8:36].std() == pytest.approx(wanted, rel=0.05)
    slope = [np.abs(np.diff(picture[8:-8].mean(0))).max() for picture in (ours, theirs)]
    assert slope[0] > slope[1]


def test_quantised_lightness_lies_on_the_papers_curve() -> None:
    options = Flow(bins=8, sharpness=0.5)
    x = grey(np.linspace(-1, 1, 256)[None].repeat(4, 0)).float()
    before, after = (rgb2lab(v[0].permute(1, 2, 0).numpy() / 2 + 0.5)[..., 0] for v in (x, flow.quantise(x, options)))
    nearest = np.round(before / 12.5) * 12.5
    np.testing.assert_allclose(after, nearest + 6.25 * np.tanh(0.5 * (before - nearest)), atol=0.6)
    steep = rgb2lab(images.to_uint8(flow.quantise(x, replace(options, sharpness=100)))[0] / 255.0)[..., 0]
    levels = np.unique(steep.round(0))
    assert np.abs(levels[:, None] - [0, *(6.25 + 12.5 * np.arange(8)), 100]).min(1).max() < 1  # centres, black, white


def test_quantising_keeps_the_hue() -> None:
    x = photograph(60, 80).float()
    before, after = (rgb2lab(v[0].permute(1, 2, 0).numpy() / 2 + 0.5) for v in (x, flow.quantise(x, Flow())))
    inside = (np.abs(flow.quantise(x, Flow())[0].numpy()) < 0.999).all(0)
    assert np.abs(before - after)[inside][:, 1:].max() < 0.5


def test_the_abstraction_is_flatter_and_has_black_lines() -> None:
    x = photograph(160, 180).float()
    found = flow.abstraction(x, Flow())
    assert found.shape == x.shape and found.abs().max() <= 1
    black = (found == -1).all(1)
    field = flow.tangents(x, Flow())
    assert torch.equal(black[0] | (flow.lines(x, field, Flow())[0, 0] < 0), black[0])
    texture = [np.median(np.abs(np.diff(v[0].numpy(), axis=2))) for v in (x, flow.smooth(x, field, Flow()))]
    assert texture[1] < 0.5 * texture[0]


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 2), (33, 17)])
def test_any_size_and_batch_works(size: tuple[int, int]) -> None:
    x = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    found = flow.abstraction(x, Flow())
    assert found.shape == x.shape and torch.isfinite(found).all()
    torch.testing.assert_close(flow.abstraction(x[1:], Flow()), found[1:])


def test_a_flat_image_has_no_lines_and_no_flow() -> None:
    x = torch.full((1, 3, 20, 20), 0.25)
    field = flow.tangents(x, Flow())
    assert not field.any() and (flow.lines(x, field, Flow()) == 1).all()
    torch.testing.assert_close(flow.smooth(x, field, Flow()), x)


def test_bad_input_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="expected real numbers"):
        flow.tangents(torch.zeros(1, 1, 8, 8), Flow())
    with pytest.raises(ValueError, match="not finite"):
        flow.abstraction(torch.full((1, 3, 8, 8), float("nan")), Flow())
    with pytest.raises(ValueError, match="expected a flow"):
        flow.lines(torch.zeros(1, 3, 8, 8), torch.zeros(1, 2, 8, 9), Flow())
    with pytest.raises(ValueError, match="longer than 1"):
        flow.smooth(torch.zeros(1, 3, 8, 8), torch.ones(1, 2, 8, 8), Flow())


@pytest.mark.parametrize("name", ["radius", "drawings", "bins", "sigma_c", "r_e", "r_g"])
def test_options_that_would_divide_by_nothing_are_refused(name: str) -> None:
    with pytest.raises(UserError, match=rf"flow\.{name}: 0 must be above 0"):
        Flow(**{name: 0})


def test_a_weight_of_magnitudes_too_steep_for_single_precision_is_refused() -> None:
    with pytest.raises(UserError, match=r"flow\.eta: 41 must lie between 0 and 40"):
        Flow(eta=41)


def test_a_steep_weight_of_magnitudes_stays_finite() -> None:
    field = flow.tangents(photograph(40, 40).float(), Flow(eta=40))
    assert torch.isfinite(field).all() and (field.norm(dim=1) > 0.99).float().mean() > 0.5
