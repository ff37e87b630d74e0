"""Superpixels and merged regions against scikit-image, toy images and the slow reference in plain Python."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from skimage import segmentation
from toy_images import PHOTOS, READINGS, SWITCHED, four_colours, noise, photograph

from wbclib import images
from wbclib.bench.reference import structure as reference
from wbclib.corpora import bundled, toon
from wbclib.options import Structure
from wbclib.represent import colour_regions, merge_regions, segment
from wbclib.represent.regions import adjacent
from wbclib.represent.segments import contiguous


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
    image = photograph("chelsea", 256)
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


# --- bad input

LABELS = np.zeros((4, 4), int)
IMAGE = np.zeros((4, 4, 3), np.uint8)


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
