"""Batches: a function of (seed, step), real crops, the promised frequencies."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from scipy import stats
from toy_corpora import corpus, noise

from wbclib import images
from wbclib.corpora import loader
from wbclib.corpora.base import Corpus
from wbclib.corpora.edges import edge_smoothed
from wbclib.corpora.loader import Loader, crops, window
from wbclib.files import UserError
from wbclib.options import Edges


def coordinates(height: int = 256, width: int = 256, blue: int = 0) -> np.ndarray:
    """An image that says where each pixel is: red is x, green is y, blue tells images apart."""
    image = np.full((height, width, 3), blue, np.uint8)
    image[..., 0], image[..., 1] = np.arange(width)[None, :], np.arange(height)[:, None]
    return image


@pytest.fixture
def noisy() -> Loader:
    return Loader(corpus(*map(noise, range(5))), corpus(*map(noise, range(10, 13))), size=24, batch=3, seed=7)


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


# --- a function of (seed, step) alone


def test_batch_has_the_promised_form(noisy: Loader) -> None:
    batch = noisy.batch(0)
    assert set(batch) == {"photo", "cartoon"}
    for tensor in batch.values():
        assert tensor.shape == (3, 3, 24, 24) and tensor.dtype == torch.float32
        assert -1 <= tensor.min() < -0.5 and 0.5 < tensor.max() <= 1


def test_kept_crops_are_cut_once_and_drawn_evenly() -> None:
    sources = corpus(*map(noise, range(5))), corpus(*map(noise, range(10, 13)))
    kept = Loader(*sources, size=24, batch=4, seed=7, edges=Edges(), kept=6)
    photos = images.to_tensor(kept.photographs())
    assert len(photos) == 6 and len(torch.unique(photos.flatten(1), dim=0)) == 6
    seen = []
    for step in range(300):
        batch = kept.batch(step)
        assert torch.equal(batch["photo"], photos[batch["index"]])
        seen += batch["index"].tolist()
    assert stats.chisquare(np.bincount(seen, minlength=6)).pvalue > 1e-3
    for picture, smooth in zip(batch["cartoon"], batch["smoothed"], strict=True):
        wanted = edge_smoothed(images.to_uint8(picture[None])[0], Edges())
        np.testing.assert_array_equal(images.to_uint8(smooth[None])[0], wanted)
    again = Loader(*sources, size=24, batch=4, seed=7, edges=Edges(), kept=6)
    assert same(again.batch(299), batch), "a function of (seed, step) alone"
    assert not np.array_equal(Loader(*sources, 24, 4, 8, kept=6).photographs(), kept.photographs())


@pytest.mark.parametrize("workers", [0, 1, 2, 5])
def test_worker_count_changes_nothing(noisy: Loader, workers: int) -> None:
    expected = [noisy.batch(step) for step in range(12)]
    given = list(noisy.prefetch(0, 12, workers))
    assert [step for step, _ in given] == list(range(12))
    assert all(same(batch, expected[step]) for step, batch in given)


@pytest.mark.parametrize("start", [0, 1, 5, 11])
def test_resuming_at_any_step_gives_the_same_batches(noisy: Loader, start: int) -> None:
    whole = dict(noisy.prefetch(0, 12, 2))
    fresh = Loader(corpus(*map(noise, range(5))), corpus(*map(noise, range(10, 13))), size=24, batch=3, seed=7)
    for step, batch in fresh.prefetch(start, 12, 1):
        assert same(batch, whole[step])


def test_steps_seeds_and_kinds_differ() -> None:
    one = corpus(*map(noise, range(5)))
    first, second = (Loader(one, one, size=24, batch=3, seed=seed) for seed in (0, 1))
    batches = [
        *(first.batch(0)[kind] for kind in ("photo", "cartoon")),
        *(first.batch(1)[kind] for kind in ("photo", "cartoon")),
        *(second.batch(0)[kind] for kind in ("photo", "cartoon")),
    ]
    assert not any(torch.equal(a, b) for i, a in enumerate(batches) for b in batches[:i])


def test_random_numbers_are_those_of_every_earlier_record() -> None:
    """Philox 4x64-10 keyed by SeedSequence((3, 5, 1)); computed once and frozen, because records rest on it."""
    drawn = loader.uniforms(3, 5, 1, (2, 2))
    frozen = [0.19027604199516035, 0.32111276058534455, 0.10751952302937984, 0.34512655755071175]
    np.testing.assert_array_equal(drawn.ravel(), frozen)


def test_global_random_state_is_neither_used_nor_changed(noisy: Loader) -> None:
    np.random.seed(0)
    torch.manual_seed(0)
    expected = noisy.batch(3)
    np.random.seed(1)
    torch.manual_seed(1)
    before = (np.random.get_state()[1].tolist(), torch.get_rng_state())  # type: ignore[index,union-attr]
    assert same(noisy.batch(3), expected)
    assert np.random.get_state()[1].tolist() == before[0]  # type: ignore[index,union-attr]
    assert torch.equal(torch.get_rng_state(), before[1])


def test_stopping_early_leaves_no_thread(noisy: Loader) -> None:
    batches = noisy.prefetch(0, 10_000, 2)
    next(batches)
    assert any(thread.name.startswith("loader") for thread in threading.enumerate())
    batches.close()  # type: ignore[attr-defined]
    assert not any(thread.name.startswith("loader") for thread in threading.enumerate())


def test_error_in_a_worker_reaches_the_reader(noisy: Loader) -> None:
    def vanish(index: int) -> np.ndarray:
        raise images.ImageError("a.png", "there is no such file; check the name")

    noisy.sources["cartoon"] = (Corpus("gone", noisy.sources["cartoon"][0].items, vanish), loader.CARTOON)
    with pytest.raises(images.ImageError, match="no such file"):
        list(noisy.prefetch(0, 4, 2))


# --- crops are squares of the image


def decoded(crop: np.ndarray) -> tuple[float, float, float, bool]:
    """Top, left, side and mirroring of a crop of :func:`coordinates`, from its colours alone.

    Pixel j of n shows the mean of the image over [left + j*side/n, left + (j+1)*side/n], which is its centre less 1/2.
    """
    n = crop.shape[0]
    red, green = crop[..., 0].astype(float), crop[..., 1].astype(float)
    across, down = np.polyfit(np.arange(n), red.mean(axis=0), 1), np.polyfit(np.arange(n), green.mean(axis=1), 1)
    assert np.ptp(red, axis=0).max() <= 1 and np.ptp(green, axis=1).max() <= 1  # columns and rows stay straight
    for line, values in ((across, red.mean(axis=0)), (down, green.mean(axis=1))):
        assert np.abs(np.polyval(line, np.arange(n)) - values).max() < 1.01  # evenly spaced
    assert abs(abs(across[0]) - down[0]) * n < 1.5  # as wide as high
    side, mirrored = down[0] * n, across[0] < 0
    left = (across[1] if not mirrored else np.polyval(across, n - 1)) + 0.5 - down[0] / 2
    return down[1] + 0.5 - down[0] / 2, left, side, mirrored


def test_every_crop_is_a_square_inside_the_image() -> None:
    photos, cartoons = corpus(coordinates(200, 256)), corpus(coordinates(256, 180))
    batches = Loader(photos, cartoons, size=32, batch=8, seed=1)
    for step in range(10):
        for kind, (height, width) in (("photo", (200, 256)), ("cartoon", (256, 180))):
            for crop in images.to_uint8(batches.batch(step)[kind]):
                top, left, side, _ = decoded(crop)
                short = min(height, width)
                assert short / 2 - 2 < side < short + 2
                assert -1 < top < height - side + 1.5 and -1 < left < width - side + 1.5


def test_crop_without_scaling_is_cut_out_exactly() -> None:
    image = noise(0, 64, 100)
    batches = Loader(corpus(image), corpus(image), size=64, batch=4, seed=0)
    cuts = [image[:, left : left + 64] for left in range(37)]
    for square in images.to_uint8(batches.batch(0)["photo"]):
        assert any(np.array_equal(square, cut) or np.array_equal(square, cut[:, ::-1]) for cut in cuts)


def test_window_covers_the_whole_range() -> None:
    assert window((100, 300), 10, 0.5, 0.0, 0.0) == (0, 0, 50)
    last = np.nextafter(1.0, 0.0)
    assert window((100, 300), 10, 0.5, last, last) == (50, 250, 50)
    assert window((100, 300), 10, 1.0, last, last) == (0, 200, 100)


def test_crop_is_not_enlarged_where_the_image_allows_it() -> None:
    assert window((100, 300), 80, 0.5, 0.0, 0.0)[2] == 80
    assert window((100, 300), 128, 0.5, 0.0, 0.0) == (0, 0, 100)  # smaller than the crop: its whole shorter side


def test_small_images_are_enlarged() -> None:
    small = np.full((40, 60, 3), 90, np.uint8)
    squares = crops(corpus(small), 2, 64, seed=0)
    assert squares.shape == (2, 64, 64, 3) and (squares == 90).all()


# --- frequencies


@pytest.fixture(scope="module")
def many() -> list[tuple[float, float, float, bool, int]]:
    """(top, left, side, mirrored, image) of 1 200 crops of four coordinate images, read off their pixels."""
    source = corpus(*(coordinates(blue=60 * i) for i in range(4)))
    batches = Loader(source, source, size=16, batch=12, seed=11)
    squares = [square for step in range(100) for square in images.to_uint8(batches.batch(step)["photo"])]
    return [(*decoded(square), int(square[0, 0, 2]) // 60) for square in squares]


def test_half_of_the_crops_are_mirrored(many: list[tuple[float, float, float, bool, int]]) -> None:
    assert stats.binomtest(sum(row[3] for row in many), len(many), 0.5).pvalue > 0.001


def test_images_are_drawn_equally_often(many: list[tuple[float, float, float, bool, int]]) -> None:
    counts = np.bincount([row[4] for row in many], minlength=4)
    assert stats.chisquare(counts).pvalue > 0.001


def test_scale_is_uniform_between_its_limits(many: list[tuple[float, float, float, bool, int]]) -> None:
    shares = [row[2] / 256 for row in many]
    assert stats.kstest(shares, stats.uniform(0.5, 0.5).cdf).pvalue > 0.001


def test_place_is_uniform_and_the_choices_are_independent(many: list[tuple[float, float, float, bool, int]]) -> None:
    free = [(top / (256 - side), left / (256 - side), flip) for top, left, side, flip, _ in many if side < 200]
    for axis in (0, 1):
        assert stats.kstest([row[axis] for row in free], "uniform").pvalue > 0.001
    assert stats.pearsonr([row[0] for row in free], [row[1] for row in free]).pvalue > 0.001
    assert stats.pointbiserialr([row[2] for row in free], [row[1] for row in free]).pvalue > 0.001


def test_smallest_scale_is_the_readers_choice() -> None:
    source = corpus(coordinates())
    batches = Loader(source, source, size=16, batch=40, seed=0, scale_min=0.9)
    assert min(decoded(square)[2] for square in images.to_uint8(batches.batch(0)["photo"])) > 0.9 * 256 - 2


# --- crops for measuring


def test_crops_use_all_images_alike_and_in_turn() -> None:
    flat = corpus(*(np.full((50, 60, 3), 10 * i, np.uint8) for i in range(4)))
    np.testing.assert_array_equal(crops(flat, 10, 8, seed=0)[:, 0, 0, 0], [0, 10, 20, 30, 0, 10, 20, 30, 0, 10])


def test_crops_are_fixed_by_their_seed_and_grow_at_the_end() -> None:
    source = corpus(*map(noise, range(3)))
    few, many_more = crops(source, 5, 16, seed=2), crops(source, 9, 16, seed=2)
    assert few.shape == (5, 16, 16, 3) and few.dtype == np.uint8
    np.testing.assert_array_equal(few, many_more[:5])
    assert not np.array_equal(few, crops(source, 5, 16, seed=3))


def test_crops_are_squares_that_are_not_mirrored() -> None:
    for square in crops(corpus(coordinates(200, 256)), 40, 32, seed=5):
        assert not decoded(square)[3]


# --- wrong arguments


@pytest.mark.parametrize("wrong", [{"size": 0}, {"batch": 0}, {"seed": -1}, {"scale_min": 0.0}, {"scale_min": 1.5}])
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    settings = {"size": 16, "batch": 2, "seed": 0, "scale_min": 0.5, **wrong}
    with pytest.raises(UserError, match="scale_min lies in"):
        Loader(corpus(noise(0)), corpus(noise(1)), **settings)  # type: ignore[arg-type]


def test_empty_corpora_are_refused() -> None:
    with pytest.raises(UserError, match="nothing has no images"):
        Loader(corpus(noise(0)), corpus(name="nothing"), size=16, batch=2, seed=0)
    with pytest.raises(UserError, match="at least one"):
        crops(corpus(name="nothing"), 4, 16, seed=0)
