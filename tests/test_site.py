"""Execution is strict, pages stand on their own, and a failure leaves what was there before."""

from __future__ import annotations

import os
import re
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from nbformat import v4
from toy_notebooks import code, written

from wbclib import files, images, paths
from wbclib.files import UserError
from wbclib.report import execute, page, provenance, site
from wbclib.show import tables


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
        and "A short table" in page.text
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


@pytest.mark.parametrize(
    ("caption", "title", "rest"),
    [
        ("One term less. Full: value.", "One term less", "Full: value."),
        ("Distances of crops: many. More.", "Distances of crops", "Many. More."),
        ("Does it follow? Profile lab.", "Does it follow?", "Profile lab."),
        ("A table", "A table", ""),
        ("x" * 100 + ". Rest.", "A name", "x" * 100 + ". Rest."),
        ("At 0.5 px. Rest", "At 0.5 px", "Rest"),
    ],
)
def test_a_caption_has_a_title(caption: str, title: str, rest: str) -> None:
    assert site._titled(caption, "a_name") == (title, rest)


def test_tables_stand_by_the_notebook_that_writes_them_and_what_people_cite_stands_first(
    shelf: Path, study: Path
) -> None:
    code = 'tables.save(frame.assign(a="b"), "second", study.name, "x")\ntables.save(frame, "claims", "p", "y")'
    written(shelf, "01-sums", v4.new_markdown_cell("# 01 · Sums"), v4.new_code_cell(code))
    for name in ("second", "stray", "claims"):
        tables.save(pd.DataFrame([CLAIM]), name, "smoke", f"The {name} table. More.")
    page = BeautifulSoup(site.summary("smoke").read_text("utf-8"), "html.parser")
    assert [figure["id"] for figure in page.find_all("figure")] == ["table-claims", "table-second", "table-stray"]
    assert page.find(id="table-claims").find_parent("details") is None
    folded = page.find(id="table-second").find_parent("details")
    assert folded.summary.text == "01-sums: second" and not folded.has_attr("open")
    found = page.find("h2", id="found").find_parent("section").text
    assert "Supported: Water is wet (Somebody). Wetness: 1.00 [0.500, 1.50], over 3 seeds." in found


CLAIM = {
    "claim": "Water is wet", "source": "Somebody", "verdict": "supported", "why_not": "", "measure": "wetness",
    "effect": 1.0, "low": 0.5, "high": 1.5, "n": 3, "unit": "seeds",
}  # fmt: skip
