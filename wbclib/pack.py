"""Runs that move: everything another machine needs to start or go on with a run, and the way back.

``pack`` writes one folder that looks like a small study: profile, images, feature weights, the newest
checkpoint. Any checkout trains in it with ``python -m wbclib train RUN --pack FOLDER``. The results
are a few archives below 16 MB with a list of their hashes, which ``unpack`` verifies and puts into place.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path
from typing import Any

import yaml

from wbclib import corpora, paths
from wbclib.corpora import bundled
from wbclib.corpora.base import Corpus
from wbclib.files import UserError, atomic, atomic_folder, read_record, sha256, write_bytes, write_json, write_text
from wbclib.networks.features import NETWORKS
from wbclib.networks.weights import find
from wbclib.options import CorpusSpec, to_dict
from wbclib.profiles import Profile
from wbclib.train import checkpoints, records

LIMIT_BYTES = 60 * 10**6
ARCHIVE_BYTES = 15 * 2**20 + 2**18  # a part of a checkpoint fits
CONTENTS = "contents.json"
KINDS = {"files": dict, "profile": str, "run": str, "hash": str}  # what it holds at least


def pack(profile: Profile, name: str, folder: Path) -> Path:
    """Write what another machine needs for a run into ``folder``, which must not exist yet.

    Raises:
        UserError: the folder exists, or what belongs into it is larger than 60 MB.
    """
    folder = Path(folder)
    if folder.exists():
        raise UserError(f"{folder} is there already: name a folder that does not exist yet")
    with atomic_folder(folder) as temporary:
        names = profile.chain(name)
        for source, target in _sources(profile, names).items():
            _copy(source, temporary / target)
        values = to_dict(profile) | {"runs": {run: to_dict(profile.run(run)) for run in names}}
        for key in ("name", "comparison", "ablation"):  # the pack's file is named after it; other runs are not in it
            values.pop(key)
        write_text(temporary / f"{profile.name}.yaml", yaml.safe_dump(values, sort_keys=False))
        _seal(temporary, {"profile": profile.name, "run": name, "hash": profile.hash(name)})
        size = sum(path.stat().st_size for path in temporary.rglob("*") if path.is_file())
        if size > LIMIT_BYTES:
            raise UserError(
                f"run {name} packs to {size / 1e6:.0f} MB, more than {LIMIT_BYTES / 1e6:.0f} MB: "
                "set `count` in the profile's photos or cartoons to keep fewer images"
            )
    return folder


def _sources(profile: Profile, names: list[str]) -> dict[Path, str]:
    """Every file of a pack: where it is now, and its name in the pack."""
    # A machine that only trains has scikit-image and its photographs, but perhaps not matplotlib and its one.
    lacking = [bundled.locate(photo) for photo in bundled.PHOTOGRAPHS if photo.package != "skimage"]
    found = {path: f"data/assets/bundled/{path.name}" for path in lacking}
    for name in names:
        config = profile.run(name)
        for spec in config.corpora().values():
            if spec.kind == "folder":
                found |= _images(spec, corpora.load(spec, "train"))
        weights = find(NETWORKS[config.features].files)
        if weights is not None:
            found[weights[1]] = f"data/assets/weights/{weights[1].name}"
        run = paths.run(profile.name, name)
        kept = [
            run / "config.yaml",
            run / "metrics.jsonl",
            run / "generator.safetensors",
            paths.record(profile.name, name),
        ]
        latest = checkpoints.present(run)[-1:]
        kept += [path for checkpoint in latest for path in sorted(checkpoint.iterdir())]
        found |= {path: str(path.relative_to(paths.root())) for path in kept if path.is_file()}
    return found


def _images(spec: CorpusSpec, corpus: Corpus) -> dict[Path, str]:
    """The files of a folder corpus, with the lists that its split depends on."""
    found = {path: str(Path("data/assets") / _inside(path)) for path in corpus.files}
    for listing in (spec.listing, spec.groups.rsplit(":", 1)[0]):
        if listing:
            found[paths.assets() / listing] = str(Path("data/assets") / listing)
    return found


def _inside(path: Path) -> Path:
    try:
        return path.relative_to(paths.assets())
    except ValueError as error:
        raise UserError(
            f"{path} is not below the assets folder: set WBC_ASSETS so that a pack keeps its place"
        ) from error


def results(profile: Profile, name: str, folder: Path) -> Path:
    """Write what has to come back from another machine as archives into ``folder``: the newest checkpoint's parts,
    the metrics, the last sample, and where the run is finished its weights and record."""
    folder, names = Path(folder), profile.chain(name)
    found: list[Path] = []
    for run_name in names:
        run = paths.run(profile.name, run_name)
        found += [run / "metrics.jsonl", run / "generator.safetensors", *sorted((run / "samples").glob("*.png"))[-1:]]
        if run_name == name:
            found += [path for checkpoint in checkpoints.present(run)[-1:] for path in sorted(checkpoint.iterdir())]
        found.append(paths.record(profile.name, run_name))
    for old in folder.glob("results-*.tar"):
        old.unlink()
    for number, group in enumerate(_groups([path for path in found if path.is_file()])):
        with atomic(folder / f"results-{number:02d}.tar") as temporary, tarfile.open(temporary, "w") as archive:
            for path in group:
                archive.add(path, str(path.relative_to(paths.root())))
    step = _step(paths.run(profile.name, name))
    _seal(folder, {"profile": profile.name, "run": name, "hash": profile.hash(name), "step": step}, "results-*.tar")
    return folder


def _groups(files: list[Path]) -> list[list[Path]]:
    """Files put together so that few archives of at most :data:`ARCHIVE_BYTES` hold them: large ones first."""
    groups: list[tuple[int, list[Path]]] = []
    for path in sorted(files, key=lambda path: -path.stat().st_size):
        size = path.stat().st_size + 2**10
        place = next((i for i, (held, _) in enumerate(groups) if held + size <= ARCHIVE_BYTES), None)
        if place is None:
            groups.append((size, [path]))
        else:
            groups[place] = (groups[place][0] + size, [*groups[place][1], path])
    return [group for _, group in groups]


def unpack(profile: Profile, folder: Path) -> list[Path]:
    """Verify results by their hashes and put them into place; nothing newer that is here is overwritten.

    Returns:
        The files that were written.
    """
    folder = Path(folder)
    contents = verify(folder)
    if contents["profile"] != profile.name or contents["hash"] != profile.hash(contents["run"]):
        raise UserError(
            f"{folder} holds run {contents['run']} of profile {contents['profile']} with another configuration than "
            f"profile {profile.name} here: check out the same profile, then unpack again"
        )
    run = paths.run(profile.name, contents["run"])
    with records.locked(run):
        records.open_folder(profile, contents["run"])
        theirs, ours = contents.get("step"), _step(run)
        if ours is not None and (theirs is None or theirs < ours):
            raise UserError(
                f"run {contents['run']} is at step {ours} here and at {theirs} in {folder}: nothing was changed"
            )
        members = _members(folder, contents)
        targets = {paths.root() / name: name for name in members}
        # The record goes last: a run that has one is finished.
        last = {paths.record(profile.name, path.stem) for path in targets} & targets.keys()
        written = []
        for target in sorted(targets, key=last.__contains__):
            if target in last and target.is_file():
                continue
            name = targets[target]
            with tarfile.open(folder / members[name]) as archive:
                write_bytes(target, archive.extractfile(name).read())  # type: ignore[union-attr]
            written.append(target)
    return written


def _members(folder: Path, contents: dict[str, Any]) -> dict[str, str]:
    """Files in verified archives, none of which leaves the folder that it is put into: name -> its archive."""
    found: dict[str, str] = {}
    for archive in contents["files"]:
        try:
            with tarfile.open(folder / archive) as opened:
                members = list(opened)
        except tarfile.TarError as error:
            raise UserError(
                f"{folder}: {archive} is no archive of `wbc pack --results`; nothing was changed"
            ) from error
        for member in members:
            if not member.isfile() or Path(member.name).is_absolute() or ".." in Path(member.name).parts:
                raise UserError(f"{folder}: {member.name} would leave the folder; nothing was changed")
            found[member.name] = archive
    return found


def verify(folder: Path) -> dict[str, Any]:
    """Contents of a pack or of results, every file checked against its hash."""
    path = Path(folder) / CONTENTS
    if not path.is_file():
        raise UserError(f"{folder} is not a pack: it has no {CONTENTS}")
    contents = read_record(path, KINDS)
    for name, expected in contents["files"].items():
        file = Path(folder) / name
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise UserError(f"{folder}: {name} would leave the folder; nothing was changed")
        if not file.is_file() or sha256(file) != expected:
            raise UserError(f"{folder}: {name} is missing or damaged; copy the folder again, nothing was changed")
    return contents


def enter(folder: Path) -> str:
    """Make this process work inside a verified pack; returns the path of the pack's profile."""
    folder = Path(folder).resolve()
    contents = read_record(folder / CONTENTS, KINDS) if (folder / "data" / "runs").exists() else verify(folder)
    os.environ["WBC_ROOT"] = str(folder)
    os.environ["WBC_ASSETS"] = str(folder / "data" / "assets")
    return str(folder / f"{contents['profile']}.yaml")


def _step(folder: Path) -> int | None:
    """Step of the newest checkpoint in a run folder."""
    return max((int(path.name.removeprefix("checkpoint-")) for path in checkpoints.present(folder)), default=None)


def _copy(source: Path, target: Path) -> None:
    with atomic(target) as temporary:
        shutil.copyfile(source, temporary)


def _seal(folder: Path, values: dict[str, Any], pattern: str = "*") -> None:
    """Write the list of files and hashes; it goes last, so that a folder with it is whole."""
    files = sorted(path for path in folder.rglob(pattern) if path.is_file() and path.name != CONTENTS)
    hashes = {str(path.relative_to(folder)): sha256(path) for path in files}
    write_json(folder / CONTENTS, values | {"files": hashes})
