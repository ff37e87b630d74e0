"""Shipping: a finished run becomes a style of the package, with a model card made from its record and the tables.

A shipped style is the folder ``wbclib/shipped/<style>``: ``generator.safetensors`` (half precision), the run's
``config.yaml``, and ``CARD.md``. Nobody types a number into a card; one part of it is written by hand, the faults
that somebody saw in the pictures, and it survives when the card is made again.
"""

from __future__ import annotations

import re
from pathlib import Path

from safetensors.torch import load

from wbclib import corpora
from wbclib.corpora.base import Corpus
from wbclib.corpora.folder import UNKNOWN
from wbclib.files import UserError, write_bytes, write_text
from wbclib.inference import styles
from wbclib.profiles import Profile
from wbclib.report import model_card
from wbclib.train import kept, records

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
    method = {run: method for method, run in profile.styles().get(style, {}).items()}.get(name)
    if method is None or profile.run(name).method != "whitebox":
        raise UserError(f"run {name} is no white box of style {style!r} in the comparison of profile {profile.name}")
    record = records.finished(profile, name)
    if record is None:
        raise UserError(f"only a finished run is shipped: train {profile.name}/{name} first")
    found = {run: _learnt_from(profile, run) for run in profile.chain(name)}
    weights = kept.copy(name, profile)
    folder = styles.SHIPPED / style
    faults = _faults(folder, record["generator_sha256"])
    write_bytes(folder / "generator.safetensors", weights)
    records.write_config(folder / "config.yaml", profile, name)
    parameters = sum(value.numel() for value in load(weights).values())
    write_text(folder / "CARD.md", model_card.card(style, profile, record, found, parameters, faults))
    return folder


def _faults(folder: Path, generator: str) -> str:
    """What somebody saw in the pictures of this very generator, from the card that is there."""
    try:
        text = FAULTS.search((folder / "CARD.md").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return UNSEEN
    same = kept.origin(folder / "generator.safetensors").get("generator_sha256") == generator
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
