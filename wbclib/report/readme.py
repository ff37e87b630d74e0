"""README's picture and table, generated from shipped generators and saved tables: nobody types a number into it."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from wbclib import images, paths
from wbclib.evaluate.comparison import pictures_of
from wbclib.files import UserError, read_json, write_text
from wbclib.inference.styles import load_style, shipped
from wbclib.inference.stylist import Stylist
from wbclib.report.tables import interval

PICTURE = "readme.jpg"
BEGIN, END = "<!-- table: {} -->", "<!-- /table -->"
MARKED = re.compile(r"<!-- table: (\S+) -->\n.*?<!-- /table -->", flags=re.DOTALL)


def distances(profile: str) -> str:
    """Distances to cartoons as Markdown, a table a style: a row a method, a column a (network, metric), intervals."""
    folder = paths.report(profile, "tables")
    if not (folder / "distances.csv").is_file():
        raise UserError(f"{paths.shown(folder)}/distances.csv is not there: make reproduce PROFILE={profile} first")
    frame = pd.read_csv(folder / "distances.csv").query("to == 'cartoons'")
    found = [markdown(part, str(style)) for style, part in frame.groupby("style", sort=False)]
    return "\n\n".join([*found, read_json(folder / "distances.json")["caption"]])


def markdown(distances: pd.DataFrame, style: str) -> str:
    """The distances to one style's cartoons as a Markdown table."""
    names = distances["metric"].map({"fid": "FID", "frechet": "Frechet", "kid": "KID"})
    cells = [interval(*row) for row in distances[["value", "low", "high"]].itertuples(index=False)]
    long = distances.assign(column=names + ", " + distances["network"], cell=cells)
    wide = long.pivot(index="method", columns="column", values="cell").loc[long["method"].unique()]
    lines = [f"| to {style} | " + " | ".join(wide.columns) + " |", "|---" * (len(wide.columns) + 1) + "|"]
    return "\n".join(lines + [f"| {method} | " + " | ".join(row) + " |" for method, *row in wide.itertuples()])


def picture(profile: str, side: int = 320) -> Path:
    """Photographs whose licence is known, and below them what the shipped styles make of them, a row a style."""
    photos, _ = pictures_of(["astronaut", "coffee", "chelsea", "rocket", "grace_hopper"], side)
    path = paths.report(profile, "figures", PICTURE)
    drawn = [Stylist(load_style(style))(photo) for style in shipped() for photo in photos]
    images.write(path, images.grid([*photos, *drawn], columns=len(photos)))
    return path


def rendered(text: str) -> str:
    """The text of README with every marked table made anew."""
    return MARKED.sub(lambda found: f"{BEGIN.format(found[1])}\n{distances(found[1])}\n{END}", text)


def update(profile: str, path: Path = paths.CHECKOUT / "README.md") -> Path:
    """Make README's picture from the shipped generators, and its marked tables from their saved tables."""
    picture(profile)
    write_text(path, rendered(path.read_text(encoding="utf-8")))
    return path
