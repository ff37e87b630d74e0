"""The flow-based abstraction step by step: its field, its lines and its smoothing beside their plain relatives.

Tensors are (N, 3, H, W) in [-1, 1]; lengths are in pixels, lightness in grey levels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import torch
from scipy.ndimage import distance_transform_edt, label
from skimage.morphology import skeletonize
from torch import Tensor

from wbclib import images
from wbclib.measure import content
from wbclib.measure.filters import LEVELS, match, rounded
from wbclib.measure.seeds import student
from wbclib.options import Flow
from wbclib.represent import flow
from wbclib.studies.surface.layers import Yardstick

NEAR = 2.0  # pixels within which two lines are the same
AROUND = np.ones((3, 3))  # pixels that touch at a corner are connected
Draw = Callable[[np.ndarray], np.ndarray]


def fields(photos: Tensor, options: Flow, iterations: Sequence[int] = (0, 1, 2, 3)) -> pd.DataFrame:
    """What the iterations do to the tangents, the full window and the separable one.

    Returns:
        window (full, separable), iterations, and means over the photographs: covered (share of the pixels that have a
        direction), coherence (mean absolute cosine between neighbours; directions drawn at random have 2 / pi), turned
        (degrees between the field and the gradient's own tangent on the strongest 5 % of the edges), from_full (degrees
        between both windows' fields).
    """
    sticks = [Yardstick(photo) for photo in images.to_uint8(photos)]
    own = flow.tangents(photos, replace(options, iterations=0)).numpy()
    rows = []
    for count in iterations:
        found = {
            name: flow.tangents(photos, replace(options, iterations=count, separable=separable)).numpy()
            for name, separable in (("full", False), ("separable", True))
        }
        for name, field in found.items():
            covered = np.abs(field).sum(1) > 0
            turned = [between(field[i], own[i])[stick.edge].mean() for i, stick in enumerate(sticks)]
            apart = [between(a, b)[on].mean() for a, b, on in zip(field, found["full"], covered, strict=True)]
            coherent = [coherence(one) for one in field]
            rows.append((name, count, covered.mean(), np.mean(coherent), np.mean(turned), np.mean(apart)))
    return pd.DataFrame(rows, columns=["window", "iterations", "covered", "coherence", "turned", "from_full"])


def between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Angle (H, W) between two fields (2, H, W) of unit vectors, 0 to 90 degrees: a tangent has no sign."""
    across = first[0] * second[1] - first[1] * second[0]
    return np.degrees(np.arctan2(np.abs(across), np.abs((first * second).sum(0))))


def coherence(field: np.ndarray) -> float:
    """Mean absolute cosine between the tangents (2, H, W) of pixels that lie side by side, where both have one."""
    cosines = []
    for a, b in ((field[:, :, 1:], field[:, :, :-1]), (field[:, 1:], field[:, :-1])):
        both = (np.abs(a).sum(0) > 0) & (np.abs(b).sum(0) > 0)
        cosines.append(np.abs((a * b).sum(0))[both])
    return float(np.concatenate(cosines).mean())


def drawers(photo: Tensor, options: Flow) -> dict[str, Draw]:
    """Three ways to draw the lines of a photograph, set so that each draws equally much of it.

    Every one takes a luma (H, W) in grey levels and returns lines one pixel wide. ``flow``: :func:`flow.lines`,
    thinned. ``difference of Gaussians``: the same two Gaussians in all directions, no flow; ``Canny`` (1986) after a
    Gaussian of the same width, its lower threshold half of the upper one. The thresholds of the last two are searched
    on this photograph, so that the length of all lines is that of the first.

    Args:
        photo: (1, 3, H, W) in [-1, 1].
    """

    def by_flow(luma: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(np.repeat((luma / LEVELS - 1)[None, None], 3, 1))
        return thin(flow.lines(x, flow.tangents(x, options), options)[0, 0].numpy() < 0)

    def plain(luma: np.ndarray, threshold: float) -> np.ndarray:
        centre, surround = (cv2.GaussianBlur(luma, (0, 0), s) for s in (options.sigma_c, flow.WIDER * options.sigma_c))
        return thin(centre - options.rho * surround < -threshold)

    def canny(luma: np.ndarray, threshold: float) -> np.ndarray:
        blurred = rounded(cv2.GaussianBlur(luma, (0, 0), options.sigma_c) / LEVELS - 1)
        return thin(cv2.Canny(blurred, threshold / 2, threshold, L2gradient=True) > 0)

    own = content.luma(images.to_uint8(photo)[0]).astype(np.float64)
    wanted = float(by_flow(own).sum())
    at = {
        draw: match(wanted, lambda t, draw=draw: float(draw(own, t).sum()), *ends, steps=16)  # type: ignore[misc]
        for draw, ends in ((plain, (0.01, 60.0)), (canny, (1.0, 2000.0)))
    }
    return {
        "flow": by_flow,
        "difference of Gaussians": lambda luma: plain(luma, at[plain]),
        "Canny": lambda luma: canny(luma, at[canny]),
    }


def thin(ink: np.ndarray) -> np.ndarray:
    """Lines (H, W) of one pixel's width from lines of any (Zhang and Suen 1984)."""
    return np.asarray(skeletonize(ink))


def line_length(drawn: np.ndarray) -> float:
    """How many pixels the line has that a pixel of the drawing belongs to, on average; 0 without lines."""
    found, parts = label(drawn, AROUND)
    sizes = np.bincount(found.ravel())[1:]
    return float((sizes**2).sum() / sizes.sum()) if parts else 0.0


def same_lines(first: np.ndarray, second: np.ndarray, near: float = NEAR) -> float:
    """F1 of two drawings: a pixel is found again where the other has a line within ``near`` pixels; 0 to 1."""
    if not first.any() or not second.any():
        return float(first.any() == second.any())
    shares = [(distance_transform_edt(~b)[a] <= near).mean() for a, b in ((first, second), (second, first))]
    return float(2 * shares[0] * shares[1] / sum(shares)) if sum(shares) else 0.0


def line_table(
    photos: Tensor, options: Flow, noises: Sequence[float] = (5.0, 10.0, 20.0), seed: int = 0
) -> pd.DataFrame:
    """Lines of photographs and of the same photographs with white noise, three ways that draw equally much.

    Args:
        noises: standard deviations in grey levels.

    Returns:
        photo, method, noise, length (:func:`line_length`), again (:func:`same_lines` with the clean photograph's lines
        by the same method and settings).
    """
    rows = []
    for i, photo in enumerate(images.to_uint8(photos)):
        luma, draw = content.luma(photo).astype(np.float64), drawers(photos[i : i + 1].double(), options)
        noise = np.random.default_rng((seed, i)).normal(0, 1, luma.shape)
        clean = {name: way(luma) for name, way in draw.items()}
        for level in (0.0, *noises):
            for name, way in draw.items():
                drawn = way((luma + level * noise).clip(0, 255)) if level else clean[name]
                rows.append((i, name, level, line_length(drawn), same_lines(clean[name], drawn)))
    return pd.DataFrame(rows, columns=["photo", "method", "noise", "length", "again"])


def over_photographs(frame: pd.DataFrame, by: Sequence[str], measures: Sequence[str]) -> pd.DataFrame:
    """Mean of every measure over photographs with Student's 90 % interval: ``by``, measure, value, low, high, n."""
    rows = []
    for key, part in frame.groupby(list(by), sort=False):
        for measure in measures:
            rows.append((*key, measure, *student(part[measure].to_numpy()), len(part)))
    return pd.DataFrame(rows, columns=[*by, "measure", "value", "low", "high", "n"])


def minus(frame: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    """A method of :func:`line_table` minus another one, photograph by photograph: rows of the same columns."""
    by = ["photo", "noise"]
    ours, other = (frame[frame["method"] == name].set_index(by)[["length", "again"]] for name in (first, second))
    return (ours - other).reset_index().assign(method=f"{first} minus {second}")


def tradeoff(photos: Tensor, options: Flow, spreads: Sequence[float] = (5, 10, 20, 40, 80)) -> pd.DataFrame:
    """Texture left against edges left, two bilateral filters: columns photo, filter, setting, texture, edges.

    The flow-based and the plain one, once each, both over ``spreads``, the distance of colours across edges that they
    average over (RGB, grey levels), with Gaussians of the same width in space (``sigma_g``) and windows that end at
    three of them.
    """
    once, rows = replace(options, smoothings=1, sigma_e=options.sigma_g), []
    field = flow.tangents(photos, options)
    sticks = [Yardstick(photo) for photo in images.to_uint8(photos)]
    for spread in spreads:
        ours = images.to_uint8(flow.smooth(photos, field, replace(once, r_e=spread, r_g=spread)))
        for i, photo in enumerate(photos):
            colours = np.ascontiguousarray(photo.permute(1, 2, 0).float().numpy())
            d = 2 * int(np.ceil(flow.REACH * options.sigma_g)) + 1
            # OpenCV adds the differences of the channels; for a grey difference that is sqrt(3) times the distance.
            plain = cv2.bilateralFilter(colours, d, 3**0.5 * spread / LEVELS, options.sigma_g)
            for name, output in (("flow-based", ours[i]), ("bilateral", rounded(plain))):
                rows.append({"photo": i, "filter": name, "setting": spread, **sticks[i].kept(output)})
    return pd.DataFrame(rows)


def edges_at(frame: pd.DataFrame, texture: float) -> pd.DataFrame:
    """Edges left where each filter leaves ``texture`` of the texture, between settings on a straight line.

    Returns:
        photo, and a column a filter; a photograph for which one of them does not come there is left out.
    """
    rows = []
    for photo, part in frame.groupby("photo"):
        row: dict[str, float] = {"photo": float(photo)}  # type: ignore[arg-type]
        for name, curve in part.groupby("filter"):
            points = curve.sort_values("texture")
            if points["texture"].min() <= texture <= points["texture"].max():
                row[str(name)] = float(np.interp(texture, points["texture"], points["edges"]))
        rows.append(row)
    return pd.DataFrame(rows, columns=["photo", *frame["filter"].unique()]).dropna(ignore_index=True)


def steps(photos: Tensor, options: Flow) -> Mapping[str, np.ndarray]:
    """The photographs, smoothed, quantised, and with lines; uint8 (N, H, W, 3) each."""
    smoothed = flow.smooth(photos, flow.tangents(photos, options), options)
    made = {"photograph": photos, "smoothed": smoothed, "quantised": flow.quantise(smoothed, options)}
    return {name: images.to_uint8(x) for name, x in (made | {"with lines": flow.abstraction(photos, options)}).items()}
