"""Mistakes in profiles: each is one line that names file, key, value and what to say, before any work is done."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from wbclib import cli, options, profiles, strict_yaml, values, variants
from wbclib.corpora.looks import LOOKS
from wbclib.files import UserError
from wbclib.networks import adapters, residual
from wbclib.networks.features import NETWORKS
from wbclib.networks.generators import UNet
from wbclib.train.method import GENERATORS
from wbclib.train.methods import METHODS
from wbclib.values import OneOf, Range

SMOKE = "extends: smoke\n"
WHOLE = "not possible; say a whole number"
RUNS = {  # what a run says -> the line
    "size: 50": rf"size: 50 is {WHOLE}, a multiple of 4, at least 8",
    "size: 4": r"size: 4 is not possible",
    "size: 8, features: squeezenet1_1": "size: 8 is too small for squeezenet1_1; say at least 20",
    "steps: 0": rf"steps: 0 is {WHOLE}, at least 1",
    "steps: -3": r"steps: -3 is not possible",
    f"steps: {'9' * 30}": r"at least 1, at most 2147483647",
    "steps: yes": r"steps: True is not of type int; say a whole number",
    "steps: 1:30": r"steps: '1:30' is not of type int",
    "steps: 1e3": r"steps: 1000\.0 is not of type int",
    "lr: .nan": r"lr: nan is not possible; say a number, above 0",
    "lr: 0": r"lr: 0\.0 is not possible",
    "lr: true": r"lr: True is not of type float",
    f"lr: {'9' * 400}": r"lr: 9+\.\.\.9+ is not of type float",
    "lr: fast": r"lr: 'fast' is not of type float",
    "beta1: 1": r"beta1: 1\.0 is not possible; say a number, at least 0, below 1",
    "beta2: -0.1": r"beta2: -0\.1 is not possible",
    "batch: 0": r"batch: 0 is not possible",
    "seed: -1": r"seed: -1 is not possible",
    "kept: -1": r"kept: -1 is not possible",
    "scale_min: 0": r"scale_min: 0\.0 is not possible; say a number, above 0, at most 1",
    "checkpoint_every: 0": r"checkpoint_every: 0 is not possible",
    "sample_every: 0": r"sample_every: 0 is not possible",
    "weights: {tv: -1}": r"weights\.tv: -1\.0 is not possible; say a number, at least 0",
    "weights: {tv: .inf}": r"weights\.tv: inf is not possible",
    "weights: {look: 1}": "weights.look: the loss term look needs the method styles",
    "method: whitbox": r"method: 'whitbox' is not possible; say pretrain, whitebox, cartoongan, styles or cyclegan",
    'method: "a\\nb"': r"method: 'a\\nb' is not possible",
    "generator: u": r"generator: 'u' is not possible; say unet, residual or cyclegan",
    "generator: residual": r"init: pretrain has another generator",
    "adversarial: wgan": r"adversarial: 'wgan' is not possible; say lsgan or log",
    "features: vgg": r"features: 'vgg' is not possible; say vgg19, ",
    "structure: {segmenter: x}": r"structure\.segmenter: 'x' is not possible; say felzenszwalb or slic",
    "structure: {gamma1: 50}": r"structure\.gamma1: 50\.0 is above gamma2",
    "structure: 3": r"structure: say a mapping of names to values, not 3",
    "structure: [1]": r"structure: say a mapping",
    "texture: {spread: 0.4}": r"texture\.spread: 0\.4 is not possible; say a number, at least 0, below 0\.333333",
    "flow: {sigma_c: .inf}": r"flow\.sigma_c: inf is not possible; say a number, finite",
    "edges: {blur: 4}": rf"edges\.blur: 4 is {WHOLE}, odd, at least 1",
    "residual: {norm: group}": r"residual\.norm: 'group' is not possible; say instance or batch",
    "photos: {kind: web}": r"photos\.kind: 'web' is not possible; say bundled, toon or folder",
    "photos: {path: }": r"photos\.path: nothing is said; say a text, or leave the name out",
    "photos: {path: 3}": r"photos\.path: 3 is not of type str; say a text",
    "photos: {validation_percent: 100}": rf"photos\.validation_percent: 100 is {WHOLE}, at least 0, at most 99",
    "cartoons: {look: oil}": r"cartoons\.look: 'oil' is not possible; say \"\", screentone,",
    "cartoons: {count: 0}": r"cartoons\.count: 0 cartoons to draw",
    "preset: [paper]": r"unknown preset \['paper'\]",
    "init: whitebox": r"init: whitebox -> whitebox goes in a circle",
    "init: foo": r"init: there is no run 'foo'; there are: pretrain, whitebox",
}
FILES = {
    "extends:": r"mine\.yaml\.extends: say one of smoke, quick, .*, or a YAML file",
    SMOKE + "base: hello": r"mine\.yaml, base: say a mapping of names to values, not 'hello'",
    SMOKE + "base: [1]": r"mine\.yaml, base: say a mapping",
    SMOKE + "base: {1: 3, a: 2}": r"mine\.yaml, base: 1 is no name; put it in quotation marks",
    SMOKE + "base: {~: 3}": r"base: None is no name",
    SMOKE + "base: &b {surface: *b}": "unknown parameter 'surface'",
    SMOKE + "runs: [a, b]": r"mine\.yaml, runs: say a mapping",
    SMOKE + "runs: {a/b: {method: pretrain}}": r"runs: 'a/b' cannot name a run; say another name, of letters",
    SMOKE + "runs: {'..': {method: pretrain}}": r"runs: '\.\.' cannot name a run",
    SMOKE + "runs: {'a*': {method: pretrain}}": r"runs: 'a\*' cannot name a run",
    SMOKE + "runs: {ablation: {method: pretrain}}": r"runs: 'ablation' cannot name a run",
    SMOKE + "runs: {pretrain: {init: whitebox}}": "init: pretrain -> whitebox -> pretrain goes in a circle",
    SMOKE + "runs: {styles: {pool: 5}}": r"run styles\.pool: 5 outputs of all styles would be mixed; say 0",
    SMOKE + "runs: {styles: {styles: {a: {}}}}": r"run styles\.weights\.look: style a has no look",
    SMOKE + "runs: {styles: {styles: {duotone: false, linocut: false}}}": r"run styles\.styles: none is named",
    SMOKE + "runs: {styles: {styles: {a/b: {look: poster}}}}": "styles: 'a/b' is not possible; say another name",
    SMOKE + "runs: {styles: {styles: {duotone: 3}}}": "styles.*duotone.*: say a mapping",
    "title: x\nruns: {a: {}}": r"run a\.weights: this run has no loss term",
    SMOKE + "measure: [1]": r"mine\.yaml, measure: say a mapping",
    SMOKE + "measure: {networks: vgg16}": r"measure\.networks: say a list in \[brackets\], not 'vgg16'",
    SMOKE + "measure: {networks: []}": r"measure\.networks: 0 values; say at least 1",
    SMOKE + "measure: {networks: [x]}": r"measure\.networks\[0\]: 'x' is not possible",
    SMOKE + "measure: {kid_subset_size: 600}": r"measure: kid_subset_size: 600 is more than crops, 24",
    SMOKE + "measure: {bootstraps: 1}": r"measure\.bootstraps: 1 is not possible",
    SMOKE + "ablation: [1]": r"ablation: say a mapping",
    SMOKE + "ablation: true": r"ablation: say a mapping",
    SMOKE + "ablation: {seeds: []}": r"ablation\.seeds: 0 values",
    SMOKE + "ablation: {seeds: [a]}": r"ablation\.seeds\[0\]: 'a' is not of type int",
    SMOKE + "ablation: {seeds: [0, 0]}": r"ablation\.seeds: 0 stands there twice",
    SMOKE + "ablation: {one_seed: [swich]}": r"one_seed\[0\]: 'swich' is not possible; say full, replicate",
    SMOKE + "ablation: {base: hello}": r"ablation\.base: say a mapping",
    SMOKE + "ablation: {control: {tv: 3}}": r"ablation\.control\.tv: say a list of factors",
    SMOKE + "ablation: {control: {tv: [.inf]}}": r"ablation\.control\.tv: a factor is a number above 0, not inf",
    SMOKE + "device: tpu": r"device: 'tpu' is not possible; say auto, cpu or cuda",
    SMOKE + "downloads: maybe": r"downloads: 'maybe' is not of type bool; say true or false",
    SMOKE + "title: 3": r"title: 3 is not of type str",
    SMOKE + "comparison: x": r"comparison: say a mapping",
    SMOKE + "comparison: {toon: {whitebox: 3}}": r"comparison\.toon\.whitebox: 3 is not of type str",
    "extends: mine.yaml": r"extends: mine\.yaml -> mine\.yaml goes in a circle",
    "extends: [smoke]": r"extends: say one of smoke, .*, not \['smoke'\]",
    "extends: nothere.yaml": r"cannot read profile .*nothere\.yaml: No such file",
    "title: café".encode("latin-1"): "no UTF-8; save it in the encoding UTF-8",
    SMOKE.encode("utf-16"): "no UTF-8",
    SMOKE + "base: {size: 64}\nbase: {size: 32}": r"mine\.yaml, line 3: the key 'base' stands in line 2 already",
    SMOKE + "base:\n  size: 64\n  lr: 1.0\n  size: 32": r"line 5: the key 'size' stands in line 3 already",
    SMOKE + "base:\n\tsize: 3": "line 3: .*character",
    SMOKE + "base: {[a]: 3}": "line 2: .*unhashable key",
    SMOKE + "title: \x07": "unacceptable character",
    SMOKE + "title: 2001-99-99": "month must be in 1..12",
    SMOKE + "base: " + "[" * 3000: "nested too deeply",
    SMOKE + "---\na: b": "expected a single document",
    SMOKE + "base: !!python/object:os.system x": "could not determine a constructor",
    "": "is not a mapping",
    "# nothing": "is not a mapping",
}


def told(tmp_path: Path, text: str | bytes, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command line says of a profile; no traceback, no work."""
    path = tmp_path / "mine.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    assert cli.main(["train", "whitebox", "--profile", str(path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "mine.yaml" in line or "nothere.yaml" in line
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]
    return line


@pytest.mark.parametrize("said", RUNS)
def test_a_mistake_in_a_run(study: Path, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    line = told(study, f"{SMOKE}runs: {{whitebox: {{{said}}}}}", capsys)
    assert re.search(f"run whitebox.*{RUNS[said]}", line), line


@pytest.mark.parametrize("text", FILES, ids=lambda text: repr(text)[:50])
def test_a_mistake_in_a_file(study: Path, text: str | bytes, capsys: pytest.CaptureFixture[str]) -> None:
    line = told(study, text, capsys)
    assert re.search(FILES[text], line), line


def test_a_folder_is_no_profile(study: Path) -> None:
    (study / "mine.yaml").mkdir()
    with pytest.raises(UserError, match=r"cannot read profile mine\.yaml: Is a directory"):
        profiles.load(str(study / "mine.yaml"))


@pytest.mark.parametrize(
    "text",
    ["base:", "runs:", "measure:", "runs: {whitebox: }", "base: {surface: }", "runs: {whitebox: {<<: {}}}"],
)
def test_an_empty_key_changes_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.yaml").write_text(SMOKE + text)
    mine, plain = profiles.load(str(tmp_path / "mine.yaml")), profiles.load("smoke")
    assert dataclasses.replace(mine, name="smoke") == plain


@pytest.mark.parametrize("text", ["\ufeffextends: smoke\n", "extends: smoke\r\nbase:\r\n  batch: 2\r\n"])
def test_what_editors_add_does_no_harm(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.yaml").write_bytes(text.encode("utf-8"))
    assert profiles.load(str(tmp_path / "mine.yaml")).runs.keys() == profiles.load("smoke").runs.keys()


@pytest.mark.parametrize(
    ("written", "value"),
    [("2e-4", 2e-4), ("1E+3", 1000.0), (".5", 0.5), ("-3", -3), ("0x1F", 31), ("1.", 1.0), (".inf", float("inf")),
     ("1:30", "1:30"), ("e5", "e5"), ("1e", "1e"), ("v2", "v2"), ("0", 0)],
)  # fmt: skip
def test_numbers_are_those_of_yaml_1_2(tmp_path: Path, written: str, value: Any) -> None:
    (tmp_path / "a.yaml").write_text(f"a: {written}")
    found = strict_yaml.read(tmp_path / "a.yaml")["a"]
    assert found == value and type(found) is type(value)


def test_what_is_merged_may_be_said_anew(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: &a {x: 1, y: 2}\nb: &b {<<: *a, x: 3}\nc: {<<: *b, y: 4}\nd: {<<: [*a, *b]}\n")
    found = strict_yaml.read(tmp_path / "a.yaml")
    assert found["b"] == {"x": 3, "y": 2} and found["c"] == {"x": 3, "y": 4} and found["d"]["x"] == 1


def test_a_profile_extends_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "parent.yaml").write_text(SMOKE + "title: parent's")
    (tmp_path / "deep" / "child.yaml").write_text("extends: parent.yaml")
    assert profiles.load(str(tmp_path / "deep" / "child.yaml")).title == "parent's"


def test_what_a_child_drops_stays_away(tmp_path: Path) -> None:
    (tmp_path / "parent.yaml").write_text(SMOKE + "runs: {cartoongan: {steps: 3}, pretrain: {steps: 5}}")
    (tmp_path / "child.yaml").write_text(
        "extends: parent.yaml\nruns: {cartoongan: false}\ncomparison: {toon: {cartoongan: false}}"
    )
    child = profiles.load(str(tmp_path / "child.yaml"))
    assert "cartoongan" not in child.runs and child.run("pretrain").steps == 5


def words(kind: type, name: str) -> set[str]:
    """The words that a field allows."""
    (bounds,) = (part for part in get_args(get_type_hints(kind, include_extras=True)[name]) if isinstance(part, OneOf))
    return set(bounds.words)


def test_words_are_the_keys_of_the_tables_further_up() -> None:
    assert words(options.RunConfig, "method") == set(METHODS)
    assert words(options.RunConfig, "generator") == set(GENERATORS)
    assert words(options.RunConfig, "features") == set(NETWORKS)
    assert words(options.CorpusSpec, "look") == {"", *LOOKS}
    assert words(options.Residual, "norm") == set(residual.NORMS)
    assert words(options.Adapters, "kind") == set(adapters.KINDS)


def test_defaults_are_allowed_and_every_number_is_bounded() -> None:
    for kind in (options.RunConfig, options.Measure, variants.Grid, *map(type, vars(options.RunConfig()).values())):
        if not dataclasses.is_dataclass(kind):
            continue
        plain = {field.name: getattr(kind(), field.name) for field in dataclasses.fields(kind)}
        assert values.build(kind, plain, "here") == kind()


@pytest.mark.parametrize("name", profiles.NAMES)
def test_what_is_shipped_is_allowed(name: str) -> None:
    for run, config in profiles.load(name).runs.items():
        assert options.run_config(options.to_dict(config)) == config and not profiles.impossible(config), run


def test_ranges() -> None:
    assert Range(0, 1, below=True).holds(0.0) and not Range(0, 1, below=True).holds(1.0)
    assert not Range(0, above=True).holds(0.0) and not Range().holds(float("nan")) and not Range(0).holds(2**31)
    assert Range(1, odd=True).holds(3) and not Range(1, odd=True).holds(4) and not Range(8, multiple=4).holds(4)


def test_the_smallest_size_is_one_that_the_networks_take() -> None:
    import torch

    from wbclib.networks.residual import CartoonDiscriminator, ResidualGenerator

    image = torch.zeros(1, 3, 8, 8)
    for network in (UNet(), ResidualGenerator(4), CartoonDiscriminator(4)):
        assert torch.isfinite(network.train()(image)).all()


@pytest.mark.parametrize("word", ["bases", "extend", "run", "on_gpu", "name"])
def test_an_unknown_word_is_told_with_all_that_a_profile_may_hold(tmp_path: Path, word: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(f"extends: smoke\n{word}: {{}}\n")
    with pytest.raises(UserError, match=rf"unknown parameter '{word}'.*base, .*extends, .*runs"):
        profiles.load(str(path))


def test_names_that_are_no_utf_8_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"the name of the profile, 'bad\\udcff.yaml', is no UTF-8; rename it"):
        profiles.load("bad\udcff.yaml")
    monkeypatch.setenv("WBC_ROOT", "bad\udcff")
    with pytest.raises(UserError, match="WBC_ROOT .* is no UTF-8"):
        profiles.load("smoke")
