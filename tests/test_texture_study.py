"""Random weights against closed forms and SciPy's distributions; what is hidden, on colours one can check by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats as scipy_stats

from wbclib import images
from wbclib.corpora.bundled import photographs
from wbclib.files import UserError
from wbclib.options import Texture
from wbclib.represent.texture import colour_shift, luma
from wbclib.studies.texture import colour_draws
from wbclib.studies.texture import hints as cues

PAPER, OFFICIAL = Texture(), Texture(variant="official")


def pictures(side: int = 32) -> np.ndarray:
    return np.stack([images.square(photographs().image(i), side) for i in range(3)])


def test_draws_are_those_of_the_representation() -> None:
    x = images.to_tensor(pictures()[:1])
    weights = colour_draws.draws(PAPER, 2, seed=5)
    generator = torch.Generator().manual_seed(5)
    for w in weights:
        expected = colour_shift(x, PAPER, generator)[:, 0].numpy()
        np.testing.assert_allclose(colour_draws.shifted(pictures()[:1], w), expected, atol=1e-5)


@pytest.mark.parametrize("options", [PAPER, OFFICIAL, Texture(alpha=0.3)])
def test_exact_moments_against_a_large_sample(options: Texture) -> None:
    u = np.random.default_rng(0).uniform(-1, 1, (1_000_000, 3))
    y = np.array([0.299, 0.587, 0.114])
    raw = options.alpha * y + (1 - options.alpha) * u if options.variant == "paper" else y + 0.1 * u
    w = raw if options.variant == "paper" else raw / raw.sum(1, keepdims=True)
    mean, sd = colour_draws.exact_moments(options)
    np.testing.assert_allclose(mean, [*w.mean(0), w.sum(1).mean()], atol=3e-3)
    np.testing.assert_allclose(sd, [*w.std(0), w.sum(1).std()], atol=3e-3)


def test_moments_of_draws_are_near_the_exact_ones() -> None:
    table = colour_draws.moments(PAPER, colour_draws.draws(PAPER, 3000)).set_index("weight")
    assert (table["mean"] - table["mean_exact"]).abs().max() < 4 * 0.2 / 3000**0.5
    assert table["negative"]["B"] == pytest.approx((0.2 - 0.0912) / 0.4, abs=0.03)  # U(0.0912 - 0.2, 0.0912 + 0.2)
    assert table["negative"]["R"] == table["negative"]["G"] == 0
    total = colour_draws.moments(OFFICIAL, colour_draws.draws(OFFICIAL, 50)).set_index("weight").loc["sum"]
    assert (total["sd"], total["min"]) == (0, pytest.approx(1))
    with pytest.raises(UserError, match="unknown"):
        colour_draws.exact_moments(Texture(variant="other"))


def test_gain_density_is_that_of_irwin_and_hall() -> None:
    gain = np.linspace(0.1, 1.5, 57)
    exact = scipy_stats.irwinhall(3).pdf(((gain - 0.8) / 0.2 + 3) / 2) / (2 * 0.2)
    np.testing.assert_allclose(colour_draws.gain_density(gain, 0.8), exact, atol=1e-9)


def test_shown_images_are_clipped_and_range_is_counted() -> None:
    white = np.full((1, 8, 8, 3), 255, np.uint8)
    assert (colour_draws.shown(white, np.array([0.5, 0.5, 0.5])) == 255).all()
    table = colour_draws.beyond(white, np.array([[0.5, 0.5, 0.4], [0.2, 0.2, 0.2]]))
    assert table["outside"].tolist() == [1, 0]
    assert table["high"].tolist() == [pytest.approx(1.4), pytest.approx(0.6)]
    (row,) = colour_draws.range_table(white, {"w": np.array([[0.5, 0.5, 0.4], [0.2, 0.2, 0.2]])}).to_dict("records")
    assert row == {"view": "w", "low": 1, "high": 1, "outside": 0.5, "outside_worst": 1}


def test_luma_is_one_of_the_views() -> None:
    expected = luma(images.to_tensor(pictures()))[:, 0].numpy()
    np.testing.assert_allclose(colour_draws.shifted(pictures(), colour_draws.Y), expected, atol=1e-5)


def test_mutual_information_of_copies_and_of_strangers() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 20000)
    assert cues.mutual_information(labels, labels * 3.5) == pytest.approx(2, abs=0.01)
    assert cues.mutual_information(labels, labels // 2 + 0.0) == pytest.approx(1, abs=0.01)
    assert cues.mutual_information(labels, rng.normal(size=20000)) == pytest.approx(0, abs=0.005)


def test_hue_is_told_where_each_hue_has_its_own_grey() -> None:
    picture = np.zeros((1, 30, 30, 3), np.uint8)
    picture[:, :15] = (255, 0, 0)
    picture[:, 15:] = (0, 0, 255)
    rows = cues.hue_table(picture.repeat(2, 0), {"luma": colour_draws.Y[None], "same": np.array([[0.5, 0.0, 0.5]])})
    told = rows.set_index("view")["told"]
    assert told["luma"] == pytest.approx(1, abs=0.01) and told["same"] == pytest.approx(0, abs=0.01)
    assert rows["hue_bits"].iloc[0] == pytest.approx(1)


def test_hue_of_a_grey_picture_is_left_out() -> None:
    assert cues.hue_left(np.full((1, 8, 8, 3), 90, np.uint8), colour_draws.Y, "luma").empty


def test_edges_of_a_scaled_luma_are_the_same_and_hidden_ones_are_not() -> None:
    values = cues.edge_correlation(pictures(), np.stack([colour_draws.Y, 0.3 * colour_draws.Y]))
    np.testing.assert_allclose(values, 1, atol=1e-9)
    edge = np.zeros((1, 20, 20, 3), np.uint8)
    edge[:, :, 10:] = (0, 0, 200)
    assert cues.edge_correlation(edge, np.array([0.5, 0.5, 0.0]))[0, 0] == 0  # an edge in blue, blue weighted by 0
    table = cues.edge_table(pictures(), {"luma": colour_draws.Y[None]})
    assert table["mean"].iloc[0] == table["least"].iloc[0] == pytest.approx(1)


def test_discriminability_of_apart_and_of_equal_samples() -> None:
    rng = np.random.default_rng(0)
    groups = [f"scene {i % 20}" for i in range(400)]
    a, b = rng.normal(size=(400, 3)), rng.normal(size=(400, 3))
    assert cues.discriminability(a, b, groups) == pytest.approx(0.5, abs=0.06)
    assert cues.discriminability(a + 50, b, groups) == 1
    shifted = cues.discriminability(a + [1, 0, 0], b, groups)
    assert shifted == pytest.approx(scipy_stats.norm.cdf(1 / 2**0.5), abs=0.04)  # area under the ROC of two Gaussians
    with pytest.raises(UserError, match="too few"):
        cues.discriminability(a, b, ["one"] * 400)


def test_what_is_told_by_scene_alone_is_not_learnt() -> None:
    rng = np.random.default_rng(0)
    scenes = rng.normal(size=(4, 6))  # six features that name the scene and nothing else
    groups = [str(i % 4) for i in range(80)]
    photos = np.stack([scenes[i % 4] for i in range(80)]) + 0.01 * rng.normal(size=(80, 6))
    assert cues.discriminability(rng.normal(size=(80, 6)), photos, groups) < 0.75


def test_cues_of_pictures_that_differ_in_hue_alone() -> None:
    rng = np.random.default_rng(0)
    reds, blues = (np.zeros((24, 8, 8, 3), np.uint8) for _ in range(2))
    noise = rng.integers(0, 40, (2, 24, 1, 1))
    reds[..., 0], blues[..., 2] = 90 + noise[0], 90 + noise[1]
    views = {"none": Texture(alpha=0.0)}
    table = cues.cues(reds, blues, [str(i) for i in range(24)], views, repeats=4).set_index("view")["auc"]
    assert table["colour"] == 1 and table["none"] < 0.8
    swept = cues.alphas(reds, blues, [str(i) for i in range(24)], (0.0, 1.0), repeats=1)
    assert swept["auc"].iloc[1] == pytest.approx(table["luma"])
    assert swept["edges"].iloc[1] == 0  # pictures without any edge


def test_pairs_collapse_where_the_weights_say_so() -> None:
    colours = np.array([[255, 0, 0], [0, 0, 255], [0, 255, 0]], np.uint8)
    pairs = colour_draws.colour_pairs(colours)
    assert len(pairs) == 3 and pairs["difference"].min() > 20
    weights = np.array([[0.4, 0.2, 0.4], [0.3, 0.6, 0.1]])
    hidden = colour_draws.collapsed(colours, pairs, weights)
    assert hidden.tolist() == [[True, False, False], [False, False, False]]
    table = colour_draws.collapse_table(colours, pairs, {"w": weights}).iloc[0]
    assert (table["in_one_draw"], table["in_half"], table["in_all"]) == (pytest.approx(1 / 6), pytest.approx(1 / 3), 0)
    (worst,) = colour_draws.worst_pairs(colours, pairs, weights[0]).to_dict("records")
    assert (worst["a"], worst["b"]) == ("#ff0000", "#0000ff")
    assert worst["grey_a"] == pytest.approx(worst["grey_b"]) == pytest.approx(0.4 * 255)


def test_palette_is_a_grid_with_black_and_white() -> None:
    colours = colour_draws.palette(3)
    assert len(np.unique(colours, axis=0)) == 27
    assert (colours[0] == 0).all() and (colours[-1] == 255).all() and (colours[13] == 128).all()
