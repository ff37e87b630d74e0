"""Tables and figures: the same frame gives the same bytes, and what was meant can be read back."""

from __future__ import annotations

import io
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from wbclib.files import UserError
from wbclib.show import figures, tables

FRAME = pd.DataFrame(
    {"method": ["photograph", "a & b_c <d>"], "n": [10, 2], "value": [1 / 3, 0.25], "p_low": [float("nan"), 12345.678]}
)


@pytest.fixture
def files(study: Path) -> Path:
    tables.save(FRAME, "distances", "smoke", "Smaller is better.", bold={"value": "min"})
    return study / "reports" / "smoke" / "tables"


def test_csv_reads_back(files: Path) -> None:
    pd.testing.assert_frame_equal(tables.load("distances", "smoke"), FRAME, rtol=1e-5)
    assert (files / "distances.csv").read_text() == (
        "method,n,value,p_low\nphotograph,10,0.333333,\na & b_c <d>,2,0.25,12345.7\n"
    )


def test_html_says_the_same(files: Path) -> None:
    soup = BeautifulSoup((files / "distances.html").read_text(), "html.parser")
    cells = [[cell.text for cell in row.find_all(["th", "td"])] for row in soup.find_all("tr")]
    assert cells == [
        ["method", "n", "value", "p low"],
        ["photograph", "10", "0.3333", "–"],
        ["a & b_c <d>", "2", "0.2500", "12346"],
    ]
    assert [cell.text for cell in soup.find_all("td", class_="best")] == ["0.2500"]


def test_tex_is_booktabs_and_escaped(files: Path) -> None:
    text = (files / "distances.tex").read_text()
    for part in (r"\toprule", r"\bottomrule", r"\caption{Smaller is better.}", r"\label{tab:distances}", "{lrrr}"):
        assert part in text
    assert r"a \& b\_c" in text and r"\textbf{0.2500}" in text and r"\textbf{0.3333}" not in text


def test_equal_frames_give_equal_bytes(files: Path) -> None:
    before = {path.name: path.read_bytes() for path in files.iterdir()}
    tables.save(FRAME.copy(), "distances", "smoke", "Smaller is better.", bold={"value": "min"})
    assert before == {path.name: path.read_bytes() for path in files.iterdir()}
    assert sorted(before) == ["distances.csv", "distances.html", "distances.json", "distances.tex"]
    assert json.loads(before["distances.json"])["caption"] == "Smaller is better."


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (0.5, "0.5000"),
        (123.456, "123.5"),
        (1234.56, "1235"),
        (99999.9, "100000"),
        (None, "–"),
        (True, "True"),
    ],
)
def test_number(value: object, text: str) -> None:
    assert tables.number(value) == text


def test_interval() -> None:
    assert tables.interval(0.5312, 0.5, 0.56789) == "0.531 [0.500, 0.568]"


def test_folded_keeps_what_has_no_interval() -> None:
    frame = pd.DataFrame({"a": ["x"], "b": [2.0], "b_low": [1.0], "b_high": [3.0], "c": [4.0]})
    folded = tables.folded(frame)
    assert list(folded) == ["a", "b", "c"]
    assert folded.iloc[0].tolist() == ["x", "2.00 [1.00, 3.00]", 4.0]


def test_bold_may_name_rows() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0]})
    text = tables.tex(frame, "Caption.", "tab:a", {"a": [0, 2]})
    assert [r"\textbf" in line for line in text.splitlines() if line[:1].isdigit() or "textbf" in line] == [
        True,
        False,
        True,
    ]


def test_unknown_bold_column_is_an_error(study: Path) -> None:
    with pytest.raises(UserError, match="name a column"):
        tables.save(FRAME, "x", "smoke", "", bold={"vlaue": "min"})
    assert not (study / "reports").exists()


def test_missing_table_says_what_to_do(study: Path) -> None:
    with pytest.raises(UserError, match="make reproduce PROFILE=smoke"):
        tables.load("nothing", "smoke")


def test_figure_shows_itself_once_with_its_title() -> None:
    picture = np.zeros((80, 100, 3), dtype=np.uint8)
    drawn = figures.strip([picture, picture], ["before", "after"])
    data, about = drawn._repr_mimebundle_()
    assert about["image/png"]["alt"] == "before; after"
    assert data["text/plain"] == "before; after"
    import matplotlib.pyplot as plt

    assert plt.get_fignums() == []


def test_pictures_keep_their_colours() -> None:
    """A red and a blue field come out red and blue, side by side, in that order."""
    fields = [np.full((64, 64, 3), colour, dtype=np.uint8) for colour in ((255, 0, 0), (0, 0, 255))]
    image = np.asarray(Image.open(io.BytesIO(figures.strip(fields).png())).convert("RGB"))
    middle = image[image.shape[0] // 2]
    assert tuple(middle[len(middle) // 4]) == (255, 0, 0)
    assert tuple(middle[3 * len(middle) // 4]) == (0, 0, 255)


def test_saved_figures_are_repeatable(study: Path) -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0, 4.0], "y": [3.0, 2.0, 1.0], "g": ["a", "b", "b"]})
    makers = {
        "curves": lambda: figures.curves(frame, "x", ["y"], title="curve"),
        "bars": lambda: figures.bars(frame, "g", "y"),
        "scatter": lambda: figures.scatter(frame, "x", "y", group="g", name="g"),
        "histograms": lambda: figures.histograms({"y": frame.y, "x": frame.x}, bins=4),
        "rows": lambda: figures.rows([[np.zeros((70, 70, 3), np.uint8)] * 2] * 2, ["r1", "r2"], ["c1", "c2"]),
    }
    folder = study / "reports" / "smoke" / "figures"
    for name, make in makers.items():
        figures.save(make(), name, "smoke")
        before = [(folder / f"{name}.{kind}").read_bytes() for kind in ("png", "svg", "pdf")]
        figures.save(make(), name, "smoke")
        assert before == [(folder / f"{name}.{kind}").read_bytes() for kind in ("png", "svg", "pdf")], name
        ElementTree.fromstring(before[1])


def test_titles_must_match() -> None:
    with pytest.raises(UserError, match="one title each"):
        figures.strip([np.zeros((64, 64, 3), np.uint8)], ["a", "b"])


WIDE = pd.DataFrame(
    {
        "run": ["full", "no-structure"],
        "gradient_inside_regions": ["6.8 [5.1, 8]", "+2.1 [+1, +3]"],
        "what_was_seen": ["a sentence of many words that no page has room for in one line"] * 2,
        **{f"measure_{i}": ["12.3 [11.1, 13.9]"] * 2 for i in range(4)},
    }
)


def test_intervals_are_numbers_for_siunitx_and_names_are_not() -> None:
    text = tables.tex(WIDE, "Caption.", "tab:a", bold={"gradient_inside_regions": [1]})
    assert r"full & \num{6.8} [\num{5.1}, \num{8}] & a sentence" in text
    assert r"\textbf{\num{+2.1} [\num{+1}, \num{+3}]}" in text
    single = tables.tex(pd.DataFrame({"run": ["resnet18", "x3"], "value": [1.5, 2.0]}), "Caption.", "tab:b")
    assert r"\num" not in single and "resnet18 & 1.500" in single and "{lr}" in single  # a column that S may set


def test_wide_tables_are_set_smaller_and_their_sentences_broken() -> None:
    text = tables.tex(WIDE, "Caption.", "tab:a")
    assert r"\tiny\setlength{\tabcolsep}{2pt}" in text
    columns = text.split(r"\begin{tabular}{", 1)[1].splitlines()[0]
    assert columns.count(r"p{") == 1 and columns.startswith("ll>{")
    assert r"\shortstack[l]{gradient \\ inside \\ regions}" in text
    narrow = tables.tex(WIDE[["run", "gradient_inside_regions"]], "Caption.", "tab:a")
    assert "tiny" not in narrow and "scriptsize" not in narrow and "shortstack" not in narrow and "{ll}" in narrow


def test_sentences_count_by_the_lines_that_they_take() -> None:
    """Fifteen rows of a sentence that is broken into many lines are more than a page."""
    frame = pd.DataFrame({"a": ["x" * 27] * 15, "b": ["y" * 27] * 15, "c": ["word " * 120] * 15})
    assert "longtable" in tables.tex(frame, "Many.", "tab:a")
    assert "longtable" not in tables.tex(frame.head(2), "Many.", "tab:a")


def test_a_table_that_no_page_holds_goes_over_several() -> None:
    one, several = (tables.tex(pd.DataFrame({"n": range(rows)}), "Many.", "tab:many") for rows in (40, 41))
    assert one.startswith("\\begin{table}") and "longtable" not in one
    assert several.startswith("\\begingroup\n\\begin{longtable}{r}\n\\caption{Many.}")
    assert several.endswith("\\end{longtable}\n\\endgroup\n") and "\\endhead" in several
    assert "\\begin{table}" not in several and several.count("\\label{tab:many}") == 1


def test_a_page_may_show_a_shorter_form(study: Path) -> None:
    tables.save(FRAME, "long", "smoke", "Caption.", page=WIDE[["run"]])
    folder = study / "reports" / "smoke" / "tables"
    assert "no-structure" in (folder / "long.tex").read_text() and "no-structure" in (folder / "long.html").read_text()
    assert (folder / "long.csv").read_text().startswith("method,n,value")
