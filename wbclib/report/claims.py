"""What papers and explainers claim, what this study measures of it, and the verdict, computed.

A claim has a question that is put to a profile's tables, runs or pictures (:mod:`wbclib.report.evidence`). The answer
are effects with their errors; the verdict (:mod:`wbclib.measure.verdicts`) follows from these, from the direction that
the claim names, and from the other claims of its family.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from wbclib.measure.verdicts import Verdict, decide
from wbclib.profiles import Profile
from wbclib.report import evidence
from wbclib.report.evidence import Finding
from wbclib.studies.common.expected import EXPECTED, OPPOSITE
from wbclib.studies.styles import sharing

COLUMNS = [
    "claim", "source", "family", "verdict", "why_not", "measure", "effect", "low", "high", "n", "unit", "chance",
    "margin", "p", "corrected", "agree", "records", "notebook", "why",
]  # fmt: skip
WHITEBOX, CARTOONGAN = "White-box Cartoonization (CVPR 2020)", "CartoonGAN (CVPR 2018)"
SLIDES, REBUFFI = "toonification study", "Rebuffi, Bilen, Vedaldi (NeurIPS 2017, CVPR 2018)"
KANG = "Kang, Lee, Chui (NPAR 2007, TVCG 2009)"

FAMILIES = {
    "01-surface": "filters and colours, without training",
    "02-structure": "filters and colours, without training",
    "04-flow": "filters and colours, without training",
    "07-ablation": "what is lost without a part",
    "08-cartoongan": "the parts of CartoonGAN",
    "09-comparison": "the white box against CartoonGAN",
    "10-control": "what a weight controls",
    "11-noise": "damaged photographs",
    "12-styles": "several styles in one network",
    "13-speed": "time",
}


@dataclass(frozen=True)
class Claim:
    """A sentence that can be wrong."""

    claim: str
    source: str
    notebook: str
    ask: Callable[[Profile], Finding] = field(repr=False)
    supports: str = "higher"  # the side of 0 on which the effects support the claim; "none": within their margins

    @property
    def family(self) -> str:
        """The claims that are asked together, and corrected for their number."""
        return FAMILIES[self.notebook]


RULES = Path(__file__).parent / "templates" / "rules.md"


def rules() -> tuple[str, str]:
    """The rules that verdicts follow, as Markdown, and the first 12 digits of the SHA-256 of that text."""
    text = RULES.read_text(encoding="utf-8")
    return text, hashlib.sha256(text.encode()).hexdigest()[:12]


def judge_claims(profile: Profile) -> pd.DataFrame:
    """Every claim with what this profile says of it: columns :data:`COLUMNS`.

    Reads the tables of notebooks 04 and 07 to 12, which must have been written; measures what stands in none of them.

    Of the effects that a claim is asked of, the weakest is shown, that with the largest p of the claim; ``agree`` says
    how many support the claim by themselves, the chance of a training counted. ``chance`` is infinite where nothing
    says what another training would change.
    """
    asked = list(claims(profile))
    found = [one.ask(profile) for one in asked]
    judged: dict[int, Verdict] = {}
    for family in dict.fromkeys(one.family for one in asked):
        places = [i for i, one in enumerate(asked) if one.family == family]
        told = decide([found[i].asked(asked[i].supports) for i in places])
        for i, verdict in zip(places, told, strict=True):
            judged[i] = verdict
    rows = []
    for one, finding, place in zip(asked, found, range(len(asked)), strict=True):
        verdict = judged[place]
        effect, margin = finding.weakest(one.supports)
        rows.append(
            {
                "claim": one.claim, "source": one.source, "family": one.family, "verdict": verdict.verdict,
                "why_not": verdict.why_not, "measure": effect.measure, "effect": effect.value,
                "low": effect.interval[0], "high": effect.interval[1], "n": effect.n, "unit": effect.unit,
                "chance": effect.chance, "margin": margin, "p": verdict.p, "corrected": verdict.corrected,
                "agree": f"{verdict.agree} of {len(finding.effects)}", "records": ", ".join(finding.records),
                "notebook": one.notebook, "why": finding.why,
            }
        )  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


def listed(found: pd.DataFrame) -> str:
    """Every claim with its verdict, what is missing, a link to the page that shows it, and the measure, as Markdown."""
    lines = [
        f"- {row['claim']} ({row['source']}): **{row['verdict']}**"
        + (f", {row['why_not']}" if row["why_not"] else "")
        + f" ([{row['notebook']}]({row['notebook']}.html)); {row['agree']}, the weakest {row['measure']}: {row['why']}"
        + (f"; records: {row['records']}." if row["records"] else ".")
        for row in found.to_dict("records")
    ]
    return "\n".join(lines)


def sentences(found: pd.DataFrame) -> str:
    """What is supported and what is contradicted, as Markdown."""
    parts = {verdict: found.loc[found["verdict"] == verdict, "claim"] for verdict in ("supported", "contradicted")}
    return "\n".join(f"- {verdict.capitalize()}: {'; '.join(rows)}." for verdict, rows in parts.items() if len(rows))


def claims(profile: Profile) -> Iterator[Claim]:
    """The claims in reading order. A term of the full run has its rows without being named here."""
    yield Claim(
        "The guided filter avoids the gradient reversal of the bilateral filter",
        "He, Sun, Tang (PAMI 2013)",
        "01-surface",
        evidence.reversal,
        "lower",
    )
    yield Claim(
        "Adaptive colouring gives structure images more contrast than mean colours",
        WHITEBOX,
        "02-structure",
        evidence.contrast("none"),
    )
    yield Claim(
        "Adaptive colouring with this study's gain gives structure images more contrast than mean colours",
        "this study",
        "02-structure",
        evidence.contrast("mean"),
    )
    yield Claim(
        "Flow-based lines are found again under noise better than Canny's",
        KANG,
        "04-flow",
        evidence.flow_lines,
    )
    yield Claim(
        "The flow-based bilateral filter keeps edges better than the plain one at equal smoothing",
        KANG,
        "04-flow",
        evidence.flow_smoothing,
    )
    for term in ("surface", "structure", "texture"):
        yield Claim(f"The {term} representation is needed", WHITEBOX, "07-ablation", evidence.nearer(f"no-{term}"))
    yield Claim(
        "After equally many further steps an initialised white box is nearer to cartoons",
        CARTOONGAN,
        "07-ablation",
        evidence.nearer("no-initialisation"),
    )
    yield Claim(
        "A supervised start, from the flow-based abstraction, ends nearer to cartoons",
        SLIDES,
        "07-ablation",
        evidence.nearer("pretraining-abstraction"),
        "lower",
    )
    resnet = next((v.name for v in profile.ablation if v.name.startswith("features-resnet")), "features-resnet")
    yield Claim(
        "ResNet features do as well as VGG features",
        SLIDES,
        "07-ablation",
        evidence.nearer(resnet),
        "none",
    )
    for variant in profile.ablation:
        if variant.kind == "drop" and variant.what in EXPECTED:
            measure, without = EXPECTED[variant.what][0]
            does = "lowers" if without == "higher" else "raises"
            yield Claim(
                f"{_named(variant.what)} {does} the {measure.replace('_', ' ')}",
                "what the term is for",
                "07-ablation",
                evidence.moved(variant.name, measure),
                without,
            )
    for term in dict.fromkeys(variant.what for variant in profile.ablation if variant.kind == "control"):
        for measure, without in EXPECTED.get(term, ())[:1]:
            does = "lowers" if without == "higher" else "raises"
            yield Claim(
                f"More weight of the {term} term {does} the {measure.replace('_', ' ')}",
                WHITEBOX,
                "10-control",
                evidence.controls(term, measure),
                OPPOSITE[without],
            )
    yield Claim(
        "CartoonGAN's edge loss sharpens outlines",
        CARTOONGAN,
        "08-cartoongan",
        evidence.cartoongan("cartoongan-no-edges", "edge_strength"),
        "lower",
    )
    yield Claim(
        "L1 content loss keeps outlines better than L2 of equal weight",
        CARTOONGAN,
        "08-cartoongan",
        evidence.cartoongan("cartoongan-l2", "edge_agreement"),
        "lower",
    )
    yield Claim(
        "Without its initialisation CartoonGAN keeps less of the photograph",
        CARTOONGAN,
        "08-cartoongan",
        evidence.cartoongan("cartoongan-no-init", "edge_agreement"),
        "lower",
    )
    yield Claim(
        "Instance normalisation keeps the photograph better than batch normalisation",
        SLIDES,
        "08-cartoongan",
        evidence.cartoongan("cartoongan-batchnorm", "edge_agreement"),
        "lower",
    )
    yield Claim("White-box keeps content better than CartoonGAN", WHITEBOX, "09-comparison", evidence.kept)
    yield Claim(
        "White-box is nearer to cartoons than CartoonGAN", WHITEBOX, "09-comparison", evidence.distance, "lower"
    )
    yield Claim(
        "Large missing blocks are better filled in the generator's features than mended in the photograph",
        SLIDES,
        "11-noise",
        evidence.features_inpaint,
        "lower",
    )
    for run, style in sharing.compared(profile):
        frozen = ", added with all else frozen," if profile.run(run).adapters.train else ""
        yield Claim(
            f"Adapters ({run}) draw {style}{frozen} as near to its cartoons as a network of its own",
            REBUFFI,
            "12-styles",
            evidence.own_network(run, style),
            "none",
        )
    yield Claim("CartoonGAN trains faster than CycleGAN", CARTOONGAN, "13-speed", evidence.cyclegan, "lower")


def _named(what: str) -> str:
    return "The initialisation" if what == "initialisation" else f"The {what} term"
