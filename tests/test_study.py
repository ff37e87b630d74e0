"""The whole study at its smallest size, through the same door as `make reproduce`, in surroundings that are odd."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import odd_places
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from toy_notebooks import good

from wbclib import paths
from wbclib.files import read_json
from wbclib.networks.features import NETWORKS
from wbclib.precision import NAMES
from wbclib.report.notebooks import names, read_notebook, tables_of


def heads(table: Path) -> set[str]:
    """A table's columns; those of measuring networks, which each profile has of its own, are one."""
    names = pd.read_csv(table, nrows=0).columns
    networks = "|".join(name.replace("_", "[_ ]") for name in NETWORKS)
    here = ("note", "lpips", "lpips_low", "lpips_high")  # where weights are not there, and where they are
    return {re.sub(networks, "NETWORK", name) for name in names} - set(here)


def committed_tables_are_as_the_code_writes_them(made: Path) -> None:
    """A notebook writes every committed table, and where this study has written it, too, with the same columns."""
    writers = {table for name in names() for table in tables_of(read_notebook(name))}
    for table in (paths.CHECKOUT / "reports").glob("*/tables/*.csv"):
        where = f"{table.relative_to(paths.CHECKOUT)} is older than the code"
        assert table.stem in writers, f"{where}: no notebook saves it any more"
        if (made / table.name).is_file():
            assert heads(table) == heads(made / table.name), f"{where}: execute its notebook again"


NAME = 'it\'s {x} "y": #1 $HOME `id` é'


@pytest.mark.study
def test_the_study_is_complete_and_done_once(
    tmp_path: Path, precision: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = odd_places.checkout(tmp_path)
    with capfd.disabled():
        first = odd_places.reproduce(checkout, "smoke")
    assert first.returncode == 0, first.stdout
    html = checkout / "reports" / "smoke" / "html"
    soup = BeautifulSoup((html / "index.html").read_text("utf-8"), "html.parser")
    assert [card.find("a")["href"] for card in soup.find_all("article")] == [f"{name}.html" for name in names()]
    assert not soup.find_all(class_="failure") and all(card.find("img") for card in soup.find_all("article"))
    for link in soup.find_all("a"):
        assert (html / link["href"]).is_file(), link["href"]
    for page in html.glob("*.html"):
        assert str(tmp_path) not in page.read_text("utf-8"), f"{page.name} knows where it was made"

    committed_tables_are_as_the_code_writes_them(checkout / "reports" / "smoke" / "tables")

    records = {path: path.stat().st_mtime_ns for path in checkout.glob("reports/records/smoke/*.json")}
    assert {read_json(path)["device"]["precision"] for path in records} == {NAMES[precision]}
    monkeypatch.setenv("WBC_PRECISION", next(word for word in NAMES if word != precision))
    second = odd_places.reproduce(checkout, "smoke")
    assert second.returncode == 0 and second.stdout.startswith("nothing to do")
    assert f"{len(records)} were trained in another precision" in second.stdout
    assert records == {path: path.stat().st_mtime_ns for path in records}
    assert not list(checkout.rglob(".part-*"))


@pytest.mark.study
def test_a_profile_may_have_any_name_that_a_file_may_have(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    checkout = odd_places.checkout(tmp_path)
    shutil.rmtree(checkout / "notebooks")
    good(checkout / "notebooks")
    (checkout / f"{NAME}.yaml").write_text(
        "title: Odd\nbase: {size: 32, steps: 1, weights: {pixel: 1.0}, cartoons: {count: 1, size: 32}}\n"
        "runs: {one: {batch: 1}, two: {init: one}, three: {batch: 1}}\n"
    )
    with capfd.disabled():
        done = odd_places.reproduce(checkout, f"{NAME}.yaml")
    assert done.returncode == 0, done.stdout
    assert f"notebook 01-sums of {NAME}\n" in done.stdout
    assert (checkout / "reports" / NAME / "html" / "index.html").is_file()
    assert {path.stem for path in (checkout / "reports" / "records" / NAME).iterdir()} == {"one", "two", "three"}
    assert odd_places.reproduce(checkout, f"{NAME}.yaml").stdout.startswith("nothing to do")
