"""A made-up loss term and a made-up switch, in a copy of the study: both are in the tables, no notebook is touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from wbclib import paths

TERM = """

TERMS["darkness"] = Term(
    "L_d", lambda view: view.output.mean(), "a dark picture, which nobody has asked for"
)
"""
SMOKE = """ablation:
  base: {steps: 2, trail_every: 1}
  seeds: [0, 1]
  one_seed: [switch, control]
  switches: [adversarial, structure-slic, pretraining-abstraction]
"""
SWITCH = """
brightness:
  half: {output: {train_eps: 0.5}}
"""


def edited(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")


@pytest.mark.study
def test_a_new_term_and_a_new_switch_are_in_every_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "copy"
    for folder in ("wbclib", "notebooks"):  # with the compiled kernels
        shutil.copytree(paths.CHECKOUT / folder, copy / folder)
    library = copy / "wbclib"
    with (library / "losses.py").open("a") as losses:
        losses.write(TERM)
    edited(
        library / "options.py",
        "    tv: NotNegative = 0.0\n",
        "    tv: NotNegative = 0.0\n    darkness: NotNegative = 0.0\n",
    )
    with (library / "profiles.d" / "switches.yaml").open("a") as switches:
        switches.write(SWITCH)
    edited(library / "profiles.d" / "smoke.yaml", "  whitebox: {steps: 8, kept: 8}",
           "  whitebox: {steps: 8, kept: 8, weights: {darkness: 0.5, surface: 0, texture: 0, tv: 0}}")  # fmt: skip
    few = "ablation: {switches: [brightness], base: {steps: 2}, seeds: [0], replicates: 0, control: false}\n"
    edited(library / "profiles.d" / "smoke.yaml", SMOKE, few)

    words = [sys.executable, "-m", "wbclib", "report", "notebook", "07-ablation", "--profile", "smoke"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("WBC_")}
    subprocess.run(words, cwd=copy, env={**environment, "PYTHONPATH": str(copy)}, check=True)

    folder = copy / "reports" / "smoke" / "tables"
    for table, run, changed in (
        ("ablation", "no-darkness", "weights.darkness: 0.5 -> 0"),
        ("switches", "brightness-half", "output.train_eps: 0.01 -> 0.5"),
    ):
        rows = pd.read_csv(folder / f"{table}.csv")
        assert rows.loc[rows["run"] == run, "changed"].unique().tolist() == [changed]
        assert rows.loc[rows["run"] == run, "value"].notna().all()
        html = BeautifulSoup((folder / f"{table}.html").read_text("utf-8"), "html.parser")
        line = next(line for line in (folder / f"{table}.tex").read_text("utf-8").splitlines() if line.startswith(run))
        cells = next(row for row in html.find_all("tr") if row.find("td") and row.find("td").text == run)
        assert line.endswith(r"\\") and line.count(r"\num{") == 3 * (len(cells.find_all("td")) - 1) > 0
    page = (copy / "reports" / "smoke" / "html" / "07-ablation.html").read_text("utf-8")
    assert "no-darkness" in page and "brightness-half" in page and "which nobody has asked for" in page
