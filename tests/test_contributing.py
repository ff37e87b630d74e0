"""Follows CONTRIBUTING: one of each kind of addition, made in a copy of the package at the places that it names."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from nbformat import v4
from toy_notebooks import code, written

from wbclib import paths

TEXT = (paths.CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PLACES = 3  # at most, for one addition
LOSSES, METHODS, OPTIONS = "wbclib/losses.py", "wbclib/train/methods.py", "wbclib/options.py"
EFFECT = "wbclib/measure/effect.py"
COMPARATORS, CONTENT = "wbclib/studies/common/comparators.py", "wbclib/measure/content.py"


@dataclass
class Addition:
    """What one section of CONTRIBUTING asks for: (file, code that is there, what is put behind it), and new files."""

    lines: list[tuple[str, str, str]]
    files: dict[str, str] = field(default_factory=dict)


TERM = """

def dark(output):
    return (output + 1).mean()


TERMS["dark"] = Term("d", lambda view: dark(view.output), "dark")
"""
METHOD = """


class Plain(Pretrain):
    pass
"""
MEASURE = """


def darkest(image):
    return float(image.min())
"""
ADDITIONS = {
    "a loss term": Addition(
        [(LOSSES, 'CYCLED = ("cycle", "identity")', TERM), (OPTIONS, "class Weights:", "\n    dark: NotNegative = 0.0")]
    ),
    "a method": Addition(
        [
            (METHODS, 'View(self, batch, self.generate(batch["photo"])))', METHOD),
            (METHODS, "METHODS: dict[str, type[Method]] = {", '"plain": Plain,'),
            (OPTIONS, 'method: Annotated[str, OneOf("pretrain", ', '"plain", '),
        ]
    ),
    "a comparator": Addition(
        [
            (COMPARATORS, "from wbclib import paths", "\nfrom wbclib.baselines import negative"),
            (COMPARATORS, "detail=0) for name in LOOKS}", '\n    draws["negative"] = negative.draw'),
        ],
        {"wbclib/baselines/negative.py": "def draw(photo):\n    return 255 - photo\n"},
    ),
    "a measure": Addition(
        [
            (CONTENT, "from skimage.color import deltaE_ciede2000, rgb2lab", MEASURE),
            (CONTENT, "row: dict[str, float] = {", '"darkest": darkest(image), '),
            (EFFECT, "UNITS = {", '"darkest": "levels", '),
        ]
    ),
}
LEARNT = """
from IPython.display import Markdown
from wbclib import losses
Markdown(f"The term is {losses.TERMS['dark'].symbol}.")
"""
PROFILE = """
extends: smoke
runs:
  dark: {method: pretrain, steps: 2, kept: 4, weights: {pixel: 1.0, dark: 0.5}}
  plain: {method: plain, steps: 2, kept: 4, weights: {pixel: 1.0}}
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package in which all additions were made."""
    folder = tmp_path_factory.mktemp("copy")
    for part in ("wbclib", "notebooks"):
        shutil.copytree(paths.CHECKOUT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for addition in ADDITIONS.values():
        for name, there, more in addition.lines:
            text = (folder / name).read_text(encoding="utf-8")
            assert text.count(there) == 1, f"{name}: {there!r} stands there {text.count(there)} times"
            (folder / name).write_text(text.replace(there, there + more), encoding="utf-8")
        for name, text in addition.files.items():
            (folder / name).write_text(text, encoding="utf-8")
    written(
        folder / "notebooks",
        "20-added",
        v4.new_markdown_cell("# 20 · Added\n\n> Is it there?"),
        code('profile = "quick"', "parameters"),
        code("from wbclib.show import figures\nimport numpy as np", "cover"),
        code(LEARNT, "learnt"),
        wbc={"runs": ["dark"]},
    )
    (folder / "added.yaml").write_text(PROFILE, encoding="utf-8")
    return folder


def python(folder: Path, *words: str) -> str:
    """What a fresh process that has the copy prints."""
    own = {"PYTHONPATH": str(folder), "WBC_ROOT": str(folder / "root"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *words]
    done = subprocess.run(command, cwd=folder, env=os.environ | own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("kind", ADDITIONS)
def test_at_few_places_all_of_them_named(kind: str) -> None:
    """What is written here is all that the copy gets; that it is enough, the tests below show."""
    addition, told = ADDITIONS[kind], TEXT.split(f"## Add {kind}\n")[1].split("\n## ")[0]
    assert len(addition.lines) + len(addition.files) <= PLACES
    for name in {file for file, _, _ in addition.lines} | {str(Path(new).parent) for new in addition.files}:
        assert name in told, f"{name} is not named under 'Add {kind}'"


def test_files_that_are_named_are_there() -> None:
    for name in re.findall(r"`((?:wbclib|tests|notebooks)/[\w./-]+\.\w+)`", TEXT):
        assert "NN" in name or (paths.CHECKOUT / name).exists(), name


def test_a_term_and_a_method_train_and_old_records_stay_valid(copy: Path) -> None:
    python(copy, "-m", "wbclib", "train", "dark", "plain", "--profile", "added.yaml")
    records = copy / "root/reports/records/added"
    dark, plain = (json.loads((records / f"{run}.json").read_text(encoding="utf-8")) for run in ("dark", "plain"))
    assert dark["final_losses"]["dark"] > 0 and plain["config"]["method"] == "plain"
    known = json.loads((paths.CHECKOUT / "reports/records/lab/full.json").read_text(encoding="utf-8"))
    found = python(copy, "-c", "from wbclib import profiles; print(profiles.load('lab').hash('full'))").strip()
    assert found == known["config_hash"], "a new option has changed the hash of a run that does not use it"


def test_a_comparator_and_a_measure_are_in_the_tables(copy: Path) -> None:
    asked = """
import json, numpy as np
from wbclib import profiles
from wbclib.measure import effect
from wbclib.studies.common import comparison
photos = np.random.default_rng(0).integers(1, 255, (4, 64, 64, 3), np.uint8)
comparison.trained = lambda run, profile: None
made = comparison.methods(profiles.load("smoke"))["negative"](photos)
table = effect.effect({"negative": made}, photos, ["a", "a", "b", "b"])
print(json.dumps({"right": bool((made == 255 - photos).all()), "measures": sorted(set(table["measure"]))}))
"""
    found = json.loads(python(copy, "-c", asked))
    assert found["right"] and "darkest" in found["measures"]


def test_a_notebook_is_found_by_the_graph_and_becomes_a_page(copy: Path) -> None:
    python(copy, "-m", "wbclib", "report", "notebook", "20-added", "--profile", "added.yaml")
    assert "The term is d." in (copy / "root/reports/added/html/20-added.html").read_text(encoding="utf-8")
    asked = "from wbclib.report.graph import Graph; print(Graph('added.yaml').wants['20-added'])"
    assert "'runs': ['dark']" in python(copy, "-c", asked)
