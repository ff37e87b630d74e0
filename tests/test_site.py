"""Execution is strict, pages stand on their own, and a failure leaves what was there before."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from nbformat import NotebookNode, v4

from wbclib import files, images, paths, profiles
from wbclib.files import UserError
from wbclib.options import Edges
from wbclib.report import execute, graph, page, provenance, site, tables

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
OPENING = "# 01 · Sums\n\n> How large is $\\frac{1}{2} + x^2$?\n\n$$\\sum_{i=1}^n i = \\frac{n(n+1)}{2}$$"
PICTURE = """
from wbclib.report import figures
import sys, numpy as np
print("\\x1b[31mred\\x1b[0m <b>", "__file__", sys.prefix)
print("progress", file=sys.stderr)
figures.strip([np.zeros((64, 64, 3), np.uint8)], ["a black square"])
"""
LEARNT = """
from IPython.display import HTML, Markdown, display
display(Markdown(f"The sum of $n = {n}$ numbers is {sum(range(n + 1))}. It is small."))
display(HTML('<script src="https://example.org/x.js"></script><table><tr><td>cell</td></tr></table>'))
"""


def written(folder: Path, name: str, *cells: NotebookNode, **metadata: Any) -> Path:
    """A notebook file made of these cells."""
    path = folder / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(v4.new_notebook(cells=list(cells), metadata={**KERNEL, **metadata}), path)
    return path


def code(source: str, *tags: str) -> NotebookNode:
    return v4.new_code_cell(source.strip(), metadata={"tags": list(tags)})


@pytest.fixture
def shelf(study: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of notebooks in place of the repository's, with one good notebook."""
    folder = study / "notebooks"
    monkeypatch.setattr(paths, "notebooks", lambda: folder)
    written(
        folder,
        "01-sums",
        v4.new_markdown_cell(OPENING),
        code('profile = "quick"\nn = 3', "parameters"),
        code(PICTURE, "cover"),
        code(LEARNT, "learnt"),
        wbc={"parameters": {"smoke": {"n": 4}}},
    )
    return folder


def test_notebook_becomes_a_page_that_stands_alone(shelf: Path, study: Path) -> None:
    text = site.notebook("01-sums", "smoke").read_text("utf-8")
    soup = BeautifulSoup(text, "html.parser")
    assert not soup.find_all(["script", "link", "iframe"])
    assert all(element["src"].startswith("data:") for element in soup.find_all(src=True))
    assert not re.findall(r"url\(|@import", text)
    assert not [a["href"] for a in soup.find_all("a") if re.match("[a-z]+:", a["href"])]
    shown = [part.get_text() for part in soup.find_all(class_=["prose", "output"])]
    assert len(soup.find_all("math")) == 3 and "$" not in "".join(shown)
    assert soup.find("math", display="block").find("munderover")
    assert soup.find("img")["alt"] == "a black square"
    assert "red <b>" in "".join(shown) and "progress" not in "".join(shown) and "\x1b" not in text
    assert "The sum of" in soup.find(class_="learnt").text and "10. It is small" in soup.find(class_="learnt").text
    assert soup.find("td").find_parent(class_="scroll")

    copy = (study / "reports/smoke/notebooks/01-sums.ipynb").read_text("utf-8")
    assert 'profile = \\"smoke\\"' in copy and "n = 4" in copy
    for place in (str(study), str(paths.CHECKOUT), os.path.realpath(os.sys.prefix), os.sys.prefix):  # type: ignore[attr-defined]
        assert place not in copy and place not in text

    index = BeautifulSoup(site.index("smoke").read_text("utf-8"), "html.parser")
    card = index.find("article")
    assert card.find("a")["href"] == "01-sums.html" and card.find("a").text == "Sums"
    assert card.find("img")["alt"] == "a black square"
    assert re.sub(r"\s+", " ", card.find(class_="sentence").text).strip().endswith("numbers is 10.")
    assert not index.find_all(["script", "link"]) and index.find("h2", id="origins")
    assert "MISSING" in index.text  # no run of the profile has been trained here


def test_long_tables_are_folded_on_the_index(shelf: Path, study: Path) -> None:
    written(shelf, "01-sums", v4.new_markdown_cell("# 01 · Sums"))
    for name, rows in (("long", 40), ("short", 3)):
        tables.save(pd.DataFrame({"n": range(rows)}), name, "smoke", f"A {name} table.")
    index = BeautifulSoup(site.index("smoke").read_text("utf-8"), "html.parser")
    long, short = (index.find(id=f"table-{name}").details for name in ("long", "short"))
    assert not long.has_attr("open") and short.has_attr("open")
    assert long.summary.text == "40 rows" and len(long.find_all("td")) == 40


def test_the_summary_holds_what_is_committed_and_leads_to_nothing_else(shelf: Path, study: Path) -> None:
    """Tables and pictures, whose files are beside it; no notebook, executed or not."""
    written(shelf, "01-sums", v4.new_markdown_cell("# 01 · Sums"))
    tables.save(pd.DataFrame({"n": range(3)}), "short", "smoke", "A short table.")
    images.write(study / "reports/smoke/figures/readme.jpg", np.zeros((8, 8, 3), np.uint8))
    path = site.summary("smoke")
    page = BeautifulSoup(path.read_text("utf-8"), "html.parser")
    leads = [link["href"] for link in page.find_all("a", href=True)] + [img["src"] for img in page.find_all("img")]
    assert leads == ["tables/short.csv", "tables/short.tex", "figures/readme.jpg"]
    assert all((path.parent / lead).is_file() for lead in leads)
    assert (
        "Sums" not in page.text
        and "no notebooks" not in page.text
        and "not complete" not in page.text
        and "A short table." in page.text
    )


def test_failure_leaves_the_old_page(shelf: Path, study: Path, capfd: pytest.CaptureFixture[str]) -> None:
    html = study / "reports/smoke/html/01-sums.html"
    copy = study / "reports/smoke/notebooks/01-sums.ipynb"
    for path in (html, copy):
        files.write_text(path, "old")
    # a warning that our code causes is an error in a report
    cells = [code('profile = ""', "parameters"), code("x = 1"), code("import numpy as np\nnp.array([1.0]) / 0")]
    written(shelf, "01-sums", v4.new_markdown_cell("# 01 · Sums"), *cells)
    with pytest.raises(UserError, match="01-sums.ipynb failed in cell .*RuntimeWarning: divide by zero"):
        site.notebook("01-sums", "smoke")
    assert html.read_text() == copy.read_text() == "old"
    assert "np.array([1.0]) / 0" in capfd.readouterr().err
    failed = nbformat.read(copy.with_suffix(".failed.ipynb"), as_version=4)
    assert any(out.output_type == "error" for cell in failed.cells for out in cell.get("outputs", []))


FRAIL = """
from pathlib import Path
tries = Path(__file__).with_suffix(".tries")
tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
if len(tries.read_text()) > {deaths}:
    from ipykernel.kernelapp import launch_new_instance
    launch_new_instance()
"""


@pytest.mark.parametrize("deaths", [1, 2])
def test_a_kernel_that_dies_at_once_is_started_once_more(
    deaths: int, shelf: Path, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(shelf, "02-frail", code("n = 1", "parameters"), code("1 + n"))
    files.write_text(study / "modules/ipykernel_launcher.py", FRAIL.format(deaths=deaths))
    monkeypatch.setenv("PYTHONPATH", str(study / "modules"))
    target = study / "out.ipynb"
    if deaths == 1:
        assert execute.execute(path, target, {}).cells[-1].outputs[0]["data"]["text/plain"] == "2"
    else:
        with pytest.raises(UserError, match="02-frail.ipynb: its kernel does not start .*died before replying"):
            execute.execute(path, target, {})
        assert not target.exists()
    assert (study / "modules/ipykernel_launcher.tries").read_text() == "xx"


def test_parameters_are_checked_before_anything_runs(shelf: Path, study: Path) -> None:
    trap = code(f"open({str(study / 'ran')!r}, 'w')")
    untagged = written(shelf, "02-untagged", code("n = 1"), trap)
    twice = written(shelf, "03-twice", code("n = 1", "parameters"), code("m = 1", "parameters"), trap)
    good = written(shelf, "04-good", code("n = 1", "parameters"), trap)
    target = study / "out.ipynb"
    for path, message in ((untagged, "has 0 cells"), (twice, "has 2 cells"), (good, "no parameter 'k'.*are: n")):
        with pytest.raises(UserError, match=message):
            execute.execute(path, target, {"k": 1})
    assert not target.exists() and not (study / "ran").exists()


def test_missing_notebooks_are_said_loudly(shelf: Path) -> None:
    soup = BeautifulSoup(site.index("smoke").read_text("utf-8"), "html.parser")
    alert = soup.find(role="alert")
    assert "01-sums" in alert.text and "has not been executed" in alert.text
    assert soup.find("article").find("a") is None


def test_unknown_and_damaged_notebooks(shelf: Path) -> None:
    with pytest.raises(UserError, match="there is no notebook notebooks/99-x.ipynb"):
        site.notebook("99-x", "smoke")
    (shelf / "05-bad.ipynb").write_text("{")
    with pytest.raises(UserError, match="05-bad.ipynb is not a notebook"):
        site.notebook("05-bad", "smoke")


def record_of(profile: graph.Graph, run: str) -> Path:
    path = paths.record(profile.profile.name, run)
    files.write_json(path, {"name": run, "config_hash": profile.profile.hash(run)})
    return path


def test_stamps_follow_records_and_pages(shelf: Path) -> None:
    written(shelf, "02-runs", code("", "parameters"), wbc={"runs": ["*"], "after": ["01-sums"], "tables": ["t"]})
    plan = graph.Graph("smoke")
    run = next(iter(plan.profile.runs))
    record = record_of(plan, run)
    plan.sync()
    assert plan.run_stamp(run).exists()  # a committed record trains nothing
    assert plan.notebook_inputs("02-runs")[0].name == "02-runs.ipynb"
    assert plan.run_stamp(run) in plan.notebook_inputs("02-runs")
    assert plan.notebook_stamp("01-sums") in plan.notebook_inputs("02-runs")

    files.write_json(record, {"name": run, "config_hash": "of another configuration"})
    plan.sync()
    assert not plan.run_stamp(run).exists() and record.exists()

    stamp = plan.notebook_stamp("02-runs")
    for path in [*plan.notebook_outputs("02-runs"), stamp]:
        files.write_text(path, "")
    plan.sync()
    assert stamp.exists() and not plan.done()
    paths.report("smoke", "tables", "t.csv").unlink()
    plan.sync()
    assert not stamp.exists()


def test_runs_of_a_notebook_may_be_patterns(shelf: Path) -> None:
    cell = code("", "parameters")
    written(shelf, "02-pattern", cell, wbc={"runs": ["cartoongan*"]})
    written(shelf, "03-compared", cell, wbc={"runs": ["comparison"]})
    plan = graph.Graph("smoke")
    assert plan.wants["02-pattern"]["runs"] == [run for run in plan.profile.runs if run.startswith("cartoongan")]
    assert plan.wants["03-compared"]["runs"] == ["pretrain", "whitebox", "cartoongan"]


def test_runs_share_the_cores_and_long_ones_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WBC_DEVICE", "cpu")
    smoke, quick = graph.Graph("smoke"), graph.Graph("quick")
    assert [smoke.cores("whitebox", jobs) for jobs in (1, 2, 4)] == [1, 1, 1] and not smoke.first()
    assert [quick.cores("whitebox", jobs) for jobs in (1, 2, 3, 8)] == [1, 1, 2, 4]
    assert quick.first() == [quick.run_stamp("pretrain"), quick.run_stamp("whitebox")]
    monkeypatch.setenv("WBC_DEVICE", "cuda")
    assert quick.cores("whitebox", 8) == quick.cores("cartoongan", 8) == 8


def test_short_runs_of_the_ablation_share_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WBC_DEVICE", "cpu")
    smoke = graph.Graph("smoke")
    shared = [run for bundle in smoke.bundles() for run in bundle]
    assert all(1 <= len(bundle) <= graph.BUNDLE for bundle in smoke.bundles())
    # All of them but the one that waits for an initialisation of its own.
    assert set(smoke.profile.named("ablation")) - set(shared) == {"pretraining-pixel"}
    assert sorted([*shared, *smoke.alone()]) == sorted(smoke.profile.runs)
    monkeypatch.setenv("WBC_DEVICE", "cuda")
    assert smoke.bundles() == [] and smoke.alone() == list(smoke.profile.runs)


def test_snakemake_takes_the_long_runs_first(study: Path) -> None:
    """A target of another form would be passed over in silence."""
    quick = graph.Graph("quick")
    quick.folder.mkdir(parents=True)
    words = [word for word in graph.command_line(quick, 2) if word not in ("--quiet", "all")]
    done = subprocess.run([*words, "--dry-run"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    jobs = re.split(r"^rule ", done.stdout + done.stderr, flags=re.MULTILINE)
    highest = {re.findall(r"run=([\w-]+)", part)[0] for part in jobs if "priority: highest" in part}
    assert highest == {"pretrain", "whitebox"}


def test_options_that_came_later_leave_older_hashes_alone() -> None:
    """The record of the lab's white box was committed before them."""
    found = files.read_json(paths.CHECKOUT / "reports/records/lab/whitebox.json")
    assert profiles.load("lab", found["device"]["kind"]).hash("whitebox") == found["config_hash"]
    config = profiles.load("lab", "cpu").run("whitebox")
    for change in (
        {"pool": 5},
        {"edges": Edges(blur=7)},
        {"weights": dataclasses.replace(config.weights, adversarial=1.0)},
    ):
        assert dataclasses.replace(config, **change).hash() != config.hash()


def test_notebook_that_names_an_unknown_run(shelf: Path) -> None:
    written(shelf, "02-runs", code("", "parameters"), wbc={"runs": ["whitebax"]})
    with pytest.raises(UserError, match="whitebax"):
        graph.Graph("smoke")


def test_reproduce_says_one_line_about_a_wrong_profile(study: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert graph.main(["--profile", "quik"]) == 2
    assert graph.main(["--jobs", "0"]) == 2
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 2 and "quik" in lines[0] and "JOBS=0" in lines[1]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("It is 3.5 times flatter. And more.", "It is 3.5 times flatter."),
        ("- **One** point\nof two lines! Next", "**One** point of two lines!"),
        ("no end", "no end"),
    ],
)
def test_first_sentence(text: str, sentence: str) -> None:
    assert page.first_sentence(text) == sentence


@pytest.mark.parametrize(
    ("seconds", "text"), [(41.6, "42 s"), (185, "3 min 05 s"), (7800, "2 h 10 min"), (None, "unknown")]
)
def test_duration(seconds: float | None, text: str) -> None:
    assert provenance.duration(seconds) == text
