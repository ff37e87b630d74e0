"""The edge-smoothed set in numbers: what it touches, how much edge it takes away, and what a discriminator says of it.

CartoonGAN (Chen, Lai, Liu, CVPR 2018, section 3.2) smooths each cartoon once. Here crops are smoothed, at the size
that the discriminator sees (:mod:`wbclib.corpora.loader`); :func:`order` measures what that changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
import pandas as pd

from wbclib.bench.timing import seconds
from wbclib.corpora import edges, toon
from wbclib.corpora.loader import EVALUATION, crop, uniforms
from wbclib.measure import content
from wbclib.measure.effect import clustered_interval
from wbclib.measure.intervals import Interval
from wbclib.options import Edges
from wbclib.profiles import Profile
from wbclib.studies.common.discriminators import Seen, available, look, told_apart
from wbclib.train.loop import Trained

Looks = Mapping[str, Mapping[str, Seen]]
WHOLE, CROP = "whole drawing, then crop", "crop, then smooth"


@dataclass(frozen=True)
class Steps:
    """The edge-smoothed set step by step, for one cartoon.

    Attributes:
        cartoon: uint8 (H, W, 3).
        edges: Canny's edges, bool (H, W).
        near: the edges, dilated: where the result may differ from the cartoon, bool (H, W).
        blurred: the cartoon under a Gaussian, everywhere, uint8 (H, W, 3).
        smoothed: the blurred one near the edges, the cartoon elsewhere, uint8 (H, W, 3).
    """

    cartoon: np.ndarray
    edges: np.ndarray
    near: np.ndarray
    blurred: np.ndarray
    smoothed: np.ndarray

    LABELS = ("cartoon", "Canny edges", "dilated", "Gaussian blur", "edge-smoothed")

    def pictures(self) -> list[np.ndarray]:
        """The five steps as uint8 (H, W, 3), maps black on white."""
        maps = [np.repeat(np.where(mask, 0, 255).astype(np.uint8)[..., None], 3, 2) for mask in (self.edges, self.near)]
        return [self.cartoon, *maps, self.blurred, self.smoothed]

    def detail(self, side: int) -> list[np.ndarray]:
        """A square of the pictures where the set has changed most, (side, side, 3) each."""
        changed = np.abs(self.smoothed.astype(np.float32) - self.cartoon).sum(2)
        near = cv2.blur(changed, (side, side), borderType=cv2.BORDER_CONSTANT)
        half = side // 2
        inner = near[half : near.shape[0] - half or None, half : near.shape[1] - half or None]
        top, left = np.unravel_index(int(inner.argmax()), inner.shape)
        return [picture[top : top + side, left : left + side] for picture in self.pictures()]


def steps(cartoon: np.ndarray, options: Edges) -> Steps:
    """Every step from a cartoon, uint8 (H, W, 3), to its edge-smoothed version."""
    smoothed = edges.edge_smoothed(cartoon, options)
    found = edges.edge_map(cartoon, options)
    blurred = cv2.GaussianBlur(np.ascontiguousarray(cartoon), (options.blur, options.blur), 0)
    return Steps(np.asarray(cartoon), found, edges.dilated(found, options), blurred, smoothed)


def touched(pictures: np.ndarray, kinds: Sequence[str], options: Edges) -> pd.DataFrame:
    """How much of cartoons the set touches.

    Args:
        pictures: uint8 (N, H, W, 3).
        kinds: what each shows.

    Returns:
        One row a kind and one for all: kind, n, edges, near, changed (mean shares of the pixels), largest (largest
        change of a pixel, grey levels, mean over pictures).
    """
    rows = []
    for kind, picture in zip(kinds, pictures, strict=True):
        found = steps(picture, options)
        change = np.abs(found.smoothed.astype(np.int16) - picture).max(2)
        rows.append((kind, found.edges.mean(), found.near.mean(), (change > 0).mean(), float(change.max())))
    frame = pd.DataFrame(rows, columns=["kind", "edges", "near", "changed", "largest"])
    frame = pd.concat([frame, frame.assign(kind="all")])
    groups = frame.groupby("kind")
    return groups.mean().assign(n=groups.size()).reset_index()[["kind", "n", "edges", "near", "changed", "largest"]]


def kinds(seeds: Sequence[int]) -> list[str]:
    """What the drawings of these seeds show."""
    return [toon.kind(seed) for seed in seeds]


def both_ways(
    image: np.ndarray, smoothed: np.ndarray, side: int, options: Edges, place: Sequence[float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One crop three times, uint8 (side, side, 3): as it is, smoothed before cropping, smoothed after cropping.

    Args:
        image, smoothed: a cartoon, uint8 (H, W, 3), and its edge-smoothed version at full size.
        place: (scale, down, right) of :func:`wbclib.corpora.loader.crop`.
    """
    clean = crop(image, side, *place)
    return clean, crop(smoothed, side, *place), edges.edge_smoothed(clean, options)


def contrast_removed(clean: np.ndarray, smoothed: np.ndarray, options: Edges) -> float:
    """Relative fall of the gradient magnitude along the clean picture's Canny edges; NaN where it has none."""
    on = edges.edge_map(clean, options)
    before = float(content.gradient(clean)[on].sum())
    return 1 - float(content.gradient(smoothed)[on].sum()) / before if before else float("nan")


def order(
    pictures: Sequence[np.ndarray], side: int, options: Edges, seed: int = 0, crops: int = 2, scale_min: float = 0.5
) -> pd.DataFrame:
    """Edge contrast that is gone from crops if the whole cartoon was smoothed first, and if the crop was.

    Args:
        pictures: cartoons, uint8 (S, S, 3), of one size.
        side: of the crops that the discriminator sees.
        seed: of the crops' places, drawn as :class:`wbclib.corpora.loader.Loader` draws them.
        crops: of each cartoon.
        scale_min: smallest crop as a share of the cartoon.

    Returns:
        One row a way: cartoon_px, crop_px, shrunk (mean side of the cut over ``crop_px``), way, fall, low, high,
        difference, diff_low, diff_high, changed (mean share of the crop's pixels that differ by more than a grey
        level), n, cartoons. ``fall`` is :func:`contrast_removed`; intervals of 90 % over cartoons; ``difference`` is
        paired, against smoothing the whole drawing.
    """
    size = pictures[0].shape[0]
    rows = []
    for number, image in enumerate(pictures):
        smoothed = edges.edge_smoothed(image, options)
        for scale, down, right in uniforms(seed, number, EVALUATION, (crops, 3)):
            share = scale_min + (1 - scale_min) * scale
            clean, *made = both_ways(image, smoothed, side, options, (share, down, right))
            falls = [contrast_removed(clean, x, options) for x in made]
            differing = [(np.abs(x.astype(np.int16) - clean).max(2) > 1).mean() for x in made]
            rows.append((number, max(round(share * size), min(side, size)) / side, *falls, *differing))
    found = pd.DataFrame(rows, columns=["cartoon", "shrunk", WHOLE, CROP, "changed whole", "changed crop"]).dropna()
    if found.empty:
        raise ValueError(f"none of the {len(rows)} crops has an edge")
    groups, head = found["cartoon"].to_numpy(), (size, side, float(found["shrunk"].mean()))
    lines = []
    for way, changed in ((WHOLE, "changed whole"), (CROP, "changed crop")):
        value = clustered_interval(found[way].to_numpy(), groups)
        paired = clustered_interval((found[way] - found[WHOLE]).to_numpy(), groups)
        differs = paired if way == CROP else (float("nan"),) * 3
        lines.append((*head, way, *value, *differs, found[changed].mean(), len(found), len(set(groups))))
    names = ["cartoon_px", "crop_px", "shrunk", "way", "fall", "low", "high", "difference", "diff_low", "diff_high"]
    return pd.DataFrame(lines, columns=[*names, "changed", "n", "cartoons"])


def wide(found: pd.DataFrame) -> pd.DataFrame:
    """:func:`order` for readers: a row a size of drawing and of crop, both ways side by side, "value [low, high]"."""
    rows = []
    for (size, side), part in found.groupby(["cartoon_px", "crop_px"]):
        whole, cut = (part.set_index("way").loc[way] for way in (WHOLE, CROP))
        falls = [f"{x['fall']:.0%} [{x['low']:.0%}, {x['high']:.0%}]" for x in (whole, cut)]
        gap = "{:+.0f} [{:+.0f}, {:+.0f}]".format(*(100 * cut[k] for k in ("difference", "diff_low", "diff_high")))
        rows.append((size, side, f"{cut['shrunk']:.1f}", *falls, gap))
    return pd.DataFrame(rows, columns=["drawing, px", "crop, px", "shrunk", WHOLE, CROP, "difference, points"])


def milliseconds(pictures: Sequence[np.ndarray], side: int, options: Edges) -> pd.DataFrame:
    """Time of smoothing: columns what, milliseconds, ratio (to the crop). A whole cartoon is smoothed once for all."""
    first = pictures[0]
    jobs = {f"one crop of {side} px, every time": crop(first, side, 1.0, 0.0, 0.0)}
    jobs |= {f"one cartoon of {image.shape[0]} px, once": image for image in pictures}
    times = {name: 1e3 * seconds(partial(edges.edge_smoothed, image, options)) for name, image in jobs.items()}
    base = next(iter(times.values()))
    return pd.DataFrame(
        {"what": list(times), "milliseconds": list(times.values()), "ratio": [t / base for t in times.values()]}
    )


def questioned(
    profile: Profile, models: Mapping[str, Trained], sets: Mapping[str, np.ndarray], outputs: Mapping[str, np.ndarray]
) -> dict[str, Looks]:
    """What CartoonGAN's discriminator of each run sees and says; runs whose discriminator is not here are left out.

    Args:
        sets: name -> uint8 (N, H, W, 3), shown to all of them; ``cartoon`` and ``smoothed`` among them.
        outputs: run -> its own outputs, shown to its own discriminator as ``output``.

    Returns:
        run -> name of a set -> :func:`wbclib.studies.common.discriminators.look`.
    """
    return {
        run: {name: look(model, pictures) for name, pictures in {**sets, "output": outputs[run]}.items()}
        for run, model in models.items()
        if available(profile, run)
    }


def answers(looks: Mapping[str, Looks], groups: Mapping[str, Sequence[object] | np.ndarray]) -> pd.DataFrame:
    """What the discriminators say of each set of images.

    Args:
        looks: as :func:`questioned` returns them.
        groups: name of a set -> the image that each crop was cut from.

    Returns:
        run, images, logit (mean), low, high (90 %, over images), spread (standard deviation over crops), told_apart
        (probability that a cartoon scores above it), n. Without rows where no discriminator is here.
    """
    rows = []
    for run, seen in looks.items():
        for name, views in seen.items():
            logits = views["cartoon"].logits
            means = logits.mean((1, 2), dtype=np.float64)
            apart = float("nan") if name == "cartoon" else told_apart(seen["cartoon"]["cartoon"].logits, logits)
            value = clustered_interval(means, np.asarray(groups[name]))
            rows.append((run, name, *value, float(means.std(ddof=1)), apart, len(means)))
    return pd.DataFrame(rows, columns=["run", "images", "logit", "low", "high", "spread", "told_apart", "n"])


def edge_gap(seen: Looks, groups: Sequence[object] | np.ndarray) -> Interval:
    """Logit of a cartoon minus that of its own edge-smoothed version: mean and 90 % interval over cartoons.

    Above 0 the discriminator takes the clear edge for the more cartoon-like one, which is what the edge loss asks for.
    """
    clear, smoothed = (seen[name]["cartoon"].logits.mean((1, 2), dtype=np.float64) for name in ("cartoon", "smoothed"))
    return clustered_interval(clear - smoothed, np.asarray(groups))


def verdict(interval: Interval) -> str:
    """``above 0``, ``below 0`` or ``cannot tell``: where an interval lies."""
    _, low, high = interval
    return "above 0" if low > 0 else "below 0" if high < 0 else "cannot tell"


def order_sentence(found: pd.DataFrame) -> str:
    """What :func:`order` found for the most strongly shrunk crops, in words; the verdict is computed."""
    most = found[found["shrunk"] == found["shrunk"].max()].set_index("way")
    whole, cut = most.loc[WHOLE], most.loc[CROP]
    kept = {"above 0": "more", "below 0": "less"}.get(verdict((cut["difference"], cut["diff_low"], cut["diff_high"])))
    comparison = f"clearly {kept} than" if kept else "cannot tell whether this differs from"
    return (
        f"Smoothing crops of {cut['crop_px']:.0f} px of drawings of {cut['cartoon_px']:.0f} px takes away "
        f"{cut['fall']:.0%} [{cut['low']:.0%}, {cut['high']:.0%}] of their edge contrast: {comparison} the "
        f"{whole['fall']:.0%} [{whole['low']:.0%}, {whole['high']:.0%}] that are left of smoothing the drawing first."
    )
