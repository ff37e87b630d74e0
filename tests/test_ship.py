"""Shipping: what is shipped is the run's generator, what its card says comes from the record, nothing unfree learns."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from wbclib import cli, corpora, images, paths
from wbclib.corpora.base import Corpus, Item
from wbclib.files import UserError, read_json, write_json
from wbclib.inference import styles
from wbclib.inference.stylist import Stylist
from wbclib.profiles import Profile, load
from wbclib.report import model_card, ship
from wbclib.studies.pictures import criterion, drawers
from wbclib.train import kept, records, run, trained
from wbclib.train.loop import sample_photographs


@pytest.fixture(scope="module")
def trained_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with a finished white-box run that learnt from listed, licensed photographs."""
    root = tmp_path_factory.mktemp("ship")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WBC_ROOT", str(root))
        patch.setenv("WBC_ASSETS", str(root / "assets"))
        rows = ["file,licence,author"]
        for number, photo in enumerate(sample_photographs(96)):
            images.write(root / "assets" / "photos" / f"{number}.png", photo)
            rows.append(f"{number}.png,CC BY 4.0,Author {number % 3}")
        (root / "assets" / "photos" / "list.csv").write_text("\n".join(rows) + "\n", "utf-8")
        (root / "mine.yaml").write_text(
            "extends: smoke\nbase: {photos: {kind: folder, path: photos, listing: photos/list.csv}}\n", "utf-8"
        )
        run("whitebox", load(str(root / "mine.yaml")), progress=False)
    return root


@pytest.fixture
def profile(trained_root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Profile:
    """Its profile, and an empty folder of shipped styles."""
    monkeypatch.setenv("WBC_ROOT", str(trained_root))
    monkeypatch.setenv("WBC_ASSETS", str(trained_root / "assets"))
    monkeypatch.setattr(styles, "SHIPPED", tmp_path / "shipped")
    return load(str(trained_root / "mine.yaml"))


def test_a_shipped_style_draws_like_its_run(profile: Profile) -> None:
    folder = ship.ship("whitebox", profile, "toon")
    assert sorted(path.name for path in folder.iterdir()) == ["CARD.md", "config.yaml", "generator.safetensors"]
    assert styles.shipped() == ["toon"]
    photos = sample_photographs(96)[:2]
    around = [(0, 0), (styles.MARGIN, styles.MARGIN), (styles.MARGIN, styles.MARGIN), (0, 0)]
    own = slice(styles.MARGIN, -styles.MARGIN)
    wanted = trained("whitebox", profile)(np.pad(photos, around, mode="edge"))[:, own, own]
    found = np.stack([Stylist(styles.load_style("toon"))(photo) for photo in photos])
    inside = slice(4, -4)  # the filter's windows are cut at the photograph's border, where the run's are whole
    apart = found[:, inside, inside].astype(int) - wanted[:, inside, inside]
    assert np.abs(apart).max() <= 2, "half precision and nothing else"
    with pytest.raises(UserError, match="shipped are toon"):
        styles.load_style("nonsense")


def test_the_card_says_what_the_record_says(profile: Profile) -> None:
    folder = ship.ship("whitebox", profile, "toon")
    text = (folder / "CARD.md").read_text("utf-8")
    record = read_json(paths.record("mine", "whitebox"))
    said = [record["config_hash"][:12], f"{record['steps']} steps", record["device"]["name"], "*Not measured yet.*"]
    before = read_json(paths.record("mine", "pretrain"))
    hours, steps = (before["wall_time_s"] + record["wall_time_s"]) / 3600, before["steps"] + record["steps"]
    said += [f"steps of `pretrain`, then {record['steps']} steps of `whitebox`", f"all {steps} steps {hours:.1f} h"]
    said += ["1,467,075 parameters", "CC BY 4.0 (7)", "Author 2 (CC BY 4.0): 2.png, 5.png", ship.UNSEEN]
    assert [part for part in said if part not in text] == []
    seen = text.replace(ship.UNSEEN, "- faces lose their eyes")
    (folder / "CARD.md").write_text(seen, "utf-8")
    assert (ship.ship("whitebox", profile, "toon") / "CARD.md").read_text("utf-8") == seen, "what was seen is kept"
    other = load_file(folder / "generator.safetensors")
    save_file(other, folder / "generator.safetensors", metadata={"origin": '{"generator_sha256": "another"}'})
    assert ship.UNSEEN in (ship.ship("whitebox", profile, "toon") / "CARD.md").read_text("utf-8"), "of this generator"


def test_the_card_names_every_artist_whose_cartoons_a_generator_saw(profile: Profile) -> None:
    """Also those of the runs before it; a pretraining saw none, whatever its configuration inherits."""
    one = profile.run("whitebox")
    runs = {
        **profile.runs,
        "other": dataclasses.replace(one, init="whitebox"),
        "last": dataclasses.replace(one, init="other"),
    }

    def by(artist: str, count: int) -> dict[str, Corpus]:
        items = [Item(f"{n}", f"{artist}{n}", "CC BY 4.0", artist, (1, 1), artist) for n in range(count)]
        return {"cartoons": SimpleNamespace(items=items)}  # type: ignore[dict-item]

    found = {"pretrain": by("Nobody", 1), "whitebox": by("Ann", 2), "other": by("Ben", 3), "last": by("Ben", 3)}
    lines = model_card.cartoons_learnt_from(dataclasses.replace(profile, runs=runs), "last", found).splitlines()
    assert [line.split(";")[0] for line in lines] == [
        "- Cartoons: Ben (CC BY 4.0), 3 images", "- Cartoons, until `whitebox`: Ann (CC BY 4.0), 2 images"
    ]  # fmt: skip


def test_the_card_has_the_distances_of_its_style(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawers, "trials", lambda of: {"mine/tried", "mine/whitebox"})
    folder = paths.report("mine", "tables")
    write_json(folder / "picture_distances.json", {"caption": "What was measured."})
    rows = [("toon", "mine/whitebox", 1.25), ("flat", "mine/whitebox", 9.0), ("toon", "mine/tried", 4.0)]
    frame = pd.DataFrame(rows, columns=["style", "method", "value"]).assign(
        low=1.0, high=1.5, metric="kid", network="n"
    )
    frame.to_csv(folder / "picture_distances.csv", index=False)
    text = (ship.ship("whitebox", profile, "toon") / "CARD.md").read_text("utf-8")
    (folder / "picture_distances.csv").unlink()
    assert "| mine/whitebox | 1.25 [1.00, 1.50] |" in text and "What was measured." in text
    assert "9.00" not in text and "mine/tried" not in text


def test_the_card_answers_the_criterion_from_the_table(profile: Profile) -> None:
    folder = paths.report("mine", "tables")
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        ("mine/whitebox", "toon", "edges found", 0.93125, "at least 0.926", True, True),
        ("mine/whitebox", "toon", "edges kept", 0.5, "at least 0.8", False, False),
        ("mine/whitebox", "toon", "lines", 0.01, "at least 0.04", False, True),
        ("mine/whitebox", "toon", criterion.nearer("toon", "kid", "net"), -3.0, "below 0", True, True),
        ("mine/whitebox", "toon", criterion.nearer("toon", "kid", "other"), 2.0, "below 0", False, True),
        ("mine/whitebox", "flat", "of another style", 1.0, "", True, True),
        ("storybook", "toon", "of another generator", 1.0, "", True, True),
    ]
    columns = ["who", "style", "question", "value", "wanted", "answer", "counts"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "picture_criterion.csv", index=False)
    apart = [("net", -3.0, -5.0, -1.0), ("other", 2.0, -1.0, 5.0)]
    paired = pd.DataFrame(apart, columns=["network", "difference", "diff_low", "diff_high"])
    paired["verdict"] = ["nearer", "cannot tell"]
    paired = paired.assign(style="toon", a="mine/whitebox", b=drawers.THEIRS, metric="kid")
    paired.to_csv(folder / "picture_paired.csv", index=False)
    text = (ship.ship("whitebox", profile, "toon") / "CARD.md").read_text("utf-8")
    (folder / "picture_paired.csv").unlink()
    assert "| edges found | 0.9313 | at least 0.926 | Yes |" in text
    assert "| edges kept | 0.5 | at least 0.8 | No (decides nothing) |" in text
    assert "| lines | 0.01 | at least 0.04 | No |" in text and "of another" not in text
    assert "over net | -3.00 [-5.00, -1.00] | below 0 | Yes |" in text
    assert "over other | 2.00 [-1.00, 5.00] | below 0 | No, not surely |" in text
    pd.DataFrame(rows[5:], columns=columns).to_csv(folder / "picture_criterion.csv", index=False)
    text = (ship.ship("whitebox", profile, "toon") / "CARD.md").read_text("utf-8")
    (folder / "picture_criterion.csv").unlink()
    assert text.count("*Not measured yet.*") == 2, "a run that the table does not know is not judged by it"


def test_a_copy_stays_with_the_record_and_is_gone_on_from(profile: Profile, tmp_path: Path) -> None:
    """A fresh clone has records and copies, and no run folders."""
    path = kept.keep("whitebox", profile)
    photo = sample_photographs(96)[:1]
    wanted, own = trained("whitebox", profile)(photo), paths.run("mine", "whitebox")
    aside = own.rename(tmp_path / "aside")
    try:
        assert kept.copy("whitebox", profile) == path.read_bytes()
        assert np.abs(trained("whitebox", profile)(photo).astype(int) - wanted).max() <= 2
        assert styles.weights_file("mine/whitebox") == path
        assert (ship.ship("whitebox", profile, "toon") / "generator.safetensors").read_bytes() == path.read_bytes()
        save_file(load_file(path), path, metadata={"origin": '{"generator_sha256": "of another run"}'})
        for ask in (lambda: trained("whitebox", profile), lambda: kept.keep("whitebox", profile)):
            with pytest.raises(UserError, match="weights"):
                ask()
        path.write_bytes(b"damaged")
        assert kept.find("mine", "whitebox") is None
    finally:
        aside.rename(own)
        path.unlink()


def test_equal_weights_are_equal_bytes(profile: Profile) -> None:
    first = (ship.ship("whitebox", profile, "toon") / "generator.safetensors").read_bytes()
    assert (ship.ship("whitebox", profile, "toon") / "generator.safetensors").read_bytes() == first


@pytest.mark.parametrize("licence", ["CC BY-NC 2.0", "Free for Non-Commercial use", "not stated by the authors"])
def test_what_forbids_commercial_use_is_not_shipped(
    profile: Profile, monkeypatch: pytest.MonkeyPatch, licence: str
) -> None:
    original = corpora.load

    def unfree(*arguments: object) -> Corpus:
        corpus = original(*arguments)  # type: ignore[arg-type]
        items = [dataclasses.replace(corpus.items[0], licence=licence), *corpus.items[1:]]
        return Corpus(corpus.name, items, corpus.image)

    monkeypatch.setattr(corpora, "load", unfree)
    with pytest.raises(UserError, match="forbids commercial use|no licence is stated"):
        ship.ship("whitebox", profile, "toon")
    assert styles.shipped() == []


def test_what_is_not_of_the_record_is_not_shipped(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="no white box of style 'toon'"):
        ship.ship("pretrain", profile, "toon")
    with pytest.raises(UserError, match="no white box of style 'flat'"):
        ship.ship("whitebox", profile, "flat")
    with monkeypatch.context() as patch:
        patch.setattr(kept, "sha256", lambda _: "0" * 64)
        with pytest.raises(UserError, match="not the generator of the record"):
            ship.ship("whitebox", profile, "toon")
    with monkeypatch.context() as patch:
        patch.setattr(records, "data_entry", lambda _: {})
        with pytest.raises(UserError, match="not those that it learnt from"):
            ship.ship("whitebox", profile, "toon")
    assert styles.shipped() == []


def test_the_command_line_names_every_style_of_the_package() -> None:
    assert styles.DEFAULT in styles.shipped()
    assert all(style in cli.STYLE for style in styles.shipped())


@pytest.mark.parametrize("style", styles.shipped())
def test_what_the_package_ships(style: str) -> None:
    """Small, of a committed record, looked at, and free."""
    folder = styles.SHIPPED / style
    assert (folder / "generator.safetensors").stat().st_size < 4e6
    with safe_open(folder / "generator.safetensors", framework="pt") as file:
        origin = json.loads(file.metadata()["origin"])
    record = paths.CHECKOUT / "reports" / "records" / origin["profile"] / f"{origin['name']}.json"
    assert json.loads(record.read_text("utf-8"))["config_hash"] == origin["config_hash"]
    text = (folder / "CARD.md").read_text("utf-8")
    assert ship.UNSEEN not in text and "## Photographs" in text and "CC BY" in text
    assert not any(word in text for word in ("CC BY-NC", "non-commercial"))
    photo = sample_photographs(96)[0]
    drawn = Stylist(styles.load_style(style))(photo)
    assert 2 < np.abs(drawn.astype(int) - photo).mean() < 60, "changed, and not destroyed"
    assert drawn.shape == photo.shape and images.to_tensor(drawn).shape == (3, 96, 96)
