"""What every term of the white box is expected to move, said before anything is measured, and what came of it."""

from __future__ import annotations

import pandas as pd

from wbclib.losses import TERMS
from wbclib.profiles import Profile
from wbclib.studies.common.grid import chosen

# Term -> (measure, what becomes of it without the term). More weight is expected to move it the other way.
EXPECTED: dict[str, tuple[tuple[str, str], ...]] = {
    "surface": (("high_frequency_energy", "higher"),),
    "texture": (("edge_strength", "lower"), ("line_density", "lower")),
    "structure": (("gradient_inside_regions", "higher"), ("number_of_colours", "higher")),
    "content": (("colour_shift", "higher"), ("edge_agreement", "lower")),
    "tv": (("high_frequency_energy", "higher"),),
    "initialisation": (("edge_agreement", "lower"),),
}
OPPOSITE = {"higher": "lower", "lower": "higher"}


def said(profile: Profile) -> pd.DataFrame:
    """What is expected of every term of the full run: term, asks, without_it."""
    dropped = [variant.what for variant in chosen(profile, "drop") if variant.kind == "drop"]
    rows = []
    for name in dropped:
        asks = (
            TERMS[name].asks if name in TERMS else "a generator that knows the photograph when it meets discriminators"
        )
        without = "; ".join(f"{m.replace('_', ' ')} {word}" for m, word in EXPECTED.get(name, ()))
        rows.append((name, asks, without or "nothing was said"))
    return pd.DataFrame(rows, columns=["term", "asks", "without_it"])


def with_more(profile: Profile) -> pd.DataFrame:
    """What more weight is expected to do, of every term that the profile sweeps: term, measure, with_more_weight."""
    swept = dict.fromkeys(variant.what for variant in chosen(profile, "control") if variant.kind == "control")
    rows = [(term, measure, OPPOSITE[without]) for term in swept for measure, without in EXPECTED.get(term, ())]
    return pd.DataFrame(rows, columns=["term", "measure", "with_more_weight"])


def outcome(expected: str, verdict: str) -> str:
    """``as expected``, ``the opposite`` or ``cannot tell``, from two of higher, lower, cannot tell."""
    return {expected: "as expected", "cannot tell": "cannot tell"}.get(verdict, "the opposite")


def expectations(found: pd.DataFrame) -> pd.DataFrame:
    """What was said beforehand of every term that was dropped, and what came of it.

    Args:
        found: the ablation's table (:func:`wbclib.studies.common.grid.measure_variants`).

    Returns:
        term, measure, expected (without the term the measure is higher or lower), difference, diff_low, diff_high,
        outcome (``as expected``, ``the opposite``, ``cannot tell``). A term of which nothing was said has no rows.
    """
    rows = []
    for term, said in EXPECTED.items():
        for measure, direction in said:
            part = found[(found["run"] == f"no-{term}") & (found["measure"] == measure)]
            for row in part.to_dict("records"):
                apart = (row["difference"], row["diff_low"], row["diff_high"])
                rows.append((term, measure, direction, *apart, outcome(direction, row["verdict"])))
    names = ["term", "measure", "expected", "difference", "diff_low", "diff_high", "outcome"]
    return pd.DataFrame(rows, columns=names)
