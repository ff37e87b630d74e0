"""Measures of one image on toy images whose answer is known, and bootstrap intervals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats
from skimage.color import lab2rgb

from wbclib.measure import content, intervals


def grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(values.astype(np.uint8)[..., None], 3, axis=-1)


def ramp(slope: int, size: int = 32) -> np.ndarray:
    return grey(np.tile(np.arange(size) * slope, (size, 1)))


def step(height: int, size: int = 40, at: int = 20) -> np.ndarray:
    return grey(np.tile(np.where(np.arange(size) < at, 50, 50 + height), (size, 1)))


def test_gradient_of_a_ramp_is_its_slope() -> None:
    inside = content.gradient(ramp(3))[:, 1:-1]
    np.testing.assert_allclose(inside, 3, atol=1e-9)
    turned = content.gradient(np.rot90(ramp(5)))[1:-1]
    np.testing.assert_allclose(turned, 5, atol=1e-9)


def test_gradient_inside_regions_ignores_the_borders() -> None:
    image = step(100)
    regions = np.tile(np.arange(40) // 20, (40, 1))
    assert content.gradient_inside_regions(image, regions) == pytest.approx(0, abs=1e-9)
    assert content.gradient_inside_regions(image, np.zeros((40, 40), int)) == pytest.approx(2 * 50 / 40)
    assert content.gradient_inside_regions(ramp(2), np.zeros((32, 32), int)) == pytest.approx(2 * 31 / 32)
    assert content.gradient_inside_regions(image, np.arange(1600).reshape(40, 40)) == 0  # every pixel a region
    with pytest.raises(ValueError, match="size"):
        content.gradient_inside_regions(image, regions[:20])


def test_own_segments_find_the_two_halves() -> None:
    labels = content.segments(step(150))
    assert len(np.unique(labels)) == 2
    assert content.gradient_inside_regions(step(150)) < 0.2


def test_interior_is_where_the_neighbourhood_agrees() -> None:
    labels = np.zeros((5, 5), np.int32)
    labels[:, 3:] = 1
    assert content.interior(labels).tolist() == [[True, True, False, False, True]] * 5


def test_number_of_colours_counts_what_covers_the_image() -> None:
    image = np.zeros((10, 10, 3), np.uint8)
    assert content.number_of_colours(image) == 1
    image[:5] = (200, 10, 10)
    image[0, :4] = (10, 200, 10)  # 4 % of the pixels
    assert content.number_of_colours(image) == 2
    assert content.number_of_colours(image, coverage=1.0) == 3
    image[1, :4] = (10, 10, 200)
    assert content.number_of_colours(image) == 3  # the two halves hold 92 %
    assert content.number_of_colours(ramp(1), levels=16, coverage=1.0) == 2
    assert content.number_of_colours(ramp(8), levels=16, coverage=1.0) == 16


def test_edge_strength_is_half_the_step_where_the_edge_is() -> None:
    assert content.edge_strength(step(100)) == pytest.approx(50)  # two of forty columns: 5 % of the pixels
    assert content.edge_strength(step(20)) == pytest.approx(10)
    assert content.edge_strength(step(0)) == 0


def test_line_density_is_the_share_of_edge_pixels() -> None:
    """One step is a line one pixel wide, whatever its height above Canny's threshold; a faint one is none."""
    assert content.line_density(step(100)) == pytest.approx(1 / 40)
    assert content.line_density(step(200)) == pytest.approx(1 / 40)
    assert content.line_density(step(20)) == 0


def test_high_frequency_energy_separates_coarse_from_fine() -> None:
    size, amplitude = 64, 40.0
    x = (np.arange(size) + 0.5) * np.pi / size

    def wave(k: int) -> np.ndarray:  # a cosine of k / (2 * size) cycles per pixel, exact in the cosine transform
        return grey(np.rint(128 + amplitude * np.cos(k * x))[None].repeat(size, 0))

    assert content.high_frequency_energy(wave(8)) < 0.5
    assert content.high_frequency_energy(wave(48)) == pytest.approx(amplitude / np.sqrt(2), rel=0.01)
    assert content.high_frequency_energy(wave(48), cutoff=0.4) < 0.5
    assert content.high_frequency_energy(step(0)) == pytest.approx(0, abs=1e-9)


def test_colour_shift_is_ciede2000() -> None:
    """Two neighbouring greys differ by CIEDE2000's lightness term alone: dL / (1 + 0.015 (L-50)^2 / sqrt(20 + ...))."""
    lab = np.zeros((4, 4, 3))
    lab[..., 0] = 50
    a = np.rint(lab2rgb(lab) * 255).astype(np.uint8)
    b = a + 12
    light_a, light_b = (116 * np.cbrt(((v[0, 0, 0] / 255 + 0.055) / 1.055) ** 2.4) - 16 for v in (a, b))
    mid = ((light_a + light_b) / 2 - 50) ** 2
    wanted = (light_b - light_a) / (1 + 0.015 * mid / np.sqrt(20 + mid))
    assert content.colour_shift(a, b) == pytest.approx(wanted, rel=1e-3)
    assert content.colour_shift(a, a) == 0


def test_edge_agreement_is_a_correlation() -> None:
    image = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    assert content.edge_agreement(image, image) == pytest.approx(1)
    assert content.edge_agreement(image, 255 - image) == pytest.approx(1)  # edges have no sign
    crossed, apart = np.rot90(step(100)).copy(), step(100, at=10)
    assert content.edge_agreement(step(100), crossed) == pytest.approx(0, abs=1e-9)  # independent
    assert content.edge_agreement(step(100), apart) == pytest.approx(-0.05 / 0.95)  # 5 % of the pixels, never the same
    assert content.edge_agreement(image, step(0, 24)) == 0
    with pytest.raises(ValueError, match="one size"):
        content.edge_agreement(image, step(0, 25))


def test_describe_is_a_row_an_image() -> None:
    photos = [np.random.default_rng(i).integers(0, 256, (32, 32, 3), dtype=np.uint8) for i in range(2)]
    cartoons = [np.full_like(photo, photo.mean((0, 1)).astype(np.uint8)) for photo in photos]
    alone = content.describe(photos, names=["a", "b"])
    assert alone.index.tolist() == ["a", "b"]
    assert "colour_shift" not in alone
    table = content.describe(cartoons, photos)
    assert table.shape == (2, 7)
    assert (table["number_of_colours"] == 1).all()
    assert (table["gradient_inside_regions"] == 0).all()
    assert (alone["gradient_inside_regions"] > 5).all()
    assert (table["colour_shift"] > 10).all()
    assert np.isfinite(table.to_numpy()).all()
    with pytest.raises(ValueError, match="2 images and 1"):
        content.describe(cartoons, photos[:1])
    with pytest.raises(ValueError, match="uint8"):
        content.describe([photos[0] / 255])


def test_mean_interval_agrees_with_scipy() -> None:
    values = np.random.default_rng(0).exponential(size=60)
    mean, low, high = intervals.mean_interval(values, seed=1)
    theirs = scipy_stats.bootstrap((values,), np.mean, confidence_level=0.9, method="percentile", rng=2)
    assert mean == values.mean()
    assert (low, high) == pytest.approx(tuple(theirs.confidence_interval), rel=0.02)
    assert intervals.mean_interval(values, seed=1) == (mean, low, high)
    wide = intervals.mean_interval(values, level=0.99, seed=1)
    assert wide[1] < low < high < wide[2]


def test_mean_interval_at_its_edges() -> None:
    assert intervals.mean_interval([3.0, 3.0, 3.0]) == (3, 3, 3)
    mean, low, high = intervals.mean_interval([2.0])
    assert mean == 2
    assert np.isnan(low) and np.isnan(high)
    for bad, message in (([], "at least one"), ([[1.0]], "shape"), ([1.0, float("nan")], "NaN")):
        with pytest.raises(ValueError, match=message):
            intervals.mean_interval(np.array(bad))


def test_a_photograph_that_was_changed_in_place_is_another_one() -> None:
    """What is kept of a photograph goes by its pixels."""
    photo, output = step(150).copy(), step(60)
    content.describe([output], [photo])
    photo[:] = step(20)
    again = content.describe([output], [photo]).iloc[0]
    fresh = content.describe([output], [step(20)]).iloc[0]
    assert again.equals(fresh) and again["colour_shift"] != content.colour_shift(step(150), output)
    assert again["gradient_inside_regions"] == content.gradient_inside_regions(output, content.segments(step(20)))
