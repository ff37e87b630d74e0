"""Profiles: how large the study is, read from YAML.

A *profile* (:data:`NAMES`) says how large the study is: which corpora, what
image size, which runs and for how many steps. A *run* is one training run of a profile: the profile's
``base`` configuration with the run's own overrides. A variant is data, never a copy of code.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from wbclib import paths, strict_yaml
from wbclib.files import UserError, digest
from wbclib.options import Measure, RunConfig, run_config
from wbclib.values import Name, OneOf, build, mapping, merge, said
from wbclib.variants import Variant, expand

NAMES = ("smoke", "quick", "lab", "lab-gpu", "shipped", "shipped-gpu", "paper")
FOLDER = Path(__file__).resolve().parent / "profiles.d"
SUFFIXES = (".yaml", ".yml")
WORDS = ("comparison", "ablation")  # stand for many runs
SWITCHES = FOLDER / "switches.yaml"


@dataclass(frozen=True)
class Profile:
    """One size of the study."""

    name: str
    title: str
    runs: Mapping[str, RunConfig]
    measure: Measure
    downloads: bool = False  # may official weights be fetched (always against a recorded hash)?
    device: Annotated[str, OneOf("auto", "cpu", "cuda")] = "auto"
    comparison: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # style -> method -> run; see styles()
    ablation: tuple[Variant, ...] = ()  # the full run first; empty: none
    notebooks: tuple[str, ...] = ()  # those that have its runs to show; empty: all

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


def device_kind() -> str:
    """``cuda`` or ``cpu``: what ``WBC_DEVICE`` says, or what this machine has."""
    asked = os.environ.get("WBC_DEVICE", "")
    if asked not in ("", "cpu", "cuda"):
        raise UserError(f"WBC_DEVICE={asked!r}: say cpu or cuda")
    if asked:
        return asked
    import torch  # kept out of module import: reading a profile must not cost a second

    return "cuda" if torch.cuda.is_available() else "cpu"


def source(name: str) -> str:
    """A profile's name, or the absolute path of its file: the same from whatever folder it is read."""
    return name if name in NAMES else str(Path(name).resolve())


def load(name: str) -> Profile:
    """Read a profile.

    Args:
        name: one of :data:`NAMES`, or the path of a YAML file of the same form whose ``extends`` names one, or a file
            beside it.

    Raises:
        UserError: whatever is wrong in it, before anything is done.
    """
    for what, text in (("the name of the profile", name), ("WBC_ROOT or the folder of the study", str(paths.root()))):
        try:
            text.encode()
        except UnicodeEncodeError as error:  # from bytes that are no UTF-8, which libraries cannot take
            raise UserError(f"{what}, {text!a}, is no UTF-8; rename it") from error
    values = _read(name)
    _check_words(values, f"profile {name}")
    label = name if name in NAMES else Path(name).stem
    where = f"profile {name}"
    plain = _runs(mapping(values.pop("base", None), f"{where}, base"), values.pop("runs", None), where)
    runs = {run: run_config(change, f"{where}, run {run}") for run, change in plain.items()}
    _check_starts(runs, where)
    if block := values.pop("ablation", None):
        made, values["ablation"] = expand(block, plain, strict_yaml.read(SWITCHES), f"{where}, ablation")
        runs |= {run: run_config(change, f"{where}, run {run}") for run, change in made.items()}
    _check_starts(runs, where)
    values["comparison"] = _comparison(mapping(values.get("comparison") or None, f"{where}, comparison"), where)
    measure = build(Measure, values.pop("measure", None), f"{where}, measure")
    return build(Profile, {**values, "name": label, "runs": runs, "measure": measure}, where)


def _check_words(values: Mapping[str, Any], where: str) -> None:
    """UserError for a key that a profile does not have; its name is that of its file."""
    known = {"extends", "base"} | {f.name for f in dataclasses.fields(Profile)} - {"name"}
    if unknown := [key for key in values if key not in known]:
        raise UserError(f"{where}: unknown parameter {said(unknown[0])}; known are: {', '.join(sorted(known))}")


def _runs(base: Mapping[str, Any], changes: Any, where: str) -> dict[str, dict[str, Any]]:
    """Plain values of every run; one that is ``false`` is left out."""
    found = {}
    for run, change in mapping(changes, f"{where}, runs").items():
        if not Name().holds(run) or run in WORDS:
            raise UserError(f"{where}, runs: {said(run)} cannot name a run; say another name, of {Name()}")
        if change is not False:
            found[run] = merge(base, mapping(change, f"{where}, runs.{run}"))
    if not found:
        raise UserError(f"{where}: it names no runs")
    return found


def _check_starts(runs: Mapping[str, RunConfig], where: str) -> None:
    """UserError where a run can never begin: by what it starts from, or because nothing is asked of it."""
    for name, config in runs.items():
        here, seen, at = f"{where}, run {name}", [name], config
        if problem := impossible(config):
            raise UserError(f"{here}.{problem}")
        while at.init:
            if at.init not in runs:
                raise UserError(f"{here}.init: there is no run {said(at.init)}; there are: {', '.join(runs)}")
            if at.init in seen:
                raise UserError(f"{here}.init: {' -> '.join([*seen, at.init])} goes in a circle; let one say init: ''")
            seen.append(at.init)
            at = runs[at.init]
        if config.init and _shape(config) != _shape(runs[config.init]):
            raise UserError(f"{here}.init: {config.init} has another generator; say the same generator and residual")


def impossible(config: RunConfig) -> str:
    """Why nothing can be trained so, or nothing: which option, and what to say."""
    if not any(dataclasses.astuple(config.weights)):
        return "weights: this run has no loss term; give at least one weight above 0"
    if config.weights.look and config.method != "styles":
        return "weights.look: the loss term look needs the method styles; say 0"
    for role, spec in config.corpora().items():
        if spec.kind == "toon" and not spec.count:
            return f"{role.split()[0]}.count: 0 cartoons to draw; say how many, 1 or more"
    return _impossible_styles(config) if config.method == "styles" else _impossible_cycle(config)


def _impossible_cycle(config: RunConfig) -> str:
    if config.method == "cyclegan":
        small = f"size: {config.size} is too small for CycleGAN's discriminators; say at least 32"
        return small if config.size < 32 else ""
    asked = next((term for term in ("adversarial_back", "cycle", "identity") if getattr(config.weights, term)), "")
    return f"weights.{asked}: the method {config.method} has no way back; say method: cyclegan, or 0" if asked else ""


def _impossible_styles(config: RunConfig) -> str:
    if not config.styles:
        return "styles: none is named; say a mapping of at least one name to its cartoons"
    if config.pool:
        return f"pool: {config.pool} outputs of all styles would be mixed; say 0"
    if (config.generator, config.residual.norm) != ("residual", "instance"):
        return "generator: adapters need the networks of CartoonGAN; say residual, and residual.norm instance"
    plain = [style for style, spec in config.styles.items() if config.weights.look and not spec.look]
    return f"weights.look: style {plain[0]} has no look; give it one, or say 0" if plain else ""


def _shape(config: RunConfig) -> Any:
    options = {"residual": config.residual, "cyclegan": config.cycle}
    return (config.generator, options.get(config.generator))


def _comparison(values: Mapping[str, Any], where: str) -> dict[str, dict[str, str]]:
    """Style -> method -> run; a style or a method that is ``false`` is left out, so that a child can drop it."""
    found = {}
    for style, methods in values.items():
        if methods:
            named = mapping(methods, f"{where}, comparison.{style}")
            found[style] = {method: run for method, run in named.items() if run}
    return found


def _read(name: str, below: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Values of a profile laid over those of the one that it extends, and so on; ``below``: the files on the way."""
    path = FOLDER / f"{name}.yaml" if name in NAMES else Path(name)
    if name not in NAMES and path.suffix not in SUFFIXES:
        raise UserError(f"unknown profile {name!r}; say one of {', '.join(NAMES)}, or a YAML file")
    if (here := path.resolve()) in below:
        circle = " -> ".join(file.name for file in (*below, here))
        raise UserError(
            f"profile {below[0].name}.extends: {circle} goes in a circle; let one extend smoke, quick or lab"
        )
    values = dict(strict_yaml.read(path))
    if "extends" not in values:
        return values
    parent = values.pop("extends")
    if not isinstance(parent, str):
        raise UserError(f"profile {name}.extends: say one of {', '.join(NAMES)}, or a YAML file, not {said(parent)}")
    if Path(parent).suffix in SUFFIXES:
        parent = str(path.parent / parent)
    return merge(_read(parent, (*below, here)), values)
