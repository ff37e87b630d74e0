"""The only training loop: batches, precision, checkpoints, metrics, samples, records.

``run(name, profile)`` may be called from a notebook, from the graph and on a GPU machine alike. A
finished run is returned at once, an interrupted one goes on where it stopped, and the result is the same
bit for bit as without the interruption (on one machine with one number of threads).
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import Tensor
from tqdm.auto import tqdm

from wbclib import corpora, images, paths
from wbclib.corpora import bundled, working
from wbclib.corpora.loader import Loader, Turns
from wbclib.files import UserError, read_record, sha256, write_bytes, write_json
from wbclib.options import RunConfig, to_dict
from wbclib.precision import asked
from wbclib.profiles import Profile, load
from wbclib.train import checkpoints, kept, records, trail
from wbclib.train.device import open_fabric
from wbclib.train.method import Method
from wbclib.train.methods import METHODS

log = logging.getLogger("wbclib")
LOG_EVERY = 5


def run(name: str, profile: str | Profile, *, progress: bool = True) -> dict[str, Any]:
    """Train a run of a profile, or go on with it, or return its record when it is finished.

    Args:
        name: a run of the profile.
        profile: a profile or its name.
        progress: show a progress bar.

    Returns:
        The run's record (see wbclib/train/records.py).

    Raises:
        UserError: unknown run, missing data or weights, another configuration in the run folder, or a loss
            that is not finite.
    """
    profile = load(profile) if isinstance(profile, str) else profile
    record = records.finished(profile, name)
    if record is not None:
        _tell_of_other_precision(record, profile)
        return record
    config = profile.run(name)
    if config.init:
        run(config.init, profile, progress=progress)
    with records.locked(paths.run(profile.name, name)):
        record = records.finished(profile, name)  # another process may have finished it meanwhile
        return record if record is not None else _Run(name, profile, config).train(progress)


def _tell_of_other_precision(record: dict[str, Any], profile: Profile) -> None:
    """A finished run stays as it is, also where WBC_PRECISION now asks for another precision; this says so."""
    wanted, device = asked(profile.run(record["name"]).precision), record["device"]
    if wanted and wanted != device["precision"]:
        places = (find(profile.name, record["name"]) for find in (paths.record, paths.run))
        log.warning("%s/%s was trained in %s, not in %s, and is used as it is; to train it again, move %s away",
                    profile.name, record["name"], device["precision"], wanted,
                    " and ".join(map(paths.shown, places)))  # fmt: skip


def step_seed(seed: int, step: int) -> int:
    """Seed of one step's random numbers: a function of (seed, step) alone, so that resuming changes nothing."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> np.uint64(1))


def learning_rate(config: RunConfig, step: int) -> float:
    """Of one step, counted from 0: ``lr``, falling in a straight line to ``lr_end`` over the last ``lr_fall``."""
    falling = config.steps * config.lr_fall
    if not config.lr_end or not falling:
        return config.lr
    share = max(0.0, (step + 1 - (config.steps - falling)) / falling)
    return config.lr + (config.lr_end - config.lr) * share


def permissions(profile: Profile) -> dict[str, bool]:
    """What a profile allows :func:`wbclib.networks.features.load` to do."""
    return {"downloads": profile.downloads}


def sample_photographs(size: int) -> np.ndarray:
    """The photographs that every sample strip shows: square crops of the bundled ones, uint8 (N, size, size, 3)."""
    corpus = bundled.photographs()
    return np.stack([images.square(corpus.image(index), size) for index in range(len(corpus))])


class _Run:
    """One training run on one machine."""

    def __init__(self, name: str, profile: Profile, config: RunConfig):
        if config.method not in METHODS:
            raise UserError(f"run {name}: unknown method {config.method!r}; known are: {', '.join(METHODS)}")
        self.name, self.profile, self.config = name, profile, config
        self.commit, self.dirty = records.commit()  # of the code that trains, not of what is checked out at the end
        self.folder = records.open_folder(profile, name)
        self.corpora = {role: corpora.load(spec, "train") for role, spec in config.corpora().items()}
        self.data = {role: records.data_entry(corpus) for role, corpus in self.corpora.items()}
        self.fabric = open_fabric(config, profile.device)
        torch.manual_seed(config.seed)
        self.method: Method = METHODS[config.method](config, self.fabric, permissions(profile))
        self.step, self.seconds, self.started = 0, 0.0, datetime.now(UTC).isoformat(timespec="seconds")
        self.precision = self.method.precision
        self._resume()
        device = records.device_entry(self.fabric.device, self.precision)
        log.info("%s/%s: %s on %s (%s), %d threads, step %d of %d", profile.name, name, config.method,
                 device["name"], device["precision"], device["threads"], self.step, config.steps)  # fmt: skip
        self.device = device

    def _resume(self) -> None:
        """Load the newest checkpoint, or the generator that the run starts from."""
        found = checkpoints.newest(self.folder)
        if found is None:
            if self.config.init:
                weights = generator_file(self.profile.name, self.config.init)
                self.method.begin(load_file(weights), self._tensors_of_init)
        else:
            tensors, state = found
            for key, value in (("data", self.data), ("features", self.method.origin)):
                if state.get(key) != value:
                    raise UserError(
                        f"run {self.name} was begun with other {key} than are here now: bring those back, "
                        f"or move {paths.shown(self.folder)} away to start again"
                    )
            checkpoints.restore(tensors, self.method.modules, self.method.optimisers)
            self.step, self.seconds, self.started = state["step"], state["seconds"], state["started"]
            before = state.get("precision", self.precision)  # checkpoints of version 0.1 do not say
            if self.step == self.config.steps:
                self.precision = before  # nothing is left to train
            elif not before.endswith(self.precision):
                self.precision = f"{before}, then {self.precision}"
        records.keep_metrics(self.folder / "metrics.jsonl", self.step)

    def _tensors_of_init(self) -> dict[str, Tensor]:
        """All networks of the run that this one starts from."""
        found = checkpoints.newest(paths.run(self.profile.name, self.config.init))
        if found is None:
            raise UserError(
                f"run {self.name} goes on with the discriminators of {self.config.init}, whose checkpoint is not here: "
                "unpack its results, or delete its record and train it again"
            )
        return found[0]

    def _loader(self) -> Loader | Turns:
        config, (photos, *cartoons) = self.config, self.corpora.values()
        targets = None
        if side := config.photo_crops.side:
            photos = working.resized(photos, side)
            if config.abstracts():
                targets = working.abstracted(photos, config.flow)
        if side := config.cartoon_crops.side:
            cartoons = [working.resized(each, side) for each in cartoons]
        loaders = [
            Loader(photos, each, config.size, config.batch, config.seed, config.scale_min, self.method.edges,
                   config.kept, config.photo_crops, config.cartoon_crops, targets)
            for each in cartoons
        ]  # fmt: skip
        return Turns(loaders) if config.styles else loaders[0]

    def train(self, progress: bool) -> dict[str, Any]:
        """Train to the last step, then write weights and record."""
        config, clock = self.config, time.monotonic()
        loader = self._loader()
        if config.kept:
            self.method.remember(loader.photographs())
        draw, device = torch.Generator(), self.fabric.device
        bar = tqdm(total=config.steps, initial=self.step, desc=f"{self.profile.name}/{self.name}", unit="step",
                   disable=not progress, mininterval=1.0)  # fmt: skip
        if config.trail_every and not self.step:
            trail.keep(self.folder, 0, self.method.modules["generator"])
        with bar, (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as metrics:
            for step, batch in loader.prefetch(self.step, config.steps):
                torch.manual_seed(step_seed(config.seed, step))
                draw.manual_seed(step_seed(config.seed, step))
                self.step = step + 1
                self.method.set_rate(learning_rate(config, step))
                try:
                    values = self.method.step({key: value.to(device) for key, value in batch.items()}, draw)
                except FloatingPointError as error:
                    raise self._not_finite(str(error)) from error
                last = self.step == config.steps
                if last:
                    self.method.settle()
                keeps = config.trail_every and (last or self.step % config.trail_every == 0)
                if last or keeps or self.step % LOG_EVERY == 0 or self.step % config.checkpoint_every == 0:
                    bar.set_postfix(self._write_metrics(metrics, values), refresh=False)
                if last or self.step % config.sample_every == 0:
                    self._write_sample()
                if keeps:
                    trail.keep(self.folder, self.step, self.method.modules["generator"])
                if last or self.step % config.checkpoint_every == 0:
                    metrics.flush()
                    self.seconds, clock = self.seconds + time.monotonic() - clock, time.monotonic()
                    self._write_checkpoint()
                bar.update()
        return self._finish()

    def _write_metrics(self, stream: Any, values: dict[str, Tensor]) -> dict[str, float]:
        """Append one line; a loss that is not finite stops the run before anything is saved."""
        numbers = {key: float(value) for key, value in values.items()}
        if bad := [key for key, value in numbers.items() if not math.isfinite(value)]:
            raise self._not_finite(", ".join(bad))
        stream.write(json.dumps({"step": self.step, **numbers}) + "\n")
        return {"total": round(numbers["total"], 3)}

    def _not_finite(self, what: str) -> UserError:
        return UserError(
            f"run {self.name}: {what} is not finite at step {self.step}; the last checkpoint is kept. "
            "Lower lr or the weight of that term, or use precision: float32"
        )

    def _write_sample(self) -> None:
        """One picture: bundled photographs above, their stylised versions below."""
        photos = sample_photographs(max(self.config.size, 96))
        styled = stylise(self.method.stylise, photos, self.fabric.device)
        picture = images.grid([*photos, *styled], columns=len(photos))
        images.write(self.folder / "samples" / f"step-{self.step:07d}.png", picture)

    def _write_checkpoint(self) -> None:
        state = {"run": self.name, "config_hash": self.profile.hash(self.name), "seconds": self.seconds,
                 "started": self.started, "precision": self.precision, "data": self.data,
                 "features": self.method.origin}  # fmt: skip
        tensors = checkpoints.flatten(self.method.modules, self.method.optimisers)
        checkpoints.write(self.folder, self.step, tensors, state)

    def _finish(self) -> dict[str, Any]:
        weights = {
            key: value.cpu().contiguous() for key, value in self.method.modules["generator"].state_dict().items()
        }
        path = self.folder / "generator.safetensors"
        write_bytes(path, save(weights, metadata={"run": f"{self.profile.name}/{self.name}"}))
        record = {
            "name": self.name,
            "profile": self.profile.name,
            "config_hash": self.profile.hash(self.name),
            "seed": self.config.seed,
            "steps": self.step,
            "commit": self.commit,
            "dirty": self.dirty,
            "data": self.data,
            "features": self.method.origin,
            "generator_sha256": sha256(path),
            "device": self.device,
            "wall_time_s": round(self.seconds, 1),
            "peak_memory_mb": round(records.peak_memory_mb(self.fabric.device)),
            "final_losses": self._final_losses(),
            "versions": records.versions(),
            "started": self.started,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "config": to_dict(self.config),
        }
        write_json(paths.record(self.profile.name, self.name), record)
        return record

    def _final_losses(self) -> dict[str, float]:
        """Mean of every logged value over the last tenth of the run."""
        lines = records.read_metrics(self.profile.name, self.name)
        tail = lines[-max(1, len(lines) // 10) :]
        return {key: float(np.mean([line[key] for line in tail])) for key in tail[-1] if key != "step"}


def generator_file(profile: str, name: str) -> Path:
    """Weights of a finished run's generator: those of its run folder, else a copy that is kept (:mod:`kept`)."""
    path = paths.run(profile, name) / "generator.safetensors"
    if not path.is_file() and (copy := kept.find(profile, name)):
        return copy
    if not path.is_file():
        raise UserError(
            f"the weights of run {name} ({profile}) are not here: unpack its results into {paths.shown(path.parent)}, "
            f"or delete its record and train it again"
        )
    record = paths.record(profile, name)
    if record.is_file() and read_record(record, {"generator_sha256": str})["generator_sha256"] != sha256(path):
        raise UserError(
            f"{paths.shown(path)} is not the file that its record tells of: restore it, or move record and run "
            f"folder away ({paths.shown(record)}) to train again"
        )
    return path


def stylise(
    function: Callable[[Tensor], Tensor], photos: np.ndarray, device: Any = "cpu", batch: int = 8
) -> np.ndarray:
    """``function`` over uint8 photographs (N, H, W, 3), batch by batch, back to uint8."""
    tensors = images.to_tensor(photos)
    return np.concatenate([images.to_uint8(function(part.to(device)).cpu()) for part in tensors.split(batch)])


@dataclass(frozen=True)
class Trained:
    """A finished run, ready for use in a notebook."""

    record: dict[str, Any]
    method: Method

    def __call__(self, photos: np.ndarray) -> np.ndarray:
        """Stylise uint8 photographs (N, H, W, 3); sides must be multiples of 4."""
        return stylise(self.method.stylise, photos, self.method.fabric.device)


def trained(name: str, profile: str | Profile) -> Trained:
    """Networks of a run with their weights; trains the run first where it is not finished."""
    profile = load(profile) if isinstance(profile, str) else profile
    record, config = run(name, profile), profile.run(name)
    fabric = open_fabric(config, profile.device)
    method = METHODS[config.method](config, fabric, permissions(profile))
    found = checkpoints.newest(paths.run(profile.name, name))
    if found is not None and found[1]["step"] == config.steps:
        checkpoints.restore(found[0], method.modules, method.optimisers)
    else:
        method.modules["generator"].load_state_dict(load_file(generator_file(profile.name, name)))
    for module in method.modules.values():
        module.eval().requires_grad_(False)
    return Trained(record, method)
