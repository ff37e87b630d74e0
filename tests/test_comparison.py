"""The comparison: who was held out, what the cache depends on, what may be called FID, and the table itself."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wbclib import corpora, images, paths, profiles
from wbclib.corpora.bundled import photographs
from wbclib.files import UserError
from wbclib.measure import fid, kid, resampling
from wbclib.networks import features
from wbclib.options import CorpusSpec
from wbclib.profiles import Profile
from wbclib.studies.common import comparison, protocol

RANDOM = np.random.default_rng(3)


def tiny(**change: Any) -> Profile:
    """The smoke profile with few, small crops and without a toon corpus to draw."""
    profile = profiles.load("smoke")
    measure = dataclasses.replace(
        profile.measure, crops=12, size=32, kid_subsets=3, kid_subset_size=6, bootstraps=5, **change
    )
    return dataclasses.replace(profile, measure=measure)


def with_folders(profile: Profile, root: Path, percent: int) -> Profile:
    """Photographs and cartoons as folders of one-colour images: a crop's grey tells from which image it is."""
    for kind in ("photos", "cartoons"):
        for grey in range(20):
            images.write(root / kind / f"{grey:03d}.png", np.full((48, 40, 3), grey, np.uint8))
    specs = {
        k: CorpusSpec(kind="folder", path=str(root / k), validation_percent=percent) for k in ("photos", "cartoons")
    }
    runs = {name: dataclasses.replace(config, **specs) for name, config in profile.runs.items()}
    return dataclasses.replace(profile, runs=runs)


def greys(pictures: np.ndarray) -> set[int]:
    return set(np.unique(pictures).tolist())


def test_stylised_photographs_and_cartoons_were_held_out(study: Path) -> None:
    profile = with_folders(tiny(), study, 40)
    data = comparison.sets(profile)
    assert data.held_out and not greys(data.inputs) & greys(data.photographs)
    for kind, measured in (("photos", data.inputs), ("cartoons", data.cartoons)):
        train = corpora.load(getattr(profile.run("whitebox"), kind), "train")  # what the loop trains on
        trained_on = set().union(*(greys(train.image(i)) for i in range(len(train))))
        assert trained_on and not trained_on & greys(measured)
        assert kind == "cartoons" or greys(data.photographs) <= trained_on
    by_group: dict[str, set[int]] = {}
    for group, picture in zip(data.groups, data.inputs, strict=True):
        by_group.setdefault(str(group), set()).update(greys(picture))
    assert all(len(found) == 1 for found in by_group.values()), "a group is one photograph"
    assert data.distinct["inputs"] == len(greys(data.inputs))


def test_without_a_split_the_tables_say_so(study: Path) -> None:
    profile = with_folders(tiny(), study, 0)
    data = comparison.sets(profile)
    assert not data.held_out and "those of training" in protocol.held(data)


def test_each_style_has_its_cartoons_and_its_runs(study: Path) -> None:
    profile = with_folders(tiny(), study, 40)
    flat = CorpusSpec(kind="folder", path=str(study / "flat"), validation_percent=40)
    for grey in range(200, 220):
        images.write(study / "flat" / f"{grey}.png", np.full((48, 40, 3), grey, np.uint8))
    runs = {**profile.runs, "flat-whitebox": dataclasses.replace(profile.run("whitebox"), cartoons=flat)}
    both = {
        "painted": {"pretrained": "pretrain", "whitebox": "whitebox"},
        "flat": {"pretrained": "pretrain", "whitebox": "flat-whitebox"},
    }
    profile = dataclasses.replace(profile, runs=runs, comparison=both)
    assert profile.compared() == ["pretrain", "whitebox", "flat-whitebox"]
    data = comparison.sets_by_style(profile)
    assert min(greys(data["flat"].cartoons)) >= 200 > max(greys(data["painted"].cartoons))
    np.testing.assert_array_equal(data["flat"].inputs, data["painted"].inputs)

    inputs = data["flat"].inputs
    made = {"photograph": inputs, "pretrained": inputs, "whitebox": inputs + 1, "whitebox, flat": inputs + 200}
    table = comparison.distances(profile, data, made)
    assert table["style"].drop_duplicates().tolist() == ["painted", "flat"]
    assert set(table["method"]) == {"photograph", "pretrained", "whitebox", comparison.FLOOR}
    network = features.load("random_resnet18")
    a, b = (fid.features(x, network) for x in (made["whitebox, flat"], data["flat"].cartoons))
    row = table[(table["style"] == "flat") & (table["method"] == "whitebox") & (table["to"] == "cartoons")]
    assert row.set_index("metric").loc["frechet", "value"] == pytest.approx(fid.frechet(a, b))
    assert comparison.of_style(profile, "painted", made).keys() == {"photograph", "pretrained", "whitebox"}


def test_features_are_kept_by_pictures_and_weights(study: Path) -> None:
    network = features.load("random_resnet18")
    a = RANDOM.integers(0, 255, (3, 32, 32, 3), dtype=np.uint8)
    first = comparison.cached_features(a, network)
    kept = list(paths.cache("features").glob("*.npy"))
    assert len(kept) == 1
    np.testing.assert_array_equal(first, fid.features(a, network))
    np.save(kept[0], first + 1)  # what is returned now comes from the cache
    np.testing.assert_array_equal(comparison.cached_features(a, network), first + 1)
    kept[0].write_bytes(kept[0].read_bytes()[:50])  # cut short: made again
    np.testing.assert_array_equal(comparison.cached_features(a, network), first)

    for other in (a ^ np.uint8(1), a.reshape(3, 64, 16, 3), a[:2]):
        comparison.cached_features(other, network)
    assert len(list(paths.cache("features").glob("*.npy"))) == 4, "one entry for each set of pictures"
    network.origin = network.origin | {"sha256": "0" * 64}
    comparison.cached_features(a, network)
    assert len(list(paths.cache("features").glob("*.npy"))) == 5, "and one for each set of weights"


def test_the_table_is_frechet_and_kid_of_the_outputs(study: Path) -> None:
    profile = with_folders(tiny(), study, 40)
    data = comparison.sets(profile)
    made = {"photograph": data.inputs, "inverted": 255 - data.inputs}
    table = comparison.distances(profile, {"toon": data}, made)
    assert list(table.columns) == comparison.COLUMNS
    assert len(table) == 3 * 2 * 2 and set(table["metric"]) == {"frechet", "kid"}, "no FID without its network"
    network = features.load("random_resnet18")
    a, b = (fid.features(x, network) for x in (made["inverted"], data.cartoons))
    rows = table[(table["method"] == "inverted") & (table["to"] == "cartoons")].set_index("metric")
    assert rows.loc["frechet", "value"] == pytest.approx(fid.frechet(a, b))
    floor = table[(table["method"] == comparison.FLOOR) & (table["to"] == "cartoons")].set_index("metric")
    assert data.others is not None and not greys(data.others) & greys(data.cartoons)
    near = fid.frechet(fid.features(data.others, network), fid.features(data.cartoons, network))
    assert floor.loc["frechet", "value"] == pytest.approx(near)
    mean, spread = kid.kid(a, b, 3, 6, profile.measure.seed)
    assert rows.loc["kid", ["value", "spread"]].tolist() == pytest.approx([mean, spread])
    groups = data.groups, "kid", 5, profile.measure.seed, data.reference_groups["cartoons"]
    value, low, high = resampling.interval(a, b, *groups)
    assert rows.loc["kid", "high"] - mean == pytest.approx(high - value)
    assert mean - rows.loc["kid", "low"] == pytest.approx(value - low)
    assert (table["low"] <= table["value"]).all() and (table["value"] <= table["high"]).all()
    assert set(table["n_a"]) == set(table["n_b"]) == {12}
    text = protocol.caption(profile, {"toon": data}, [network.origin])
    assert "random resnet18 (seeded random weights" in text and "12 crops of 32 px" in text and "held out" in text
    assert not set("_%&#$") & set(text), "TeX would misread them"
    assert "mean nothing outside" in protocol.warning([network.origin])


def test_only_the_fid_inception_network_gives_an_fid() -> None:
    origin = {"network": "inception", "pretrained": True}
    assert fid.metric_name(origin) == "fid" and "is the FID" in protocol.warning([origin])
    for other in (origin | {"pretrained": False}, origin | {"network": "mobilenet_v2"}):
        assert fid.metric_name(other) == "frechet" and "None of these numbers is an FID" in protocol.warning([other])


def test_the_network_that_trains_must_not_measure() -> None:
    profile = tiny(networks=("random_vgg11",))
    with pytest.raises(UserError, match="random_vgg11 both trains and measures"):
        comparison.networks(profile)
    assert [n.origin["network"] for n in comparison.networks(tiny())] == ["random_resnet18"]


def test_representations_depend_on_their_input_alone() -> None:
    table = comparison.representations(tiny().run("whitebox"))
    photos = RANDOM.integers(0, 255, (2, 32, 32, 3), dtype=np.uint8)
    first = comparison.stylised(table, photos)
    assert list(first) == ["photograph", "surface", "structure", "texture"]
    for name, pictures in comparison.stylised(table, photos).items():
        np.testing.assert_array_equal(pictures, first[name], err_msg=name)
    np.testing.assert_array_equal(first["photograph"], photos)
    assert (np.ptp(first["texture"], axis=-1) == 0).all(), "one channel"


def test_protocol_names_networks_weights_and_n() -> None:
    profile = tiny()
    data = comparison.Sets("toon", *[np.zeros((12, 32, 32, 3), np.uint8)] * 3, False, np.arange(12),
                           {"inputs": 7, "photographs": 7, "cartoons": 12})  # fmt: skip
    origin = features.load("random_resnet18").origin
    table = protocol.list_protocol(profile, {"toon": data}, [origin]).set_index("item")["value"]
    assert "drawn at random" in table["random_resnet18, weights"] and origin["sha256"][:12] in str(table.tolist())
    assert table["photographs that are stylised"].startswith("12 crops of 7 images")


def test_bundled_pictures_come_by_name() -> None:
    pictures, names = comparison.pictures_of(["coffee", "rocket"], 40)
    assert names == ["coffee", "rocket"] and pictures.shape == (2, 40, 40, 3)
    index = [item.name for item in photographs().items].index("rocket.jpg")
    np.testing.assert_array_equal(pictures[1], images.square(photographs().image(index), 40))
    assert len(comparison.pictures_of([], 40)[1]) == len(photographs())
    with pytest.raises(UserError, match="no bundled photograph 'mona_lisa'"):
        comparison.pictures_of(["mona_lisa"], 40)
