"""Third step of the structure representation: one colour for every region."""

from __future__ import annotations

import numpy as np
from numba import njit

from wbclib.files import UserError
from wbclib.options import Structure
from wbclib.represent.segments import check_labels

BYTE = 127.5  # one unit of [-1, 1] data on the 0-255 scale


def colour_regions(image: np.ndarray, labels: np.ndarray, options: Structure) -> np.ndarray:
    r"""Fill every region with one colour.

    ``mean``: the region's mean. ``adaptive`` (white-box paper, equation of the structure representation):

    .. math:: S = (\theta_1 \cdot mean + \theta_2 \cdot median)^\mu

    where (theta1, theta2) is (0, 1) for a region with sigma < gamma1, (1, 0) for sigma > gamma2, and (0.5, 0.5) between
    and on both thresholds. ``order="official"`` has mean and median the other way round.

    *sigma* is the standard deviation of the region's colours about its mean colour, root mean square over the three
    channels (a flat region of any colour has sigma 0), on the 0-255 scale for ``thresholds="byte"``. With ``"unit"`` it
    is that of [-1, 1] data, as in the official code; it is at most 1 there, so gammas of 20 and 40 never act.

    *The power* is a curve over brightness and needs a range: colours are taken in [0, 1]. With mu = 1.2 dark and medium
    values fall (by 0.067 at most, at 0.40), and colours gain saturation because the smaller channels fall by the
    larger factor. The paper's equation ends here (``gain="none"``): the structure image of a structure image is darker
    each time. ``gain="mean"`` is this study's own: the powered image is multiplied by one gain, the same for all
    regions and channels, and cut at 1; the gain is the one that gives back the mean of the image before the power. So
    overall brightness is kept exactly, black stays black, white stays white, a grey image of one value is unchanged,
    and contrast and saturation grow. (With the largest value brought to 1, a dark grey image would become white.)

    Args:
        image: (H, W, 3), uint8 or float in [-1, 1]; floats are clamped.
        labels: (H, W) whole numbers 0 .. n-1, each in use.
        options: ``colouring``, ``thresholds``, ``order``, ``gamma1``, ``gamma2``, ``mu``, ``gain``.

    Returns:
        Array of the image's shape and type (uint8 rounded).

    Raises:
        ValueError: wrong image, or labels that do not fit it.
        UserError: unknown option, gamma1 above gamma2, or ``mu`` not above 0.
    """
    if (
        image.ndim != 3
        or image.shape[2] != 3
        or image.size == 0
        or image.dtype not in (np.uint8, np.float32, np.float64)
    ):
        raise ValueError(f"expected uint8 or float (H, W, 3), got {image.dtype} {image.shape}")
    check_labels(image, labels)
    _check(options)
    byte = image.dtype == np.uint8
    values = image.reshape(-1, 3).astype(np.float64)
    values = values if byte else (values.clip(-1, 1) + 1) * BYTE
    colours = _colours(values, labels.ravel(), options)
    ready = np.rint(colours) if byte else colours / BYTE - 1
    return ready.astype(image.dtype)[labels]


def spread(values: np.ndarray, flat: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Size (n,), mean colour (n, 3) and sigma (n,) of regions.

    Args:
        values: float64 (pixels, 3), on the scale that sigma shall have.
        flat: (pixels,) labels 0 .. n-1.
    """
    found: tuple[np.ndarray, np.ndarray, np.ndarray] = _spread(values, flat, int(flat.max()) + 1)
    return found


@njit(nogil=True, cache=True)
def _spread(values: np.ndarray, flat: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    size, mean, squares = np.zeros(n), np.zeros((n, 3)), np.zeros(n)
    for p in range(len(flat)):
        size[flat[p]] += 1
        for c in range(3):
            mean[flat[p], c] += values[p, c]
    for i in range(n):
        for c in range(3):
            mean[i, c] /= size[i]
    for p in range(len(flat)):
        for c in range(3):
            squares[flat[p]] += (values[p, c] - mean[flat[p], c]) ** 2
    return size, mean, np.sqrt(squares / 3 / size)


def medians(values: np.ndarray, flat: np.ndarray) -> np.ndarray:
    """Median (n, 3) of every region and channel; the mean of the middle two where the size is even.

    Args:
        values: float64 (pixels, 3).
        flat: (pixels,) labels 0 .. n-1.
    """
    found: np.ndarray = _medians(values, flat, int(flat.max()) + 1)
    return found


@njit(nogil=True, cache=True)
def _medians(values: np.ndarray, flat: np.ndarray, n: int) -> np.ndarray:
    """Pixels are put beside those of their own region, then halved around the middle."""
    start = np.zeros(n + 1, np.int64)
    for label in flat:
        start[label + 1] += 1
    start = np.cumsum(start)
    place, grouped, result = start[:n].copy(), np.empty((3, len(flat))), np.empty((n, 3))
    for p in range(len(flat)):
        for c in range(3):
            grouped[c, place[flat[p]]] = values[p, c]
        place[flat[p]] += 1
    for c in range(3):
        for i in range(n):
            result[i, c] = np.median(grouped[c, start[i] : start[i + 1]])
    return result


def _colours(values: np.ndarray, flat: np.ndarray, options: Structure) -> np.ndarray:
    """Colour (n, 3) of every region on the 0-255 scale."""
    size, mean, sigma = spread(values, flat)
    if options.colouring == "mean":
        return mean
    theta1 = theta1_of(sigma, options)[:, None]
    mixed = mean if (theta1 == 1).all() else theta1 * mean + (1 - theta1) * medians(values, flat)
    return powered(mixed, size, options)


def theta1_of(sigma: np.ndarray, options: Structure) -> np.ndarray:
    """Share (n,) of the mean beside the median, from sigma (n,) on the 0-255 scale."""
    sigma = sigma / BYTE if options.thresholds == "unit" else sigma
    large = np.where(sigma < options.gamma1, 0.0, np.where(sigma > options.gamma2, 1.0, 0.5))
    return large if options.order == "paper" else 1 - large


def powered(mixed: np.ndarray, size: np.ndarray, options: Structure) -> np.ndarray:
    """Colours (n, 3) on the 0-255 scale with the power and the gain over an image of regions of ``size``."""
    if options.gain == "none":
        return 255 * (mixed / 255).clip(0, 1) ** options.mu
    return 255 * _power((mixed / 255).clip(0, 1), size / size.sum(), options.mu)


def _power(colours: np.ndarray, share: np.ndarray, mu: float) -> np.ndarray:
    """Colours (n, 3) in [0, 1] to the power mu, with the gain that keeps the mean over the image.

    ``share`` (n,) is the part of the image that each region covers. Values that the gain takes past 1 are cut, which
    asks for a larger gain on the others; each round cuts at least one value more, so that few rounds are needed.
    """
    powered = colours**mu
    weight = np.repeat(share[:, None] / 3, 3, 1)
    wanted, white = float((weight * colours).sum()), np.zeros(colours.shape, bool)
    while True:
        left = float((weight * powered)[~white].sum())
        gain = (wanted - float(weight[white].sum())) / left if left > 0 else 1.0
        more = gain * powered >= 1
        if (more <= white).all():
            return np.where(white, 1.0, gain * powered)
        white |= more


def _check(options: Structure) -> None:
    known = {"colouring": ("adaptive", "mean"), "thresholds": ("byte", "unit"), "order": ("paper", "official"),
             "gain": ("mean", "none")}  # fmt: skip
    for name, choices in known.items():
        if getattr(options, name) not in choices:
            raise UserError(f"structure.{name}: {getattr(options, name)!r} is unknown; say {' or '.join(choices)}")
    if options.gamma1 > options.gamma2:
        raise UserError(f"structure: gamma1 = {options.gamma1} must not be above gamma2 = {options.gamma2}")
    if not options.mu > 0:
        raise UserError(f"structure.mu: {options.mu} must be above 0")
