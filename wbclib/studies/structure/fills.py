"""From regions to colours: what each difference of paper and official code changes, and what the structure loss wants.

Images are uint8 (H, W, 3); labels are int32 (H, W), 0 .. n-1. Colour differences are in grey levels (0-255 scale).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import pandas as pd
import torch

from wbclib import images, losses
from wbclib.measure import content
from wbclib.networks.features import FeatureNetwork
from wbclib.options import Structure
from wbclib.represent.colouring import BYTE, colour_regions, spread
from wbclib.represent.structure import structure
from wbclib.studies.structure.regions import described, medians

BRANCHES = ("below gamma1", "between", "above gamma2")


def fills(
    photos: Sequence[np.ndarray], cut: Mapping[str, Sequence[np.ndarray]], table: Mapping[str, Structure]
) -> dict[str, list[np.ndarray]]:
    """Coloured regions of every photograph under every setting, uint8."""
    return {
        name: [colour_regions(photo, labels, options) for photo, labels in zip(photos, cut[name], strict=True)]
        for name, options in table.items()
    }


def sigmas(image: np.ndarray, labels: np.ndarray, thresholds: str = "byte") -> np.ndarray:
    """sigma (n,) of every region, in the unit in which ``thresholds`` compares it."""
    sigma = spread(image.reshape(-1, 3).astype(np.float64), labels.ravel())[2]
    return sigma if thresholds == "byte" else sigma / BYTE


def branch(sigma: np.ndarray, options: Structure) -> np.ndarray:
    """Index into :data:`BRANCHES` of every region."""
    return np.where(sigma < options.gamma1, 0, np.where(sigma > options.gamma2, 2, 1))


def branches(
    photos: Sequence[np.ndarray], cut: Mapping[str, Sequence[np.ndarray]], table: Mapping[str, Structure]
) -> pd.DataFrame:
    """Regions of all photographs in each branch of the adaptive colouring.

    Columns setting, thresholds, regions, one count for each of :data:`BRANCHES`, area (share of all pixels in regions
    that are not below gamma1), largest_sigma (in the unit that is compared).
    """
    rows = []
    for name, options in table.items():
        sigma = [sigmas(p, labels, options.thresholds) for p, labels in zip(photos, cut[name], strict=True)]
        size = np.concatenate([np.bincount(labels.ravel()) for labels in cut[name]])
        values = np.concatenate(sigma)
        taken = branch(values, options)
        counts = np.bincount(taken, minlength=3)
        row = {"setting": name, "thresholds": options.thresholds, "regions": len(values)}
        row |= dict(zip(BRANCHES, counts.tolist(), strict=True))
        rows.append(row | {"area": float(size[taken > 0].sum() / size.sum()), "largest_sigma": float(values.max())})
    return pd.DataFrame(rows)


def tone(image: np.ndarray) -> dict[str, float]:
    """brightness (mean of all values), contrast (deviation of the luma), chroma (mean of max - min of the channels)."""
    chroma = image.max(2).astype(np.float64) - image.min(2)
    return {
        "brightness": float(image.mean()),
        "contrast": float(content.luma(image).std()),
        "chroma": float(chroma.mean()),
    }


def powers(image: np.ndarray, labels: np.ndarray, options: Structure) -> dict[str, np.ndarray]:
    """Three fills: without the power, with the bare power as printed, and with power and this study's gain."""
    flat = colour_regions(image, labels, dataclasses.replace(options, mu=1.0))
    return {
        "no power": flat,
        "power alone": np.rint(255 * (flat / 255) ** options.mu).astype(np.uint8),
        "power and gain": colour_regions(image, labels, dataclasses.replace(options, gain="mean")),
    }


def tones(photos: Sequence[np.ndarray], cut: Sequence[np.ndarray], options: Structure) -> pd.DataFrame:
    """Means over the photographs of :func:`tone`, for them and for their :func:`powers` (column fill)."""
    rows = []
    for photo, labels in zip(photos, cut, strict=True):
        fills_of = {"photograph": photo} | powers(photo, labels, options)
        rows += [{"fill": name, **tone(image)} for name, image in fills_of.items()]
    return pd.DataFrame(rows).groupby("fill", sort=False).mean().reset_index()


def changed(image: np.ndarray, reference: np.ndarray, labels: np.ndarray, levels: float) -> tuple[float, float]:
    """Shares (of regions, of pixels) whose colour lies more than ``levels`` from the reference in some channel.

    A region counts by the mean difference of its pixels, so that the reference may have other regions.
    """
    difference = np.abs(image.astype(np.float64) - reference)
    flat, size = labels.ravel(), np.bincount(labels.ravel())
    mean = np.stack([np.bincount(flat, c) for c in difference.reshape(-1, 3).T], 1) / size[:, None]
    return float((mean.max(1) > levels).mean()), float((difference.max(2) > levels).mean())


def compare(
    photos: Sequence[np.ndarray],
    filled: Mapping[str, Sequence[np.ndarray]],
    cut: Mapping[str, Sequence[np.ndarray]],
    levels: float = 8.0,
) -> pd.DataFrame:
    """Every setting of ``filled`` (:func:`fills`) against the first: a row each.

    Columns setting; regions, pairs, largest, explained (medians over the photographs); changed_regions and
    changed_pixels (mean shares that differ from the first setting's by more than ``levels``); psnr (dB, of the mean
    squared error over all photographs; inf where equal) and ciede2000 (mean), both between the two results.
    """
    first = next(iter(filled))
    about = medians(described(photos, {name: cut[name] for name in filled})).set_index("setting")
    rows = []
    for name in filled:
        pairs = list(zip(filled[name], filled[first], cut[name], strict=True))
        shares = np.mean([changed(a, b, labels, levels) for a, b, labels in pairs], 0)
        squared = float(np.mean([np.square(a.astype(np.float64) - b).mean() for a, b, _ in pairs]))
        psnr = 10 * float(np.log10(255**2 / squared)) if squared else float("inf")
        delta = float(np.mean([content.colour_shift(b, a) for a, b, _ in pairs]))
        row = {"setting": name, **{key: about.at[name, key] for key in ("regions", "pairs", "largest", "explained")}}
        row |= {"changed_regions": shares[0], "changed_pixels": shares[1], "psnr": psnr, "ciede2000": delta}
        rows.append(row)
    return pd.DataFrame(rows)


def measures(photos: Sequence[np.ndarray], kinds: Mapping[str, Sequence[np.ndarray]]) -> pd.DataFrame:
    """What is left of the photographs: means of the measures of :func:`wbclib.measure.content.describe`.

    ``colours`` counts the exact colours of an image; ``number_of_colours`` the cells of a coarse grid that hold 95 %.
    """
    rows = []
    for name, found in kinds.items():
        table = content.describe(list(found), list(photos))
        exact = [len(np.unique(image.reshape(-1, 3), axis=0)) for image in found]
        rows.append({"image": name, "colours": float(np.mean(exact)), **table.mean()})
    return pd.DataFrame(rows)


def blurred(image: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur of sigma pixels (0: the image itself), borders mirrored."""
    return image if sigma == 0 else cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)


@torch.no_grad()
def own_distance(
    batch: np.ndarray, photos: np.ndarray, options: Structure, network: FeatureNetwork
) -> dict[str, float]:
    """Losses of a batch (uint8 (N, H, W, 3)) taken for the generator's output.

    Returns:
        pixel: mean absolute difference of images and their own structure images, grey levels.
        structure: structure loss, the same in features. content: content loss, features against the photographs'.
    """
    x, photo = images.to_tensor(batch), images.to_tensor(photos)
    target = structure(x, options)
    features = network(x)
    return {
        "pixel": float((x - target).abs().mean() * BYTE),
        "structure": float(losses.perceptual(features, network(target))),
        "content": float(losses.perceptual(features, network(photo))),
    }


def collapse(
    photos: np.ndarray, blurs: Sequence[float], settings: Mapping[str, Structure], network: FeatureNetwork
) -> pd.DataFrame:
    """:func:`own_distance` of ever more blurred photographs (columns setting, blur in pixels, and the losses)."""
    rows = []
    for name, options in settings.items():
        for sigma in blurs:
            batch = np.stack([blurred(photo, sigma) for photo in photos])
            rows.append({"setting": name, "blur": sigma, **own_distance(batch, photos, options, network)})
    return pd.DataFrame(rows)


def own_distances(
    kinds: Mapping[str, Sequence[np.ndarray]], options: Structure, network: FeatureNetwork
) -> pd.DataFrame:
    """Whose structure is itself? Columns image, pixel, structure of :func:`own_distance`."""
    rows = []
    for name, found in kinds.items():
        distance = own_distance(np.stack(found), np.stack(found), options, network)
        rows.append({"image": name, "pixel": distance["pixel"], "structure": distance["structure"]})
    return pd.DataFrame(rows)


def preferred(frame: pd.DataFrame, ratios: Sequence[float]) -> pd.DataFrame:
    """Which blur the sum of the two losses asks for.

    Args:
        frame: rows of one setting of :func:`collapse`.
        ratios: weight of the structure loss over that of the content loss.

    Returns:
        Columns ratio, blur (where ratio * structure + content is smallest), and saved (how far the sum lies below that
        of the sharp photographs, as a share of it).
    """
    rows = []
    for ratio in ratios:
        total = (ratio * frame["structure"] + frame["content"]).to_numpy()
        sharp = total[int(frame["blur"].argmin())]
        best = int(total.argmin())
        saved = 1 - total[best] / sharp if sharp else 0.0
        rows.append({"ratio": ratio, "blur": float(frame["blur"].iloc[best]), "saved": float(saved)})
    return pd.DataFrame(rows)
