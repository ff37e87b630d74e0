"""Surface representation: the guided filter, which flattens texture and keeps edges.

Source: He, Sun, Tang, "Guided Image Filtering", TPAMI 35(6), 2013; used on an image by itself in the white-box paper,
section 3.1, and between photograph and network output for its control of sharpness.
"""

from __future__ import annotations

from numbers import Integral

import torch
from torch import Tensor

from wbclib.options import OutputFilter, Surface
from wbclib.represent.planes import GuidedFilter


def guided_filter(guide: Tensor, source: Tensor, radius: int, eps: float) -> Tensor:
    r"""Filter ``source`` so that it follows the edges of ``guide``.

    In every window :math:`\omega_k` of side 2r + 1 the output is the linear function :math:`q = a_k I + b_k` of the
    guide I that is nearest to the source p, with ``eps`` holding the slope down (equations 5 and 6 of He et al.):

    .. math:: a_k = \frac{\mathrm{cov}_k(I, p)}{\mathrm{var}_k(I) + \epsilon}, \quad b_k = \bar p_k - a_k \bar I_k,
              \quad q_i = \bar a_i I_i + \bar b_i

    Windows are cut at the borders and divided by the number of pixels that they still hold. Channel c of the guide
    filters channel c of the source. Differentiable in both; the cost does not depend on the radius.

    Args:
        guide: (N, C, H, W), or (N, 1, H, W) to guide all channels; values in [-1, 1].
        source: (N, C, H, W).
        radius: r in pixels, at least 0 (0 gives the source back); it may be larger than the image.
        eps: regularisation, above 0, in squared units of the guide: for [0, 1] data divide by 4.

    Returns:
        (N, C, H, W), in the wider of the two types. Half-precision inputs are computed in float32, under autocast too,
        because a variance is a small difference of large numbers.

    Raises:
        ValueError: wrong shapes, integers as pixels, a negative radius, or ``eps`` not above 0.
    """
    _check(guide, source, radius, eps)
    wanted = torch.promote_types(guide.dtype, source.dtype)
    with torch.autocast(source.device.type, enabled=False):
        exact = wanted if wanted in (torch.float32, torch.float64) else torch.float32
        image = guide.to(exact)
        p = image if guide is source else source.to(exact)
        if not _by_planes(p):
            return _by_running_sums(image, p, radius, eps).to(wanted)
        result: Tensor = GuidedFilter.apply(image if image.shape == p.shape else image.expand_as(p), p, radius, eps)
        return result.to(wanted)


def surface(x: Tensor, options: Surface) -> Tensor:
    """Surface representation of ``x`` (N, C, H, W) in [-1, 1]: the image guided by itself; same shape and type."""
    return guided_filter(x, x, options.radius, options.eps)


def output_filter(photo: Tensor, output: Tensor, options: OutputFilter, eps: float | None = None) -> Tensor:
    """Network output (N, C, H, W), guided by the photograph, whose edges it then follows, or by itself.

    The official code does this after every pass, with the photograph as guide: r = 1, eps = 1e-2 in training and 5e-3
    at inference. Guided by itself an output keeps lines that the photograph does not have, and loses faint texture.

    Args:
        eps: in place of the one for inference.
    """
    guide = photo if options.guide == "photo" else output
    return guided_filter(guide, output, options.radius, options.infer_eps if eps is None else eps)


def sharpen(photo: Tensor, output: Tensor, amount: float, options: OutputFilter) -> Tensor:
    """Control of sharpness (white-box paper, section 3): between the filtered and the raw network output.

    Args:
        photo: (N, C, H, W) in [-1, 1], the network's input.
        output: (N, C, H, W), the network's output before any filter.
        amount: 0 gives ``output`` filtered (smooth), 1 gives ``output`` itself (sharp), linear between.
        options: guide, radius and inference eps of the filter.

    Raises:
        ValueError: ``amount`` outside [0, 1], or what :func:`guided_filter` refuses.
    """
    if not 0.0 <= amount <= 1.0:
        raise ValueError(f"the amount of sharpness must be between 0 and 1, got {amount}")
    smooth = output_filter(photo, output, options)
    return smooth + amount * (output - smooth)


def _check(guide: Tensor, source: Tensor, radius: int, eps: float) -> None:
    for name, image in (("guide", guide), ("source", source)):
        if image.ndim != 4:
            raise ValueError(f"the {name} must be (N, C, H, W), got {tuple(image.shape)}")
        if not image.is_floating_point():
            raise ValueError(
                f"the {name} must hold real numbers, got {image.dtype}; wbclib.images.to_tensor makes them"
            )
    sizes = (guide.shape[0], *guide.shape[2:]), (source.shape[0], *source.shape[2:])
    if sizes[0] != sizes[1] or guide.shape[1] not in (1, source.shape[1]):
        raise ValueError(
            f"guide {tuple(guide.shape)} and source {tuple(source.shape)} must agree in N, H, W, "
            "and the guide must have one channel or as many as the source"
        )
    if not isinstance(radius, Integral) or radius < 0:
        raise ValueError(f"the radius must be a whole number of pixels, at least 0, got {radius!r}")
    if not eps > 0:
        raise ValueError(f"eps must be above 0, got {eps!r}")


def _by_planes(x: Tensor) -> bool:
    return x.device.type == "cpu"


def _by_running_sums(image: Tensor, p: Tensor, radius: int, eps: float) -> Tensor:
    """The filter on any device."""
    one, many = image.shape[1], p.shape[1]
    stack = _box_mean(torch.cat((image, image * image, p, image * p), 1), radius)
    mean_i, mean_ii, mean_p, mean_ip = stack.split((one, one, many, many), 1)
    a = (mean_ip - mean_i * mean_p) / (mean_ii - mean_i * mean_i + eps)
    mean_a, mean_b = _box_mean(torch.cat((a, mean_p - a * mean_i), 1), radius).chunk(2, 1)
    return mean_a * image + mean_b


def _box_mean(x: Tensor, radius: int) -> Tensor:
    """Mean over the pixels of the (2r + 1)² window that lie inside the image; (N, C, H, W) to the same."""
    return _running_mean(_running_mean(x, radius, 3), radius, 2)


def _running_mean(x: Tensor, radius: int, axis: int) -> Tensor:
    """Box mean along one axis from running sums, in float64 because neighbouring sums nearly cancel."""
    side = x.shape[axis]
    reach = min(radius, side - 1)
    total = x.cumsum(axis, dtype=torch.float64)
    last = total.narrow(axis, side - 1, 1)
    upper = torch.cat((total.narrow(axis, reach, side - reach), *[last] * reach), axis)
    lower = torch.cat((*[torch.zeros_like(last)] * (reach + 1), total.narrow(axis, 0, side - reach - 1)), axis)
    i = torch.arange(side, device=x.device)
    count = (i + reach).clamp(max=side - 1) - (i - reach).clamp(min=0) + 1
    return ((upper - lower) / count.view(-1, *[1] * (x.ndim - 1 - axis))).to(x.dtype)
