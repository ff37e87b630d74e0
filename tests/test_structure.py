"""The whole structure representation: its steps together, images in threads, types, presets, what it refuses."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from skimage import color, segmentation
from toy_images import MEAN, PHOTOS, READINGS, four_colours, noise, photograph

from wbclib import images
from wbclib.files import UserError
from wbclib.options import Structure, run_config
from wbclib.presets import PRESETS
from wbclib.represent import colour_regions, merge_regions, segment, structure
from wbclib.represent.structure import begin


def tensor(*pictures: np.ndarray) -> torch.Tensor:
    return images.to_tensor(np.stack(pictures))


def stripes(height: int = 16, width: int = 16) -> np.ndarray:
    image = np.zeros((height, width, 3), np.uint8)
    image[:, ::2] = 255
    return image


def test_structure_is_its_three_steps() -> None:
    pictures, options = [photograph(name) for name in PHOTOS], Structure(regions=20)
    whole = structure(tensor(*pictures), options)
    assert whole.shape == (4, 3, 48, 48) and whole.dtype == torch.float32
    for picture, ours in zip(pictures, whole, strict=True):
        labels = merge_regions(picture, segment(picture, options), options)
        assert labels.max() + 1 == 20
        np.testing.assert_allclose(images.to_uint8(ours), colour_regions(picture, labels, options), atol=1)
        assert len(np.unique(ours.reshape(3, -1).numpy(), axis=1).T) <= 20
    assert torch.equal(structure(tensor(*pictures), options), whole)


def test_four_colours_are_their_own_structure() -> None:
    image, _ = four_colours()
    x = tensor(image)
    options = Structure(sigma=0.0, mu=1.0)
    torch.testing.assert_close(structure(x, options), x, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", PHOTOS)
def test_structure_of_a_structure_image_is_close_to_it(name: str) -> None:
    x = tensor(photograph(name, 64))
    for options, most in ((MEAN, 0.25), (Structure(mu=1.0), 0.25), (Structure(), 0.5)):
        once = structure(x, options)
        again = structure(once, options)
        assert float((again - once).abs().mean()) < most * float((once - x).abs().mean()) + 0.03


def test_no_gradient_flows() -> None:
    x = tensor(photograph()).requires_grad_(True)
    target = structure(x, Structure())
    assert not target.requires_grad and target.grad_fn is None
    (gradient,) = torch.autograd.grad((x - target).square().sum(), x)
    torch.testing.assert_close(gradient, 2 * (x - target).detach())  # the target is a constant
    with torch.no_grad():
        before = target.clone()
        x.zero_()
    assert torch.equal(target, before)  # and shares no memory


def test_types_and_values_out_of_range() -> None:
    x = tensor(photograph())
    for dtype in (torch.bfloat16, torch.float64):
        assert structure(x.to(dtype), MEAN).dtype == dtype
    loud = structure(3 * x, MEAN)
    torch.testing.assert_close(loud, structure((3 * x).clamp(-1, 1), MEAN))


@pytest.mark.parametrize("segmenter", ["felzenszwalb", "slic"])
@pytest.mark.parametrize(
    "image",
    [noise(1, 1), noise(1, 9), noise(7, 1), noise(2, 2), np.full((9, 9, 3), 130, np.uint8), stripes(), noise(16, 16)],
    ids=["1x1", "1x9", "7x1", "2x2", "constant", "stripes", "noise"],
)
@pytest.mark.parametrize(
    "options", [*READINGS.values(), Structure(merging="none")], ids=lambda o: f"{o.segmenter}-{o.merging}-{o.sizes}"
)
def test_odd_images_do_not_crash(image: np.ndarray, segmenter: str, options: Structure) -> None:
    out = structure(tensor(image), dataclasses.replace(options, segmenter=segmenter))
    assert out.shape == (1, 3, *image.shape[:2]) and bool(out.isfinite().all())
    if image.shape[0] == 9:
        torch.testing.assert_close(out, tensor(image), atol=1e-6, rtol=0)


def test_presets_differ_where_the_table_says() -> None:
    official = run_config({"preset": "official"}).structure
    assert (official.segmenter, official.merging, official.colouring) == ("slic", "none", "mean")
    assert set(PRESETS["official"]["structure"]) == {
        *("segmenter", "merging", "sizes", "colouring", "thresholds", "order")
    }
    image = photograph(side=64)
    theirs = segmentation.slic(image, 200, compactness=10.0)
    expected = color.label2rgb(theirs, image.astype(float), kind="avg", bg_label=0)
    np.testing.assert_allclose(images.to_uint8(structure(tensor(image), official))[0], expected, atol=0.51)


# --- begun and fetched


def test_structure_may_be_begun_first_and_fetched_later() -> None:
    x = images.to_tensor(np.stack([photograph("astronaut", 40), photograph("coffee", 40), photograph("chelsea", 40)]))
    together = begin(x, Structure())
    alone = [structure(image[None], Structure()) for image in x]
    assert torch.equal(together.result(), torch.cat(alone)) and together.waited >= 0


def test_what_goes_wrong_in_a_thread_is_raised() -> None:
    pending = begin(torch.zeros(2, 3, 8, 8), Structure(mu=-1.0))
    with pytest.raises(UserError, match="mu"):
        pending.result()


# --- bad input


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Structure(segmenter="mine"), "segmenter"),
        (Structure(scale=-1.0), "scale"),
        (Structure(segmenter="slic", segments=0), "segments"),
        (Structure(merging="all"), "merging"),
        (Structure(sizes="second"), "sizes"),
        (Structure(regions=0), "regions"),
        (Structure(colouring="loud"), "colouring"),
        (Structure(thresholds="bits"), "thresholds"),
        (Structure(order="mine"), "order"),
        (Structure(gamma1=50.0), "gamma1"),
        (Structure(mu=0.0), "mu"),
    ],
)
def test_bad_options_are_named(options: Structure, said: str) -> None:
    with pytest.raises(UserError, match=said):
        structure(tensor(photograph(side=8)), options)


@pytest.mark.parametrize("x", [torch.zeros(3, 4, 4), torch.zeros(1, 1, 4, 4), torch.zeros(1, 3, 4, 4).int()])
def test_bad_tensors_are_refused(x: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"\(N, 3, H, W\)"):
        structure(x, Structure())


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        structure(torch.full((1, 3, 4, 4), float("nan")), Structure())
