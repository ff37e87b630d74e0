"""README's table, generated from a profile's saved tables: nobody types a number into it."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from wbclib import paths
from wbclib.files import UserError, read_json, write_text
from wbclib.report.tables import interval

BEGIN, END = "<!-- table: {} -->", "<!-- /table -->"
MARKED = re.compile(r"<!-- table: (\S+) -->\n.*?<!-- /table -->", flags=re.DOTALL)


def distances(profile: str) -> str:
    """Distances to cartoons as Markdown: a row a method, a column a (network, metric), intervals in brackets."""
    folder = paths.report(profile, "tables")
    if not (folder / "distances.csv").is_file():
        raise UserError(f"{paths.shown(folder)}/distances.csv is not there: make reproduce PROFILE={profile} first")
    frame = pd.read_csv(folder / "distances.csv").query("to == 'cartoons'")
    frame["column"] = frame["metric"].map({"fid": "FID", "frechet": "Frechet", "kid": "KID"}) + ", " + frame["network"]
    frame["cell"] = [interval(*row) for row in frame[["value", "low", "high"]].itertuples(index=False)]
    wide = frame.pivot(index="method", columns="column", values="cell").loc[frame["method"].unique()]
    lines = ["| method | " + " | ".join(wide.columns) + " |", "|---" * (len(wide.columns) + 1) + "|"]
    lines += [f"| {method} | " + " | ".join(cells) + " |" for method, *cells in wide.itertuples()]
    return "\n".join([*lines, "", read_json(folder / "distances.json")["caption"]])


def rendered(text: str) -> str:
    """The text of README with every marked table made anew."""
    return MARKED.sub(lambda found: f"{BEGIN.format(found[1])}\n{distances(found[1])}\n{END}", text)


def update(path: Path = paths.CHECKOUT / "README.md") -> Path:
    """Rewrite README's marked tables."""
    write_text(path, rendered(path.read_text(encoding="utf-8")))
    return path
