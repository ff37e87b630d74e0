"""Tables: one frame becomes CSV (for programs), TeX with booktabs (for papers) and HTML (for the site).

The files of equal frames are byte-identical: numbers have one fixed format and no file carries a time.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from pandas.io.formats.style import Styler

from wbclib import paths
from wbclib.files import UserError, write_json, write_text

CSV_FORMAT = "%.6g"
Bold = Mapping[str, str | Sequence[int]]
SIUNITX = "\\sisetup{retain-explicit-plus, text-series-to-math}\n"  # signs are kept, bold numbers are bold
LONG = 60  # characters from which a cell's text is broken into lines
NUMBER = re.compile(r"(?<![\w.])[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.])")
ONLY_NUMBERS = re.compile(r"[\s\d.,e+()\[\]-]*\d[\s\d.,e+()\[\]-]*")
SMALL, SMALLER, SMALLEST = 85, 105, 130  # characters a line from which a table is set smaller
HEAD = 12  # characters that a head has in any case
SIZES = ((SMALLEST, "\\tiny"), (SMALLER, "\\scriptsize"), (SMALL, "\\small"))
SPACE = {"\\tiny": "2pt", "\\scriptsize": "3pt", "\\small": "3pt"}  # between columns
ROWS = 40  # lines from which a table goes over several pages
PAGE, PAGE_SMALLEST = 125, 160  # characters a line that fit a page, set smaller and set smallest
WORDS = 28  # characters from which a text is broken into lines


def number(value: Any) -> str:
    """A cell as text: floats with four significant digits, whole numbers whole, an en dash for what is missing."""
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, float | np.floating) and math.isfinite(value):
        return f"{value:.0f}" if abs(float(value)) >= 1e4 else f"{value:#.4g}".rstrip(".")
    return str(value)


def interval(value: float, low: float, high: float, digits: int = 3) -> str:
    """``value [low, high]`` with ``digits`` significant digits each."""
    return "{} [{}, {}]".format(*(f"{x:#.{digits}g}".rstrip(".") for x in (value, low, high)))


def folded(frame: pd.DataFrame) -> pd.DataFrame:
    """For readers: each column ``x`` with ``x_low`` and ``x_high`` beside it becomes one of "value [low, high]"."""
    found = pd.DataFrame(index=frame.index)
    bounds = {f"{name}_{end}" for name in frame for end in ("low", "high") if f"{name}_low" in frame}
    for name in frame:
        if name in bounds:
            continue
        found[name] = frame[name]
        if f"{name}_low" in frame:
            columns = (frame[key] for key in (name, f"{name}_low", f"{name}_high"))
            found[name] = [interval(*values) for values in zip(*columns, strict=True)]
    return found


def _best(frame: pd.DataFrame, bold: Bold | None) -> set[tuple[int, int]]:
    """Positions (row, column) of the best values: ``bold`` says 'min', 'max' or which rows for each column it names."""
    found: set[tuple[int, int]] = set()
    for column, which in (bold or {}).items():
        if column not in frame.columns or (isinstance(which, str) and which not in ("min", "max")):
            raise UserError(f"bold={{{column!r}: {which!r}}}: name a column of the table; say 'min', 'max' or rows")
        place = list(frame.columns).index(column)
        if not isinstance(which, str):
            found |= {(row, place) for row in which}
            continue
        values = pd.to_numeric(frame[column], errors="coerce")
        best = values.min() if which == "min" else values.max()
        found |= {(row, place) for row, value in enumerate(values) if value == best}
    return found


def numeric(frame: pd.DataFrame) -> list[bool]:
    """Which columns hold numbers (they are set flush right)."""
    return [pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind) for kind in frame.dtypes]


def head(column: Any) -> str:
    """A column's name as a reader sees it."""
    return str(column).replace("_", " ")


def html(frame: pd.DataFrame, bold: Bold | None = None) -> str:
    """The frame as an HTML table without styles; classes: ``best`` cells, ``number``, ``long`` for sentences."""
    best, right = _best(frame, bold), numeric(frame)
    lines = ['<table class="table">', "<thead><tr>"]
    for column, flush in zip(frame.columns, right, strict=True):
        lines.append(f"<th{_classes(flush, False)}>{escape(head(column))}</th>")
    lines += ["</tr></thead>", "<tbody>"]
    for i, values in enumerate(frame.itertuples(index=False, name=None)):
        cells = (
            f"<td{_classes(right[j], (i, j) in best, len(number(value)) > LONG)}>{escape(number(value))}</td>"
            for j, value in enumerate(values)
        )
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return "\n".join([*lines, "</tbody>", "</table>"]) + "\n"


def _classes(flush: bool, best: bool, long: bool = False) -> str:
    names = ["number"] * flush + ["best"] * best + ["long"] * long
    return f' class="{" ".join(names)}"' if names else ""


def tex(frame: pd.DataFrame, caption: str, label: str, bold: Bold | None = None) -> str:
    """The frame as a TeX ``table`` with booktabs rules (``\\usepackage{array, booktabs, longtable, siunitx}``).

    Cells of several numbers ("-3.1 [-5.1, -1.0]") have each as ``\\num{}`` of siunitx 3; columns of single numbers are
    plain, for siunitx's ``S``. Wide tables are set smaller. One of more than :data:`ROWS` lines, which no page holds,
    is a ``longtable``, with its head on every page.
    """
    frame, best = frame.reset_index(drop=True), _best(frame, bold)
    heads = [_head(frame, place).replace("{", "{{").replace("}", "}}") for place in range(len(frame.columns))]
    styler = Styler(frame).hide(axis="index").format(_cell, escape="latex").relabel_index(heads, axis="columns")
    if best:
        marks = pd.DataFrame("", index=range(len(frame)), columns=frame.columns)
        for row, column in best:
            marks.iat[row, column] = "textbf:--rwrap;"
        styler = styler.apply(lambda _: marks, axis=None)
    columns = "".join(_columns(frame))
    long = _lines(frame) > ROWS
    text = styler.to_latex(
        hrules=True, caption=caption, label=label, column_format=columns,
        environment="longtable" if long else None, position_float=None if long else "centering",
    )  # fmt: skip
    before = SIUNITX if "\\num{" in text else ""
    if size := _size(frame):
        before += f"{size}\\setlength{{\\tabcolsep}}{{{SPACE[size]}}}\n"
    if long:  # a group of its own keeps the sizes from what follows
        text = f"\\begingroup\n{before}{text}\\endgroup\n"
    else:
        text = text.replace("\\centering\n", f"\\centering\n{before}", 1)
    return text.replace("–", "--")


def _cell(value: Any) -> str:
    """A cell in TeX; a text has been escaped already."""
    if isinstance(value, str) and ONLY_NUMBERS.fullmatch(value) and len(NUMBER.findall(value)) > 1:
        return NUMBER.sub(lambda found: f"\\num{{{found.group()}}}", value)
    return number(value)


def _widths(frame: pd.DataFrame) -> list[int]:
    """Characters of the longest cell of each column, and two for the space beside it."""
    return [max(map(len, map(number, frame.iloc[:, place])), default=0) + 2 for place in range(frame.shape[1])]


def _head(frame: pd.DataFrame, place: int) -> str:
    """A column's head in TeX: in a wide table in lines no longer than its cells."""
    text = re.sub(r"([%&#$])", r"\\\1", head(frame.columns[place]))
    lines = textwrap.wrap(text, max(HEAD, _widths(frame)[place] - 2))
    if len(lines) < 2 or not _size(frame):
        return text
    return "\\shortstack[" + ("r" if numeric(frame)[place] else "l") + "]{" + r" \\ ".join(lines) + "}"


def _size(frame: pd.DataFrame) -> str:
    """Size of a table's letters."""
    width = sum(max(cells, HEAD) for cells in _widths(frame))
    return next((size for limit, size in SIZES if width > limit), "")


def _page(frame: pd.DataFrame) -> int:
    """Characters a line that fit a page."""
    return PAGE_SMALLEST if _size(frame) == "\\tiny" else PAGE


def _columns(frame: pd.DataFrame) -> list[str]:
    """How each column is set; sentences of a table that is too wide are broken into lines (package array)."""
    shares = _shares(frame)
    return [
        f">{{\\raggedright\\arraybackslash}}p{{{shares[place]:.2f}\\linewidth}}" if place in shares else kind
        for place, kind in enumerate("r" if right else "l" for right in numeric(frame))
    ]


def _shares(frame: pd.DataFrame) -> dict[int, float]:
    """Columns that are broken into lines, and their share of a line: what the others leave of it."""
    widths = _widths(frame)
    broken = [place for place, width in enumerate(widths) if width > WORDS and not _numbers(frame, place)]
    page = _page(frame)
    if sum(widths) <= page or not broken:
        return {}
    sentences = sum(widths[place] for place in broken)
    left = max(0.1, 1 - sum(max(width, HEAD) for place, width in enumerate(widths) if place not in broken) / page)
    return {place: left * widths[place] / sentences for place in broken}


def _lines(frame: pd.DataFrame) -> int:
    """How many lines a table takes, sentences broken."""
    shares, page = _shares(frame), _page(frame)
    if not shares:
        return len(frame)
    rows = zip(
        *(frame.iloc[:, place].map(number).str.len() / (share * page) for place, share in shares.items()), strict=True
    )
    return sum(math.ceil(max(lines)) for lines in rows)


def _numbers(frame: pd.DataFrame, place: int) -> bool:
    """Whether a column holds numbers or intervals."""
    return numeric(frame)[place] or all(ONLY_NUMBERS.fullmatch(number(value)) for value in frame.iloc[:, place])


def save(
    frame: pd.DataFrame,
    name: str,
    profile: str,
    caption: str,
    label: str | None = None,
    bold: Bold | None = None,
    page: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Write ``reports/<profile>/tables/<name>`` as .csv, .tex, .html and .json (caption), each atomically.

    Args:
        frame: what the table says; its index is not written.
        name: file name without suffix.
        profile: a profile's name.
        caption: one or two sentences, for TeX as they are (escape what TeX would misread).
        label: TeX label; ``tab:<name>`` if not given.
        bold: 'min', 'max' or the numbers of its rows for each column whose best values are set bold.
        page: a shorter form of ``frame`` that TeX and HTML show in its place, where it is too long for a page.

    Returns:
        The frame, so that a notebook can end with it.
    """
    frame = frame.reset_index(drop=True)
    folder, label = paths.report(profile, "tables"), label or f"tab:{name}"
    shown = frame if page is None else page
    write_text(folder / f"{name}.tex", tex(shown, caption, label, bold))
    write_text(folder / f"{name}.html", html(shown, bold))
    write_json(folder / f"{name}.json", {"caption": caption, "label": label, "rows": len(frame)})
    write_text(folder / f"{name}.csv", frame.to_csv(index=False, float_format=CSV_FORMAT, lineterminator="\n"))
    return frame


class Shown:
    """A frame that a notebook displays as the site's table."""

    def __init__(self, frame: pd.DataFrame, bold: Bold | None = None, caption: str = "") -> None:
        self.frame, self.bold, self.caption = frame.reset_index(drop=True), bold, caption

    def _repr_html_(self) -> str:
        caption = f"<figcaption>{escape(self.caption)}</figcaption>" if self.caption else ""
        return f"<figure>{caption}<div class='scroll'>{html(self.frame, self.bold)}</div></figure>"

    def __repr__(self) -> str:
        return self.frame.to_string(index=False)


def show(frame: pd.DataFrame, bold: Bold | None = None, caption: str = "") -> Shown:
    """The frame as the site shows it: last expression of a notebook cell."""
    return Shown(frame, bold, caption)


def load(name: str, profile: str) -> pd.DataFrame:
    """A saved table; UserError where it has not been made."""
    path = paths.report(profile, "tables", f"{name}.csv")
    if not path.is_file():
        raise UserError(f"{paths.shown(path)} is not there: say make reproduce PROFILE={profile}")
    return pd.read_csv(path)
