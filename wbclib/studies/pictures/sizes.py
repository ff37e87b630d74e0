"""One style at several working sizes, and one picture at several sizes of its own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from wbclib import images
from wbclib.inference import drawing
from wbclib.measure import content, fid, lpips
from wbclib.networks.weights import MissingWeights
from wbclib.profiles import Profile
from wbclib.studies.common import comparison
from wbclib.studies.pictures.pictures import FLAT, FOUND, LINES, SIDE, Windows, drawn, looks


def details(
    profile: Profile,
    drawing_in: list[str],
    there: Windows,
    references: Mapping[str, np.ndarray],
    sides: tuple[int, ...] = (256, 384, SIDE),
) -> pd.DataFrame:
    """Styles drawn at several working sizes (``--detail``), enlarged, and cut into the same windows.

    A smaller side draws wider lines, and loses what is smaller than they are.

    Args:
        drawing_in: styles, as :func:`wbclib.inference.drawing.open_drawing` takes them.
        there: :func:`wbclib.studies.pictures.pictures.windows`.
        references: :func:`wbclib.studies.pictures.pictures.cartoons`.
        sides: short sides that are drawn at, at most :data:`wbclib.studies.pictures.pictures.SIDE`.

    Returns:
        style, detail, outline_share, flat_share, edges_found and its interval of 90 % over photographs, and, a column a
        network, the Frechet distance to the cartoons of the style's name (missing where there are none).
    """
    asked = {f"{style} at {side}": (style, side) for style in drawing_in for side in sides}
    made = drawn({name: drawing.open_drawing(style, detail=side) for name, (style, side) in asked.items()}, there)
    seen = looks(made, there, {})[[LINES, FLAT, FOUND, f"{FOUND}_low", f"{FOUND}_high"]]
    rows = pd.concat([pd.DataFrame(asked.values(), columns=["style", "detail"]), seen], axis=1)
    for network, features_of in comparison.features_by_network(profile, made):
        own = {style: comparison.cached_features(found, network) for style, found in references.items()}
        rows[f"to its cartoons, {network.origin['network']}"] = [
            fid.frechet(features_of[name], own[style]) if style in own else float("nan")
            for name, (style, _) in asked.items()
        ]
    return rows


def sameness(
    style: str, photos: list[np.ndarray], detail: int, copies: tuple[int, ...] = (2, 3), downloads: bool = False
) -> pd.DataFrame:
    """Whether a photograph and its small copies become the same cartoon, at their own pixels and at a working size.

    The cartoon of the photograph is shrunk to the copy's size and compared with the copy's cartoon there.

    Args:
        style: as :func:`wbclib.inference.drawing.open_drawing` takes it.
        photos: uint8 (H, W, 3), of any sizes.
        detail: the working short side, at most that of the smallest copy.
        copies: by how much the copies are smaller.

    Returns:
        style, way, copy, edge_agreement (1: the same edges), apart (mean absolute difference in grey levels), lpips
        (missing where its weights are not here), each the mean over the photographs, and n.
    """
    try:
        metric = lpips.load(downloads)
    except MissingWeights:
        metric = None
    rows = []
    for way, side in (("own pixels", 0), ("working size", detail)):
        draw = drawing.open_drawing(style, detail=side)
        large = [draw(photo) for photo in photos]
        for times in copies:
            values = []
            for photo, cartoon in zip(photos, large, strict=True):
                size = (photo.shape[0] // times, photo.shape[1] // times)
                a, b = images.resize(cartoon, size), draw(images.resize(photo, size))
                apart = float(np.abs(a.astype(float) - b).mean())
                near = float("nan") if metric is None else float(lpips.distances(a[None], b[None], metric)[0])
                values.append((content.edge_agreement(b, a), apart, near))
            rows.append((style, way, f"1/{times}", *np.mean(values, axis=0), len(photos)))
    return pd.DataFrame(rows, columns=["style", "way", "copy", "edge_agreement", "apart", "lpips", "n"])
