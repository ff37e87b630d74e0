"""CartoonGAN's study in numbers: parameters, losses, what the normalisation removes, ablation, released weights."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from toy_images import noise, photograph

from wbclib import images, profiles
from wbclib.files import sha256
from wbclib.networks.official import cartoongan_names
from wbclib.networks.residual import ResidualGenerator
from wbclib.options import run_config
from wbclib.studies.cartoongan import outlines, parts
from wbclib.studies.cartoongan import released as theirs
from wbclib.studies.common import ablation, discriminators, history
from wbclib.studies.common.comparators import CARTOONGAN
from wbclib.train.device import open_fabric
from wbclib.train.loop import Trained
from wbclib.train.methods import METHODS


@pytest.fixture
def generator() -> ResidualGenerator:
    torch.manual_seed(0)
    return ResidualGenerator(4).eval()


@pytest.fixture
def photos() -> np.ndarray:
    return np.stack([photograph("coffee", 32), photograph("rocket", 32)])


def convolution(kernel: int, a: int, b: int) -> int:
    return kernel * kernel * a * b + b


def test_sizes_are_those_of_the_layers_on_paper() -> None:
    table = parts.sizes(16)
    for width, rows in table.groupby("width"):
        w, found = int(str(width)), rows.set_index(["network", "norm"])
        pairs = [(w, 2 * w), (2 * w, 2 * w), (2 * w, 4 * w), (4 * w, 4 * w)]
        wanted = convolution(7, 3, w) + convolution(7, w, 3) + 16 * convolution(3, 4 * w, 4 * w)
        wanted += sum(convolution(3, *pair) for pair in pairs)
        wanted += sum(convolution(3, *pair) for pair in ((4 * w, 2 * w), (2 * w, 2 * w), (2 * w, w), (w, w)))
        if "generator" in rows["network"].tolist():
            assert set(found.loc["generator", "convolutions"]) == {wanted}
            assert found.loc[("generator", "batch"), "scale_and_shift"] == 2 * (w + 2 * w + 4 * w * 17 + 2 * w + w)
            assert found.loc[("generator", "instance"), "scale_and_shift"] == 0
    paper = table.set_index(["network", "width", "norm"])
    assert paper.loc[("generator", 64, "instance"), "total"] == 11_120_195
    assert paper.loc[("generator", 64, "instance, affine"), "scale_and_shift"] == 9_472
    assert paper.loc[("discriminator", 32, "instance"), "total"] == 1_128_385
    assert len(parts.sizes(64)) == 4


def test_adversarial_losses_by_hand() -> None:
    table = parts.adversarial([-1.0, 0.0, 2.0]).set_index(["loss", "logit"])
    for z in (-1.0, 0.0, 2.0):
        sigma = 1 / (1 + np.exp(-z))
        log, square = table.loc[("log", z)], table.loc[("lsgan", z)]
        assert log[["generator", "cartoon"]].tolist() == pytest.approx([-np.log(sigma)] * 2)
        assert log["rejected"] == pytest.approx(-np.log(1 - sigma))
        assert log[["generator_slope", "rejected_slope"]].tolist() == pytest.approx([sigma - 1, sigma])
        assert square[["generator", "cartoon", "rejected"]].tolist() == pytest.approx(
            [(z - 1) ** 2, (z - 1) ** 2 / 2, z**2 / 2]
        )
        assert square[["generator_slope", "cartoon_slope", "rejected_slope"]].tolist() == pytest.approx(
            [2 * (z - 1), z - 1, z]
        )


def test_instance_norm_removes_contrast_brightness_and_light(generator: ResidualGenerator, photos: np.ndarray) -> None:
    plain = nn.Conv2d(3, 3, 1)
    nn.init.dirac_(plain.weight)
    nn.init.zeros_(plain.bias)  # type: ignore[arg-type]
    fixed = parts.fixed_statistics(generator, photos)
    table = parts.invariance({"own": generator, "fixed": fixed, "identity": plain}, photos)
    passed = table.groupby("network")["passed"]
    assert passed.max()["own"] < 1e-3 and passed.min()["fixed"] > 0.02
    assert passed.min()["identity"] == pytest.approx(1) == passed.max()["identity"]
    half = table[table["change"] == "half the contrast"]["input_moved"].iloc[0]
    assert half == pytest.approx(np.abs(photos - 127.5).mean() / 2)


def test_fixed_statistics_keep_the_convolutions_and_the_output(
    generator: ResidualGenerator, photos: np.ndarray
) -> None:
    fixed = parts.fixed_statistics(generator, photos[:1])
    for name, value in generator.state_dict().items():
        torch.testing.assert_close(fixed.state_dict()[name], value)
    x = images.to_tensor(photos[:1])
    with torch.no_grad():  # of one image the two kinds of statistics are the same, but for n / (n - 1)
        torch.testing.assert_close(fixed(x), generator(x), atol=0.05, rtol=0)


def test_no_change_leaves_the_range(photos: np.ndarray) -> None:
    extremes = np.stack([np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)])
    for change in parts.CHANGES:
        assert parts.alter(extremes, change).abs().max() <= 1


def test_altered_pictures_have_a_row_a_network(generator: ResidualGenerator, photos: np.ndarray) -> None:
    rows = parts.altered_pictures({"own": generator}, photos[0])
    assert [len(row) for row in rows] == [4, 4]
    np.testing.assert_array_equal(rows[0][0], photos[0])
    assert np.abs(rows[1][0].astype(int) - rows[1][1]).max() <= 1 < np.abs(rows[0][0].astype(int) - rows[0][1]).max()


# The discriminator, and runs that differ in one thing.


@pytest.fixture(scope="module")
def model() -> Trained:
    values = {"method": "cartoongan", "generator": "residual", "residual": {"width": 4}, "precision": "float32"}
    config = run_config({**values, "weights": {"adversarial": 1.0}})
    torch.manual_seed(0)
    method = METHODS["cartoongan"](config, open_fabric(config, "cpu"), {"downloads": False})
    for module in method.modules.values():
        module.eval().requires_grad_(False)
    return Trained({}, method)


def test_look_hands_cartoongan_the_pictures_themselves(model: Trained) -> None:
    pictures = noise(32, 32)[None].repeat(3, 0)
    (role,) = found = discriminators.look(model, pictures, batch=2)
    assert role == "cartoon" and found[role].logits.shape == (3, 8, 8)
    np.testing.assert_array_equal(found[role].pictures, pictures)
    with torch.no_grad():
        wanted = model.method.modules["cartoon"](images.to_tensor(pictures))[:, 0]
    np.testing.assert_allclose(found[role].logits, wanted, atol=1e-5)


def test_questioned_asks_only_discriminators_that_are_here(model: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlines, "available", lambda profile, run: run == "here")
    sets = {"cartoon": noise(16, 16)[None], "smoothed": noise(16, 16, 1)[None]}
    outputs = {"here": noise(16, 16, 2)[None], "gone": noise(16, 16, 3)[None]}
    found = outlines.questioned(profiles.load("smoke"), dict.fromkeys(outputs, model), sets, outputs)
    assert list(found) == ["here"] and list(found["here"]) == ["cartoon", "smoothed", "output"]
    np.testing.assert_array_equal(found["here"]["output"]["cartoon"].pictures, outputs["here"])


def test_without_a_run_folder_cartoongan_has_no_discriminator(study: Path) -> None:
    assert not discriminators.available(profiles.load("smoke"), "cartoongan")


def test_variants_are_the_runs_that_no_run_starts_from(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(
        "title: t\nbase: {weights: {pixel: 1.0}}\n"
        "runs:\n  a: {init: a-pretrain}\n  a-pretrain: {}\n  a-x: {init: a-x-pretrain}\n"
        "  a-x-pretrain: {}\n  a-y: {steps: 3}\n  ab: {}\n"
    )
    assert ablation.variants(profiles.load(str(path)), "a") == ["a-x", "a-y"]


def test_changed_names_every_option_but_those_of_saving() -> None:
    base = run_config({"init": "first", "steps": 5})
    other = run_config({"steps": 5, "edges": {"weight": 0.0}, "sample_every": 7})
    assert ablation.changed(base, other) == "init: first -> none; edges.weight: 1 -> 0"
    assert ablation.changed(base, base) == "nothing"


def test_the_ablation_is_paired_with_the_full_run() -> None:
    photos = np.stack([photograph(name, 64) for name in ("coffee", "astronaut", "rocket")])
    faded = (photos // 2 + 64).astype(np.uint8)
    table = ablation.measure_versions(
        {"full": photos, "same": photos.copy(), "faded": faded}, photos, list("abc"), "full", {"faded": "contrast"},
        ["edge_strength", "colour_shift"],
    )  # fmt: skip
    rows = table.set_index(["run", "measure"])
    assert table["run"].tolist() == ["full"] * 2 + ["same"] * 2 + ["faded"] * 2
    assert list(table.columns[:10]) == "run changed seeds measure value low high difference diff_low diff_high".split()
    assert np.isnan(rows.loc[("full", "edge_strength"), "difference"])
    assert rows.loc[("same", "edge_strength"), ["difference", "diff_low", "diff_high"]].tolist() == [0, 0, 0]
    strength = rows.loc[("faded", "edge_strength")]
    assert strength["difference"] == pytest.approx(-strength["value"], rel=0.05) and strength["diff_high"] < 0
    assert strength["changed"] == "contrast" and rows.loc[("same", "edge_strength"), "changed"] == ""
    assert ablation.sentence(table, "same").startswith("cannot tell: none of 2")
    assert ablation.sentence(table, "faded").startswith("edge strength lower by")
    text = ablation.wide(table)
    assert text["run"].tolist() == ["full", "same", "faded"] and text["colour_shift"][0] == "0"
    assert "(-" in text["edge_strength"][2]


def test_switches_compare_the_presets_that_they_are_given() -> None:
    config = run_config({"preset": "cartoongan-official", "adversarial": "log", "pool": 7})
    table = history.switches(config, "cartoongan-paper", "cartoongan-official").set_index("switch")
    assert table.loc["residual.norm"].tolist() == ["batch", "instance", "instance", "official code"]
    assert table.loc["adversarial", "follows"] == "paper" and table.loc["pool", "follows"] == "neither"


# The released generators.


@pytest.fixture
def released(study: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Random weights under the authors' names, where a reader would put theirs."""
    monkeypatch.setenv("WBC_ASSETS", str(study / "bring"))
    torch.manual_seed(3)
    state = ResidualGenerator(affine=True).state_dict()
    arrays = {old: state[new].numpy().astype(np.float16) for old, new in cartoongan_names().items()}
    path = study / "bring" / "weights" / theirs.FILES["hayao"]
    path.parent.mkdir(parents=True)
    np.savez(path, **arrays)
    name = theirs.PREFIX + "hayao"
    monkeypatch.setitem(CARTOONGAN, name, dataclasses.replace(CARTOONGAN[name], sha256=sha256(path)))
    return path


def test_styles_are_those_whose_weights_are_there(released: Path, photos: np.ndarray) -> None:
    assert theirs.available() == ["hayao"]
    (made,) = theirs.released(photos).values()
    assert made.shape == photos.shape and made.dtype == np.uint8
    released.unlink()
    assert theirs.available() == [] and theirs.released(photos) == {}
    assert theirs.FILES["shinkai"] in theirs.sentence(pd.DataFrame())


def test_every_wrong_convention_is_told_from_the_right_one(released: Path) -> None:
    table = theirs.conventions("hayao", photograph("coffee", 48)[None]).set_index("convention")
    assert list(table.index) == list(theirs.CONVENTIONS)
    assert table.loc["channels", "psnr"] < table.loc["padding", "psnr"] < table.loc["eps", "psnr"]
    assert table.loc["padding", "at_border"] > table.loc["padding", "border_area"] == pytest.approx(1 - 16**2 / 48**2)
    assert "dB" in theirs.sentence(table.reset_index())


def test_wrong_channels_are_the_network_on_mirrored_colours(generator: ResidualGenerator) -> None:
    x = images.to_tensor(photograph("coffee", 16)[None])
    with torch.no_grad():
        found = theirs.wrong(generator, "channels")(x)
        torch.testing.assert_close(found[:, [2, 1, 0]], generator(x[:, [2, 1, 0]]))


def test_difference_by_hand() -> None:
    right, other = np.zeros((1, 40, 40, 3), np.uint8), np.zeros((1, 40, 40, 3), np.uint8)
    other[0, 0, 0] = 10
    other[0, 20, 20, 1] = 20
    psnr, changed, near, area = theirs.difference(right, other)
    assert psnr == pytest.approx(10 * np.log10(255**2 * 4800 / 700)) and changed == pytest.approx(2 / 1600)
    assert near == pytest.approx(300 / 700) and area == pytest.approx(1 - 64 / 1600)
    assert theirs.difference(right, right)[0] == np.inf
