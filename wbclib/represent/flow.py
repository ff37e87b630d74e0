"""Flow-based abstraction: lines and smooth colours that follow the features of a photograph.

Edge tangent flow and flow-based difference of Gaussians: Kang, Lee, Chui, "Coherent Line Drawing", NPAR 2007 (ETF,
FDoG). Flow-based bilateral filter: the same, "Flow-Based Image Abstraction", TVCG 15(1), 2009 (FBL). Luminance
quantisation: Winnemöller, Olsen, Gooch, "Real-Time Video Abstraction", SIGGRAPH 2006. None of it is differentiable:
it makes pictures to look at and targets to learn from.

Curves of the flow are followed pixel by pixel (Euler steps of one pixel, the tangent and the value of the nearest
pixel, the tangent turned to go on ahead); they end at the border and where the field is empty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import torch
from torch import Tensor

from wbclib.options import Flow
from wbclib.represent import flow_kernels as kernels
from wbclib.represent.colouring import BYTE
from wbclib.represent.texture import LUMA
from wbclib.represent.threads import threads

REACH = 3  # windows end at this many standard deviations
WIDER = 1.6  # surround of the difference of Gaussians, in units of its centre (Marr and Hildreth 1980)
LIGHTNESS = 100.0  # largest L of CIELAB


def tangents(x: Tensor, options: Flow) -> Tensor:
    r"""Edge tangent flow of Kang et al. 2007 (equation 1), ``options.iterations`` times.

    .. math:: t'(x) = \frac{1}{k} \sum_{|y - x| < r} \phi\, w_m w_d\, t(y), \quad \phi\, w_d = t(x) \cdot t(y), \quad
              w_m = \tfrac{1}{2}(1 + \tanh(\eta (\hat g(y) - \hat g(x))))

    The first t is the gradient (Sobel, of the luma) turned by 90 degrees; its magnitude, divided by the image's
    largest, is :math:`\hat g` and stays as it is. Where t(x) is empty the formula gives 0/0; such a pixel takes the
    direction that the weighted tangents around it have in common, so that the field grows into flat areas.

    Args:
        x: (N, 3, H, W) in [-1, 1].
        options: ``radius``, ``iterations``, ``eta``, ``separable`` (rows, then columns of the window: a square).

    Returns:
        (N, 2, H, W), x and y of unit vectors, of the type of ``x``; 0 where no gradient is near. A tangent and its
        opposite mean the same.

    Raises:
        ValueError: wrong shape, integers as pixels, or values that are not finite.
    """
    return _each(lambda image: _tangents(_luma(image), options), 2, x)


def line_response(x: Tensor, flow: Tensor, options: Flow) -> Tensor:
    r"""Flow-based difference of Gaussians H of Kang et al. 2007 (equations 6 to 9), on the 0-255 scale.

    Across the flow, at every pixel: :math:`F = G_{\sigma_c} * I - \rho\, G_{1.6 \sigma_c} * I`, on a straight line,
    values between pixels bilinear; then F averaged along the curve with :math:`G_{\sigma_m}`. (So the two integrals of
    the paper are taken one after the other, as its authors do for speed in 2009.) Both Gaussians have sum 1 over what
    of them lies inside the image.

    Args:
        x: (N, 3, H, W) in [-1, 1].
        flow: (N, 2, H, W) of :func:`tangents`.
        options: ``sigma_c``, ``sigma_m``, ``rho``.

    Returns:
        (N, 1, H, W): negative on the dark side of edges and on dark lines.
    """
    return _each(lambda image, field: _response(_luma(image), field, options)[None], 1, x, flow)


def lines(x: Tensor, flow: Tensor, options: Flow) -> Tensor:
    """Black lines on white: where H < 0 and 1 + tanh(H) < ``tau`` (equation 10 of Kang et al. 2007).

    With ``drawings`` above 1 the lines are drawn into the image and found again, which joins them up; the flow stays.

    Returns:
        (N, 1, H, W): -1 on lines, 1 elsewhere.
    """
    return _each(lambda image, field: _lines(_luma(image), field, options)[None], 1, x, flow)


def smooth(x: Tensor, flow: Tensor, options: Flow) -> Tensor:
    """Flow-based bilateral filter (Kang et al. 2009): along the flow, then across it, ``smoothings`` times.

    Args:
        x: (N, 3, H, W) in [-1, 1].
        flow: (N, 2, H, W) of :func:`tangents`.
        options: ``sigma_e`` and ``r_e`` along the flow (pixels; distance of colours, RGB on the 0-255 scale),
            ``sigma_g`` and ``r_g`` across it.

    Returns:
        (N, 3, H, W), within the range of ``x``.
    """
    return _each(lambda image, field: _smooth(image, field, options), 3, x, flow)


def quantise(x: Tensor, options: Flow) -> Tensor:
    r"""Soft luminance quantisation (Winnemöller et al. 2006, equation 4), colours kept.

    .. math:: Q = q + \tfrac{\Delta}{2} \tanh(\varphi (L - q))

    with L the lightness of CIELAB, 0 to 100 (by OpenCV, to 0.2), q the nearest border between two bins and Delta their
    width.

    Args:
        x: (N, 3, H, W) in [-1, 1].
        options: ``bins``, ``sharpness`` (phi; the paper has 3 to 14, by the gradient of L).

    Returns:
        (N, 3, H, W) in [-1, 1]; colours outside of sRGB are cut.
    """
    return _each(lambda image: _quantise(image, options), 3, x)


def abstraction(x: Tensor, options: Flow) -> Tensor:
    """The flow-based image abstraction: smoothed, quantised, lines of the photograph drawn into it in black.

    Args:
        x: (N, 3, H, W), values in [-1, 1], any size, on any device.
        options: everything above; with ``side`` its lengths are :func:`scaled` to the picture.

    Returns:
        (N, 3, H, W) in [-1, 1], detached, of the type and on the device of ``x``.

    Raises:
        ValueError: wrong shape, integers as pixels, or values that are not finite.
    """
    options = scaled(options, min(x.shape[-2:]))

    def one(image: np.ndarray) -> np.ndarray:
        luma = _luma(image)
        field = _tangents(luma, options)
        colours = _quantise(_smooth(image, field, options), options)
        colours[:, _lines(luma, field, options) < 0] = -1
        return colours

    return _each(one, 3, x)


def scaled(options: Flow, short: int) -> Flow:
    """Options whose lengths are those for a picture of ``short`` pixels on its shorter side (``options.side``)."""
    if not options.side:
        return options
    scale = short / options.side
    lengths = {name: getattr(options, name) * scale for name in ("sigma_c", "sigma_m", "sigma_e", "sigma_g")}
    return replace(options, side=0, radius=max(1, round(options.radius * scale)), **lengths)


def _each(work: Callable[..., np.ndarray], channels: int, x: Tensor, *others: Tensor) -> Tensor:
    """``work`` on every image (C, H, W) of the batch, an image a thread."""
    if x.ndim != 4 or x.shape[1] != 3 or not x.is_floating_point() or x.numel() == 0:
        raise ValueError(f"expected real numbers (N, 3, H, W), got {x.dtype} {tuple(x.shape)}")
    for flow in others:
        if flow.shape != (len(x), 2, *x.shape[2:]):
            raise ValueError(f"expected a flow {(len(x), 2, *x.shape[2:])}, got {tuple(flow.shape)}")
        if len(x) and float(flow.detach().square().sum(1).max()) > 1 + 1e-3:  # a step along it would miss pixels
            raise ValueError("the flow holds vectors longer than 1; make it with flow.tangents")
    exact = x.dtype if x.dtype in (torch.float32, torch.float64) else torch.float32
    stacks = [np.ascontiguousarray(tensor.detach().to("cpu", exact).numpy()) for tensor in (x, *others)]
    if not all(np.isfinite(stack).all() for stack in stacks):
        raise ValueError("the images hold values that are not finite")
    result = np.empty((len(x), channels, *x.shape[2:]), stacks[0].dtype)

    def one(i: int) -> None:
        result[i] = work(*(stack[i] for stack in stacks))

    list(threads("flow").map(one, range(len(x))))
    return torch.from_numpy(result).to(x.device, x.dtype)


def _luma(image: np.ndarray) -> np.ndarray:
    """Luma (H, W) on the 0-255 scale of an image (3, H, W)."""
    return np.tensordot(np.array(LUMA, image.dtype), (image.clip(-1, 1) + 1) * BYTE, 1)


def _tangents(luma: np.ndarray, options: Flow) -> np.ndarray:
    depth = cv2.CV_64F if luma.dtype == np.float64 else cv2.CV_32F
    across = [cv2.Sobel(luma, depth, *order, borderType=cv2.BORDER_REPLICATE) for order in ((1, 0), (0, 1))]
    magnitude = np.hypot(*across)
    length = np.where(magnitude > 0, magnitude, 1)
    field = np.stack([-across[1] / length, across[0] / length])
    strength = np.exp(2 * options.eta * (magnitude / max(float(magnitude.max()), 1e-12) - 1))  # only ratios matter
    r = options.radius
    passes = ((r, 1), (1, r)) if options.separable else ((r, r),)
    for _ in range(options.iterations):
        for across_x, across_y in passes:
            field = kernels.tangents(field, strength.astype(luma.dtype), across_x, across_y, r * r)
    return field


def _normal(field: np.ndarray) -> np.ndarray:
    return np.stack([-field[1], field[0]])


def _gaussian(sigma: float, like: np.ndarray, reach: int | None = None) -> np.ndarray:
    """Weights at 0, 1, 2, ... pixels; no sum is wanted."""
    steps = np.arange((reach if reach is not None else int(np.ceil(REACH * sigma))) + 1)
    return np.exp(-(steps**2) / (2 * sigma**2)).astype(like.dtype)


def _response(luma: np.ndarray, field: np.ndarray, options: Flow) -> np.ndarray:
    surround = _gaussian(WIDER * options.sigma_c, luma)
    centre = _gaussian(options.sigma_c, luma, len(surround) - 1)
    across = kernels.difference_across(luma, _normal(field), centre, surround, options.rho)
    found: np.ndarray = kernels.mean_along(across, field, _gaussian(options.sigma_m, luma))
    return found


def _lines(luma: np.ndarray, field: np.ndarray, options: Flow) -> np.ndarray:
    drawn = luma
    for _ in range(options.drawings):
        response = _response(drawn, field, options)
        ink = (response < 0) & (1 + np.tanh(response) < options.tau)
        drawn = np.where(ink, 0, luma).astype(luma.dtype)
    return np.where(ink, -1, 1).astype(luma.dtype)


def _smooth(image: np.ndarray, field: np.ndarray, options: Flow) -> np.ndarray:
    along, across = _gaussian(options.sigma_e, image), _gaussian(options.sigma_g, image)
    normal = _normal(field)
    for _ in range(options.smoothings):
        image = kernels.bilateral(image, field, along, options.r_e / BYTE, False)
        image = kernels.bilateral(image, normal, across, options.r_g / BYTE, True)
    return image


def _quantise(image: np.ndarray, options: Flow) -> np.ndarray:
    rgb = ((image.clip(-1, 1) + 1) / 2).astype(np.float32)
    lab = cv2.cvtColor(np.ascontiguousarray(rgb.transpose(1, 2, 0)), cv2.COLOR_RGB2Lab)
    width = LIGHTNESS / options.bins
    nearest = np.rint(lab[..., 0] / width) * width
    lab[..., 0] = nearest + width / 2 * np.tanh(options.sharpness * (lab[..., 0] - nearest))
    quantised = cv2.cvtColor(lab, cv2.COLOR_Lab2RGB).transpose(2, 0, 1)
    return (quantised.clip(0, 1) * 2 - 1).astype(image.dtype)
