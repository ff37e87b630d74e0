"""README's picture and table, generated from a profile's generator and saved tables: nobody types a number into it."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from wbclib import images, paths
from wbclib.evaluate.comparison import pictures_of
from wbclib.files import UserError, read_json, write_text
from wbclib.report.tables import interval
from wbclib.train import trained

BEGIN, END = "<!-- table: {} -->", "<!-- /table -->"
MARKED = re.compile(r"<!-- table: (\S+) -->\n.*?<!-- /table -->", flags=re.DOTALL)


def distances(profile: str) -> str:
    """Distances to cartoons as Markdown, a table a style: a row a method, a column a (network, metric), intervals."""
    folder = paths.report(profile, "tables")
    if not (folder / "distances.csv").is_file():
        raise UserError(f"{paths.shown(folder)}/distances.csv is not there: make reproduce PROFILE={profile} first")
    frame = pd.read_csv(folder / "distances.csv").query("to == 'cartoons'")
    frame["column"] = frame["metric"].map({"fid": "FID", "frechet": "Frechet", "kid": "KID"}) + ", " + frame["network"]
    frame["cell"] = [interval(*row) for row in frame[["value", "low", "high"]].itertuples(index=False)]
    lines: list[str] = []
    for style, part in frame.groupby("style", sort=False):
        wide = part.pivot(index="method", columns="column", values="cell").loc[part["method"].unique()]
        lines += [f"| to {style} | " + " | ".join(wide.columns) + " |", "|---" * (len(wide.columns) + 1) + "|"]
        lines += [f"| {method} | " + " | ".join(cells) + " |" for method, *cells in wide.itertuples()] + [""]
    return "\n".join([*lines, read_json(folder / "distances.json")["caption"]])


def picture(profile: str, side: int = 320) -> Path:
    """Photographs whose licence is known, and below them what the profile's white-box generator makes of them."""
    photos, _ = pictures_of(["astronaut", "coffee", "chelsea", "rocket", "grace_hopper"], side)
    path = paths.report(profile, "figures", "readme.jpg")
    images.write(path, images.grid([*photos, *trained("whitebox", profile)(photos)], columns=len(photos)))
    return path


def rendered(text: str) -> str:
    """The text of README with every marked table made anew."""
    return MARKED.sub(lambda found: f"{BEGIN.format(found[1])}\n{distances(found[1])}\n{END}", text)


def update(profile: str, path: Path = paths.CHECKOUT / "README.md") -> Path:
    """Make README's picture from a profile's generator, and its marked tables from their saved tables."""
    picture(profile)
    write_text(path, rendered(path.read_text(encoding="utf-8")))
    return path
