"""Claims: the verdict follows from effect, interval and chance, on tables made up for the purpose."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from wbclib import paths, profiles
from wbclib.measure.verdicts import decide
from wbclib.profiles import Profile
from wbclib.report import claims, evidence, pages
from wbclib.report.notebooks import names
from wbclib.show import tables
from wbclib.studies.common import comparison, grid

NAN = float("nan")


def loaded(tmp_path: Path, seeds: str) -> Profile:
    path = tmp_path / "mine.yaml"
    path.write_text(
        f"extends: smoke\nablation: {{seeds: {seeds}, control: false, base: {{size: 64}}}}\n"
        "measure: {crops: 14, size: 64, bootstraps: 8, kid_subset_size: 8}"
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
    tables.save(grid.measure_variants(profile, variants, data, made), "ablation", profile.name, "made up")
    return claims.judge_claims(profile).set_index("claim")


@pytest.mark.parametrize(("seeds", "expected"), [("[0]", "cannot tell"), ("[0, 1, 2]", "supported")])
def test_what_makes_no_difference_cannot_be_told_and_what_degrades_is_found(
    tmp_path: Path, study: Path, seeds: str, expected: str
) -> None:
    profile = loaded(tmp_path, seeds)
    found = written(profile, "no-structure")
    needed = found["verdict"][[f"The {term} representation is needed" for term in ("structure", "surface", "texture")]]
    assert needed.tolist() == [expected, "cannot tell", "cannot tell"]
    row = found.loc["The structure representation is needed"]
    assert row["low"] > 0 and "no-structure" in row["records"] and row["notebook"] == "07-ablation"
    assert row["unit"] == ("photographs" if seeds == "[0]" else "seeds") and row["agree"].endswith(" of 2")
    assert ("one training of each" in row["why_not"]) == (seeds == "[0]")
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
    table = grid.measure_variants(profile, grid.chosen(profile, "drop"), data, made, distances=False)
    tables.save(table, "ablation", profile.name, "made up")
    found = claims.judge_claims(profile).set_index("claim")
    assert found.loc["The surface term lowers the high frequency energy", "verdict"] == "contradicted"
    assert found.loc["The tv term lowers the high frequency energy", "verdict"] == "cannot tell"


def tables_of(sign: float) -> dict[str, list[dict[str, object]]]:
    """Tables in which everything that a paper says is true (1) or the other way round (-1), beyond chance."""
    apart = {"difference": -3.0 * sign, "diff_low": -4.0 * sign - 0.5, "diff_high": -2.0 * sign + 0.5, "photographs": 6}
    worse = [
        {"run": run, "measure": measure, **apart}
        for run, measure in (
            ("cartoongan-no-edges", "edge_strength"),
            ("cartoongan-l2", "edge_agreement"),
            ("cartoongan-no-init", "edge_agreement"),
            ("cartoongan-batchnorm", "edge_agreement"),
        )
    ]
    nearer = [{"style": "cartoons", "a": "whitebox", "b": "cartoongan", "metric": metric,
               "network": "random_resnet18", "to": "cartoons", **apart} for metric in ("frechet", "kid")]  # fmt: skip
    more = {"difference": 3.0 * sign, "diff_low": 3.0 * sign - 1, "diff_high": 3.0 * sign + 1, "photographs": 6}
    keeps = {"a": "whitebox", "b": "cartoongan", "measure": "edge_agreement", **more}
    change = {"change": -3.0 * sign, "low": -3.0 * sign - 1, "high": -3.0 * sign + 1, "monotonic": "yes", "n": 3}
    swept = {"term": "structure", "measure": "gradient_inside_regions", "lowest": 0.1, "highest": 10.0, **change}
    again = {"method": "flow minus Canny", "measure": "again", "n": 6}
    lines = [
        again | {"noise": 5.0, "value": -9 * sign, "low": -10.0, "high": -8.0},  # it is the strongest noise that counts
        again | {"noise": 20.0, "value": 0.2 * sign, "low": 0.2 * sign - 0.1, "high": 0.2 * sign + 0.1},
    ]
    smooth = {"filter": "difference", "edges": 0.1 * sign, "low": 0.1 * sign - 0.05, "high": 0.1 * sign + 0.05, "n": 6}
    flow = {"flow_lines": lines, "flow_smoothing": [smooth]}
    hole = {"way": "feature map", "measure": "inside", "photographs": 6}
    noise = [
        hole | {"damage": "missing blocks, 12% wide, 25% missing"} | spread(5 * sign),  # the largest blocks count
        hole | {"damage": "missing blocks, 25% wide, 25% missing"} | spread(-5 * sign),
    ]
    return {
        "cartoongan_ablation": worse,
        "paired": nearer,
        "kept_paired": [keeps],
        "follows": [swept],
        **flow,
    } | {"noise": noise}


def spread(effect: float) -> dict[str, float]:
    """A difference from the simple way, with its interval."""
    return {"against_mended": effect, "against_low": effect - 1, "against_high": effect + 1}


@pytest.mark.parametrize(("sign", "expected"), [(1.0, "supported"), (-1.0, "contradicted")])
def test_what_a_paper_says_is_supported_where_it_is_so(study: Path, sign: float, expected: str) -> None:
    """Without a part outlines are weaker; the white box is nearer and keeps more; more structure flattens."""
    profile = profiles.load("smoke")
    style = next(iter(profile.styles()))
    for name, rows in tables_of(sign).items():
        frame = pd.DataFrame(rows)
        tables.save(frame.assign(style=style) if "paired" in name else frame, name, "smoke", "made up")

    found = claims.judge_claims(profile).set_index("claim")
    for claim in (
        "Flow-based lines are found again under noise better than Canny's",
        "The flow-based bilateral filter keeps edges better than the plain one at equal smoothing",
        "Large missing blocks are better filled in the generator's features than mended in the photograph",
        "More weight of the structure term lowers the gradient inside regions",
    ):
        assert found.loc[claim, "verdict"] == expected, claim
    for claim, side in (
        ("CartoonGAN's edge loss sharpens outlines", -1),
        ("L1 content loss keeps outlines better than L2 of equal weight", -1),
        ("Without its initialisation CartoonGAN keeps less of the photograph", -1),
        ("Instance normalisation keeps the photograph better than batch normalisation", -1),
        ("White-box keeps content better than CartoonGAN", 1),
        ("White-box is nearer to cartoons than CartoonGAN", -1),
    ):
        row = found.loc[claim]
        assert row["verdict"] == "cannot tell" and "one training of each" in row["why_not"], claim
        assert row["effect"] == 3.0 * side * sign and np.isinf(row["chance"]), claim


def test_one_network_of_many_styles_is_judged_beside_a_network_of_its_own(study: Path) -> None:
    apart = {"difference": 1.0, "diff_low": -1.0, "diff_high": 3.0, "photographs": 6}
    tables.save(
        pd.DataFrame([{"network": "styles", "own": "alone", "style": "toon", **apart}]), "styles_own", "smoke", "x"
    )
    rows = [("photograph", "", "toon", 90.0), ("alone", "toon", "toon", 40.0), ("alone", "toon", "ink", 70.0)]
    tables.save(pd.DataFrame(rows, columns=["network", "style", "to", "value"]), "styles", "smoke", "x")
    found = evidence.own_network("styles", "toon")(profiles.load("smoke"))
    assert found.margins == (pytest.approx(5.0),), "a tenth of the 50 that the network of its own comes nearer"
    assert found.effects[0].value == 1.0 and found.records == ("styles", "alone") and np.isinf(found.effects[0].chance)
    assert np.isnan(evidence.own_network("styles", "oil")(profiles.load("smoke")).effects[0].value)


@pytest.mark.parametrize("monotonic", ["yes", "no"])
def test_whether_a_sweep_goes_one_way_is_said(study: Path, monotonic: str) -> None:
    back = {"back": 1.0, "back_low": 0.5, "back_high": 1.5} if monotonic == "no" else {}
    row = {**tables_of(1.0)["follows"][0], "monotonic": monotonic, **back}
    tables.save(pd.DataFrame([row]), "follows", "smoke", "x")
    found = evidence.controls("structure", "gradient_inside_regions")(profiles.load("smoke"))
    assert found.why.endswith(f"monotonic: {monotonic}") and found.effects[0].value == -3.0
    (told,) = decide([found.asked("lower")])
    assert told.verdict == {"yes": "supported", "no": "cannot tell"}[monotonic]
    assert ("both ways" in told.why_not) == (monotonic == "no")


def test_one_run_at_both_ends_of_a_sweep_tells_nothing(study: Path) -> None:
    row = {**tables_of(1.0)["follows"][0], "n": 1, "low": NAN, "high": NAN}
    tables.save(pd.DataFrame([row]), "follows", "smoke", "x")
    found = evidence.controls("structure", "gradient_inside_regions")(profiles.load("smoke"))
    (told,) = decide([found.asked("lower")])
    assert told.verdict == "cannot tell" and "one training of each" in told.why_not


def test_chance_is_not_borrowed_from_other_runs(study: Path) -> None:
    profile = profiles.load("smoke")
    row = {"run": "cartoongan-no-edges", "measure": "edge_strength", "difference": -3.0, "diff_low": -4.0,
           "diff_high": -2.0, "photographs": 60}  # fmt: skip
    tables.save(pd.DataFrame([row]), "cartoongan_ablation", "smoke", "made up")
    full = {"run": "full", "measure": "edge_strength", "seeds": 3, "by_chance": 0.1}
    tables.save(pd.DataFrame([full]), "ablation", "smoke", "made up")
    found = evidence.cartoongan("cartoongan-no-edges", "edge_strength")(profile)
    (told,) = decide([found.asked("lower")])
    assert told.verdict == "cannot tell" and "one training of each" in told.why_not
    assert found.effects[0].interval == pytest.approx((-4.0, -2.0), abs=0.05), "over photographs, which is shown"


@pytest.mark.parametrize(("gain", "more"), [("mean", True), ("none", False)])
def test_contrast_of_adaptive_colours_by_another_way(gain: str, more: bool) -> None:
    """Against the standard deviation of OpenCV's grey picture; what is more is this study's gain."""
    from wbclib import images
    from wbclib.options import Structure
    from wbclib.represent.structure import structure

    finding = evidence.contrast(gain)(profiles.load("smoke"))
    x = images.to_tensor(evidence._scenes())
    grey = [
        [cv2.cvtColor(p, cv2.COLOR_RGB2GRAY).std() for p in images.to_uint8(structure(x, kind))]
        for kind in (Structure(gain=gain), Structure(colouring="mean"))
    ]
    (effect,) = finding.effects
    assert effect.value == pytest.approx(np.mean(grey[0]) - np.mean(grey[1]), abs=0.2)
    assert (effect.interval[0] > 0) == more and effect.interval[0] <= effect.value <= effect.interval[1]


def test_the_page_links_every_claim_and_states_its_effect() -> None:
    shown = (
        "claim",
        "verdict",
        "why_not",
        "effect",
        "low",
        "high",
        "n",
        "unit",
        "corrected",
        "records",
        "notebook",
        "why",
    )
    rows = [
        ("A", "supported", "", 1.5, 1.0, 2.0, 3, "seeds", 0.0123, "a, b", "07-ablation", "over 3 seeds"),
        ("B", "cannot tell", "nothing was measured", NAN, NAN, NAN, 0, "", 1.0, "", "13-speed", "no run"),
        ("C", "cannot tell", "one training", 2.0, NAN, NAN, 1, "run", 1.0, "c", "10-control", "nothing says"),
    ]
    found = pd.DataFrame(rows, columns=shown).assign(source="paper", measure="m", agree="1 of 2")
    page = pages.claims(found)
    assert page["effect"].tolist() == ["1.5 [1, 2]", "–", "2"] and page["p"].tolist() == ["0.012", "–", "1"]
    text = claims.listed(found)
    assert "- A (paper): **supported** ([07-ablation](07-ablation.html)); 1 of 2, the weakest m: over 3 seeds" in text
    assert "over 3 seeds; records: a, b." in text
    assert (
        "- B (paper): **cannot tell**, nothing was measured ([13-speed](13-speed.html)); 1 of 2, the weakest m: no run."
        in text
    )
    assert claims.sentences(found) == "- Supported: A."


def test_every_claim_belongs_to_a_family_and_every_notebook_to_one() -> None:
    asked = list(claims.claims(profiles.load("lab")))
    assert {one.notebook for one in asked} == set(claims.FAMILIES) and all(one.family for one in asked)


def test_the_committed_verdicts_were_made_by_the_rules_that_stand() -> None:
    caption = json.loads((paths.CHECKOUT / "reports/lab/tables/claims.json").read_text())["caption"]
    assert f"rules {claims.rules()[1]}" in caption


def test_every_style_is_asked(study: Path) -> None:
    profile = profiles.load("lab")
    row = {"a": "whitebox", "b": "cartoongan", "measure": "edge_agreement", "n": 9, "photographs": 9}
    rows = [
        row | {"style": style, "difference": value, "diff_low": value - 0.1, "diff_high": value + 0.1}
        for style, value in zip(profile.styles(), (1.0, -0.5), strict=True)
    ]
    tables.save(pd.DataFrame(rows), "kept_paired", "lab", "made up")
    found = evidence.kept(profile)
    assert [effect.value for effect in found.effects] == [1.0, -0.5]
    assert found.weakest("higher")[0].measure.endswith("storybook")
    tables.save(pd.DataFrame(rows[:1]), "kept_paired", "lab", "made up")
    assert "storybook" in evidence.kept(profile).why and not evidence.kept(profile).effects[0].n
