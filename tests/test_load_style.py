"""Which generator draws: a style by its name or its file, what comes with it, and the function that draws with it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import save_file
from toy_images import noise

import wbclib
from wbclib import images
from wbclib.files import UserError
from wbclib.inference import engine, styles
from wbclib.inference.stylist import Stylist
from wbclib.networks.generators import UNet
from wbclib.networks.residual import ResidualGenerator
from wbclib.options import OutputFilter, RunConfig, to_dict


def trained(study: Path, name: str, method: str = "whitebox", seed: int = 0) -> Path:
    """A run folder as training leaves it."""
    folder = study / "data" / "runs" / name
    folder.mkdir(parents=True)
    torch.manual_seed(seed)
    save_file(UNet().state_dict(), folder / "generator.safetensors")
    config = dataclasses.replace(RunConfig(method=method), output=OutputFilter(radius=2))
    (folder / "config.yaml").write_text(yaml.safe_dump({"config": to_dict(config)}), "utf-8")
    return folder / "generator.safetensors"


def test_default_style_comes_with_the_package(study: Path, caplog: pytest.LogCaptureFixture) -> None:
    trained(study, "lab/whitebox")  # a run that is here does not take its place unasked
    with caplog.at_level("INFO"):
        found = styles.load_style()
    assert found.name == styles.DEFAULT and f"style {styles.DEFAULT}" in caplog.text and "licence" not in caplog.text
    filters = [styles.load_style(name).output for name in styles.shipped()]
    assert all(not kind.radius or kind.guide == "output" for kind in filters), "their lines are not the photograph's"


def test_filter_is_that_of_the_run(study: Path) -> None:
    file = trained(study, "lab/whitebox")
    assert styles.load_style("lab/whitebox").output.radius == 2
    assert styles.load_style(str(file)).output.radius == 2
    trained(study, "lab/pretrain", method="pretrain")
    assert styles.load_style("lab/pretrain").output.radius == 0
    moved = file.rename(study / "mine.safetensors")
    assert styles.load_style(str(moved)).output == OutputFilter(radius=1, infer_eps=5e-3)


def test_official_weights_say_their_licence(
    study: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(UserError, match="put whitebox_generator_official"):
        styles.load_style("official-whitebox")
    folder = study / "data" / "assets" / "weights"
    folder.mkdir(parents=True)
    file = folder / styles.OFFICIAL_FILE
    np.savez(file, **{name: value.numpy() for name, value in UNet().state_dict().items()})
    found = styles.load_style("official-whitebox")
    assert isinstance(found.network, UNet) and found.network.padding == "same"
    assert "CC BY-NC-SA 4.0" in found.licence and "no commercial use" in caplog.text
    # the same bytes under another name are still theirs, and are not read as RGB
    monkeypatch.setattr(styles, "OFFICIAL_SHA256", styles.sha256(file))
    again = styles.load_style(str(file.rename(study / "mine.npz")))
    assert again.licence == found.licence and str(study) not in again.source


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("name", "unknown style"),
        ("missing", "not here: train it with `wbc train pretrain --profile lab`"),
        ("unknown", "profile lab has no run 'other'; it has: pretrain, "),
        ("shape", "does not hold the generator"),
        ("cartoongan", "does not hold the generator"),
        ("nan", "not finite"),
        ("cut", "damaged"),
        ("config", "damaged"),
    ],
)
def test_odd_styles_are_refused(study: Path, fault: str, says: str) -> None:
    file = trained(study, "lab/whitebox")
    state = UNet().state_dict()
    if fault in ("shape", "nan"):
        state["conv_9.bias"] = torch.full((3,), float("nan")) if fault == "nan" else torch.zeros(4)
        save_file(state, file)
    if fault == "cartoongan":
        half = ResidualGenerator(2).state_dict()
        save_file({name: value for name, value in half.items() if name != "out.bias"}, file)
    if fault == "cut":
        file.write_bytes(file.read_bytes()[:1000])
    if fault == "config":
        (file.parent / "config.yaml").write_text("a: [", "utf-8")
    name = {"name": "../../x/y", "missing": "lab/pretrain", "unknown": "lab/other"}.get(fault, "lab/whitebox")
    with pytest.raises(UserError, match=says) as caught:
        styles.load_style(name)
    assert "\n" not in str(caught.value)


def test_cartoonize_is_stylist_and_notices_new_weights(study: Path, precision: str) -> None:
    photo = noise(37, 50)
    file = trained(study, "quick/whitebox")
    first = wbclib.cartoonize(photo, "quick/whitebox")
    drawn = styles.load_style("quick/whitebox")
    network = engine.engine(drawn, {"float32": "torch"}.get(precision, precision))
    np.testing.assert_array_equal(first, Stylist(drawn, device="cpu", engine=network)(photo))
    exact = Stylist(drawn, device="cpu")(photo).astype(int)
    assert np.abs(first - exact).max() <= 3 and np.abs(first - exact).mean() < 0.2
    images.write(study / "a.png", photo)
    np.testing.assert_array_equal(wbclib.cartoonize(study / "a.png", style=str(file)), first)
    assert (wbclib.cartoonize(photo, "quick/whitebox", sharpness=1.0) != first).any()
    torch.manual_seed(5)
    save_file(UNet().state_dict(), file)
    assert (wbclib.cartoonize(photo, "quick/whitebox") != first).mean() > 0.5
    assert wbclib.cartoonize(photo).shape == photo.shape, "the style of the package"
    with pytest.raises(UserError, match="uint8 array"):
        wbclib.cartoonize(photo / 255)
    with pytest.raises(UserError, match="no such file"):
        wbclib.cartoonize("nowhere.png")
