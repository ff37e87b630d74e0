"""The structure representation against scikit-image, SciPy, toy images and the slow reference in plain Python."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
import reference_structure as reference
import torch
from scipy import ndimage
from skimage import color, data, segmentation

from wbclib import images
from wbclib.corpora import bundled, toon
from wbclib.files import UserError
from wbclib.options import PRESETS, Structure, build, run_config
from wbclib.represent import colour_regions, merge_regions, segment, structure
from wbclib.represent.colouring import medians, spread
from wbclib.represent.merging import adjacent
from wbclib.represent.scatter import colour_batch
from wbclib.represent.segments import contiguous
from wbclib.represent.structure import begin

MEAN = Structure(colouring="mean")
PHOTOS = ("astronaut", "coffee", "chelsea", "rocket")


def photograph(name: str = "astronaut", side: int = 48) -> np.ndarray:
    return images.square(getattr(data, name)(), side)


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def four_colours(cell: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Four squares of plain colours, and which square each pixel belongs to."""
    squares = np.repeat(np.repeat(np.array([[0, 1], [2, 3]]), cell, 0), cell, 1)
    colours = np.array([[220, 40, 40], [40, 200, 60], [40, 60, 210], [240, 230, 60]], np.uint8)
    return colours[squares], squares


def stripes(height: int = 16, width: int = 16) -> np.ndarray:
    image = np.zeros((height, width, 3), np.uint8)
    image[:, ::2] = 255
    return image


def same_partition(a: np.ndarray, b: np.ndarray) -> bool:
    pairs = len(np.unique(np.stack((a.ravel(), b.ravel())), axis=1).T)
    return pairs == len(np.unique(a)) == len(np.unique(b))


# --- segments


@pytest.mark.parametrize("name", PHOTOS)
def test_segments_are_those_of_scikit_image(name: str) -> None:
    image = photograph(name)
    options = Structure(scale=3.0, sigma=0.5, min_size=7)
    theirs = segmentation.felzenszwalb(image, scale=3.0, sigma=0.5, min_size=7)
    assert same_partition(segment(image, options), theirs)
    theirs = segmentation.slic(image, 60, compactness=8.0)
    assert same_partition(segment(image, Structure(segmenter="slic", segments=60, compactness=8.0)), theirs)


@pytest.mark.parametrize("name", PHOTOS)
def test_scale_belongs_to_the_0_255_image(name: str) -> None:
    image = photograph(name, 64)
    ours = segment(image, Structure(scale=200.0))
    assert same_partition(ours, segmentation.felzenszwalb(image / 255, scale=200.0, sigma=0.8, min_size=10))
    # On [-1, 1] data every difference is twice as large, so twice the scale gives the same regions.
    assert same_partition(ours, segmentation.felzenszwalb(image / 127.5 - 1, scale=400.0, sigma=0.8, min_size=10))
    same_scale = segmentation.felzenszwalb(image / 127.5 - 1, scale=200.0, sigma=0.8, min_size=10)
    assert same_scale.max() > 1.3 * ours.max()


@pytest.mark.parametrize("segmenter", ["felzenszwalb", "slic"])
def test_four_colours_give_four_segments(segmenter: str) -> None:
    image, squares = four_colours()
    labels = segment(image, Structure(segmenter=segmenter, segments=4, sigma=0.0))
    assert labels.dtype == np.int32 and same_partition(labels, squares)


def test_labels_are_renumbered_without_gaps() -> None:
    np.testing.assert_array_equal(contiguous(np.array([[7, 3], [3, 9]])), [[1, 0], [0, 2]])


# --- segments and merging: the reference

SWITCHED = {"merging": "pairs", "sizes": "first", "thresholds": "unit", "order": "official"}
READINGS = {
    "paper": Structure(regions=25),
    "official selective search": Structure(regions=40, **SWITCHED),
    "official default": dataclasses.replace(build(Structure, PRESETS["official"]["structure"], ""), segments=40),
}


def stripes_of(kind: str, side: int) -> np.ndarray:
    y, x = np.mgrid[:side, :side]
    on = {"across": y, "along": x, "checks": x + y, "steps": x // 3 + y // 5}[kind] % 2
    return np.where(on[..., None] == 1, (250, 240, 30), (20, 30, 90)).astype(np.uint8)


def ramp(side: int, channel: int) -> np.ndarray:
    image = np.full((side, side + 7, 3), 70, np.uint8)
    image[..., channel] = np.linspace(0, 255, side + 7)
    return image


def compared() -> dict[str, np.ndarray]:
    """Photographs at three sizes, drawn cartoons, noise, one colour, stripes of one pixel, ramps."""
    photographs, found = bundled.photographs(), {}
    for i, side in itertools.product(range(len(photographs)), (24, 40, 56)):
        found[f"photograph {i} {side}"] = images.square(photographs.image(i), side)
    found |= {f"cartoon {seed}": toon.draw(seed, 40) for seed in range(20)}
    found |= {f"noise {h}x{w}": noise(h, w, h) for h, w in ((1, 40), (40, 1), (17, 24), (32, 32), (24, 40))}
    found |= {f"constant {value}": np.full((20, 26, 3), value, np.uint8) for value in (0, 1, 128, 255)}
    for kind, side in itertools.product(("across", "along", "checks", "steps"), (15, 28)):
        found[f"{kind} {side}"] = stripes_of(kind, side)
    return found | {f"ramp {channel}": ramp(30, channel) for channel in range(3)}


IMAGES = compared()


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("name", IMAGES)
def test_partition_and_colours_are_those_of_the_reference(name: str, reading: str) -> None:
    image, options = IMAGES[name], READINGS[reading]
    start = segment(image, options)
    if options.segmenter == "felzenszwalb":
        wanted = reference.felzenszwalb(image, options.scale, options.sigma, options.min_size)
        np.testing.assert_array_equal(start, wanted)
    labels = merge_regions(image, start, options)
    np.testing.assert_array_equal(labels, reference.partition(image, options))
    painted = colour_regions(image / 127.5 - 1, labels, options)
    np.testing.assert_allclose((painted + 1) * 127.5, reference.fill(image, labels, options), atol=1e-9)


def test_enough_images_are_compared_and_most_of_them_have_something_to_merge() -> None:
    assert len(IMAGES) >= 60
    counts = [int(segment(image, Structure()).max()) + 1 for image in IMAGES.values()]
    assert sum(count > READINGS["paper"].regions for count in counts) > 0.6 * len(IMAGES)


@pytest.mark.parametrize("name", ["chelsea", "rocket"])
def test_presets_as_they_are_equal_the_reference(name: str) -> None:
    image = photograph(name, 128)
    for options in (Structure(), Structure(**SWITCHED), Structure(scale=10.0, min_size=25, **SWITCHED)):
        labels = merge_regions(image, segment(image, options), options)
        np.testing.assert_array_equal(labels, reference.partition(image, options))


@pytest.mark.parametrize(
    ("scale", "sigma", "min_size"), [(300.0, 0.0, 1), (0.0, 0.5, 5), (1.0, 3.0, 10), (20.0, 0.8, 400)]
)
def test_superpixels_at_the_ends_of_the_options(scale: float, sigma: float, min_size: int) -> None:
    for image in (photograph(side=40), noise(9, 30), stripes_of("checks", 12), noise(1, 1)):
        options = Structure(scale=scale, sigma=sigma, min_size=min_size)
        np.testing.assert_array_equal(segment(image, options), reference.felzenszwalb(image, scale, sigma, min_size))


def test_equal_similarities_are_merged_in_a_fixed_order() -> None:
    # Squares of one colour: every similarity occurs many times.
    labels = np.repeat(np.repeat(np.arange(16).reshape(4, 4), 3, 0), 3, 1).astype(np.int32)
    image = np.full((12, 12, 3), 90, np.uint8)
    for regions in (1, 3, 7, 12):
        options = Structure(regions=regions)
        np.testing.assert_array_equal(merge_regions(image, labels, options), reference.merge(image, labels, options))


# --- merging: properties


@pytest.mark.parametrize("regions", [1, 2, 37, 100])
@pytest.mark.parametrize("name", ["astronaut", "coffee"])
def test_as_many_regions_as_asked_are_left(name: str, regions: int) -> None:
    image = photograph(name, 96)
    start = segment(image, Structure())
    assert start.max() + 1 > 100
    merged = merge_regions(image, start, Structure(regions=regions))
    assert np.array_equal(np.unique(merged), np.arange(regions))
    # A start region is never divided.
    assert len(np.unique(np.stack((start.ravel(), merged.ravel())), axis=1).T) == start.max() + 1


def test_fewer_start_regions_than_asked_stay() -> None:
    image, squares = four_colours()
    np.testing.assert_array_equal(merge_regions(image, squares, Structure(regions=4)), squares)
    np.testing.assert_array_equal(merge_regions(image, squares, Structure(regions=200)), squares)


def test_none_leaves_the_segments() -> None:
    image = photograph()
    start = segment(image, Structure())
    np.testing.assert_array_equal(merge_regions(image, start, Structure(merging="none", regions=1)), start)


def test_pieces_of_one_colour_are_put_together_first() -> None:
    image, squares = four_colours()
    image = (image.astype(int) + np.random.default_rng(0).integers(-4, 5, image.shape)).clip(0, 255).astype(np.uint8)
    y, x = np.mgrid[:24, :24]
    pieces = contiguous(squares * 100 + (y // 6) * 10 + x // 6)
    assert pieces.max() + 1 == 16
    assert same_partition(merge_regions(image, pieces, Structure(regions=4)), squares)


@pytest.mark.parametrize("sizes", ["true", "first"])
def test_pairs_stops_at_the_number_of_neighbour_pairs(sizes: str) -> None:
    image = photograph(side=64)
    start = segment(image, Structure())
    merged = merge_regions(image, start, Structure(merging="pairs", sizes=sizes, regions=150))
    before = merge_regions(image, start, Structure(sizes=sizes, regions=int(merged.max()) + 2))
    assert len(adjacent(start)) > 150
    assert len(adjacent(merged)) <= 150 < len(adjacent(before))  # the merge before the last left too many


def test_pairs_finds_the_official_number_of_regions() -> None:
    # Measured on the official code at 256 x 256: 156 start regions stop at a median of 90 (84 to 100).
    image = images.square(data.chelsea(), 256)
    options = Structure(scale=10.0, min_size=100, merging="pairs", sizes="first", regions=200)
    start = segment(image, options)
    assert 130 <= start.max() + 1 <= 190
    assert 80 <= merge_regions(image, start, options).max() + 1 <= 104


def test_sizes_change_the_partition() -> None:
    image = photograph(side=64)
    start = segment(image, Structure())
    partitions = [merge_regions(image, start, Structure(sizes=sizes, regions=20)) for sizes in ("true", "first")]
    assert not same_partition(*partitions)


def test_neighbours_share_a_side_not_a_corner() -> None:
    assert adjacent(np.array([[0, 1], [2, 3]])).tolist() == [[0, 1], [0, 2], [1, 3], [2, 3]]
    assert adjacent(np.zeros((3, 3), int)).tolist() == []


# --- colours


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


def test_structure_may_be_begun_first_and_fetched_later() -> None:
    x = images.to_tensor(np.stack([photograph("astronaut", 40), photograph("coffee", 40), photograph("chelsea", 40)]))
    together = begin(x, Structure())
    alone = [structure(image[None], Structure()) for image in x]
    assert torch.equal(together.result(), torch.cat(alone)) and together.waited >= 0


def test_what_goes_wrong_in_a_thread_is_raised() -> None:
    pending = begin(torch.zeros(2, 3, 8, 8), Structure(mu=-1.0))
    with pytest.raises(UserError, match="mu"):
        pending.result()


def test_a_flat_coloured_region_has_no_sigma() -> None:
    flat = np.tile(np.array([250.0, 10.0, 60.0]), (9, 1))
    assert spread(flat, np.zeros(9, int))[2][0] == pytest.approx(0, abs=1e-12)


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


@pytest.mark.parametrize("value", [0, 1, 77, 254, 255])
def test_grey_of_one_value_is_unchanged_by_the_power(value: int) -> None:
    image = np.full((4, 5, 3), value, np.uint8)
    np.testing.assert_array_equal(colour_regions(image, np.zeros((4, 5), int), Structure(mu=1.2)), image)


def test_black_and_white_stay() -> None:
    image = np.array([[[0, 0, 0]], [[128, 128, 128]], [[255, 255, 255]]], np.uint8)
    ours = colour_regions(image, np.arange(3)[:, None], Structure(mu=1.2))
    assert ours[0].max() == 0 and ours[2].min() == 255


# --- the whole


def tensor(*pictures: np.ndarray) -> torch.Tensor:
    return images.to_tensor(np.stack(pictures))


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


# --- bad input

LABELS = np.zeros((4, 4), int)
IMAGE = np.zeros((4, 4, 3), np.uint8)


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


@pytest.mark.parametrize("image", [IMAGE.astype(float), IMAGE[..., :2], IMAGE[0], IMAGE[:0]])
def test_segmenting_wants_bytes(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8 image"):
        segment(image, Structure())


@pytest.mark.parametrize(
    "labels", [LABELS[:3], LABELS.astype(float), LABELS - 1, LABELS + 1], ids=["size", "type", "negative", "gap"]
)
def test_labels_must_fit(labels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="label"):
        merge_regions(IMAGE, labels, Structure())
    with pytest.raises(ValueError, match="label"):
        colour_regions(IMAGE, labels, Structure())


@pytest.mark.parametrize("x", [torch.zeros(3, 4, 4), torch.zeros(1, 1, 4, 4), torch.zeros(1, 3, 4, 4).int()])
def test_bad_tensors_are_refused(x: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"\(N, 3, H, W\)"):
        structure(x, Structure())


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        structure(torch.full((1, 3, 4, 4), float("nan")), Structure())
