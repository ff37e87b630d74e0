"""What the guided filter keeps, removes and costs, beside the bilateral filter.

Tensors are (N, 3, H, W) in [-1, 1]; numbers are given in grey levels (steps of 1/127.5) where a reader would think so.
The bilateral filter (Tomasi & Manduchi 1998) is OpenCV's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np
import pandas as pd
import torch
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from wbclib import images
from wbclib.evaluate import content
from wbclib.evaluate.stats import mean_interval
from wbclib.profiles import OutputFilter
from wbclib.represent.surface import guided_filter, sharpen

LEVELS = 127.5  # grey levels in one unit of [-1, 1] data
EDGE_SHARE = 0.05  # of the pixels: where the photograph's gradient is strongest
Smooth = Callable[[np.ndarray], np.ndarray]


def guided(image: np.ndarray, radius: int, eps: float) -> np.ndarray:
    """Guided filter of an array by itself: float (H, W) or (H, W, C) on the [-1, 1] scale, same shape, not rounded."""
    planes = torch.from_numpy(np.atleast_3d(image).astype(np.float64)).movedim(-1, 0)[None]
    smooth = guided_filter(planes, planes, radius, eps)[0].movedim(0, -1).numpy()
    return smooth.reshape(image.shape)


def bilateral(image: np.ndarray, radius: int, sigma_range: float) -> np.ndarray:
    """Bilateral filter of an array, channel by channel as the guided filter works; same scale and shape, not rounded.

    Where nothing but noise is left, the guided filter averages twice over its windows: a kernel of radius 2r. The
    bilateral filter gets the same radius, with sigma r + 1/2 in space, so that on flat ground it can smooth as much.
    ``sigma_range`` is in units of the [-1, 1] data.
    """
    planes = np.atleast_3d(image).astype(np.float32)
    d, space = 4 * radius + 1, radius + 0.5
    channels = [
        cv2.bilateralFilter(np.ascontiguousarray(planes[..., c]), d, sigma_range, space, borderType=cv2.BORDER_REFLECT)
        for c in range(planes.shape[-1])
    ]
    return np.stack(channels, -1).astype(np.float64).reshape(image.shape)


def gaussian(image: np.ndarray, sigma: float) -> np.ndarray:
    """Plain Gaussian blur, which knows no edges; same scale and shape."""
    return cv2.GaussianBlur(image.astype(np.float64), (0, 0), sigma, borderType=cv2.BORDER_REFLECT)


def slope(image: np.ndarray, radius: int, eps: float) -> np.ndarray:
    """a_k = var / (var + eps) of every window, (H, W) in [0, 1): 1 keeps what is there, 0 averages it away.

    Args:
        image: float (H, W) on the [-1, 1] scale.
    """
    size = (2 * radius + 1, 2 * radius + 1)
    mean, square = (cv2.blur(v, size, borderType=cv2.BORDER_REFLECT) for v in (image, image * image))
    variance = np.maximum(square - mean * mean, 0)
    return variance / (variance + eps)


def half_point(eps: float) -> float:
    """Standard deviation, in grey levels, that the filter halves (a_k = 1/2): sqrt(eps) on [-1, 1] data."""
    return LEVELS * float(np.sqrt(eps))


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


def noisy_step(
    height: float = 100.0, width: float = 2.0, noise: float = 6.0, size: int = 128, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """A vertical edge, blurred as by a lens, with sensor noise: (clean, noisy), float64 (size, size) in [-1, 1].

    Args:
        height: of the step in grey levels, centred on mid grey.
        width: standard deviation of the blur in pixels.
        noise: standard deviation in grey levels.
    """
    sharp = np.where(np.arange(size) < size // 2, -0.5, 0.5) * height / LEVELS
    clean = np.tile(gaussian_filter1d(sharp, width), (size, 1)) if width > 0 else np.tile(sharp, (size, 1))
    return clean, clean + np.random.default_rng(seed).normal(0, noise / LEVELS, clean.shape)


def match(target: float, measure: Callable[[float], float], low: float, high: float, steps: int = 30) -> float:
    """Argument in [low, high] at which the falling function ``measure`` comes to ``target`` (bisection of logarithms).

    Raises:
        ValueError: the target is not between the function's values at the ends.
    """
    if not measure(low) >= target >= measure(high):
        raise ValueError(f"{target:.4g} is not reached between {low:.4g} and {high:.4g}")
    for _ in range(steps):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if measure(middle) > target else (low, middle)
    return float(np.sqrt(low * high))


def equal_smoothing(radius: int, eps: float, noise: float = 6.0, size: int = 64, seed: int = 0) -> float:
    """sigma_range, on [-1, 1] data, at which the bilateral filter leaves as much noise on flat ground as the guided.

    Args:
        radius, eps: of the guided filter.
        noise: standard deviation of the white noise, in grey levels.
        size, seed: of the noise field.
    """
    field = np.random.default_rng(seed).normal(0, noise / LEVELS, (size, size))
    target = float(guided(field, radius, eps).std())
    return match(target, lambda sigma: float(bilateral(field, radius, sigma).std()), 0.005, 8.0)


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


def rounded(data: np.ndarray) -> np.ndarray:
    """[-1, 1] data as uint8, clipped."""
    return np.clip(np.rint((data + 1) * LEVELS), 0, 255).astype(np.uint8)


def profiles(clean: np.ndarray, noisy: np.ndarray, filters: Mapping[str, Smooth], boost: float = 4.0) -> pd.DataFrame:
    """Mean over the rows of an edge, in grey levels: columns x, input, and per filter smooth, detail, enhanced.

    Detail is input minus smooth; enhanced is input plus ``boost`` times detail (He et al., section 4.2, boost 4).
    Averaging rows removes the noise from the picture, not from what the filters saw.
    """
    found = {"x": np.arange(clean.shape[1]) - clean.shape[1] // 2 + 0.5, "input": noisy.mean(0) * LEVELS + LEVELS}
    for name, smooth in filters.items():
        q = smooth(noisy).mean(0) * LEVELS + LEVELS
        found[f"{name} smooth"] = q
        found[f"{name} detail"] = found["input"] - q
        found[f"{name} enhanced"] = found["input"] + boost * (found["input"] - q)
    return pd.DataFrame(found)


def overshoot(frame: pd.DataFrame, name: str, within: float = 30.0) -> float:
    """How far the enhanced edge leaves the range of the input's plateaus, in grey levels, larger side."""
    near = frame[frame["x"].abs() <= within]
    plateau = np.sort(near["input"].to_numpy())
    ends = max(1, len(plateau) // 4)
    low, high = plateau[:ends].mean(), plateau[-ends:].mean()
    enhanced = near[f"{name} enhanced"]
    return float(max(enhanced.max() - high, low - enhanced.min(), 0.0))


def reversal(image: np.ndarray, smooth: np.ndarray) -> dict[str, float]:
    """Gradient reversal of the detail layer of a luma image (float, [-1, 1]), on the image's strongest edges.

    The detail layer d = I - q is reversed at a pixel if its derivative along the image's gradient is negative: there
    the filter has made the edge steeper than it was, and boosting the detail turns the edge over.

    Returns:
        ``share``: of the 5 % strongest edge pixels, how many are reversed, 0 to 1.
        ``strength``: sum of the reversed derivatives over the sum of the image's, 0 for none.
    """
    (gy, gx), (dy, dx) = (np.gradient(v) for v in (image, image - smooth))
    size = np.hypot(gx, gy)
    edge = size >= np.quantile(size, 1 - EDGE_SHARE)
    along = (gx * dx + gy * dy)[edge] / size[edge]
    return {"share": float((along < 0).mean()), "strength": float(-along[along < 0].sum() / size[edge].sum())}


def reversals(photos: np.ndarray, radius: int, epses: Sequence[float], noise: float = 6.0) -> pd.DataFrame:
    """Both filters at equal smoothing on the luma of photographs (uint8); see :func:`equal_smoothing`.

    Columns photo, eps, filter, sigma_range (grey levels), share and strength (see :func:`reversal`).
    """
    rows = []
    for eps in epses:
        sigma = equal_smoothing(radius, eps, noise)
        for i, photo in enumerate(photos):
            data = content.luma(photo) / LEVELS - 1
            pair = {"guided": guided(data, radius, eps), "bilateral": bilateral(data, radius, sigma)}
            about = {"photo": i, "eps": eps, "sigma_range": sigma * LEVELS}
            rows += [{**about, "filter": name, **reversal(data, q)} for name, q in pair.items()]
    return pd.DataFrame(rows)


def enhanced(image: np.ndarray, smooth: Smooth, boost: float = 4.0) -> np.ndarray:
    """uint8 image with its detail layer boosted: I + boost (I - q), clipped."""
    data = image / LEVELS - 1
    return rounded(data + boost * (data - smooth(data)))


def cost(radii: Sequence[int], side: int, repeats: int = 3, seed: int = 0) -> pd.DataFrame:
    """Milliseconds for one plane of side x side pixels, over the radius of the window (even numbers).

    Columns radius, guided, bilateral, guided_ratio, bilateral_ratio (to the first radius). The least of ``repeats``
    times each; one thread, so that the ratios are of work and not of cores. Both windows are 2r + 1 pixels wide.
    """
    data = np.random.default_rng(seed).uniform(-1, 1, (side, side)).astype(np.float32)
    plane, threads = torch.from_numpy(data)[None, None], (torch.get_num_threads(), cv2.getNumThreads())
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        rows = [
            {
                "radius": radius,
                "guided": _least(lambda r=radius: guided_filter(plane, plane, r, 0.2), repeats),
                "bilateral": _least(lambda r=radius: bilateral(data, r // 2, 0.5), repeats),
            }
            for radius in radii
        ]
    finally:
        torch.set_num_threads(threads[0])
        cv2.setNumThreads(threads[1])
    frame = pd.DataFrame(rows)
    return frame.assign(**{f"{name}_ratio": frame[name] / frame[name].iloc[0] for name in ("guided", "bilateral")})


def _least(work: Callable[[], object], repeats: int) -> float:
    work()  # the first call builds band matrices and caches
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - start))
    return min(times)


def removed(images_of: Mapping[str, Tensor], smooth: Callable[[Tensor], Tensor]) -> pd.DataFrame:
    """What the surface representation takes from each kind of image: columns kind, measure, n, value, low, high.

    ``change``: mean absolute difference in grey levels. ``gradient_kept``: mean gradient after / before.
    """
    rows = []
    for kind, batch in images_of.items():
        after = smooth(batch)
        change = (after - batch).abs().mean((1, 2, 3)).mul(LEVELS).numpy()
        pairs = zip(images.to_uint8(batch), images.to_uint8(after), strict=True)
        share = [content.gradient(b).mean() / content.gradient(a).mean() for a, b in pairs]
        for measure, values in (("change", change), ("gradient_kept", share)):
            value, low, high = mean_interval(values)
            rows.append({"kind": kind, "measure": measure, "n": len(batch), "value": value, "low": low, "high": high})
    return pd.DataFrame(rows)


def sharpness(photos: Tensor, outputs: Tensor, amounts: Sequence[float], options: OutputFilter) -> pd.DataFrame:
    """The control of sharpness and the two eps: columns setting, amount, eps, and means over the photographs.

    ``to_raw``: mean absolute difference from the raw output, grey levels. ``inside``: gradient inside the photograph's
    regions. ``edges``: strength of edges. ``agreement``: correlation of gradients with the photograph's.
    """
    training = guided_filter(photos, outputs, options.radius, options.train_eps)
    settings = [("as trained", 0.0, options.train_eps, training)]
    settings += [("at inference", a, options.infer_eps, sharpen(photos, outputs, a, options)) for a in amounts]
    originals, rows = images.to_uint8(photos), []
    for name, amount, eps, result in settings:
        table = content.describe(list(images.to_uint8(result)), list(originals))
        measures = {"inside": "gradient_inside_regions", "edges": "edge_strength", "agreement": "edge_agreement"}
        means = {short: table[long].mean() for short, long in measures.items()}
        difference = float((result - outputs).abs().mean()) * LEVELS
        rows.append({"setting": name, "amount": amount, "eps": eps, "to_raw": difference, **means})
    return pd.DataFrame(rows)
