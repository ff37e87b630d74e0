"""The model card of a shipped style, as Markdown, made from the run's record, the tables and the generator itself."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from wbclib import paths
from wbclib.corpora.base import Corpus, Item
from wbclib.files import read_json
from wbclib.options import RunConfig
from wbclib.profiles import Profile
from wbclib.show.tables import interval
from wbclib.studies.pictures import criterion, drawers
from wbclib.train import records

LOOKED_FOR = (
    "noise, stripes or a grid, colour blobs, halos, lost faces, tinted whites, clipped colours, smeared lettering, "
    "photographs that barely changed"
)

# Loss terms that the paper does not have.
BEYOND = ("projected", "abstraction", "abstraction_features", "chroma", "smoothness")


def card(
    style: str,
    profile: Profile,
    record: dict[str, Any],
    found: dict[str, dict[str, Corpus]],
    parameters: int,
    faults: str,
) -> str:
    """The model card.

    Args:
        style: its name; its files are in place but for the card.
        record: of the run.
        found: run -> kind -> corpus, for the run and those that it starts from.
        parameters: how many the generator has.
        faults: what somebody saw.
    """
    name, who = record["name"], f"{profile.name}/{record['name']}"
    photos = found[name]["photos"]
    credited = {item.sha256: item for corpus in found.values() for item in corpus["photos"].items}
    licences = Counter(item.licence for item in credited.values())
    return f"""# Style `{style}`

The white-box generator (a U-Net of {parameters:,} parameters, here in half precision) as the run
`{profile.name}/{name}` of this study left it. `wbc cartoonize photo.jpg --style {style}` draws with it.

Made from files by `wbc ship`: the numbers come from the run's record and from the tables of the profile.

## Use

For drawing photographs, also commercially: nothing that it learnt from forbids that. Who publishes its pictures should
name the artists of the cartoons (below). It is not meant for recognising or judging people, and what it draws is no
evidence of what a photograph showed.

## Training

{_training(profile, record)}

## What it learnt from

{cartoons_learnt_from(profile, name, found)}
- Photographs: {len(photos)}, under {"; ".join(f"{licence} ({n})" for licence, n in licences.most_common())}.
  Their authors are listed at the end.

{_held(profile.run(name))}

## Measured

{_measured(style, who, profile)}

## Why this one

Asked of every generator before it is shipped; the questions were written down before the answers were known, and a "no"
is to be explained below. Pictures are looked at for {LOOKED_FOR}.

{tell_criterion(style, who, profile)}

## Faults that were seen

<!-- faults -->
{faults}
<!-- /faults -->

## Licence

The weights are under the licence of the code (MIT).

## Photographs

{_credits(list(credited.values()))}
"""


def cartoons_learnt_from(profile: Profile, name: str, found: dict[str, dict[str, Corpus]]) -> str:
    """The cartoons of the run and, where they are others, of those that it starts from; a line a corpus."""
    saw = [run for run in profile.chain(name) if profile.run(run).method != "pretrain"]
    first: dict[tuple[str, ...], str] = {}
    for run in reversed(saw):
        first.setdefault(tuple(item.sha256 for item in found[run]["cartoons"].items), run)
    lines = []
    for run in first.values():
        cartoons = found[run]["cartoons"]
        sources = Counter((item.licence, item.credit) for item in cartoons.items)
        drawn = "; ".join(f"{credit} ({licence}), {n} images" for (licence, credit), n in sources.most_common())
        when = "Cartoons" if run == name else f"Cartoons, until `{run}`"
        groups = len({item.group for item in cartoons.items})
        lines.append(f"- {when}: {drawn}; {groups} groups of them (episodes, stories). None is in this repository.")
    return "\n".join(lines)


def _held(config: RunConfig) -> str:
    if config.photos.validation_percent and config.cartoons.validation_percent:
        return "What was held back from training, whole groups and photographs, gave the numbers below."
    return "Nothing was held back from training; the numbers below are measured on other crops of the same images."


def _training(profile: Profile, record: dict[str, Any]) -> str:
    config, device = profile.run(record["name"]), record["device"]
    weights = ", ".join(f"{name} {weight:g}" for name, weight in record["config"]["weights"].items() if weight)
    *before, last = profile.chain(record["name"])
    start = "".join(f"{profile.run(run).steps} steps of `{run}`, then " for run in before)
    made = [found for run in before if (found := records.finished(profile, run)) is not None]
    seconds, steps = (sum(each[key] for each in (*made, record)) for key in ("wall_time_s", "steps"))
    together = f"; all {steps} steps {seconds / 3600:.1f} h" if made else ""
    place = f"{device['name']}, {device['threads']} thread(s), {device['precision']}"
    features, changed = record["features"], " with changes" if record["dirty"] else ""
    used = {term for run in profile.chain(record["name"]) for term in BEYOND if getattr(profile.run(run).weights, term)}
    ours = f"\n- Terms that the white-box paper does not have: {', '.join(sorted(used))}" if used else ""
    shift = f", discriminators' view shifted by up to {config.shift} px" if config.shift else ""
    return f"""- {start}{record["steps"]} steps of `{last}`
- The last of these: crops of {config.size} px, batch {config.batch}, seed {record["seed"]}{shift}
- Its terms and weights: {weights}; features of {features["network"]} ({features["source"]}; {features["licence"]})
- Its time: {record["wall_time_s"]:.0f} s on {place}{together}
- Code of commit {record["commit"][:12]}{changed}, configuration {record["config_hash"][:12]}{ours}"""


def _measured(style: str, who: str, profile: Profile) -> str:
    """Distances to this style's unseen cartoons as Markdown; a sentence where they were not measured."""
    frame = _table(profile, "picture_distances")
    if frame is None or not (frame["style"] == style).any():
        return "*Not measured yet.*"
    caption = read_json(paths.report(profile.name, "tables", "picture_distances.json"))["caption"]
    shown = frame[(frame["style"] == style) & ~frame["method"].isin(drawers.trials(profile) - {who})]
    return f"`{who}` is this generator. {caption}\n\n{markdown(shown, style)}"


def markdown(distances: pd.DataFrame, style: str) -> str:
    """The distances to one style's cartoons as a Markdown table: a row a method, a column a (metric, network)."""
    names = distances["metric"].map({"fid": "FID", "frechet": "Frechet", "kid": "kernel"})
    cells = [interval(*row) for row in distances[["value", "low", "high"]].itertuples(index=False)]
    long = distances.assign(column=names + ", " + distances["network"], cell=cells)
    wide = long.pivot(index="method", columns="column", values="cell").loc[long["method"].unique()]
    lines = [f"| to {style} | " + " | ".join(wide.columns) + " |", "|---" * (len(wide.columns) + 1) + "|"]
    return "\n".join(lines + [f"| {method} | " + " | ".join(row) + " |" for method, *row in wide.itertuples()])


def tell_criterion(style: str, who: str, profile: Profile) -> str:
    """Why a generator is worth shipping, as a Markdown table: what :func:`criterion.judge` found."""
    frame = _table(profile, "picture_criterion")
    frame = None if frame is None else frame[(frame["style"] == style) & (frame["who"] == who)]
    if frame is None or frame.empty:
        return "*Not measured yet.*"
    between = _intervals(style, who, profile)
    lines = ["| question | measured | wanted | answer |", "|---|---|---|---|"]
    for row in frame.to_dict("records"):
        answer = ("Yes" if row["answer"] else "No") + ("" if row["counts"] else " (decides nothing)")
        measured, sure = between.get(row["question"], (f"{row['value']:.4g}", True))
        lines.append(f"| {row['question']} | {measured} | {row['wanted']} | {answer}{'' if sure else ', not surely'} |")
    return "\n".join(lines)


def _intervals(style: str, who: str, profile: Profile) -> dict[str, tuple[str, bool]]:
    """Question of the criterion -> paired difference with its interval of 90 %, and whether it can be told from 0."""
    frame = _table(profile, "picture_paired")
    if frame is None:
        return {}
    rows = frame[(frame["style"] == style) & (frame["a"] == who) & (frame["b"] == drawers.THEIRS)].to_dict("records")
    return {
        criterion.nearer(style, row["metric"], row["network"]): (
            interval(row["difference"], row["diff_low"], row["diff_high"]),
            row["verdict"] != "cannot tell",
        )
        for row in rows
    }


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
