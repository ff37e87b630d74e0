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
from wbclib.report import claims, evidence, pages, tables
from wbclib.report.evidence import Finding
from wbclib.report.notebooks import names

NAN = float("nan")


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
        (Finding("m", 0.1, -0.2, 0.4, margin=0.5), "none", "supported"),  # equally well: inside the margin
        (Finding("m", 0.2, 0.1, 0.3, margin=0.5), "none", "contradicted"),  # however small, it can be told
        (Finding("m", 0.1, -0.2, 0.4), "none", "cannot tell"),  # no margin
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
    full = [
        {"run": "full", "measure": measure, "seeds": 1, "by_chance": 0.1}
        for measure in ("edge_strength", "edge_agreement", "frechet_random_resnet18_to_cartoons")
    ]
    nearer = {"style": "cartoons", "a": "whitebox", "b": "cartoongan", "metric": "frechet",
              "network": "random_resnet18", "to": "cartoons", **apart}  # fmt: skip
    more = {"difference": 3.0 * sign, "diff_low": 3.0 * sign - 1, "diff_high": 3.0 * sign + 1, "photographs": 6}
    keeps = {"a": "whitebox", "b": "cartoongan", "measure": "edge_agreement", **more}
    change = {"change": -3.0 * sign, "low": -3.0 * sign - 1, "high": -3.0 * sign + 1, "monotonic": "yes"}
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
        "ablation": full,
        "paired": [nearer],
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

    found = claims.table(profile).set_index("claim")["verdict"]
    for claim in (
        "CartoonGAN's edge loss sharpens outlines",
        "L1 content loss keeps outlines better than L2 of equal weight",
        "Without its initialisation CartoonGAN keeps less of the photograph",
        "Instance normalisation keeps the photograph better than batch normalisation",
        "White-box keeps content better than CartoonGAN",
        "White-box is nearer to cartoons than CartoonGAN",
        "More weight of the structure term lowers the gradient inside regions",
        "Flow-based lines are found again under noise better than Canny's",
        "The flow-based bilateral filter keeps edges better than the plain one at equal smoothing",
        "Large missing blocks are better filled in the generator's features than mended in the photograph",
    ):
        assert found[claim] == expected, claim


@pytest.mark.parametrize(
    ("difference", "half", "by_chance", "expected"),
    [
        (1.0, 2.0, 0.0, "supported"),  # inside a tenth of the 50 that the network of its own comes nearer
        (8.0, 2.0, 1.0, "contradicted"),
        (8.0, 2.0, 9.0, "cannot tell"),  # as far apart as two seeds are
        (1.0, 9.0, 0.0, "cannot tell"),
    ],
)
def test_one_network_of_many_styles_is_judged_beside_a_network_of_its_own(
    study: Path, difference: float, half: float, by_chance: float, expected: str
) -> None:
    apart = {"difference": difference, "diff_low": difference - half, "diff_high": difference + half, "photographs": 6}
    tables.save(
        pd.DataFrame([{"network": "styles", "own": "alone", "style": "toon", **apart}]), "styles_own", "smoke", "x"
    )
    rows = [("photograph", "", "toon", 90.0), ("alone", "toon", "toon", 40.0), ("alone", "toon", "ink", 70.0)]
    tables.save(pd.DataFrame(rows, columns=["network", "style", "to", "value"]), "styles", "smoke", "x")
    full = {"run": "full", "measure": "frechet_random_resnet18_to_cartoons", "seeds": 1, "by_chance": by_chance}
    tables.save(pd.DataFrame([full]), "ablation", "smoke", "x")
    found = evidence.own_network("styles", "toon")(profiles.load("smoke"))
    assert claims.judge(found, "none") == expected and found.records == ("styles", "alone")
    assert np.isnan(evidence.own_network("styles", "oil")(profiles.load("smoke")).effect)


@pytest.mark.parametrize("monotonic", ["no", "cannot tell"])
def test_a_measure_that_does_not_go_one_way_is_not_controlled(study: Path, monotonic: str) -> None:
    row = {**tables_of(1.0)["follows"][0], "monotonic": monotonic}
    tables.save(pd.DataFrame([row]), "follows", "smoke", "x")
    found = claims.table(profiles.load("smoke")).set_index("claim")
    assert found.loc["More weight of the structure term lowers the gradient inside regions", "verdict"] == "cannot tell"


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


def test_adaptive_colours_have_more_contrast_by_another_way() -> None:
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
    assert 0 < finding.low <= finding.effect <= finding.high


def test_the_page_links_every_claim_and_states_its_effect() -> None:
    rows = [
        ("A", "paper", "m", 1.5, 1.0, 2.0, 0.25, "supported", "a, b", "07-ablation", "over 3 seeds"),
        ("B", "paper", "m", NAN, NAN, NAN, 0.0, "cannot tell", "", "13-speed", "no run"),
        ("C", "paper", "m", 2.0, NAN, NAN, float("inf"), "cannot tell", "c", "10-control", "nothing says"),
    ]
    found = pd.DataFrame(rows, columns=claims.COLUMNS)
    assert pages.claims(found)["effect"].tolist() == ["1.5 [1, 2]", "–", "2"]
    assert pages.claims(found)["by_chance"].tolist() == ["0.25", "–", "–"]
    text = claims.listed(found)
    assert "**supported** ([07-ablation](07-ablation.html)); over 3 seeds; records: a, b." in text
    assert claims.sentences(found) == "- Supported: A."
