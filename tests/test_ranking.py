"""Paired differences across the comparison, against one of two known answers; bold only for a clear winner."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wbclib import profiles
from wbclib.measure import content
from wbclib.report import evidence
from wbclib.show import tables
from wbclib.studies.common import comparison, ranking
from wbclib.studies.common.comparison import Sets
from wbclib.studies.comparison import printed

RANDOM = np.random.default_rng(5)
N = 24


def pictures(level: float, spread: float = 12.0) -> np.ndarray:
    """Noise around a grey: any network sees the level."""
    return np.clip(RANDOM.normal(level, spread, (N, 32, 32, 3)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def compared(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Sets, dict[str, np.ndarray], pd.DataFrame, pd.DataFrame]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WBC_ROOT", str(tmp_path_factory.mktemp("ranking")))
        profile = profiles.load("smoke")
        measure = dataclasses.replace(
            profile.measure, crops=N, size=32, kid_subsets=3, kid_subset_size=6, bootstraps=30
        )
        profile = dataclasses.replace(profile, measure=measure)
        photos = pictures(60)
        groups = np.array([f"photo {k % 8}" for k in range(N)])
        drawn = {"cartoons": np.arange(N), "photographs": np.arange(N), "others": np.arange(N)}
        counts = dict.fromkeys(drawn, N)
        others = pictures(200)
        data = Sets("toon", photos, pictures(60), pictures(200), False, groups, counts, drawn, others=others)
        made = {"photograph": photos, "whitebox": pictures(195), "cartoongan": pictures(140)}
        sets = {"toon": data}
        return data, made, comparison.distances(profile, sets, made), ranking.differences(profile, sets, made)


def test_the_order_that_was_made_is_found(compared: tuple) -> None:
    _, made, distances, pairs = compared
    assert len(pairs) == 3 * 2 * 2
    for first, second in (("whitebox", "cartoongan"), ("cartoongan", "photograph"), ("whitebox", "photograph")):
        assert ranking.verdicts(pairs, first, second).to_dict() == {"nearer": 2}
        assert ranking.verdicts(pairs, second, first).to_dict() == {"farther": 2}
    assert ranking.sentence(pairs, "whitebox", "cartoongan") == "whitebox is nearer to cartoons than cartoongan"
    assert ranking.bold(distances, pairs) == {f"{m} random resnet18 to cartoons": [1] for m in ("frechet", "kid")}
    assert set(ranking.of(pairs, ["whitebox"])["b"]) == {"photograph", "cartoongan"}


def test_what_takes_a_control_for_drawing_is_named(compared: tuple) -> None:
    """The white box stands for a blur, CartoonGAN for a filter that nothing can be told of."""
    pairs = compared[3].replace({"whitebox": "blur", "cartoongan": "bilateral"})
    open_ = ((pairs["a"] == "bilateral") | (pairs["b"] == "bilateral")) & (pairs["metric"] == "kid")
    pairs.loc[open_, "verdict"] = "cannot tell"
    found = ranking.misled(pairs).set_index("metric")
    assert found.loc["kid", ["nearer", "farther", "not_told"]].tolist() == ["blur", "none", "bilateral"]
    assert set(found.loc["frechet", "nearer"].split(", ")) == {"blur", "bilateral"}


def test_turning_a_pair_turns_its_signs(compared: tuple) -> None:
    pairs = compared[3]
    as_it_is = pairs[(pairs["a"] == "whitebox") & (pairs["b"] == "cartoongan")].iloc[0]
    turned = ranking.of(pairs, ["cartoongan"])
    turned = turned[(turned["b"] == "whitebox") & (turned["to"] == as_it_is["to"])].iloc[0]
    assert turned["difference"] == -as_it_is["difference"]
    assert (turned["diff_low"], turned["diff_high"]) == (-as_it_is["diff_high"], -as_it_is["diff_low"])


def test_nothing_is_bold_where_one_cannot_tell(compared: tuple) -> None:
    _, _, distances, pairs = compared
    doubtful = pairs.assign(verdict="cannot tell")
    assert ranking.bold(distances, doubtful) == {}
    assert ranking.sentence(doubtful, "whitebox", "cartoongan") == (
        "whitebox and cartoongan cannot be told apart by their distance to cartoons"
    )
    mixed = pairs.assign(verdict=np.where(pairs["metric"] == "kid", "nearer", "cannot tell"))
    assert "ways to measure disagree" in ranking.sentence(mixed, "whitebox", "cartoongan")


def test_summary_has_a_row_a_method_and_the_values_of_the_table(compared: tuple) -> None:
    _, made, distances, _ = compared
    found = ranking.summary(distances)
    assert found["method"].tolist() == [*made, comparison.FLOOR] and found.shape == (4, 6)
    row = distances[
        (distances["method"] == "whitebox") & (distances["to"] == "cartoons") & (distances["metric"] == "kid")
    ]
    assert found.set_index("method").loc["whitebox", "kid random resnet18 to cartoons"] == row["value"].iloc[0]


def test_what_is_kept_without_the_weights_of_lpips(compared: tuple, weight_folders: Path) -> None:
    data, made, _, _ = compared
    found, note = ranking.kept(made, data)
    assert "put " in note and "lpips" not in found
    assert found.loc[0, ["edge_agreement", "colour_shift"]].tolist() == pytest.approx([1, 0])
    wanted = np.mean([content.colour_shift(*pair) for pair in zip(data.inputs, made["whitebox"], strict=True)])
    assert found.set_index("method").loc["whitebox", "colour_shift"] == pytest.approx(wanted)


def test_what_two_methods_keep_is_compared_crop_by_crop_for_every_style(compared: tuple, study: Path) -> None:
    data, made, _, _ = compared
    styles = {"one": {"whitebox": "whitebox", "cartoongan": "cartoongan"},
              "two": {"whitebox": "drawn", "cartoongan": "cartoongan"}, "three": {"whitebox": "start"}}  # fmt: skip
    profile = dataclasses.replace(profiles.load("smoke"), comparison=styles)
    made = {**made, "whitebox, two": 255 - made["whitebox"], "whitebox, three": made["whitebox"]}
    there = {style: dataclasses.replace(data, style=style) for style in styles}
    found = ranking.kept_paired(profile, there, made)
    assert found["style"].tolist() == ["one", "one", "two", "two"], "the third has no CartoonGAN"
    for style, name in (("one", "whitebox"), ("two", "whitebox, two")):
        row = found[(found["style"] == style) & (found["measure"] == "edge_agreement")].iloc[0]
        first, second = (
            np.array([content.edge_agreement(*pair) for pair in zip(data.inputs, made[who], strict=True)])
            for who in (name, "cartoongan")
        )
        assert row["difference"] == pytest.approx((first - second).mean())
        assert row["diff_low"] < row["difference"] < row["diff_high"] and (row["n"], row["photographs"]) == (N, 8)
    words = ranking.kept_sentence(found)
    assert (
        words.startswith("Paired, whitebox minus cartoongan: edge agreement, one, ") and "colour shift, two, " in words
    )
    profile = dataclasses.replace(profile, comparison={style: styles[style] for style in ("one", "two")})
    tables.save(found, "kept_paired", "smoke", "x")
    read = [effect.value for effect in evidence.kept(profile).effects]  # what a claim reads: both
    wanted = found.loc[found["measure"] == "edge_agreement", "difference"]
    assert read == pytest.approx(wanted.tolist(), abs=1e-5)
    one = ranking.kept_paired(profile, {"one": data}, {"whitebox": made["whitebox"]})
    assert one.empty and not ranking.kept_sentence(one)


def test_printed_numbers_are_marked_as_theirs() -> None:
    assert printed.list_printed().columns.tolist() == printed.COLUMNS
    assert printed.list_printed().notna().all(axis=None)
