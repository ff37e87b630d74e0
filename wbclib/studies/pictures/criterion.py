"""What may be shipped: the criterion, and what was tried on the way."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pandas as pd

from wbclib.profiles import Profile
from wbclib.studies.pictures.drawers import PHOTOGRAPH, THEIRS
from wbclib.studies.pictures.pictures import FLAT, FOUND, KEPT, LINES
from wbclib.train import records


def nearer(style: str, metric: str, network: str) -> str:
    """The criterion's question for a distance."""
    return f"nearer to {style} than {THEIRS}, {metric} over {network}"


def judge(who: str, style: str, pairs: pd.DataFrame, seen: pd.DataFrame) -> pd.DataFrame:
    """Whether a generator may be shipped as a style: columns question, value, wanted, answer, counts (bool).

    Nearer to the style's unseen cartoons than the authors' released white box by every network and metric; the
    photograph's edges found at least as well as in theirs; lines, and flat areas, on the cartoons' side of half way
    from the photograph. Where a style's cartoons have no more lines than photographs, or no more flat areas, there is
    no such side, and the question asks for no fewer than the photograph's. Edges kept by correlation is answered too,
    and decides nothing (``counts`` is False): every line that is drawn lowers it.
    """
    values = seen.set_index("who").to_dict("index")
    rows: list[tuple[str, float, str, bool, bool]] = []
    found = pairs[(pairs["style"] == style) & (pairs["a"] == who) & (pairs["b"] == THEIRS)]
    for pair in found.to_dict("records"):
        question = nearer(style, pair["metric"], pair["network"])
        rows.append((question, pair["difference"], "below 0", pair["difference"] < 0, True))
    if THEIRS in values:
        for measure, name, counts in ((FOUND, "edges found", True), (KEPT, "edges kept", False)):
            own, theirs = (values[key][measure] for key in (who, THEIRS))
            rows.append((name, own, f"at least {theirs:.3f}", own >= theirs, counts))
    for measure, name in ((LINES, "lines"), (FLAT, "flat areas")):
        photo, cartoon, own = (values[key][measure] for key in (PHOTOGRAPH, f"cartoons, {style}", who))
        wanted = (photo + cartoon) / 2 if cartoon > photo else photo
        rows.append((f"{name}, share of pixels", own, f"at least {wanted:.4f}", own >= wanted, True))
    return pd.DataFrame(rows, columns=["question", "value", "wanted", "answer", "counts"])


def list_trials(profile: Profile, seen: pd.DataFrame, distances: pd.DataFrame) -> pd.DataFrame:
    """What was tried: every finished run of the profile that draws, and what became of it.

    Args:
        seen: :func:`wbclib.studies.pictures.pictures.looks`.
        distances: :func:`wbclib.studies.pictures.pictures.distances`, first table.

    Returns:
        run, init, steps, cartoons (where the run saw any), terms (weights); outline_share, flat_share, edges_found;
        and, a column a network, the Frechet distance to the cartoons that the run learnt from.
    """
    values = seen.set_index("who").to_dict("index")
    frechet = distances[distances["metric"] != "kid"]
    rows = []
    for run, config in profile.runs.items():
        who, record = f"{profile.name}/{run}", records.finished(profile, run)
        if who not in values or record is None:
            continue
        terms = ", ".join(f"{name} {weight:g}" for name, weight in asdict(config.weights).items() if weight)
        row = {
            "run": run, "init": config.init, "steps": record["steps"],
            "cartoons": Path(config.cartoons.path or config.cartoons.kind).name if config.method != "pretrain" else "",
            "terms": terms,
        }  # fmt: skip
        row |= {name: values[who][name] for name in (LINES, FLAT, FOUND)}
        own = next((style for style in profile.styles() if profile.whitebox(style).cartoons == config.cartoons), "")
        mine = frechet[(frechet["method"] == who) & (frechet["style"] == own)]
        rows.append(
            row | {f"to cartoons, {network}": value for network, value in mine[["network", "value"]].to_numpy()}
        )
    return pd.DataFrame(rows)
