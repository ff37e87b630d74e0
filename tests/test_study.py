"""The whole study at its smallest size, in a folder of its own, through the same door as `make reproduce`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from wbclib.report.notebooks import names


def reproduce(study: Path) -> subprocess.CompletedProcess[str]:
    """`make reproduce PROFILE=smoke` of this checkout; standard error goes to the terminal as it comes."""
    words = [sys.executable, "-m", "wbclib.report.graph", "--profile", "smoke"]
    return subprocess.run(words, env={**os.environ, "WBC_ROOT": str(study)}, stdout=subprocess.PIPE, text=True)


@pytest.mark.study
def test_the_study_is_complete_and_done_once(study: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with capfd.disabled():
        first = reproduce(study)
    assert first.returncode == 0, first.stdout
    html = study / "reports" / "smoke" / "html"
    soup = BeautifulSoup((html / "index.html").read_text("utf-8"), "html.parser")
    assert [card.find("a")["href"] for card in soup.find_all("article")] == [f"{name}.html" for name in names()]
    assert not soup.find_all(class_="failure") and all(card.find("img") for card in soup.find_all("article"))
    for link in soup.find_all("a"):
        assert (html / link["href"]).is_file(), link["href"]

    records = {path: path.stat().st_mtime_ns for path in study.glob("reports/records/smoke/*.json")}
    assert records
    second = reproduce(study)
    assert second.returncode == 0 and second.stdout.startswith("nothing to do")
    assert records == {path: path.stat().st_mtime_ns for path in records}
