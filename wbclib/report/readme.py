"""README's picture and table, generated from shipped generators and saved tables: nobody types a number into it."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from wbclib import images, paths, profiles
from wbclib.files import UserError, write_text
from wbclib.inference.drawing import open_drawing
from wbclib.inference.styles import shipped
from wbclib.report import pages
from wbclib.show.tables import interval
from wbclib.studies.common.comparison import FLOOR, pictures_of
from wbclib.studies.pictures import drawers

PICTURE = "readme.jpg"
MARKED = re.compile(r"<!-- (table|styles|claims): (\S+) -->\n.*?<!-- /\1 -->", flags=re.DOTALL)


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
        columns = ["edge_agreement", "edge_agreement_low", "edge_agreement_high"]
        edges = interval(*kept.loc[row.method, columns]) if row.method in kept.index else ""
        lines.append(f"| {row.method} | {interval(row.value, row.low, row.high)} | {edges} |")
    tables = f"reports/{profile}/tables"
    about = (
        f"Distance: {name}, {first['n_a']} crops of photographs against {first['n_b']} of unseen cartoons "
        f"({first['style']}); smaller is nearer. {_about(list(measured['method']))}Edges kept: correlation of "
        "gradients with the photograph's, 1 for the photograph itself. 90 % intervals over photographs. All styles, "
        f"networks and metrics, and how they were measured: [distances.csv]({tables}/distances.csv), "
        f"[its caption]({tables}/distances.json), [content_kept.csv]({tables}/content_kept.csv)."
    )
    return "\n".join([*lines, "", about])


def _about(methods: list[str]) -> str:
    """What the rows are that are no methods, of those that a table has."""
    floor = f"*{FLOOR}* is the floor: cartoons of the style that training saw. " if FLOOR in methods else ""
    controls = [f"`{name}`" for name in ("blur", "jpeg", "surface", "bilateral") if name in methods]
    return floor + (f"Controls, which nobody calls a cartoon: {', '.join(controls)}. " if controls else "")


def styles(profile: str) -> str:
    """What everybody draws at the size people look at, in Markdown: lines, flat areas, edges found, distances.

    From the tables of notebook 15, ``picture_looks.csv`` and ``picture_distances.csv`` (Frechet distance over the first
    measuring network, a column a style), without the profile's trials.

    Raises:
        UserError: one of the two tables is not there.
    """
    looks, distances = _saved(profile, "picture_looks"), _saved(profile, "picture_distances")
    frechet = distances[distances["metric"] != "kid"]
    first = frechet.iloc[0]
    name = {"fid": "FID", "frechet": f"Frechet distance over {first['network']}"}[first["metric"]]
    wide = frechet[frechet["network"] == first["network"]].pivot(index="method", columns="style", values="value")
    names = list(dict.fromkeys(frechet["style"]))
    lines = [
        "| | lines | flat areas | edges found | " + " | ".join(f"to {style}" for style in names) + " |",
        "|---" * (len(names) + 4) + "|",
    ]
    for row in looks[~looks["who"].isin(drawers.trials(profiles.load(profile)))].to_dict("records"):
        drawn = row["who"] in wide.index
        cells = [
            f"{row['outline_share']:.1%}",
            f"{row['flat_share']:.0%}",
            f"{row['edges_found']:.0%}" if drawn else "",
        ]
        for style in names:  # cartoons have a distance to other cartoons of their own style
            of = row["who"] if drawn else FLOOR if row["who"] == f"cartoons, {style}" else ""
            cells.append(f"{wide.loc[of, style]:.0f}" if of in wide.index else "")
        lines.append(f"| {row['who']} | " + " | ".join(cells) + " |")
    tables = f"reports/{profile}/tables"
    about = (
        "Lines, flat areas: share of pixels on thin dark lines, and with next to no gradient. Edges found: share of "
        f"the photograph's strongest edges that the drawing has, too. Distances: {name}, {first['n_a']} windows of "
        "unseen photographs against all unseen cartoons of the style; smaller is nearer; of cartoons, that of as many "
        "which training saw. `guided`, `blur`, `jpeg` and `bilateral` are controls, which nobody calls a cartoon. With "
        f"intervals, and by other networks and metrics: [picture_looks.csv]({tables}/picture_looks.csv), "
        f"[picture_distances.csv]({tables}/picture_distances.csv), [its caption]({tables}/picture_distances.json)."
    )
    return "\n".join([*lines, "", about])


def findings(profile: str) -> str:
    """Which claims a profile supports and contradicts, and what is missing of the others, in Markdown.

    From the table of notebook 14, ``claims.csv``.

    Raises:
        UserError: that table is not there.
    """
    return pages.findings(_saved(profile, "claims"), f"reports/{profile}/tables/claims.csv")


def _saved(profile: str, table: str) -> pd.DataFrame:
    path = paths.report(profile, "tables", f"{table}.csv")
    if not path.is_file():
        raise UserError(f"{paths.shown(path)} is not there: make reproduce PROFILE={profile} first")
    return pd.read_csv(path)


def picture(profile: str, side: int = 320) -> Path:
    """Photographs whose licence is known, and below them what the shipped styles make of them, a row a style."""
    photos, _ = pictures_of(["astronaut", "coffee", "chelsea", "rocket", "grace_hopper"], side)
    path = paths.report(profile, "figures", PICTURE)
    drawn = [draw(photo) for draw in map(open_drawing, shipped()) for photo in photos]
    images.write(path, images.grid([*photos, *drawn], columns=len(photos)))
    return path


def rendered(text: str) -> str:
    """The text of README with every marked table made anew."""
    made = {"table": comparison, "styles": styles, "claims": findings}

    def block(found: re.Match[str]) -> str:
        return f"<!-- {found[1]}: {found[2]} -->\n{made[found[1]](found[2])}\n<!-- /{found[1]} -->"

    return MARKED.sub(block, text)


def update(profile: str, path: Path = paths.CHECKOUT / "README.md") -> Path:
    """Make README's picture from the shipped generators, and its marked tables from their saved tables."""
    picture(profile)
    write_text(path, rendered(path.read_text(encoding="utf-8")))
    return path
