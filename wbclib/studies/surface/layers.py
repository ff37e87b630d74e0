"""What the surface representation keeps and removes.

Tensors are (N, 3, H, W) in [-1, 1]; differences are in grey levels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from torch import Tensor

from wbclib import images
from wbclib.measure import content
from wbclib.measure.filters import LEVELS, bilateral, gaussian, guided, rounded
from wbclib.measure.intervals import mean_interval
from wbclib.options import OutputFilter
from wbclib.represent.surface import guided_filter, output_filter, sharpen

EDGE_SHARE = 0.05  # of the pixels: where the photograph's gradient is strongest


class Yardstick:
    """Where a photograph (uint8) has texture and where it has edges, and how much gradient lies there.

    Texture: pixels away from the borders of the photograph's own segments and away from its edges.
    Edges: the 5 % of pixels where the photograph's gradient is strongest.

    Raises:
        ValueError: the photograph is of one colour, so that there is nothing to remove.
    """

    def __init__(self, photo: np.ndarray) -> None:
        gradient = content.gradient(photo)
        self.edge = gradient >= np.quantile(gradient, 1 - EDGE_SHARE)
        self.flat = content.interior(content.segments(photo)) & ~self.edge
        if not self.flat.any() or gradient[self.flat].mean() == 0:
            raise ValueError("the photograph has no texture to remove: no gradient inside its regions")
        self.before = gradient[self.flat].mean(), gradient[self.edge].mean()

    def kept(self, output: np.ndarray) -> dict[str, float]:
        """Shares of the mean gradient that an output (uint8, same size) keeps: ``texture`` and ``edges``."""
        after = content.gradient(output)
        return {
            "texture": float(after[self.flat].mean() / self.before[0]),
            "edges": float(after[self.edge].mean() / self.before[1]),
        }


def sweep(photos: Tensor, radii: Sequence[int], epses: Sequence[float]) -> pd.DataFrame:
    """Every photograph under every setting: columns photo, radius, eps, texture, edges (shares of gradient kept)."""
    sticks, rows = [Yardstick(photo) for photo in images.to_uint8(photos)], []
    for radius in radii:
        for eps in epses:
            outputs = images.to_uint8(guided_filter(photos, photos, radius, eps))
            for i, (stick, output) in enumerate(zip(sticks, outputs, strict=True)):
                rows.append({"photo": i, "radius": radius, "eps": eps, **stick.kept(output)})
    return pd.DataFrame(rows)


def tradeoff(
    photos: np.ndarray, radius: int, epses: Sequence[float], blurs: Sequence[float] = (0.5, 0.7, 1.0, 1.5, 2.5, 4.0)
) -> pd.DataFrame:
    """Texture left against edges left, three filters: columns photo, filter, setting, texture, edges.

    The guided filter runs over ``epses``, the bilateral filter over sigma_range = sqrt(eps) of the same, the Gaussian
    blur over ``blurs`` (pixels); ``setting`` is the one that ran.
    """
    rows = []
    for i, photo in enumerate(photos):
        data, stick = photo / LEVELS - 1, Yardstick(photo)
        outputs = [("guided", eps, guided(data, radius, eps)) for eps in epses]
        outputs += [("bilateral", eps**0.5, bilateral(data, radius, eps**0.5)) for eps in epses]
        outputs += [("Gaussian", sigma, gaussian(data, sigma)) for sigma in blurs]
        rows += [{"photo": i, "filter": n, "setting": v, **stick.kept(rounded(q))} for n, v, q in outputs]
    return pd.DataFrame(rows)


def removed(images_of: Mapping[str, Tensor], smooth: Callable[[Tensor], Tensor]) -> pd.DataFrame:
    """What the surface representation takes from each kind of image: columns kind, measure, n, value, low, high.

    ``change, grey levels``: mean absolute difference. ``gradient left``: mean gradient after / before.
    """
    rows = []
    for kind, batch in images_of.items():
        after = smooth(batch)
        change = (after - batch).abs().mean((1, 2, 3)).mul(LEVELS).numpy()
        pairs = zip(images.to_uint8(batch), images.to_uint8(after), strict=True)
        share = [content.gradient(b).mean() / content.gradient(a).mean() for a, b in pairs]
        for measure, values in (("change, grey levels", change), ("gradient left", share)):
            value, low, high = mean_interval(values)
            rows.append({"kind": kind, "measure": measure, "n": len(batch), "value": value, "low": low, "high": high})
    return pd.DataFrame(rows)


def sharpness(photos: Tensor, outputs: Tensor, amounts: Sequence[float], options: OutputFilter) -> pd.DataFrame:
    """The control of sharpness and the two eps: columns setting, amount, eps, and means over the photographs.

    ``to_raw``: mean absolute difference from the raw output, grey levels. ``inside``: gradient inside the photograph's
    regions. ``edges``: strength of edges. ``agreement``: correlation of gradients with the photograph's.
    """
    training = output_filter(photos, outputs, options, options.train_eps)
    settings = [("as trained", 0.0, options.train_eps, training)]
    settings += [("at inference", a, options.infer_eps, sharpen(photos, outputs, a, options)) for a in amounts]
    originals, rows = images.to_uint8(photos), []
    for name, amount, eps, result in settings:
        table = content.describe(list(images.to_uint8(result)), list(originals))
        measures = {"inside": "gradient_inside_regions", "edges": "edge_strength", "agreement": "edge_agreement"}
        means = {short: table[long].mean() for short, long in measures.items()}
        difference = round(float((result - outputs).abs().mean()) * LEVELS, 6)  # below that it is rounding
        rows.append({"setting": name, "amount": amount, "eps": eps, "to_raw": difference, **means})
    return pd.DataFrame(rows)
