"""The measures of the structure study against toy images, plain Python and the merging itself."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from skimage import data
from skimage.metrics import peak_signal_noise_ratio
from torch import Tensor, nn

from wbclib import images
from wbclib.options import Structure
from wbclib.represent import colour_regions, merge_regions, segment
from wbclib.studies.structure import fills as study
from wbclib.studies.structure import plots, regions

PAPER = regions.preset("paper")


def photograph(name: str = "astronaut", side: int = 64) -> np.ndarray:
    return images.square(getattr(data, name)(), side)


def halves(left: int = 60, right: int = 180, side: int = 16) -> tuple[np.ndarray, np.ndarray]:
    labels = np.zeros((side, side), np.int32)
    labels[:, side // 2 :] = 1
    return np.where(labels[..., None] == 0, left, right).astype(np.uint8).repeat(3, 2), labels


class Identity(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x


def test_variants_differ_from_the_paper_in_what_they_name() -> None:
    table = regions.variants()
    for key, value in regions.SWITCHES.items():
        other = dataclasses.asdict(table[f"{key}: {value}"])
        assert {name for name, v in dataclasses.asdict(PAPER).items() if v != other[name]} == {key}
    assert table["official default"].segmenter == "slic" and table["official default"].colouring == "mean"


def test_partitions_are_those_of_the_two_steps() -> None:
    photos = [photograph(), photograph("coffee")]
    table = regions.variants()
    cut = regions.partitions(photos, table)
    for name, options in table.items():
        for photo, labels in zip(photos, cut[name], strict=True):
            assert np.array_equal(labels, merge_regions(photo, segment(photo, options), options)), name
    assert cut["paper"][0] is cut["thresholds: unit"][0]  # the colouring does not cut: nothing is computed twice


def test_starts_share_their_regions_and_differ_in_the_count() -> None:
    photo = photograph("coffee", 96)
    cut = regions.partitions([photo], regions.starts(96))
    table = regions.described([photo], cut).set_index("setting")
    assert table.loc["scale 100, start", "regions"] < table.loc["configured, start", "regions"]
    assert table.loc["configured, regions", "regions"] == PAPER.regions
    assert table.loc["configured, pairs", "pairs"] <= PAPER.regions < table.loc["configured, start", "pairs"]


def test_explained_variance_of_toys() -> None:
    image, labels = halves()
    assert regions.explained(image, labels) == pytest.approx(1)
    assert regions.explained(image, np.zeros_like(labels)) == pytest.approx(0)
    assert regions.explained(image, labels.T) == pytest.approx(0)  # each half holds as much of both greys
    assert regions.explained(np.full_like(image, 7), labels) == 1


def test_description_of_two_halves() -> None:
    image, labels = halves()
    found = regions.describe(image, labels)
    assert (found["regions"], found["pairs"], found["median_size"], found["largest"]) == (2, 1, 128, 0.5)
    assert found["edges"] == 1 and found["border"] == pytest.approx(2 / 16)
    assert regions.describe(image, labels.T)["edges"] == pytest.approx(2 / 16)  # a border across the edge finds no more


def test_scale_and_minimum_size_both_merge() -> None:
    photo = photograph()
    table = regions.by_scale([photo], [0, 50, 400], PAPER)
    assert (table["predicate"].diff().dropna() < 0).all() and (table["kept"] <= table["predicate"]).all()
    assert table["kept"].iloc[0] == segment(photo, dataclasses.replace(PAPER, scale=0.0)).max() + 1
    assert table["absorbed"].iloc[0] == pytest.approx(1 - table["kept"].iloc[0] / table["predicate"].iloc[0])


@pytest.mark.parametrize("name", ["astronaut", "coffee", "rocket"])
def test_hierarchy_is_one_merging(name: str) -> None:
    photo, asked = photograph(name, 96), [150, 80, 20]
    start = segment(photo, PAPER)
    levels = regions.hierarchy(photo, start, PAPER, asked)
    for n, labels in zip(asked, levels, strict=True):
        assert np.array_equal(labels, merge_regions(photo, start, dataclasses.replace(PAPER, regions=n)))
    for fine, coarse in zip(levels, levels[1:], strict=False):
        assert len(np.unique(np.stack([fine.ravel(), coarse.ravel()]), axis=1).T) == regions.count(fine)


def test_contour_holds_the_last_level_of_each_border() -> None:
    columns = np.tile(np.repeat(np.arange(4), 2), (4, 1))
    life = regions.contour([columns, columns // 2])
    assert np.array_equal(life[0], [np.nan, np.nan, 4, np.nan, 2, np.nan, 4, np.nan], equal_nan=True)


@pytest.mark.parametrize("sizes", ["true", "first"])
def test_the_largest_similarity_is_merged_next(sizes: str) -> None:
    photo = photograph("coffee", 48)
    labels = segment(photo, PAPER)
    table = regions.similarities(photo, labels, sizes)
    best = table.loc[table["total"].round(12).idxmax()]
    options = dataclasses.replace(PAPER, sizes=sizes, regions=regions.count(labels) - 1)
    after = merge_regions(photo, labels, options)
    pixel = [np.argwhere(labels == best[key])[0] for key in ("i", "j")]
    assert after[tuple(pixel[0])] == after[tuple(pixel[1])]


def test_similarity_terms_of_two_halves() -> None:
    image, labels = halves()
    row = regions.similarities(image, labels).iloc[0]
    # Greys of one hue and saturation, values apart: two of three colour histograms agree. All patterns flat but the
    # brighter neighbours of the dark column at the border.
    assert row["colour"] == pytest.approx(2 / 3)
    assert (row["size"], row["fill"]) == (0, 1)
    assert row["total"] == pytest.approx(row[list(regions.TERMS)].sum())
    image, _ = halves(100, 100)
    row = regions.similarities(image, labels).iloc[0]
    assert (row["colour"], row["texture"]) == pytest.approx((1, 1))


def test_terms_are_in_proportion_to_the_image() -> None:
    labels = np.repeat(np.array([0, 0, 0, 1, 2, 2, 2, 2], np.int32)[None], 4, 0)
    image = np.full((4, 8, 3), 90, np.uint8)
    table = regions.similarities(image, labels)
    assert table["size"].tolist() == pytest.approx([1 - 4 / 8, 1 - 5 / 8]) and table["fill"].tolist() == [1, 1]
    first = regions.similarities(image, labels, "first")  # every region as large as region 1, image three times
    assert first["size"].tolist() == pytest.approx([1 - 8 / 96] * 2)
    assert (first["size"] + first["fill"]).tolist() == pytest.approx([2 - 16 / 96, 2 - 20 / 96])


def test_influences_sum_to_one_and_find_the_term_that_varies() -> None:
    photo = photograph()
    labels = segment(photo, PAPER)
    for row in regions.influences(photo, [labels]).to_dict("records"):
        assert row["colour"] + row["texture"] + row["box"] == pytest.approx(1)
    table = regions.similarities(photo, labels)
    alone = table.assign(texture=0.5, size=1.0, fill=1.0, total=table["colour"] + 2.5)
    assert regions.influence(alone) == pytest.approx({"colour": 1, "texture": 0, "box": 0})


def test_branches_of_three_known_regions() -> None:
    labels = np.repeat(np.arange(3), 4)[None].repeat(4, 0).astype(np.int32)
    image = np.full((4, 12), 128.0)
    for region, sigma in enumerate((10, 30, 50)):
        image[labels == region] += sigma * np.tile([1, -1], 8)
    image = image.astype(np.uint8)[..., None].repeat(3, 2)
    assert study.sigmas(image, labels).tolist() == pytest.approx([10, 30, 50])
    assert study.branch(study.sigmas(image, labels), PAPER).tolist() == [0, 1, 2]
    table = {"byte": PAPER, "unit": dataclasses.replace(PAPER, thresholds="unit")}
    found = study.branches([image], {"byte": [labels], "unit": [labels]}, table).set_index("setting")
    assert found.loc["byte", list(study.BRANCHES)].tolist() == [1, 1, 1]
    assert found.loc["byte", "area"] == pytest.approx(2 / 3)
    assert found.loc["unit", list(study.BRANCHES)].tolist() == [3, 0, 0]
    assert found.loc["unit", "largest_sigma"] == pytest.approx(50 / 127.5)


def test_tone_by_hand() -> None:
    image = np.zeros((1, 2, 3), np.uint8)
    image[0, 0] = (200, 100, 0)
    found = study.tone(image)
    assert (found["brightness"], found["chroma"]) == (50, 100)
    assert found["contrast"] == pytest.approx((0.299 * 200 + 0.587 * 100) / 2)


def test_power_darkens_and_the_gain_repairs_it() -> None:
    image, labels = halves(60, 180)
    made = study.powers(image, labels, PAPER)
    assert np.array_equal(made["no power"], image)
    assert made["power alone"][0, 0, 0] == round(255 * (60 / 255) ** 1.2)
    assert made["power and gain"].mean() == pytest.approx(120, abs=0.5)
    table = study.tones([image], [labels], PAPER).set_index("fill")
    assert table.loc["power and gain", "contrast"] > table.loc["photograph", "contrast"] + 1


def test_changed_counts_regions_and_pixels() -> None:
    image, labels = halves(side=16)
    labels[0, 0] = 2
    other = image.copy()
    other[0, 0, 1] += 9
    assert study.changed(other, image, labels, 8) == pytest.approx((1 / 3, 1 / 256))
    assert study.changed(other, image, labels, 9) == (0, 0)


def test_comparison_of_a_known_difference() -> None:
    photo, labels = halves()
    shifted = (photo + 10).astype(np.uint8)
    cut = {"a": [labels], "b": [labels]}
    table = study.compare([photo], {"a": [photo], "b": [shifted]}, cut).set_index("setting")
    assert table.loc["a", "psnr"] == float("inf") and table.loc["a", "ciede2000"] == 0
    assert table.loc["b", "psnr"] == pytest.approx(peak_signal_noise_ratio(photo, shifted))
    assert (table.loc["b", "changed_regions"], table.loc["b", "changed_pixels"]) == (1, 1)
    assert table.loc["b", "regions"] == 2


def test_measures_count_colours() -> None:
    image, _ = halves()
    table = study.measures([photograph(side=16)], {"halves": [image]})
    assert table.loc[0, "colours"] == 2 and table.loc[0, "number_of_colours"] == 2


def test_times_add_up() -> None:
    table = regions.times([photograph(side=24)], {"paper": PAPER})
    assert (table[["segments", "merging", "colours"]] > 0).all(axis=None)
    assert table["total"].tolist() == pytest.approx(table[["segments", "merging", "colours"]].sum(axis=1).tolist())


def test_flat_images_are_their_own_structure() -> None:
    """With mean colours, a fill of mean colours that the segmenter finds again is a fixed point."""
    mean = Structure(colouring="mean", scale=10.0, sigma=0.0)
    image, labels = halves(10, 250, 32)
    table = study.own_distances({"flat": [image], "photograph": [photograph(side=32)]}, mean, Identity())  # type: ignore[arg-type]
    assert table["pixel"].iloc[0] == pytest.approx(0, abs=1e-4) and table["pixel"].iloc[1] > 2
    assert np.array_equal(colour_regions(image, labels, mean), image)


def test_blur_brings_an_image_to_its_own_structure() -> None:
    photos = np.stack([photograph(), photograph("coffee")])
    frame = study.collapse(photos, (0, 2, 8), {"mean": regions.preset("official")}, Identity())  # type: ignore[arg-type]
    assert (frame["pixel"].diff().dropna() < 0).all() and (frame["content"].diff().dropna() > 0).all()
    assert frame["content"].iloc[0] == 0
    assert frame["structure"].to_numpy() == pytest.approx(frame["pixel"] / 127.5, rel=1e-4)  # features are the pixels


def test_the_preferred_blur_is_the_minimum_of_the_sum() -> None:
    from pandas import DataFrame

    frame = DataFrame({"blur": [0.0, 1.0, 2.0], "structure": [1.0, 0.5, 0.4], "content": [0.0, 0.2, 1.0]})
    table = study.preferred(frame, [0.1, 1.0, 100.0])
    assert table["blur"].tolist() == [0, 1, 2]
    assert table["saved"].tolist() == pytest.approx([0, 0.3, 1 - 41 / 100])


def test_blur_keeps_the_mean_and_zero_is_nothing() -> None:
    photo = photograph()
    assert study.blurred(photo, 0) is photo
    assert study.blurred(photo, 3).mean() == pytest.approx(photo.mean(), abs=2)
    assert study.blurred(photo, 3).std() < photo.std()


def test_outlines_stand_on_the_borders() -> None:
    image, labels = halves(60, 180, 8)
    drawn = plots.outlined(image, labels)
    assert drawn.shape == (16, 16, 3) and (drawn[:, 8] == 255).all()
    assert (np.delete(drawn, 8, 1) == np.delete(image.repeat(2, 0).repeat(2, 1), 8, 1)).all()


def test_figures_are_drawn() -> None:
    photo = photograph(side=32)
    labels = segment(photo, PAPER)
    levels = regions.hierarchy(photo, labels, PAPER, [20, 5])
    sigma = study.sigmas(photo, labels)
    frame = regions.along([photo], {"paper": PAPER}, [20, 5])
    assert frame["asked"].tolist() == [20, 5] == frame["regions"].tolist()
    blurs = study.collapse(photo[None], (0, 1), {"paper": PAPER}, Identity())  # type: ignore[arg-type]
    drawn = [
        plots.contours([regions.contour(levels)], ["photo"], "contours"),
        plots.sigma_maps(labels, sigma, np.zeros(labels.shape), PAPER, "maps"),
        plots.sigma_histogram(sigma, PAPER, alt="histogram"),
        plots.over_regions(frame, {"largest": "largest region"}, "setting", alt="merging"),
        plots.collapse(blurs, alt="collapse"),
    ]
    assert all(torch.frombuffer(bytearray(f.png()), dtype=torch.uint8).float().std() > 0 and f.alt for f in drawn)
