"""README's table says what the saved table says."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from wbclib import paths
from wbclib.files import UserError
from wbclib.report import readme
from wbclib.train import records


def test_the_committed_table_is_the_one_of_the_committed_csv() -> None:
    text = (paths.CHECKOUT / "README.md").read_text(encoding="utf-8")
    assert readme.MARKED.search(text)
    assert readme.rendered(text) == text


def test_a_row_a_method_of_the_first_style_and_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WBC_ROOT", str(tmp_path))
    rows = [
        ("painted", "photograph", "cartoons", "frechet", "net", 20, 30, 1.25, 1.0, 1.5),
        ("painted", "photograph", "cartoons", "kid", "net", 20, 30, 7.0, 7.0, 7.0),
        ("painted", "photograph", "cartoons", "frechet", "other", 20, 30, 8.0, 8.0, 8.0),
        ("painted", "photograph", "photographs", "frechet", "net", 20, 30, 9.0, 9.0, 9.0),
        ("painted", "bilateral", "cartoons", "frechet", "net", 20, 30, 0.5, 0.25, 0.75),
        ("flat", "bilateral", "cartoons", "frechet", "net", 20, 30, 2.0, 1.0, 3.0),
    ]
    columns = ["style", "method", "to", "metric", "network", "n_a", "n_b", "value", "low", "high"]
    kept = [("photograph", 1.0, 1.0, 1.0), ("bilateral", 0.9, 0.875, 0.925)]
    folder = paths.report("mine", "tables")
    folder.mkdir(parents=True)
    pd.DataFrame(rows, columns=columns).to_csv(folder / "distances.csv", index=False)
    with pytest.raises(UserError, match="content_kept.csv is not there: make reproduce PROFILE=mine first"):
        readme.rendered("<!-- table: mine -->\n<!-- /table -->")
    names = ["method", "edge_agreement", "edge_agreement_low", "edge_agreement_high"]
    pd.DataFrame(kept, columns=names).to_csv(folder / "content_kept.csv", index=False)
    made = readme.rendered("before\n<!-- table: mine -->\nold\n<!-- /table -->\nafter").splitlines()
    assert made[:6] == [
        "before",
        "<!-- table: mine -->",
        "| method | distance to cartoons | edges kept |",
        "|---|---|---|",
        "| photograph | 1.25 [1.00, 1.50] | 1.00 [1.00, 1.00] |",
        "| bilateral | 0.500 [0.250, 0.750] | 0.900 [0.875, 0.925] |",
    ]
    assert made[6] == "" and made[8:] == ["<!-- /table -->", "after"]
    assert "Frechet distance over net, 20 crops of photographs against 30 of unseen cartoons (painted)" in made[7]
    assert "(reports/mine/tables/distances.csv)" in made[7]


def test_what_was_found_and_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WBC_ROOT", str(tmp_path))
    folder = paths.report("mine", "tables")
    folder.mkdir(parents=True)
    rows = [
        ("A", "paper", "contradicted", "", "edges, a minus b", 1.5, 1.0, 2.0, 6, "photographs"),
        ("B", "paper", "cannot tell", "one training of each", "m", 1.0, None, None, 1, "run"),
        ("C", "paper", "supported", "", "lines", -2.0, -3.0, -1.0, 3, "seeds"),
        ("D", "paper", "cannot tell", "one training of each", "m", 1.0, None, None, 1, "run"),
    ]
    columns = ["claim", "source", "verdict", "why_not", "measure", "effect", "low", "high", "n", "unit"]
    with pytest.raises(UserError, match="claims.csv is not there"):
        readme.rendered("<!-- claims: mine -->\n<!-- /claims -->")
    pd.DataFrame(rows, columns=columns).to_csv(folder / "claims.csv", index=False)
    made = readme.rendered("<!-- claims: mine -->\nold\n<!-- /claims -->").splitlines()
    assert made[1:4] == [
        "- **Supported**: C (paper). Lines: -2.00 [-3.00, -1.00], over 3 seeds.",
        "- **Contradicted**: A (paper). Edges, a minus b: 1.50 [1.00, 2.00], over 6 photographs.",
        "- **Cannot tell**: 2 of 4 claims: 2 (one training of each).",
    ]


def test_a_row_a_drawer_but_the_trials_and_a_column_a_style(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WBC_ROOT", str(tmp_path))
    folder = paths.report("smoke", "tables")
    folder.mkdir(parents=True)
    rows = [
        ("painted", "ink", "frechet", "net", 20, 30, 212.4),
        ("flat", "ink", "frechet", "net", 20, 31, 99.6),
        ("flat", "ink", "kid", "net", 20, 31, 0.5),
        ("flat", "ink", "frechet", "other", 20, 31, 7.0),
    ]
    columns = ["style", "method", "metric", "network", "n_a", "n_b", "value"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "picture_distances.csv", index=False)
    with pytest.raises(UserError, match="picture_looks.csv is not there"):
        readme.rendered("<!-- styles: smoke -->\n<!-- /styles -->")
    looks = [("ink", 0.0951, 0.664, 0.93), ("smoke/cartoongan-batchnorm", 0, 0, 0), ("cartoons, flat", 0.02, 0.5, None)]
    names = ["who", "outline_share", "flat_share", "edges_found"]
    pd.DataFrame(looks, columns=names).to_csv(folder / "picture_looks.csv", index=False)
    monkeypatch.setattr(records, "finished", lambda profile, run: {} if run == "cartoongan-batchnorm" else None)
    made = readme.rendered("<!-- styles: smoke -->\nold\n<!-- /styles -->").splitlines()
    assert made[1:5] == [
        "| | lines | flat areas | edges found | to painted | to flat |",
        "|---|---|---|---|---|---|",
        "| ink | 9.5% | 66% | 93% | 212 | 100 |",
        "| cartoons, flat | 2.0% | 50% |  |  |  |",
    ]
    assert "Frechet distance over net, 20 windows" in made[6] and made[-1] == "<!-- /styles -->"


def test_a_missing_table_says_how_to_make_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WBC_ROOT", str(tmp_path))
    with pytest.raises(UserError, match="make reproduce PROFILE=lab first"):
        readme.comparison("lab")
