"""The guided filter against loops, OpenCV, closed forms and numerical gradients."""

from __future__ import annotations

import importlib

import cv2
import numpy as np
import pytest
import torch
from skimage import data

from wbclib import images
from wbclib.options import OutputFilter, Surface
from wbclib.represent import guided_filter, output_filter, sharpen, surface

# The package's attribute `surface` is the function; the module is needed to choose between its two box means.
module = importlib.import_module("wbclib.represent.surface")


def photograph(name: str = "astronaut", side: int = 96) -> torch.Tensor:
    return images.to_tensor(images.square(getattr(data, name)(), side))[None]


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype) * 2 - 1


@pytest.fixture(params=["planes", "running sums"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways: plane by plane on a CPU, and the running sums of a GPU."""
    monkeypatch.setattr(module, "_by_planes", lambda x: request.param == "planes")
    return request.param


def direct(guide: np.ndarray, source: np.ndarray, radius: int, eps: float) -> np.ndarray:
    """He et al. 2013, equations 5, 6 and 8, window by window, O(r²)."""
    height, width = guide.shape

    def window(image: np.ndarray, y: int, x: int) -> np.ndarray:
        return image[max(y - radius, 0) : y + radius + 1, max(x - radius, 0) : x + radius + 1]

    a, b = np.zeros_like(guide), np.zeros_like(guide)
    for y in range(height):
        for x in range(width):
            i, p = window(guide, y, x), window(source, y, x)
            a[y, x] = np.mean((i - i.mean()) * (p - p.mean())) / (i.var() + eps)
            b[y, x] = p.mean() - a[y, x] * i.mean()
    result = np.zeros_like(guide)
    for y in range(height):
        for x in range(width):
            result[y, x] = window(a, y, x).mean() * guide[y, x] + window(b, y, x).mean()
    return result


@pytest.mark.parametrize("radius", [0, 1, 2, 5, 40])
def test_equals_the_direct_computation_borders_included(radius: int, way: str) -> None:
    guide, source = noise(2, 3, 9, 13, seed=1), noise(2, 3, 9, 13, seed=2)
    ours = guided_filter(guide, source, radius, 0.05).numpy()
    itself = guided_filter(guide, guide, radius, 0.05).numpy()
    for n in range(2):
        for c in range(3):
            i, p = guide[n, c].numpy(), source[n, c].numpy()
            np.testing.assert_allclose(ours[n, c], direct(i, p, radius, 0.05), atol=1e-12)
            np.testing.assert_allclose(itself[n, c], direct(i, i, radius, 0.05), atol=1e-12)


def test_one_channel_guides_every_channel() -> None:
    guide, source = noise(2, 1, 8, 7), noise(2, 3, 8, 7, seed=3)
    expected = guided_filter(guide.expand(-1, 3, -1, -1), source, 2, 0.1)
    torch.testing.assert_close(guided_filter(guide, source, 2, 0.1), expected)


@pytest.mark.parametrize("radius", [1, 5, 12])
def test_equals_opencv_away_from_the_borders(radius: int, way: str) -> None:
    # OpenCV reflects the image at its borders. A pixel further than 2r from them meets no border in either box
    # mean; what is left is its single precision.
    guide, source = photograph(), photograph("chelsea")
    ours = guided_filter(guide, source, radius, 0.2)[0].numpy()
    inner = slice(2 * radius, -2 * radius)
    for c in range(3):
        theirs = cv2.ximgproc.guidedFilter(guide[0, c].numpy(), source[0, c].numpy(), radius, 0.2)
        np.testing.assert_allclose(ours[c, inner, inner], theirs[inner, inner], rtol=0, atol=3e-5)
        assert np.abs(ours[c] - theirs).max() > 1e-3  # and the border rule does differ


def test_single_precision_is_close_to_double(way: str) -> None:
    x = photograph(side=128)
    exact = guided_filter(x.double(), x.double(), 1, 5e-3)
    assert float((guided_filter(x, x, 1, 5e-3) - exact).abs().max()) < 2e-5


def test_constant_image_is_unchanged(way: str) -> None:
    x = torch.full((1, 3, 20, 30), -0.37)
    torch.testing.assert_close(surface(x, Surface()), x, atol=1e-6, rtol=0)


def test_huge_eps_gives_the_box_mean_of_the_box_mean(way: str) -> None:
    x = noise(1, 3, 17, 11)
    mean = torch.nn.functional.avg_pool2d(x, 5, 1, 2, count_include_pad=False)
    mean = torch.nn.functional.avg_pool2d(mean, 5, 1, 2, count_include_pad=False)
    torch.testing.assert_close(guided_filter(x, x, 2, 1e12), mean, atol=1e-10, rtol=0)


def test_tiny_eps_gives_the_image_itself() -> None:
    x = noise(1, 3, 17, 11)
    torch.testing.assert_close(guided_filter(x, x, 3, 1e-12), x, atol=1e-9, rtol=0)


def test_radius_zero_gives_the_source() -> None:
    guide, source = noise(1, 3, 6, 6, seed=4), noise(1, 3, 6, 6, seed=5)
    torch.testing.assert_close(guided_filter(guide, source, 0, 0.1), source)


def test_radius_past_the_image_is_one_window(way: str) -> None:
    x = noise(1, 1, 6, 9)
    slope = x.var(correction=0) / (x.var(correction=0) + 0.3)
    expected = slope * x + (1 - slope) * x.mean()
    torch.testing.assert_close(guided_filter(x, x, 1000, 0.3), expected)


def test_keeps_a_step_edge_that_a_box_mean_smears() -> None:
    x = torch.full((1, 1, 20, 20), -0.8)
    x[..., 10:] = 0.8
    x += 0.05 * noise(1, 1, 20, 20, dtype=torch.float32)
    y = guided_filter(x, x, 3, 0.01)
    assert float((y[..., 10] - y[..., 9]).mean()) > 1.5
    assert float(y[..., :7].std()) < 0.4 * float(x[..., :7].std())


@pytest.mark.parametrize("channels", [1, 2])
def test_gradients_of_guide_and_source(channels: int, way: str) -> None:
    guide, source = noise(1, channels, 5, 6).requires_grad_(True), noise(1, 2, 5, 6, seed=1).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda g, s: guided_filter(g, s, 2, 0.1), (guide, source))


def test_gradient_of_an_image_that_guides_itself(way: str) -> None:
    x = noise(2, 2, 6, 4).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda y: surface(y, Surface(radius=1, eps=0.2)), (x,))


def test_can_be_trained_through_after_a_first_use_in_inference_mode() -> None:
    x = noise(1, 3, 8, 8)
    with torch.inference_mode():
        guided_filter(x, x, 2, 0.1)
    x = x.clone().requires_grad_(True)
    guided_filter(x, x, 2, 0.1).square().sum().backward()
    assert x.grad is not None and float(x.grad.abs().max()) > 0


def test_half_precision_is_computed_in_single() -> None:
    photo, output = photograph(), photograph("chelsea").bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        ours = output_filter(photo, output, OutputFilter(), 1e-2)
        both = output_filter(photo, output, OutputFilter(guide="output"), 1e-2)
    assert ours.dtype == torch.float32 and both.dtype == torch.bfloat16
    torch.testing.assert_close(ours, output_filter(photo, output.float(), OutputFilter(), 1e-2))


def test_an_output_that_guides_itself_keeps_its_lines_and_loses_faint_texture() -> None:
    """A line of full contrast on texture of a hundredth of it, both of which the photograph, all grey, lacks."""
    y, x = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    texture = 0.02 * (1 - 2.0 * ((x + y) % 2))
    line = (x == 16).float() * 2
    output = (texture - line).expand(1, 3, 32, 32)
    by_photo, by_itself = (
        output_filter(torch.zeros_like(output), output, OutputFilter(guide, 4, infer_eps=1e-2))
        for guide in ("photo", "output")
    )
    left = {
        name: float(found[..., :8].std() / texture.std()) for name, found in (("photo", by_photo), ("self", by_itself))
    }
    assert left["photo"] < 0.05 and left["self"] < 0.1, left
    depth = {
        name: float((found[..., 12] - found[..., 16]).mean())
        for name, found in (("photo", by_photo), ("self", by_itself))
    }
    assert depth["photo"] < 0.1 and depth["self"] > 1.8, depth


def test_inputs_are_left_alone() -> None:
    guide, source = noise(1, 3, 8, 8), noise(1, 3, 8, 8, seed=1)
    before = guide.clone(), source.clone()
    guided_filter(guide, source, 2, 0.1)
    assert torch.equal(guide, before[0]) and torch.equal(source, before[1])


def test_sharpness_is_linear_from_filtered_to_raw() -> None:
    photo, output, options = photograph(), photograph("coffee"), OutputFilter()
    smooth = guided_filter(photo, output, options.radius, options.infer_eps)
    torch.testing.assert_close(sharpen(photo, output, 0.0, options), smooth)
    torch.testing.assert_close(sharpen(photo, output, 1.0, options), output)
    torch.testing.assert_close(sharpen(photo, output, 0.25, options), 0.75 * smooth + 0.25 * output)
    with pytest.raises(ValueError, match="between 0 and 1"):
        sharpen(photo, output, 1.5, options)


@pytest.mark.parametrize(
    ("guide", "source", "radius", "eps", "said"),
    [
        ((3, 8, 8), (1, 3, 8, 8), 1, 0.1, "guide must be"),
        ((1, 3, 8, 8), (3, 8, 8), 1, 0.1, "source must be"),
        ((1, 3, 8, 8), (1, 3, 8, 9), 1, 0.1, "agree in N, H, W"),
        ((2, 3, 8, 8), (1, 3, 8, 8), 1, 0.1, "agree in N, H, W"),
        ((1, 3, 8, 8), (1, 1, 8, 8), 1, 0.1, "as many as the source"),
        ((1, 3, 8, 8), (1, 3, 8, 8), -1, 0.1, "radius"),
        ((1, 3, 8, 8), (1, 3, 8, 8), 1.5, 0.1, "radius"),
        ((1, 3, 8, 8), (1, 3, 8, 8), 1, 0.0, "eps must be above 0"),
        ((1, 3, 8, 8), (1, 3, 8, 8), 1, float("nan"), "eps must be above 0"),
    ],
)
def test_bad_input_is_named(guide: tuple[int], source: tuple[int], radius: int, eps: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        guided_filter(torch.zeros(guide), torch.zeros(source), radius, eps)


def test_whole_numbers_as_pixels_are_refused() -> None:
    with pytest.raises(ValueError, match="real numbers"):
        guided_filter(torch.zeros((1, 3, 8, 8), dtype=torch.uint8), torch.zeros((1, 3, 8, 8)), 1, 0.1)


@pytest.mark.parametrize("cores", [2, 3, 64])
def test_planes_are_the_same_whatever_the_number_of_cores(cores: int) -> None:
    draw = torch.Generator().manual_seed(4)
    guide, source = (torch.rand(2, 3, 23, 31, generator=draw, requires_grad=True) for _ in range(2))
    before, found = torch.get_num_threads(), []
    for threads in (1, cores):
        torch.set_num_threads(threads)
        try:
            output = guided_filter(guide, source, 3, 0.05)
            found.append((output.detach(), *torch.autograd.grad(output.square().sum(), (guide, source))))
        finally:
            torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))
