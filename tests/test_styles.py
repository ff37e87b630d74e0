"""Several styles in one network: who learns what, who stays as they are, and the command that draws."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import wbclib
from wbclib import cli, corpora, images, losses, paths, profiles
from wbclib.corpora import bundled, looks
from wbclib.corpora.loader import Loader, Turns
from wbclib.files import UserError
from wbclib.inference import engine, export, styles
from wbclib.inference.stylist import Stylist
from wbclib.networks import adapters
from wbclib.options import Adapters, run_config
from wbclib.profiles import Profile
from wbclib.studies.common import comparison
from wbclib.studies.styles import sharing
from wbclib.train import checkpoints, run, trained
from wbclib.train.methods import Styles
from wbclib.train.view import View


@pytest.fixture
def smoke(study: Path) -> Profile:
    return profiles.load("smoke")


def photographs(side: int = 32, count: int = 3) -> np.ndarray:
    corpus = bundled.photographs()
    return np.stack([images.square(corpus.image(i), side) for i in range(count)])


def values(profile: Profile, name: str) -> dict[str, torch.Tensor]:
    """All networks of a finished run."""
    found = checkpoints.newest(paths.run(profile.name, name))
    assert found is not None
    return {key: value for key, value in found[0].items() if ".optimiser/" not in key}


def test_a_third_style_leaves_everything_else_as_it_was_bit_for_bit(smoke: Profile, precision: str) -> None:
    run("styles-third", smoke)
    before, after = (trained(name, smoke) for name in ("styles", "styles-third"))
    assert sharing.unchanged(before, after, photographs()) == {"duotone": True, "linocut": True}
    old, young = values(smoke, "styles"), values(smoke, "styles-third")
    for key, value in old.items():
        assert torch.equal(value, young[key]), key
    new = set(young) - set(old)
    assert {adapters.style_of(key) for key in new} == {"poster"}
    assert {key.split("/")[0] for key in new} == {"generator", "cartoon"}
    assert sum(bool(young[key].any()) for key in new if key.startswith("generator/")) > 20, "it has learnt"
    assert (sharing.stylised(after, photographs(), "poster") != sharing.stylised(after, photographs(), None)).any()


def test_a_step_of_one_style_moves_shared_values_and_its_own(smoke: Profile) -> None:
    model = trained("styles", smoke)
    method = Styles(model.method.config, model.method.fabric, {"downloads": False})
    before = {key: value.clone() for key, value in method.modules["generator"].state_dict().items()}
    photo = images.to_tensor(photographs())
    batch = {"photo": photo, "cartoon": -photo, "smoothed": photo, "style": torch.tensor(1)}
    method.step(batch, torch.Generator())
    moved = {
        adapters.style_of(key) or "shared"
        for key, value in method.modules["generator"].state_dict().items()
        if not torch.equal(value, before[key])
    }
    assert moved == {"shared", "linocut"}


def test_each_style_is_shown_its_look(smoke: Profile) -> None:
    method = trained("styles", smoke).method
    photo = images.to_tensor(photographs())
    for turn, look in enumerate((looks.duotone, looks.linocut)):
        batch = {"photo": photo, "style": torch.tensor(turn)}
        view = View(method, batch, photo)
        wanted = np.stack([look(image) for image in photographs()])
        np.testing.assert_array_equal(images.to_uint8(view.look), wanted)
        apart = np.abs(photographs().astype(float) - wanted).mean() / 127.5
        assert float(losses.TERMS["look"].value(view)) == pytest.approx(apart, rel=1e-4)


def test_styles_take_turns(smoke: Profile) -> None:
    config = smoke.run("styles")
    assert list(config.corpora()) == ["photos", "cartoons of duotone", "cartoons of linocut"]
    photos, *cartoons = (corpora.load(spec) for spec in config.corpora().values())
    loaders = [Loader(photos, each, 16, 2, seed=5) for each in cartoons]
    batches = dict(Turns(loaders).prefetch(3, 7))
    for step, batch in batches.items():
        wanted = loaders[step % 2].batch(step)
        assert int(batch["style"]) == step % 2 and torch.equal(batch["cartoon"], wanted["cartoon"])
        assert torch.equal(batch["photo"], loaders[0].batch(step)["photo"])
    grey = {step: torch.equal(batch["cartoon"][:, 0], batch["cartoon"][:, 2]) for step, batch in batches.items()}
    assert grey == {3: True, 4: False, 5: True, 6: False}, "black ink against two inks"


def test_an_interrupted_run_of_styles_ends_the_same(
    smoke: Profile, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run("styles", smoke)
    monkeypatch.setenv("WBC_ROOT", str(study / "again"))
    step = Styles.step
    left = [2]

    def stops(self: Styles, *words: object) -> object:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return step(self, *words)  # type: ignore[arg-type]

    config = dataclasses.replace(smoke.run("styles"), checkpoint_every=2)
    often = dataclasses.replace(smoke, runs={**smoke.runs, "styles": config})
    run("cartoongan-pretrain", often)
    monkeypatch.setattr(Styles, "step", stops)
    with pytest.raises(KeyboardInterrupt):
        run("styles", often)
    monkeypatch.setattr(Styles, "step", step)
    assert run("styles", often)["generator_sha256"] == whole["generator_sha256"]
    assert {"cartoons of duotone", "cartoons of linocut"} < whole["data"].keys()


def test_discriminators_that_are_not_here_are_asked_for(smoke: Profile) -> None:
    run("styles", smoke)
    for folder in checkpoints.present(paths.run("smoke", "styles")):
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    with pytest.raises(UserError, match="whose checkpoint is not here"):
        run("styles-third", smoke)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"pool": 50}, "say pool: 0"),
        ({"styles": {}}, "name at least one"),
        ({"adapters": {"kind": "both"}}, "say series or parallel"),
        ({"residual": {"norm": "batch"}}, "norm: instance"),
        ({"styles": {"a.b": {}}}, "say another name"),
        ({"weights": {"look": 1.0}}, "nothing to ask of style a, which has no look"),
        ({"method": "cartoongan"}, "a run of method 'cartoongan' learns one; say method: styles"),
        ({"method": "cartoongan", "styles": {}, "weights": {"look": 1.0}}, "term look needs the method styles"),
    ],
)
def test_networks_that_cannot_be_are_refused(smoke: Profile, change: dict[str, object], says: str) -> None:
    plain = {"method": "styles", "generator": "residual", "weights": {"adversarial": 1.0}, "size": 32}
    asked = {**plain, "cartoons": {"kind": "toon", "count": 2, "size": 32}, "styles": {"a": {}}, **change}
    with pytest.raises(UserError, match=says):
        run("one", dataclasses.replace(smoke, runs={"one": run_config(asked)}))


def test_a_style_is_the_runs_cartoons_with_what_it_says_itself() -> None:
    plain = {"method": "styles", "cartoons": {"kind": "toon", "count": 7}}
    config = run_config({**plain, "styles": {"a": {}, "b": {"look": "poster"}}})
    assert config.styles["a"].count == config.styles["b"].count == 7 and config.styles["b"].look == "poster"
    with pytest.raises(UserError, match=r"styles\.b: unknown parameter 'lok'"):
        run_config({**plain, "styles": {"b": {"lok": "poster"}}})
    assert list(run_config({**plain, "styles": {"a": False, "b": {}}}).styles) == ["b"]
    with pytest.raises(UserError, match="say a mapping"):
        run_config({**plain, "styles": ["a"]})
    with pytest.raises(UserError, match="adapters.train: 'c' is not among the run's styles: a"):
        run_config({**plain, "styles": {"a": {}}, "adapters": {"train": "c"}})
    assert run_config({**plain, "styles": {"a": {}}}).adapters == Adapters()


def test_each_style_is_compared_with_the_network_that_differs_in_that_alone() -> None:
    quick = profiles.load("quick")
    assert sharing.own(quick, "styles", "duotone") == "styles-duotone"
    assert sharing.own(quick, "styles-third", "poster") == "styles-poster"
    lab = profiles.load("lab-gpu")
    assert sharing.own(lab, "styles-series", "toon") == "styles-toon", "whatever its adapters are"
    assert sharing.own(quick, "styles-third", "duotone") is None, "it did not learn there"


def test_tables_say_which_cartoons_are_nearest(smoke: Profile) -> None:
    data = comparison.sets(smoke)
    ours = sharing.cartoons(smoke)
    made = {("styles", style): crops for style, crops in ours.items()}  # drawings that could not be better
    found = sharing.distances(smoke, data, made)
    apart = sharing.told_apart(found).set_index("style")
    assert (apart["nearest"] == apart.index).all() and (apart["own"] < apart["photograph"]).all()
    assert found[found["network"] == "styles"]["value"].min() == pytest.approx(0, abs=1e-3)
    (row,) = sharing.against_own(smoke, data, {**made, ("styles-linocut", "linocut"): data.inputs}).itertuples()
    assert (row.network, row.style, row.verdict) == ("styles", "linocut", "nearer")
    plain = apart.loc["linocut"]
    assert row.difference == pytest.approx(plain["own"] - plain["photograph"], rel=1e-6)
    assert sharing.against_own(smoke, data, made).empty, "no network of its own has drawn"


# --- the command


def test_the_command_draws_a_style_and_a_mixture(smoke: Profile, study: Path, precision: str) -> None:
    model = trained("styles", smoke)
    photo = photographs(count=1)[0]
    images.write(study / "photo.png", photo)
    for asked, mix in (
        ("duotone", {"duotone": 1.0}),
        ("linocut", {"linocut": 1.0}),
        ("duotone=0.5,linocut=.5", {"duotone": 0.5, "linocut": 0.5}),
    ):
        out = study / f"{asked.replace('=', '-')}.png"
        status = cli.main(
            ["cartoonize", str(study / "photo.png"), "--style", f"smoke/styles:{asked}", "--out", str(out)]
        )
        assert status == 0
        wanted = sharing.stylised(model, photo[None], mix)[0]
        # 8 bits hold values near 1 to half a grey level; some layers' roundings together are a few.
        atol = 1 if precision == "float32" else 4
        np.testing.assert_allclose(images.read(out).astype(int), wanted, atol=atol)
    file = paths.run("smoke", "styles") / "generator.safetensors"
    assert (wbclib.cartoonize(photo, f"{file}:duotone") == wbclib.cartoonize(photo, "smoke/styles:duotone")).all()
    assert (wbclib.cartoonize(photo, "smoke/styles:linocut") != wbclib.cartoonize(photo, "smoke/styles:duotone")).any()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("smoke/styles", r"draws several styles \(duotone, linocut\): say which, smoke/styles:duotone"),
        ("smoke/styles:oil", "style 'oil' is not in this network"),
        ("smoke/styles:a=b", "after the colon say STYLE"),
        ("peppercarrot:duotone", "draws one style: leave out what follows the colon"),
    ],
)
def test_a_style_that_is_not_there_is_named(smoke: Profile, name: str, says: str) -> None:
    run("styles", smoke)
    with pytest.raises(UserError, match=says) as caught:
        styles.load_style(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", adapters.KINDS)
def test_a_file_says_itself_how_its_network_is_made(smoke: Profile, kind: str) -> None:
    config = dataclasses.replace(smoke.run("styles"), adapters=Adapters(kind), steps=2)
    run("styles", dataclasses.replace(smoke, runs={**smoke.runs, "styles": config}))
    file = paths.run("smoke", "styles") / "generator.safetensors"
    network = styles.load_style(f"{file}:duotone").network
    assert {m.kind for m in network.modules() if isinstance(m, adapters.AdaptedConv)} == {kind}
    for name, value in load_file(file).items():
        assert torch.equal(network.state_dict()[name], value)


def test_a_picture_is_drawn_in_one_pass_or_not_at_all(smoke: Profile, study: Path) -> None:
    run("styles", smoke)
    style = styles.load_style("smoke/styles:duotone")
    assert style.whole and style.output.radius == 0
    draw = Stylist(style, tile=32)
    small = photographs(96, 1)[0][:90, :50]
    with torch.inference_mode():
        padded = np.pad(small, ((0, 2), (0, 2), (0, 0)), mode="edge")
        wanted = images.to_uint8(style.network(images.to_tensor(padded[None])))[0, :90, :50]
    np.testing.assert_allclose(draw(small).astype(int), wanted, atol=1)
    assert Stylist(style)(small[:1, :1]).shape == (1, 1, 3)
    with pytest.raises(UserError, match="looks at the whole picture and cannot draw in tiles"):
        draw(np.zeros((400, 400, 3), np.uint8))
    with pytest.raises(UserError, match="with the engine torch"):
        export.export(style, study / "a.onnx")
    with pytest.raises(UserError, match="with the engine torch"):
        engine.engine(style, "onnx")
