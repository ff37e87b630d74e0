"""Corpora of the reader's own folders: which files are taken, the manifest and its cache, lists, groups and splits."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from toy_images import corpus_image, noise

from wbclib import corpora, images, paths
from wbclib.corpora import folder
from wbclib.corpora.base import Corpus
from wbclib.files import UserError
from wbclib.options import CorpusSpec


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty assets folder and an empty study root."""
    monkeypatch.setenv("WBC_ROOT", str(tmp_path / "study"))
    monkeypatch.setenv("WBC_ASSETS", str(tmp_path / "assets"))
    (tmp_path / "assets" / "pictures").mkdir(parents=True)
    return tmp_path / "assets"


def fill(where: Path, count: int, start: int = 0) -> None:
    for seed in range(start, start + count):
        images.write(where / f"{seed:03d}.png", corpus_image(seed))


def opened(split: str = "train", **options: object) -> Corpus:
    return corpora.load(CorpusSpec(**{"kind": "folder", "path": "pictures", **options}), split)  # type: ignore[arg-type]


def names(corpus: Corpus) -> set[str]:
    return {item.name for item in corpus.items}


# --- folders


def test_nested_folders_and_mixed_formats(assets: Path) -> None:
    root = assets / "pictures"
    for seed, suffix in enumerate(["jpg", "JPEG", "png", "webp", "bmp", "tif", "TIFF", "gif"]):
        path = root / f"level{seed % 3}" / "deep" / f"{seed}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(corpus_image(seed)).save(path)
    (root / "notes.txt").write_text("no image")
    images.write(root / ".hidden.png", corpus_image(90))
    images.write(root / ".trash" / "old.png", corpus_image(91))
    corpus = opened()
    assert len(corpus) == 8 and not corpus.skipped
    assert "pictures/level2/deep/2.png" in names(corpus)
    for index, row in enumerate(corpus.manifest()):
        data = (assets / row["name"]).read_bytes()
        assert (row["sha256"], row["bytes"]) == (hashlib.sha256(data).hexdigest(), len(data))
        assert corpus.image(index).shape == (row["height"], row["width"], 3) == (40, 48, 3)
        np.testing.assert_array_equal(corpus.image(index), images.read(assets / row["name"]))


def test_several_folders_and_absolute_paths(assets: Path, tmp_path: Path) -> None:
    fill(assets / "pictures", 2)
    fill(tmp_path / "elsewhere", 2, start=2)
    corpus = opened(path=f"pictures + {tmp_path / 'elsewhere'}")
    assert len(corpus) == 4 and "elsewhere/002.png" in names(corpus)
    assert str(tmp_path) not in corpus.name and str(tmp_path) not in str(corpus.manifest())


def test_unusable_files_are_left_out_with_a_count(assets: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = assets / "pictures"
    fill(root, 3)
    (root / "text.jpg").write_text("I am not an image")
    (root / "empty.png").write_bytes(b"")
    (root / "cut.png").write_bytes((root / "000.png").read_bytes()[:900])
    (root / "copy.png").write_bytes((root / "000.png").read_bytes())
    images.write(root / "tiny.png", noise(31, 64, 9))
    (root / "dangling.jpg").symlink_to(root / "nowhere.jpg")
    with caplog.at_level(logging.WARNING):
        corpus = opened()
    reasons = {name.split("/")[1]: reason for name, reason in corpus.skipped}
    assert names(corpus) == {f"pictures/{i:03d}.png" for i in range(3)}
    assert len(reasons) == len(corpus.skipped) == 6
    assert "not an image" in reasons["text.jpg"] and "0 bytes" in reasons["empty.png"]
    assert "cut short" in reasons["cut.png"] and reasons["copy.png"] == "same bytes as pictures/000.png"
    assert reasons["tiny.png"] == "smaller than 32 pixels (64 x 31)" and "nowhere" in reasons["dangling.jpg"]
    assert len(caplog.records) == 1 and "3 images, 6 files left out" in caplog.text


def test_only_unusable_files_is_an_error(assets: Path) -> None:
    (assets / "pictures" / "text.jpg").write_text("I am not an image")
    with pytest.raises(UserError, match=r"none of the 1 images .*pictures/text\.jpg: not an image"):
        opened()


def test_links_are_followed_once(assets: Path) -> None:
    root = assets / "pictures"
    fill(assets / "shared", 2)
    (root / "shared").symlink_to(assets / "shared")
    (assets / "shared" / "back").symlink_to(root)
    (root / "itself").symlink_to(root / "itself")
    (root / "loop.jpg").symlink_to(root / "loop.jpg")
    corpus = opened()
    assert names(corpus) == {"pictures/shared/000.png", "pictures/shared/001.png"}
    assert [name for name, _ in corpus.skipped] == ["pictures/loop.jpg"]


def test_names_that_are_no_utf8_can_be_listed(assets: Path) -> None:
    fill(assets / "pictures", 1)
    os.rename(assets / "pictures" / "000.png", os.fsencode(assets / "pictures") + b"/caf\xe9.png")
    assert names(opened()) == names(opened()) == {"pictures/caf\\xe9.png"}
    assert opened().image(0).shape == (40, 48, 3)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("nowhere", "no folder .*nowhere; put images there, or set WBC_ASSETS"),
        ("pictures", "no images in .*put some there .*WBC_ASSETS"),
        ("", "needs a path"),
        (" + ", "needs a path"),
    ],
)
def test_missing_and_empty_folders_say_what_to_do(assets: Path, path: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        opened(path=path)
    assert "\n" not in str(caught.value)


def test_folder_without_permission(assets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(assets / "pictures", 1)
    fill(assets / "pictures" / "closed", 1, start=1)
    scandir = os.scandir

    def refuse(path: Path) -> object:  # the superuser may read everything, so the refusal is played
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(folder.os, "scandir", refuse)
    with pytest.raises(UserError, match=r"pictures/closed \(Permission denied\); check its permissions"):
        opened()


def test_file_without_permission_is_left_out_until_it_can_be_read(
    assets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(assets / "pictures", 2)
    read = Path.read_bytes

    def refuse(self: Path) -> bytes:
        if self.name == "001.png":
            raise PermissionError(13, "Permission denied", str(self))
        return read(self)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", refuse)
        corpus = opened()
    assert corpus.skipped == (("pictures/001.png", "cannot be opened (Permission denied)"),)
    assert len(opened()) == 2


# --- the manifest and its cache


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are decoded from here on."""
    read: list[str] = []
    examine: Callable[[Path, tuple[int, int]], folder.Found] = folder._examine
    monkeypatch.setattr(folder, "_examine", lambda path, mark: (read.append(path.name), examine(path, mark))[1])
    return read


def test_second_opening_reads_only_what_changed(assets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(assets / "pictures", 4)
    (assets / "pictures" / "text.jpg").write_text("I am not an image")
    read = counted(monkeypatch)
    first = opened()
    assert len(read) == 5
    second = opened()
    assert len(read) == 5 and second.manifest() == first.manifest() and second.skipped == first.skipped
    fill(assets / "pictures", 1, start=7)
    assert len(opened()) == 5 and read[5:] == ["007.png"]


def test_damaged_cache_is_made_again(assets: Path) -> None:
    fill(assets / "pictures", 2)
    digest = opened().digest()
    (store,) = paths.cache("manifests").iterdir()
    for content in ("{", "[]", '{"version": 1}', '{"version": 1, "files": {"a": {"b": 1}}}'):
        store.write_text(content)
        assert opened().digest() == digest


def test_digest_changes_if_and_only_if_bytes_change(assets: Path) -> None:
    fill(assets / "pictures", 3)
    before = opened().digest()
    (assets / "pictures" / "001.png").rename(assets / "pictures" / "renamed.png")
    os.utime(assets / "pictures" / "002.png", ns=(1, 1))
    assert opened().digest() == before
    images.write(assets / "pictures" / "002.png", corpus_image(77))
    assert opened().digest() != before
    images.write(assets / "pictures" / "002.png", corpus_image(2))
    assert opened().digest() == before


# --- listing, groups, split, count


def test_listing_allows_files_in_and_gives_licence_and_author(assets: Path) -> None:
    fill(assets / "pictures" / "a", 3)
    (assets / "pictures" / "open.csv").write_text(
        "file,licence,author\na/000.png,CC BY 4.0,Ann\na/002.png,,\nb/404.png,CC0 1.0,Bob\n"
    )
    corpus = opened(listing="pictures/open.csv")
    told = {item.name: (item.licence, item.credit) for item in corpus.items}
    assert told == {"pictures/a/000.png": ("CC BY 4.0", "Ann"), "pictures/a/002.png": ("not stated", "not stated")}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"listing": "none.csv"}, "cannot read the CSV .*none.csv.*check the name"),
        ({"listing": "pictures/other.csv"}, "no column 'file'; it has: name, group"),
        ({"listing": "pictures/away.csv"}, "names no image"),
        ({"groups": "pictures/away.csv"}, "say <csv>:<column>"),
        ({"groups": "pictures/away.csv:colour"}, "no column 'colour'; it has: file, group"),
        ({"groups": "pictures/away.csv:group"}, "no row names a file"),
        ({"groups": "pictures/twice.csv:group"}, "000.png is in two groups"),
    ],
)
def test_wrong_csv_says_what_to_do(assets: Path, options: dict[str, str], says: str) -> None:
    fill(assets / "pictures", 1)
    (assets / "pictures" / "other.csv").write_text("name,group\n000.png,a\n")
    (assets / "pictures" / "away.csv").write_text("file,group\nx/404.png,a\n")
    (assets / "pictures" / "twice.csv").write_text("file,group\n000.png,a\n000.png,b\n")
    with pytest.raises(UserError, match=says):
        opened(**options)


def grouped(assets: Path) -> Callable[[str], Corpus]:
    """40 images in 8 stories; the table names them by base name, or by the end of the path."""
    fill(assets / "pictures", 40)
    rows = [f"{'pictures/' if i % 2 else ''}{i:03d}.png,story {i % 8}" for i in range(40)]
    (assets / "stories.csv").write_text("file,story\n" + "\n".join(rows) + "\n")
    return lambda split: opened(split, groups="stories.csv:story", validation_percent=40)


def test_groups_are_never_divided(assets: Path) -> None:
    load = grouped(assets)
    train, validation = load("train"), load("validation")
    assert len(train) + len(validation) == 40 and len(train) and len(validation)
    assert not {i.group for i in train.items} & {i.group for i in validation.items}
    assert {i.group for i in (*train.items, *validation.items)} == {f"story {k}" for k in range(8)}


def test_file_without_a_row_is_told_and_stands_alone(assets: Path, caplog: pytest.LogCaptureFixture) -> None:
    load = grouped(assets)
    fill(assets / "pictures", 1, start=99)
    with caplog.at_level(logging.WARNING):
        both = (*load("train").items, *load("validation").items)
    (alone,) = (item for item in both if item.name.endswith("099.png"))
    assert alone.group == alone.sha256 and "1 files have no row in stories.csv:story" in caplog.text


def test_longest_path_ending_decides(assets: Path) -> None:
    fill(assets / "pictures" / "a", 1)
    fill(assets / "pictures" / "b", 1, start=1)
    (assets / "pictures" / "b" / "001.png").rename(assets / "pictures" / "b" / "000.png")
    (assets / "groups.csv").write_text("file,story\n000.png,any\nb/000.png,special\n")
    corpus = opened(groups="groups.csv:story")
    assert {item.name: item.group for item in corpus.items} == {
        "pictures/a/000.png": "any",
        "pictures/b/000.png": "special",
    }


def test_added_files_move_nothing(assets: Path) -> None:
    fill(assets / "pictures", 30)
    before = {split: names(opened(split, validation_percent=30)) for split in ("train", "validation")}
    fill(assets / "pictures", 30, start=30)
    after = {split: names(opened(split, validation_percent=30)) for split in ("train", "validation")}
    assert before["train"] < after["train"] and before["validation"] < after["validation"]


def test_count_keeps_the_first_by_hash_of_each_split(assets: Path) -> None:
    fill(assets / "pictures", 30)
    for split in ("train", "validation"):
        whole = sorted(item.sha256 for item in opened(split, validation_percent=30).items)
        part = opened(split, validation_percent=30, count=3)
        assert [item.sha256 for item in part.items] == whole[:3]
        assert part.image(2).shape == (40, 48, 3)
    assert len(opened(count=99)) == 30
