"""Runs that move between machines: the round trip gives the weights of one uninterrupted run, bit for bit."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

from wbclib import images, pack, paths
from wbclib.files import UserError, read_json, sha256, write_json
from wbclib.profiles import Profile, load
from wbclib.train import checkpoints, run


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Profile:
    """A profile on folders of small pictures, in a study of its own."""
    monkeypatch.setenv("WBC_ROOT", str(tmp_path / "home"))
    monkeypatch.setenv("WBC_ASSETS", str(tmp_path / "assets"))
    rng = np.random.default_rng(0)
    for kind in ("photos", "cartoons"):
        for number in range(30):
            picture = rng.integers(0, 256, (72, 80, 3), dtype=np.uint8)
            images.write(tmp_path / "assets" / kind / f"{number % 3}" / f"{number}.png", picture)
    listing = "file\n" + "\n".join(f"{n % 3}/{n}.png" for n in range(24)) + "\n"
    (tmp_path / "assets" / "photos" / "open.csv").write_text(listing)
    profile = tmp_path / "mine.yaml"
    profile.write_text(
        "extends: smoke\n"
        "base:\n"
        "  photos: {kind: folder, path: photos, listing: photos/open.csv, validation_percent: 30}\n"
        "  cartoons: {kind: folder, path: cartoons, validation_percent: 40}\n"
    )
    return load(str(profile))


def elsewhere(*words: str, root: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command line in a process that knows nothing of this study's folders, and computes in its precision."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WBC_") or k == "WBC_PRECISION"}
    if root is not None:
        environment["WBC_ROOT"] = str(root)
    return subprocess.run(
        [sys.executable, "-m", "wbclib", *words], cwd=paths.CHECKOUT, env=environment, capture_output=True, text=True
    )


def tensors(profile: Profile, name: str) -> dict[str, torch.Tensor]:
    found = checkpoints.newest(paths.run(profile.name, name))
    assert found is not None
    return found[0]


def test_there_and_back_equals_staying_at_home(study: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("pretrain", study, progress=False)
    folder = pack.pack(study, "whitebox", tmp_path / "pack")
    assert not [path for path in folder.rglob("*") if path.name.startswith(".part-")]

    done = elsewhere("train", "whitebox", "--pack", str(folder), "--results", str(tmp_path / "back"))
    assert done.returncode == 0, done.stderr
    assert not any(path.is_dir() for path in (tmp_path / "back").iterdir())
    written = pack.unpack(study, tmp_path / "back")
    assert paths.record("mine", "whitebox") in written
    there = tensors(study, "whitebox")

    monkeypatch.setenv("WBC_ROOT", str(tmp_path / "second"))
    run("whitebox", study, progress=False)
    here = tensors(study, "whitebox")
    assert here.keys() == there.keys() and all(torch.equal(here[key], there[key]) for key in here)


def test_a_pack_holds_training_images_only(study: Profile, tmp_path: Path) -> None:
    folder = pack.pack(study, "pretrain", tmp_path / "pack")
    from wbclib import corpora

    for kind, spec in (("photos", study.run("pretrain").photos), ("cartoons", study.run("pretrain").cartoons)):
        packed = sorted(p.name for p in (folder / "data" / "assets" / kind).rglob("*.png"))
        assert packed == sorted(Path(item.name).name for item in corpora.load(spec, "train").items)
        assert corpora.load(spec, "validation").items  # something was indeed held back


def test_what_was_damaged_on_the_way_is_refused(study: Profile, tmp_path: Path) -> None:
    run("pretrain", study, progress=False)
    before = {p: p.read_bytes() for p in paths.run("mine", "pretrain").rglob("*") if p.is_file()}
    back = pack.results(study, "pretrain", tmp_path / "back")
    part = back / "results-00.tar"
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(UserError, match="missing or damaged; copy the folder again, nothing was changed"):
        pack.unpack(study, back)
    assert before == {p: p.read_bytes() for p in paths.run("mine", "pretrain").rglob("*") if p.is_file()}


def test_older_results_do_not_overwrite_newer_ones(study: Profile, tmp_path: Path) -> None:
    run("pretrain", study, progress=False)
    back = pack.results(study, "pretrain", tmp_path / "back")
    folder = paths.run("mine", "pretrain")
    (folder / "checkpoint-00000008").rename(folder / "checkpoint-00000099")
    with pytest.raises(UserError, match="is at step 99 here and at 8"):
        pack.unpack(study, back)


def test_results_of_another_configuration_are_refused(study: Profile, tmp_path: Path) -> None:
    run("pretrain", study, progress=False)
    back = pack.results(study, "pretrain", tmp_path / "back")
    other = dataclasses.replace(
        study, runs={**study.runs, "pretrain": dataclasses.replace(study.run("pretrain"), lr=0.5)}
    )
    with pytest.raises(UserError, match="another configuration"):
        pack.unpack(other, back)


def test_a_pack_that_is_too_large_says_how_to_shrink_it(
    study: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack, "LIMIT_BYTES", 1000)
    with pytest.raises(UserError, match="set `count`"):
        pack.pack(study, "pretrain", tmp_path / "pack")
    assert not (tmp_path / "pack").exists()


def test_nothing_is_packed_over_what_is_there(study: Profile, tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    with pytest.raises(UserError, match="is there already"):
        pack.pack(study, "pretrain", tmp_path / "pack")


@pytest.mark.parametrize("name", ["../stolen", "/stolen", "data/link"])
def test_names_that_leave_the_folder_are_refused(study: Profile, tmp_path: Path, name: str) -> None:
    run("pretrain", study, progress=False)
    back = pack.results(study, "pretrain", tmp_path / "back")
    member = tarfile.TarInfo(name)
    member.type, member.linkname = (tarfile.SYMTYPE, "/stolen") if name == "data/link" else (tarfile.REGTYPE, "")
    with tarfile.open(back / "results-00.tar", "a") as archive:
        archive.addfile(member)
    contents = read_json(back / pack.CONTENTS)
    contents["files"]["results-00.tar"] = sha256(back / "results-00.tar")
    write_json(back / pack.CONTENTS, contents)
    with pytest.raises(UserError, match="would leave the folder"):
        pack.unpack(study, back)


def test_results_are_few_files_of_limited_size(study: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes back from a borrowed machine is counted and weighed."""
    monkeypatch.setattr(pack, "ARCHIVE_BYTES", 7 * 2**20)
    run("whitebox", study, progress=False)
    back = pack.results(study, "whitebox", tmp_path / "back")
    sizes = {path.name: path.stat().st_size for path in back.iterdir()}
    parts = [p.stat().st_size for p in paths.run("mine", "whitebox").glob("checkpoint-00000008/*")]
    assert len(sizes) <= len(parts) + 3
    assert all(size <= max(7 * 2**20, *parts) + 2**15 for size in sizes.values())


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["train", "whitebox", "--profile", "huge"],
            "unknown profile 'huge'; say one of smoke, quick, lab, lab-gpu, shipped",
        ),
        (["train", "nothing", "--profile", "smoke"], "profile smoke has no run 'nothing'; it has: pretrain, whitebox"),
        (["train", "pretrain", "--pack", "/nowhere"], "is not a pack"),
        (["train", "pretrain", "--profile", "lab"], "put images there, or set WBC_ASSETS"),
    ],
)
def test_mistakes_give_one_line_and_a_status(words: list[str], line: str, tmp_path: Path) -> None:
    done = elsewhere(*words, root=tmp_path)
    assert done.returncode == 2 and line in done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_a_machine_that_only_trains_needs_no_notebook_packages(study: Profile, tmp_path: Path) -> None:
    """Torch, numpy, scipy, scikit-image, OpenCV, numba, pandas, tqdm, safetensors, PyYAML and lightning are enough."""
    folder = pack.pack(study, "pretrain", tmp_path / "pack")
    absent = {
        "matplotlib",
        "torchvision",
        "papermill",
        "nbconvert",
        "nbformat",
        "pytorch_fid",
        "torch_fidelity",
    }
    code = (
        "import sys, importlib.abc\n"
        "class Absent(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name.split('.')[0] in {absent}:\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "import importlib.util as u; real = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'matplotlib' else real(name, *a)\n"
        "from wbclib.cli import main\n"
        f"sys.exit(main(['train', 'pretrain', '--pack', {str(folder)!r}]))\n"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("WBC_")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=paths.CHECKOUT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert (folder / "reports" / "records" / "mine" / "pretrain.json").is_file()


@pytest.mark.parametrize("junk", ["{}", "[]", "null", '{"files": 3}', '{"files": {}, "profile": "mine", "run": "x"}'])
def test_damaged_contents_are_named(study: Profile, tmp_path: Path, junk: str) -> None:
    folder = tmp_path / "back"
    folder.mkdir()
    (folder / pack.CONTENTS).write_text(junk)
    with pytest.raises(UserError, match="contents.json: it is damaged"):
        pack.unpack(study, folder)
