"""Claims: the verdict follows from effect, interval and chance, on tables made up for the purpose."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from wbclib import profiles
from wbclib.evaluate import comparison, grid
from wbclib.profiles import Profile
from wbclib.report import claims, evidence, tables
from wbclib.report.evidence import Finding
from wbclib.report.notebooks import names


@pytest.mark.parametrize(
    ("finding", "supports", "expected"),
    [
        (Finding("m", 2.0, 1.0, 3.0), "higher", "supported"),
        (Finding("m", 2.0, 1.0, 3.0), "lower", "contradicted"),
        (Finding("m", -2.0, -3.0, -1.0), "lower", "supported"),
        (Finding("m", 0.5, -1.0, 2.0), "higher", "cannot tell"),
        (Finding("m", 2.0, 1.0, 3.0, by_chance=2.5), "higher", "cannot tell"),  # clear, but no more than chance does
        (Finding("m", 2.0, 1.0, 3.0, by_chance=float("inf")), "higher", "cannot tell"),  # one run of each
        (Finding("m", why="not measured"), "higher", "cannot tell"),
        (Finding("m", 0.1, -0.2, 0.4, margin=0.5), "none", "supported"),  # equally well: inside what chance does
        (Finding("m", 0.1, -0.8, 0.9, margin=0.5), "none", "cannot tell"),
        (Finding("m", 2.0, 1.0, 3.0, margin=0.5), "none", "contradicted"),
        (Finding("m", why="not measured"), "none", "cannot tell"),
    ],
)
def test_the_verdict_is_computed(finding: Finding, supports: str, expected: str) -> None:
    assert claims.judge(finding, supports) == expected


def loaded(tmp_path: Path, seeds: str) -> Profile:
    path = tmp_path / "mine.yaml"
    path.write_text(
        f"extends: smoke\nablation: {{seeds: {seeds}, control: false, base: {{size: 64}}}}\n"
        "measure: {crops: 14, size: 64, bootstraps: 20, kid_subset_size: 8}"
    )
    return profiles.load(str(path))


def written(profile: Profile, degraded: str) -> pd.DataFrame:
    """Claims from an ablation in which every run gives the cartoons themselves, but for one variant: photographs.

    Seeds differ by a little noise alone.
    """
    data = comparison.sets(profile)
    random, made = np.random.default_rng(0), {}
    for variant in profile.ablation:
        for run in variant.runs:
            pictures = data.inputs if variant.name == degraded else data.cartoons
            noise = random.normal(0, 4, pictures.shape)
            made[run] = np.clip(pictures + noise, 0, 255).astype(np.uint8)
    variants = grid.chosen(profile, "replicate", "drop")
    tables.save(grid.table(profile, variants, data, made), "ablation", profile.name, "made up")
    return claims.table(profile).set_index("claim")


@pytest.mark.parametrize("seeds", ["[0]", "[0, 1, 2]"])
def test_what_makes_no_difference_cannot_be_told_and_what_degrades_is_found(
    tmp_path: Path, study: Path, seeds: str
) -> None:
    profile = loaded(tmp_path, seeds)
    found = written(profile, "no-structure")
    needed = found["verdict"][[f"The {term} representation is needed" for term in ("structure", "surface", "texture")]]
    assert needed.tolist() == ["supported", "cannot tell", "cannot tell"]
    row = found.loc["The structure representation is needed"]
    assert row["low"] > 0 and "no-structure" in row["records"] and row["notebook"] == "07-ablation"
    assert found.loc["The guided filter avoids the gradient reversal of the bilateral filter", "verdict"] == "supported"
    missing = found.loc["CartoonGAN trains faster than CycleGAN"]
    assert missing["verdict"] == "cannot tell" and np.isnan(missing["effect"]) and "CycleGAN" in missing["why"]
    assert set(found["notebook"]) <= set(names())


def test_the_opposite_of_a_claim_contradicts_it(tmp_path: Path, study: Path) -> None:
    """Without the surface term all is more blurred than with it: the term raises the fine detail."""
    profile = loaded(tmp_path, "[0, 1]")
    data = comparison.sets(profile)
    made = {}
    for variant in profile.ablation:
        for run in variant.runs:
            sigma = 3.0 if variant.name == "no-surface" else 0.5
            made[run] = np.stack([cv2.GaussianBlur(x, (0, 0), sigma) for x in data.inputs])
    table = grid.table(profile, grid.chosen(profile, "drop"), data, made, distances=False)
    tables.save(table, "ablation", profile.name, "made up")
    found = claims.table(profile).set_index("claim")
    assert found.loc["The surface term lowers the high frequency energy", "verdict"] == "contradicted"
    assert found.loc["The tv term lowers the high frequency energy", "verdict"] == "cannot tell"


def test_a_run_of_each_is_judged_by_what_chance_does_between_full_runs(study: Path) -> None:
    profile = profiles.load("smoke")
    row = {"run": "cartoongan-no-edges", "measure": "edge_strength", "difference": -3.0, "diff_low": -4.0,
           "diff_high": -2.0, "photographs": 6}  # fmt: skip
    tables.save(pd.DataFrame([row]), "cartoongan_ablation", "smoke", "made up")
    ask = evidence.cartoongan("cartoongan-no-edges", "edge_strength")
    assert claims.judge(ask(profile), "lower") == "cannot tell"  # nothing says what chance does
    for by_chance, expected in ((1.0, "supported"), (3.5, "cannot tell")):
        full = {"run": "full", "measure": "edge_strength", "seeds": 1, "by_chance": by_chance}
        tables.save(pd.DataFrame([full]), "ablation", "smoke", "made up")
        assert claims.judge(ask(profile), "lower") == expected


def test_mean_colours_have_no_more_contrast_than_adaptive_ones_by_another_way() -> None:
    """The contrast of a structure image against the standard deviation of OpenCV's grey picture."""
    from wbclib import images
    from wbclib.options import Structure
    from wbclib.represent.structure import structure

    finding = evidence.contrast(profiles.load("smoke"))
    x = images.to_tensor(evidence._scenes())
    grey = [
        [cv2.cvtColor(p, cv2.COLOR_RGB2GRAY).std() for p in images.to_uint8(structure(x, kind))]
        for kind in (Structure(), Structure(colouring="mean"))
    ]
    assert finding.effect == pytest.approx(np.mean(grey[0]) - np.mean(grey[1]), abs=0.2)
    assert finding.low <= finding.effect <= finding.high


def test_the_page_links_every_claim_and_states_its_effect() -> None:
    rows = [
        ("A", "paper", "m", 1.5, 1.0, 2.0, "supported", "a, b", "07-ablation", "over 3 seeds"),
        ("B", "paper", "m", float("nan"), float("nan"), float("nan"), "cannot tell", "", "13-speed", "no run"),
    ]
    found = pd.DataFrame(rows, columns=claims.COLUMNS)
    assert claims.page(found)["effect"].tolist() == ["1.5 [1, 2]", "–"]
    text = claims.listed(found)
    assert "**supported** ([07-ablation](07-ablation.html)); over 3 seeds; records: a, b." in text
    assert claims.sentences(found) == "- Supported: A."
