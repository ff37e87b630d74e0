"""README's table says what the saved table says."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from wbclib import paths
from wbclib.files import UserError, write_json
from wbclib.report import readme


def test_the_committed_table_is_the_one_of_the_committed_csv() -> None:
    text = (paths.CHECKOUT / "README.md").read_text(encoding="utf-8")
    assert readme.MARKED.search(text)
    assert readme.rendered(text) == text


def test_a_row_a_method_in_the_order_of_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WBC_ROOT", str(tmp_path))
    rows = [
        ("painted", "photograph", "cartoons", "kid", "net", 1.25, 1.0, 1.5),
        ("painted", "photograph", "photographs", "kid", "net", 9.0, 9.0, 9.0),
        ("painted", "bilateral", "cartoons", "kid", "net", 0.5, 0.25, 0.75),
        ("flat", "bilateral", "cartoons", "kid", "net", 2.0, 1.0, 3.0),
    ]
    frame = pd.DataFrame(rows, columns=["style", "method", "to", "metric", "network", "value", "low", "high"])
    folder = paths.report("mine", "tables")
    folder.mkdir(parents=True)
    frame.to_csv(folder / "distances.csv", index=False)
    write_json(folder / "distances.json", {"caption": "What was measured."})
    made = readme.rendered("before\n<!-- table: mine -->\nold\n<!-- /table -->\nafter")
    assert made.splitlines() == [
        "before",
        "<!-- table: mine -->",
        "| to painted | KID, net |",
        "|---|---|",
        "| photograph | 1.25 [1.00, 1.50] |",
        "| bilateral | 0.500 [0.250, 0.750] |",
        "",
        "| to flat | KID, net |",
        "|---|---|",
        "| bilateral | 2.00 [1.00, 3.00] |",
        "",
        "What was measured.",
        "<!-- /table -->",
        "after",
    ]


def test_a_missing_table_says_how_to_make_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WBC_ROOT", str(tmp_path))
    with pytest.raises(UserError, match="make reproduce PROFILE=lab first"):
        readme.distances("lab")
