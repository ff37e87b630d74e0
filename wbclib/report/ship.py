"""Shipping: a finished run becomes a style of the package, with a model card made from its record and the tables.

A shipped style is the folder ``wbclib/shipped/<style>``: ``generator.safetensors`` (half precision), the run's
``config.yaml``, and ``CARD.md``. Nobody types a number into a card; one part of it is written by hand, the faults
that somebody saw in the pictures, and it survives when the card is made again.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save

from wbclib import corpora, paths
from wbclib.corpora.base import Corpus, Item
from wbclib.corpora.folder import UNKNOWN
from wbclib.files import UserError, read_json, sha256, write_bytes, write_text
from wbclib.inference import styles
from wbclib.options import RunConfig
from wbclib.pack import chain
from wbclib.profiles import Profile
from wbclib.report.readme import markdown
from wbclib.train import records
from wbclib.train.loop import generator_file

UNSEEN = "*Nobody has looked at its pictures yet.*"
FAULTS = re.compile(r"<!-- faults -->\n(.*?)\n<!-- /faults -->", flags=re.DOTALL)
FORBIDDEN = re.compile(r"\bNC\b|non-?commercial|research|educational", flags=re.IGNORECASE)


def ship(name: str, profile: Profile, style: str) -> Path:
    """Write the style ``style`` from a finished white-box run; its folder.

    Args:
        name: a run of the profile, with weights.
        style: the cartoons that the run learnt from, as the profile's comparison calls them.

    Raises:
        UserError: the run is not that style's white box, is not finished, or its weights or images are not those of
            its record; an image that it or the run it starts from learnt from forbids commercial use.
    """
    if profile.styles().get(style, {}).get("whitebox") != name:
        raise UserError(
            f"run {name} is not the white box of style {style!r} in the comparison of profile {profile.name}"
        )
    record = records.finished(profile, name)
    if record is None:
        raise UserError(f"only a finished run is shipped: train {profile.name}/{name} first")
    found = {run: _learnt_from(profile, run) for run in chain(profile, name)}
    source = generator_file(profile.name, name)
    if sha256(source) != record["generator_sha256"]:
        raise UserError(f"{paths.shown(source)} is not the generator of the record; unpack or train the run again")
    state = {key: value.half() for key, value in load_file(source).items()}
    if not all(bool(torch.isfinite(value).all()) for value in state.values()):
        raise UserError(f"{paths.shown(source)} does not fit half precision; it is not shipped")

    folder = styles.SHIPPED / style
    faults = _faults(folder, record["generator_sha256"])
    parameters = sum(value.numel() for value in state.values())
    metadata = {"profile": profile.name, "run": name}
    metadata |= {key: record[key] for key in ("config_hash", "generator_sha256")}
    write_bytes(folder / "generator.safetensors", save(state, metadata=metadata))
    write_text(folder / "config.yaml", (source.parent / "config.yaml").read_text(encoding="utf-8"))
    write_text(folder / "CARD.md", card(style, profile, record, found, parameters, faults))
    return folder


def _faults(folder: Path, generator: str) -> str:
    """What somebody saw in the pictures of this very generator, from the card that is there."""
    try:
        with safe_open(folder / "generator.safetensors", framework="pt") as file:
            same = file.metadata().get("generator_sha256") == generator
        text = FAULTS.search((folder / "CARD.md").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return UNSEEN
    return text[1] if text and same else UNSEEN


def _learnt_from(profile: Profile, name: str) -> dict[str, Corpus]:
    """The corpora of a run, which must be those of its record and free for any use."""
    config, record = profile.run(name), records.finished(profile, name)
    found = {"photos": corpora.load(config.photos, "train"), "cartoons": corpora.load(config.cartoons, "train")}
    for kind, corpus in found.items():
        if record is None or records.data_entry(corpus) != record["data"][kind]:
            raise UserError(f"the {kind} of run {name} are not those that it learnt from; bring those back to ship it")
        for item in corpus.items:
            if FORBIDDEN.search(item.licence):
                raise UserError(f"{item.name}: its licence forbids commercial use ({item.licence}); train without it")
            if not item.licence or item.licence.startswith(UNKNOWN):
                raise UserError(f"{item.name}: no licence is stated; list it, or train without it")
    return found


def card(
    style: str,
    profile: Profile,
    record: dict[str, Any],
    found: dict[str, dict[str, Corpus]],
    parameters: int,
    faults: str,
) -> str:
    """The model card as Markdown; ``found``: run -> kind -> corpus, for the run and those that it starts from."""
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

{_measured(style, profile)}

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
    start = f"{profile.run(config.init).steps} steps of `{config.init}`, then " if config.init else ""
    features, changed = record["features"], " with changes" if record["dirty"] else ""
    return f"""- {start}{record["steps"]} steps, crops of {config.size} px, batch {config.batch}, seed {record["seed"]}
- Terms and weights: {weights}; features of {features["network"]} ({features["source"]}; {features["licence"]})
- {record["wall_time_s"]:.0f} s on {device["name"]}, {device["threads"]} thread(s), {device["precision"]}
- Code of commit {record["commit"][:12]}{changed}, configuration {record["config_hash"][:12]}"""


def _measured(style: str, profile: Profile) -> str:
    """Distances to this style's cartoons as Markdown; a sentence where they were not measured."""
    folder = paths.report(profile.name, "tables")
    frame = pd.read_csv(folder / "distances.csv") if (folder / "distances.csv").is_file() else pd.DataFrame()
    frame = frame[(frame["style"] == style) & (frame["to"] == "cartoons")] if len(frame) else frame
    if not len(frame):
        return "*Not measured yet.*"
    caption = read_json(folder / "distances.json")["caption"]
    return f"`whitebox` is this generator. {caption}\n\n{markdown(frame, style)}"


def _credits(items: list[Item]) -> str:
    """Every photograph with its author and licence, one line an author."""
    by_author: dict[tuple[str, str], list[str]] = {}
    for item in items:
        by_author.setdefault((item.credit or "author not stated", item.licence), []).append(Path(item.name).name)
    return "\n".join(
        f"- {author} ({licence}): {', '.join(sorted(names))}"
        for (author, licence), names in sorted(by_author.items(), key=lambda entry: entry[0][0].casefold())
    )
