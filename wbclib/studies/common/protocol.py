"""The protocol of a comparison in words: what a distance depends on, for captions, warnings and a table of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from wbclib.profiles import Profile
from wbclib.studies.common.comparison import Sets
from wbclib.train import records


def caption(profile: Profile, data: Mapping[str, Sets], origins: Sequence[Mapping[str, Any]]) -> str:
    """Caption of a distance table: what was measured, on what, with which network."""
    measure, first = profile.measure, next(iter(data.values()))
    n = first.distinct
    cartoons = ", ".join(f"{style} ({_extent(found)})" for style, found in data.items())
    kinds = ("seeded random weights", "ImageNet weights")
    measuring = "; ".join(f"{o['network']} ({kinds[o['pretrained']]}; pooled: {o['pooled']})" for o in origins)
    text = (
        f"Distances of {len(first.inputs)} crops of {measure.size} px (from {n['inputs']} images) to as many of "
        f"cartoons, {cartoons}, and of photographs ({n['photographs']} images); profile "
        f"{profile.name}, one run of each method. Measuring network: {measuring}; training used "
        f"{trained_with(profile)}, {training(profile, profile.compared())}. "
        f"{held(*data.values())} Intervals of 90 percent: {measure.bootstraps} bootstraps of photographs and reference "
        f"images, each with all of its crops; they say nothing of other groups of cartoons. Frechet: biased upwards at "
        f"this N. Kernel distance (kid; KID by name belongs to the Inception network): mean of "
        f"{measure.kid_subsets} subsets of {measure.kid_subset_size}, their standard deviation beside it as spread."
    )
    return text.replace("_", " ")  # an underscore in a caption stops TeX


def training(profile: Profile, runs: Sequence[str]) -> str:
    """How runs were trained, for captions: crops, batch, steps of each kind, devices; what is unfinished has no device.

    Steps of the runs that they start from are counted before the plus sign.
    """
    configs = {name: profile.run(name) for name in runs}
    sizes = dict.fromkeys(f"{config.size} px, batch {config.batch}" for config in configs.values())
    steps = {}
    for name, config in configs.items():
        initial = sum(profile.run(before).steps for before in profile.chain(name)[:-1])
        steps[name] = f"{initial} + {config.steps}" if initial else str(config.steps)
    kinds = dict.fromkeys(steps.values())
    if len(kinds) > 1:
        said = ", ".join(f"{name} {count}" for name, count in steps.items())
    else:
        said = next(iter(kinds))
    found = [records.finished(profile, name) for name in runs]
    devices = dict.fromkeys(f"{r['device']['name']}, {r['device']['precision']}" for r in found if r)
    return f"crops of {' and '.join(sizes)}; steps {said}" + (f"; on {' and '.join(devices)}" if devices else "")


def trained_with(profile: Profile) -> str:
    """The perceptual networks of the runs that are compared."""
    return ", ".join(dict.fromkeys(profile.run(name).features for name in profile.compared()))


def _extent(data: Sets) -> str:
    """How many cartoons, and of how many episodes or stories."""
    images, groups = data.distinct["cartoons"], data.sources.get("cartoons", 0)
    return f"{images} images" + (f" of {groups} groups" if 0 < groups < images else "")


def held(*data: Sets) -> str:
    """Whether what is measured was seen in training, as a sentence."""
    if all(found.held_out for found in data):
        return "Stylised photographs and cartoons were held out of training."
    seen = [found.style for found in data if not found.held_out]
    of = f"Of {', '.join(seen)} the" if len(seen) < len(data) else "The"
    return f"{of} images are those of training, in other crops."


def warning(origins: Sequence[Mapping[str, Any]]) -> str:
    """What the measuring networks allow to be said, as Markdown."""
    names = {kind: [o["network"] for o in origins if o["pretrained"] == kind] for kind in (False, True)}
    inception = [name for name in names[True] if name == "inception"]
    text = ""
    if names[False]:
        text += (
            f"**Warning: {' and '.join(names[False])} has seeded random weights.** It responds to colours, edges and "
            "local texture, not to what an image shows. These distances rank methods within this study and mean "
            "nothing outside it. "
        )
    if others := [name for name in names[True] if name != "inception"]:
        was, knows = ("were", "know") if len(others) > 1 else ("was", "knows")
        text += f"{' and '.join(others)} {was} trained on ImageNet and {knows} objects and textures. "
    if inception:
        return text + "The distance over the FID Inception network is the FID."
    return text + "**None of these numbers is an FID**: that name belongs to the FID Inception network alone."


def list_protocol(profile: Profile, data: Mapping[str, Sets], origins: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Everything that a distance depends on, for readers: columns item, value."""
    measure, first = profile.measure, next(iter(data.values()))
    config, n = profile.run(profile.compared()[-1]), first.distinct
    cartoons = {
        f"reference cartoons, {style}": f"{len(found.cartoons)} crops of {_extent(found)}"
        for style, found in data.items()
    }
    weights = ("drawn at random", "trained on ImageNet")
    rows = {
        "photographs that are stylised": f"{len(first.inputs)} crops of {n['inputs']} images ({config.photos.kind})",
        "reference photographs": f"{len(first.photographs)} other crops of {n['photographs']} images",
        **cartoons,
        "seen in training": held(*data.values()),
        "crop": f"side between half and the whole of the short side, seeds {measure.seed} to {measure.seed + 2}",
        "size and resize filter": f"{measure.size} px; area average when shrinking, cubic when growing (OpenCV)",
        "colour and file format": "sRGB, uint8, straight from memory: no JPEG between method and metric",
        **{
            f"{o['network']}{what}": value
            for o in origins
            for what, value in (
                (", features", o["pooled"]),
                (", weights", f"{weights[o['pretrained']]}, sha256 {o['sha256'][:12]}"),
            )
        },
        "network that trained": trained_with(profile),
        "intervals": f"90 %, {measure.bootstraps} bootstraps of {len(set(first.groups))} photographs and of the "
        "reference images, each with all of its crops; the value -+ 1.645 standard deviations",
        "kernel distance (kid)": f"kernel (x.y / D + 1)^3; mean of {measure.kid_subsets} subsets of "
        f"{measure.kid_subset_size}; paired differences take all images at once",
        "input of the networks": "the crop as it is; the FID Inception enlarges to 299 px",
    }  # fmt: skip
    return pd.DataFrame({"item": list(rows), "value": list(rows.values())})
