"""The model card of a shipped style, as Markdown, made from the run's record, the tables and the generator itself."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wbclib import images, paths
from wbclib.corpora import bundled
from wbclib.corpora.base import Corpus, Item
from wbclib.evaluate import comparison, effect, ranking
from wbclib.files import read_json
from wbclib.inference.styles import OFFICIAL, load_style
from wbclib.inference.stylist import Stylist
from wbclib.options import RunConfig
from wbclib.profiles import Profile
from wbclib.report.tables import interval

LOOKED_FOR = (
    "noise, stripes or a grid, colour blobs, halos, lost faces, tinted whites, clipped colours, smeared lettering, "
    "photographs that barely changed"
)
KEPT, FLATTER, SIDE = 0.9, 0.2, 512  # the criterion, below


def card(
    style: str,
    method: str,
    profile: Profile,
    record: dict[str, Any],
    found: dict[str, dict[str, Corpus]],
    parameters: int,
    faults: str,
) -> str:
    """The model card.

    Args:
        style, method: the style, whose files are in place but for the card, and the run's name in its comparison.
        record: of the run.
        found: run -> kind -> corpus, for the run and those that it starts from.
        parameters: how many the generator has.
        faults: what somebody saw.
    """
    name = record["name"]
    photos, cartoons = found[name]["photos"], found[name]["cartoons"]
    sources = Counter((item.licence, item.credit) for item in cartoons.items)
    drawn = "; ".join(f"{credit} ({licence}), {n} images" for (licence, credit), n in sources.most_common())
    credited = {item.sha256: item for corpus in found.values() for item in corpus["photos"].items}
    licences = Counter(item.licence for item in credited.values())
    return f"""# Style `{style}`

The white-box generator (a U-Net of {parameters:,} parameters, here in half precision) as the run
`{profile.name}/{name}` of this study left it. `wbc cartoonize photo.jpg --style {style}` draws with it.

Made from files by `wbc ship`: the numbers come from the run's record and from the tables of the profile.

## Use

For drawing photographs, also commercially: nothing that it learnt from forbids that. Who publishes its pictures should
name the artist of the cartoons (below). It is not meant for recognising or judging people, and what it draws is no
evidence of what a photograph showed.

## Training

{_training(profile, record)}

## What it learnt from

- Cartoons: {drawn}; {len({item.group for item in cartoons.items})} groups of them (episodes, stories). None is in this
  repository.
- Photographs: {len(photos)}, under {"; ".join(f"{licence} ({n})" for licence, n in licences.most_common())}.
  Their authors are listed at the end.

{_held(profile.run(name))}

## Measured

{_measured(style, method, profile)}

## Why this one

Asked of every generator before it is shipped; the questions were written down before the answers were known, and a "no"
is to be explained below. Pictures are looked at for {LOOKED_FOR}.

{criterion(style, record["name"], method, profile)}

## Faults that were seen

<!-- faults -->
{faults}
<!-- /faults -->

## Licence

The weights are under the licence of the code (MIT).

## Photographs

{_credits(list(credited.values()))}
"""


def _held(config: RunConfig) -> str:
    if config.photos.validation_percent and config.cartoons.validation_percent:
        return "What was held back from training, whole groups and photographs, gave the numbers below."
    return "Nothing was held back from training; the numbers below are measured on other crops of the same images."


def _training(profile: Profile, record: dict[str, Any]) -> str:
    config, device = profile.run(record["name"]), record["device"]
    weights = ", ".join(f"{name} {weight:g}" for name, weight in record["config"]["weights"].items() if weight)
    before = profile.chain(record["name"])[:-1]
    start = "".join(f"{profile.run(run).steps} steps of `{run}`, then " for run in before)
    features, changed = record["features"], " with changes" if record["dirty"] else ""
    return f"""- {start}{record["steps"]} steps, crops of {config.size} px, batch {config.batch}, seed {record["seed"]}
- Terms and weights: {weights}; features of {features["network"]} ({features["source"]}; {features["licence"]})
- {record["wall_time_s"]:.0f} s on {device["name"]}, {device["threads"]} thread(s), {device["precision"]}
- Code of commit {record["commit"][:12]}{changed}, configuration {record["config_hash"][:12]}"""


def _measured(style: str, method: str, profile: Profile) -> str:
    """Distances to this style's cartoons as Markdown; a sentence where they were not measured."""
    frame = _table(profile, "distances")
    if frame is None or not (frame["style"] == style).any():
        return "*Not measured yet.*"
    frame = frame[(frame["style"] == style) & (frame["to"] == "cartoons")]
    caption = read_json(paths.report(profile.name, "tables", "distances.json"))["caption"]
    return f"`{method}` is this generator. {caption}\n\n{markdown(frame, style)}"


def markdown(distances: pd.DataFrame, style: str) -> str:
    """The distances to one style's cartoons as a Markdown table: a row a method, a column a (metric, network)."""
    names = distances["metric"].map({"fid": "FID", "frechet": "Frechet", "kid": "KID"})
    cells = [interval(*row) for row in distances[["value", "low", "high"]].itertuples(index=False)]
    long = distances.assign(column=names + ", " + distances["network"], cell=cells)
    wide = long.pivot(index="method", columns="column", values="cell").loc[long["method"].unique()]
    lines = [f"| to {style} | " + " | ".join(wide.columns) + " |", "|---" * (len(wide.columns) + 1) + "|"]
    return "\n".join(lines + [f"| {method} | " + " | ".join(row) + " |" for method, *row in wide.itertuples()])


def criterion(style: str, run: str, method: str, profile: Profile) -> str:
    """Why a generator is worth shipping, as a Markdown list: three questions, each with its measured answer.

    Is it nearer to its style's cartoons than the photographs, by every way to measure? Does it keep the photographs'
    edges, at a correlation of at least :data:`KEPT`? Are the bundled photographs, :data:`SIDE` px a side, flatter in
    their regions by at least :data:`FLATTER`? The first two are answered on held-out images, by the profile's tables.
    """
    lines = []
    if (pairs := _table(profile, "paired")) is not None:
        lines.append(_nearer(ranking.verdicts(pairs[pairs["style"] == style], method, "photograph")))
    if (kept := _table(profile, "content_kept")) is not None:
        lines.append(_kept(kept.set_index("method"), comparison.names(profile)[run]))
    lines.append(_flatter(Stylist(load_style(style))))
    return "\n".join(f"- {line}" for line in lines)


def _nearer(verdicts: pd.Series) -> str:
    ways, nearer = int(verdicts.sum()), int(verdicts.get("nearer", 0))
    if not ways:
        return "Nearer to its cartoons than the photographs? Not measured yet."
    return f"Nearer to its cartoons than the photographs? {_answer(nearer == ways)}, by {nearer} of {ways} ways."


def _kept(table: pd.DataFrame, name: str) -> str:
    if name not in table.index:
        return f"Edges kept, at {KEPT} or more? Not measured yet."
    value, low, high = (float(table[f"edge_agreement{end}"].loc[name]) for end in ("", "_low", "_high"))
    answer = f"{_answer(low >= KEPT)}, correlation {value:.3f} [{low:.3f}, {high:.3f}]"
    theirs = table["edge_agreement"].get(OFFICIAL)
    also = "" if theirs is None else f" The authors' released white-box generator: {theirs:.3f}."
    return f"Edges kept, at {KEPT} or more? {answer}.{also}"


def _flatter(draw: Stylist) -> str:
    corpus = bundled.photographs()
    photos = np.stack([images.square(corpus.image(index), SIDE) for index in range(len(corpus))])
    drawn = np.stack([draw(photo) for photo in photos])
    table = effect.effect({"drawn": drawn}, photos, [item.group for item in corpus.items])
    row = effect.at(table, "drawn", "gradient_inside_regions")
    change = effect.relative(table, "drawn", "gradient_inside_regions")
    return (
        f"Flatter by {FLATTER:.0%} or more, {len(photos)} bundled photographs at {SIDE} px? "
        f"{_answer(change <= -FLATTER and row['diff_high'] < 0)}, gradient inside regions {change:+.0%} "
        f"({row['difference']:+.2f} [{row['diff_low']:+.2f}, {row['diff_high']:+.2f}] grey levels per pixel)."
    )


def _answer(yes: bool) -> str:
    return "Yes" if yes else "No"


def _table(profile: Profile, name: str) -> pd.DataFrame | None:
    path = paths.report(profile.name, "tables", f"{name}.csv")
    return pd.read_csv(path) if path.is_file() else None


def _credits(items: list[Item]) -> str:
    """Every photograph with its author and licence, one line an author."""
    by_author: dict[tuple[str, str], list[str]] = {}
    for item in items:
        by_author.setdefault((item.credit or "author not stated", item.licence), []).append(Path(item.name).name)
    return "\n".join(
        f"- {author} ({licence}): {', '.join(sorted(names))}"
        for (author, licence), names in sorted(by_author.items(), key=lambda entry: entry[0][0].casefold())
    )
