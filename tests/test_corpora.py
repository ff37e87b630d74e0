"""What a corpus promises, its splits, the bundled photographs, and how kinds are opened."""

from __future__ import annotations

import hashlib
import logging
import threading
from pathlib import Path

import numpy as np
import pytest
from toy_images import corpus_image

from wbclib import corpora, images
from wbclib.corpora import base, bundled
from wbclib.corpora.base import Corpus, Item
from wbclib.files import UserError
from wbclib.options import CorpusSpec


def toy(count: int = 4) -> Corpus:
    items = [Item(f"{i}.png", f"{i:064x}", "CC0 1.0", "nobody", (40, 48), f"group {i // 2}") for i in range(count)]
    return Corpus("toy", items, corpus_image)


# --- what a corpus is


def test_manifest_has_one_row_an_image() -> None:
    row = toy().manifest()[2]
    assert list(row) == ["name", "sha256", "bytes", "height", "width", "group", "licence", "credit"]
    assert (row["name"], row["height"], row["width"], row["group"]) == ("2.png", 40, 48, "group 1")


def test_digest_follows_bytes_and_order_only() -> None:
    corpus = toy()
    renamed = Corpus("other", [Item("x", i.sha256, "", "", (1, 1), "") for i in corpus.items], corpus_image)
    assert renamed.digest() == corpus.digest()
    assert corpus.subset([1, 0, 2, 3]).digest() != corpus.digest() != corpus.subset([0, 1, 2]).digest()


def test_subset_has_the_images_of_its_items() -> None:
    part = toy().subset([3, 1]).subset([1])
    assert {item.name for item in part.items} == {"1.png"}
    np.testing.assert_array_equal(part.image(0), corpus_image(1))
    with pytest.raises(IndexError):
        part.image(1)
    with pytest.raises(IndexError):
        part.image(-1)


def test_decoded_images_are_kept_within_the_limit_least_used_first() -> None:
    decoded: list[int] = []

    def decode(index: int) -> np.ndarray:
        decoded.append(index)
        return corpus_image(index)

    corpus = Corpus("toy", toy().items, decode, cache_bytes=2 * corpus_image(0).nbytes)
    for index in (0, 1, 0, 2, 0, 1):  # 2 drives out 1, because 0 was used after it
        corpus.image(index)
    assert decoded == [0, 1, 2, 1]


def test_images_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        toy().image(0)[0, 0] = 0


def test_many_threads_get_the_right_images() -> None:
    corpus, wrong = Corpus("toy", toy().items, corpus_image, cache_bytes=2 * corpus_image(0).nbytes), []

    def work(seed: int) -> None:
        for index in np.random.default_rng(seed).integers(0, 4, 200).tolist():
            if not np.array_equal(corpus.image(index), corpus_image(index)):
                wrong.append(index)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and corpus._held <= corpus._limit


# --- splits


def test_split_is_the_documented_hash_of_the_group() -> None:
    expected = int(hashlib.sha256(b"group 1").hexdigest()[:8], 16) % 100
    assert base.held_back("group 1", expected + 1) and not base.held_back("group 1", expected)
    share = np.mean([base.held_back(str(i), 20) for i in range(5000)])
    assert abs(share - 0.2) < 0.025


def test_no_share_held_back_means_the_same_images_on_both_sides() -> None:
    assert base.divide(toy(), "train", 0).digest() == base.divide(toy(), "validation", 0).digest()


@pytest.mark.parametrize(("split", "percent", "says"), [("test", 10, "train or validation"), ("train", 100, "0 to 99")])
def test_impossible_splits_are_refused(split: str, percent: int, says: str) -> None:
    with pytest.raises(UserError, match=says):
        base.divide(toy(), split, percent)


def test_an_empty_side_is_an_error() -> None:
    with pytest.raises(UserError, match="validation split of toy is empty.*change validation_percent"):
        base.divide(toy(2), "validation", 1)


# --- bundled


def test_bundled_photographs_are_the_recorded_files_with_licence_and_credit() -> None:
    corpus = corpora.load(CorpusSpec())
    assert len(corpus) == 7
    assert [item.sha256 for item in corpus.items] == [photograph.sha256 for photograph in bundled.PHOTOGRAPHS]
    for index, item in enumerate(corpus.items):
        assert item.licence and item.credit and "/" not in item.name
        assert corpus.image(index).shape == (*item.size, 3)
        assert np.ptp(corpus.image(index), axis=2).mean() > 5  # in colour
    groups = {item.group for item in corpus.items}
    assert len(groups) == 6  # the two views of the motorcycle stay together


def test_two_views_of_one_scene_are_never_divided() -> None:
    loaded = [corpora.load(CorpusSpec(validation_percent=50), split) for split in ("train", "validation")]
    sides = [{item.name for item in corpus.items} for corpus in loaded]
    assert not sides[0] & sides[1] and len(sides[0] | sides[1]) == 7
    assert any({"motorcycle_left.png", "motorcycle_right.png"} <= side for side in sides)


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled.importlib.util, "find_spec", lambda name: None)  # type: ignore[attr-defined]
    with pytest.raises(UserError, match="install scikit-image"):
        bundled.photographs.__wrapped__()


def test_another_version_of_a_photograph_is_told_and_changes_the_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    images.write(tmp_path / "coffee.png", corpus_image(0))
    locate = bundled.locate
    monkeypatch.setattr(
        bundled, "locate", lambda p: tmp_path / "coffee.png" if p.path.endswith("coffee.png") else locate(p)
    )
    with caplog.at_level(logging.WARNING):
        changed = bundled.photographs.__wrapped__()
    assert "coffee.png is not the file of the locked version" in caplog.text and len(caplog.records) == 1
    assert changed.digest() != bundled.photographs().digest()


# --- dispatch


def test_drawn_cartoons_are_opened_by_kind() -> None:
    corpus = corpora.load(CorpusSpec(kind="toon", count=3, size=32, seed=5))
    assert len(corpus) == 3 and corpus.image(0).shape == (32, 32, 3)
    with pytest.raises(UserError, match="1 or more"):
        corpora.load(CorpusSpec(kind="toon"))


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(UserError, match="bundled, toon or folder"):
        corpora.load(CorpusSpec(kind="film"))
