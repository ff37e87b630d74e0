"""README's picture and table, generated from shipped generators and saved tables: nobody types a number into it."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from wbclib import images, paths
from wbclib.evaluate.comparison import pictures_of
from wbclib.files import UserError, write_text
from wbclib.inference.styles import load_style, shipped
from wbclib.inference.stylist import Stylist
from wbclib.report.tables import interval

PICTURE = "readme.jpg"
BEGIN, END = "<!-- table: {} -->", "<!-- /table -->"
MARKED = re.compile(r"<!-- table: (\S+) -->\n.*?<!-- /table -->", flags=re.DOTALL)


def comparison(profile: str) -> str:
    """Every method's distance to the cartoons of the profile's first style, and what it keeps, in Markdown.

    The distance is Frechet's over the first measuring network (``distances.csv``), what is kept is edge agreement
    (``content_kept.csv``), both with intervals of 90 percent.

    Raises:
        UserError: one of the two tables is not there.
    """
    measured = _saved(profile, "distances").query("to == 'cartoons' and metric in ('fid', 'frechet')")
    measured = measured[measured["style"] == measured["style"].iloc[0]]
    measured = measured[measured["network"] == measured["network"].iloc[0]]
    kept = _saved(profile, "content_kept").set_index("method")
    first = measured.iloc[0]
    name = {"fid": "FID", "frechet": f"Frechet distance over {first['network']}"}[first["metric"]]
    lines = ["| method | distance to cartoons | edges kept |", "|---|---|---|"]
    for row in measured.itertuples(index=False):
        edges = kept.loc[row.method, ["edge_agreement", "edge_agreement_low", "edge_agreement_high"]]
        lines.append(f"| {row.method} | {interval(row.value, row.low, row.high)} | {interval(*edges)} |")
    tables = f"reports/{profile}/tables"
    about = (
        f"Distance: {name}, {first['n_a']} crops of photographs against {first['n_b']} of unseen cartoons "
        f"({first['style']}); smaller is nearer. Edges kept: correlation of gradients with the photograph's, 1 for the "
        "photograph itself. 90 % intervals over photographs. All styles, networks and metrics, and how they were "
        f"measured: [distances.csv]({tables}/distances.csv), [its caption]({tables}/distances.json), "
        f"[content_kept.csv]({tables}/content_kept.csv)."
    )
    return "\n".join([*lines, "", about])


def _saved(profile: str, table: str) -> pd.DataFrame:
    path = paths.report(profile, "tables", f"{table}.csv")
    if not path.is_file():
        raise UserError(f"{paths.shown(path)} is not there: make reproduce PROFILE={profile} first")
    return pd.read_csv(path)


def picture(profile: str, side: int = 320) -> Path:
    """Photographs whose licence is known, and below them what the shipped styles make of them, a row a style."""
    photos, _ = pictures_of(["astronaut", "coffee", "chelsea", "rocket", "grace_hopper"], side)
    path = paths.report(profile, "figures", PICTURE)
    drawn = [Stylist(load_style(style))(photo) for style in shipped() for photo in photos]
    images.write(path, images.grid([*photos, *drawn], columns=len(photos)))
    return path


def rendered(text: str) -> str:
    """The text of README with every marked table made anew."""
    return MARKED.sub(lambda found: f"{BEGIN.format(found[1])}\n{comparison(found[1])}\n{END}", text)


def update(profile: str, path: Path = paths.CHECKOUT / "README.md") -> Path:
    """Make README's picture from the shipped generators, and its marked tables from their saved tables."""
    picture(profile)
    write_text(path, rendered(path.read_text(encoding="utf-8")))
    return path
