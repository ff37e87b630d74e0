"""Profiles: how large the study is, read from YAML.

A *profile* (``smoke``, ``quick``, ``lab``, ``paper``) says how large the study is: which corpora, what
image size, which runs and for how many steps. A *run* is one training run of a profile: the profile's
``base`` configuration with the run's own overrides. A variant is data, never a copy of code.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from wbclib import paths
from wbclib.files import UserError, digest, read_json
from wbclib.options import Measure, RunConfig, build, merge, run_config
from wbclib.variants import Variant, expand

NAMES = ("smoke", "quick", "lab", "paper")
FOLDER = Path(__file__).resolve().parent / "profiles.d"
SWITCHES = FOLDER / "switches.yaml"


@dataclass(frozen=True)
class Profile:
    """One size of the study."""

    name: str
    title: str
    runs: Mapping[str, RunConfig]
    measure: Measure
    downloads: bool = False  # may official weights be fetched (always against a recorded hash)?
    device: str = "auto"
    comparison: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # style -> method -> run; see styles()
    ablation: tuple[Variant, ...] = ()  # the full run first; empty: none

    def run(self, name: str) -> RunConfig:
        """Configuration of a run of this profile."""
        if name not in self.runs:
            raise UserError(f"profile {self.name} has no run {name!r}; it has: {', '.join(self.runs)}")
        return self.runs[name]

    def styles(self) -> dict[str, dict[str, str]]:
        """What is compared: style -> name of a method -> its run. Without ``comparison``: every run that the
        ablation has not made, in one style."""
        if not self.comparison:
            names = [name for name in self.runs if name not in self.ablated()]
            return {"cartoons": {"pretrained" if name == "pretrain" else name: name for name in names}}
        for style, methods in self.comparison.items():
            if "whitebox" not in methods:
                raise UserError(f"profile {self.name}, comparison, style {style}: name its run of the method whitebox")
            for run in methods.values():
                self.run(run)
        return {style: dict(methods) for style, methods in self.comparison.items()}

    def whitebox(self, style: str) -> RunConfig:
        """Configuration of a style's white box, whose data and representations are those of the comparison."""
        return self.run(self.styles()[style].get("whitebox", "whitebox"))

    def compared(self) -> list[str]:
        """The runs of the comparison, each once."""
        return list(dict.fromkeys(run for methods in self.styles().values() for run in methods.values()))

    def ablated(self) -> set[str]:
        """The runs that the ablation has made, with those that are there only for others to start from."""
        return {run for variant in self.ablation for run in (*variant.runs, variant.start) if run}

    def named(self, name: str) -> list[str]:
        """Runs that a name or a pattern (``no-*``) stands for; ``comparison``, ``ablation``: the runs of these."""
        if name == "comparison":
            return self.compared()
        if name == "ablation":  # seed by seed: runs of one seed keep the same crops
            runs = (run for variant in self.ablation for run in variant.runs)
            return sorted(runs, key=lambda run: self.run(run).seed)
        return fnmatch.filter(self.runs, name) or [name]

    def chain(self, name: str) -> list[str]:
        """A run and the runs that it starts from, first one first."""
        config = self.run(name)
        return [*(self.chain(config.init) if config.init else []), name]

    def hash(self, name: str) -> str:
        """Hash of a run and of all the runs that it starts from."""
        config = self.run(name)
        return digest([config.hash(), self.hash(config.init)]) if config.init else config.hash()


def device_kind(label: str = "") -> str:
    """``cuda`` or ``cpu``: which half of a profile applies.

    ``WBC_DEVICE`` decides, then the device of the profile's finished records (a laptop that renders what a
    GPU has trained must not train it again), then what this machine has.
    """
    asked = os.environ.get("WBC_DEVICE", "")
    if asked not in ("", "cpu", "cuda"):
        raise UserError(f"WBC_DEVICE={asked!r}: say cpu or cuda")
    if asked:
        return asked
    records = sorted(paths.record(label, "x").parent.glob("*.json")) if label else []
    if records:
        return str(read_json(records[0])["device"]["kind"])
    import torch  # kept out of module import: reading a profile must not cost a second

    return "cuda" if torch.cuda.is_available() else "cpu"


def load(name: str, device: str | None = None) -> Profile:
    """Read a profile.

    Args:
        name: one of :data:`NAMES`, or the path of a YAML file of the same form whose ``extends`` names one.
        device: ``cpu`` or ``cuda``; by default what :func:`device_kind` says. A profile's ``on_cpu`` and ``on_cuda``
            blocks change its base for that device.
    """
    values = _read(name)
    label = name if name in NAMES else Path(name).stem
    if values.keys() & {"on_cpu", "on_cuda"}:
        device = device or device_kind(label)
    values = merge(values, values.get(f"on_{device}") or {})
    values.pop("on_cpu", None)
    values.pop("on_cuda", None)
    where = f"profile {name}"
    base = values.pop("base", {})
    plain = {
        run: merge(base, change or {})
        for run, change in (values.pop("runs", None) or {}).items()
        if change is not False
    }
    if not plain:
        raise UserError(f"{where}: it names no runs")
    runs = {run: run_config(change, f"{where}, run {run}") for run, change in plain.items()}
    if block := values.pop("ablation", None):
        made, values["ablation"] = expand(block, plain, _read_yaml(SWITCHES), f"{where}.ablation")
        runs |= {run: run_config(change, f"{where}, run {run}") for run, change in made.items()}
    values["comparison"] = _comparison(values.get("comparison") or {}, where)
    measure = build(Measure, values.pop("measure", {}), f"{where}.measure")
    return build(Profile, {**values, "name": label, "runs": runs, "measure": measure}, where)


def _comparison(values: Any, where: str) -> dict[str, dict[str, str]]:
    """Style -> method -> run; a style or a method that is ``false`` is left out, so that a child can drop it."""
    try:
        return {
            style: {method: run for method, run in methods.items() if run}
            for style, methods in values.items()
            if methods
        }
    except AttributeError:
        raise UserError(
            f"{where}.comparison: say a mapping of style to a mapping of method to run, not {values!r}"
        ) from None


def _read(name: str) -> dict[str, Any]:
    path = FOLDER / f"{name}.yaml" if name in NAMES else Path(name)
    if name not in NAMES and path.suffix not in (".yaml", ".yml"):
        raise UserError(f"unknown profile {name!r}; say one of {', '.join(NAMES)}, or a YAML file")
    values = _read_yaml(path)
    parent = values.pop("extends", None)
    return merge(_read(parent), values) if parent else values


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise UserError(f"cannot read profile {paths.shown(path)}: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise UserError(f"profile {paths.shown(path)} is not a mapping of names to values")
    return values
