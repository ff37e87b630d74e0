"""Colours of regions by scatter and sort: :func:`wbclib.represent.colouring.colour_regions` for a batch on a GPU."""

from __future__ import annotations

import torch
from torch import Tensor

from wbclib.options import Structure
from wbclib.represent.colouring import BYTE, powered, theta1_of


def colour_batch(x: Tensor, labels: Tensor, options: Structure) -> Tensor:
    """Fill every region of every image with one colour, where the images are.

    Args:
        x: (N, 3, H, W) in [-1, 1], any float type; clamped.
        labels: (N, H, W) whole numbers; every image has its own labels 0 .. n-1, each in use.
        options: those of the colouring.

    Returns:
        (N, 3, H, W) of the type of ``x``: the result of ``colour_regions`` for each image up to rounding (float64
        sums in another order).
    """
    count = labels.flatten(1).amax(1) + 1
    first = torch.cumsum(count, 0) - count
    flat = (labels + first[:, None, None]).flatten().long()
    values = ((x.double().clamp(-1, 1) + 1) * BYTE).permute(1, 0, 2, 3).flatten(1)  # (3, pixels), as bytes
    size, mean, sigma = _spread(values, flat, int(count.sum()))
    colours = mean
    if options.colouring != "mean":
        theta1 = torch.from_numpy(theta1_of(sigma.cpu().numpy(), options)).to(x.device)
        median = _medians(values, flat, size)
        mixed = (theta1 * mean + (1 - theta1) * median).T.cpu().numpy()
        ends = torch.cumsum(count, 0).tolist()
        parts = [
            powered(mixed[a:b], size[a:b].cpu().numpy(), options) for a, b in zip([0, *ends[:-1]], ends, strict=True)
        ]
        colours = torch.cat([torch.from_numpy(part) for part in parts]).T.to(x.device)
    painted = colours[:, flat] / BYTE - 1
    return painted.view(3, *labels.shape).transpose(0, 1).contiguous().to(x.dtype)


def _spread(values: Tensor, flat: Tensor, n: int) -> tuple[Tensor, Tensor, Tensor]:
    """Size (n,), mean (3, n) and sigma (n,) of the regions."""
    size = torch.bincount(flat, minlength=n).double()
    mean = values.new_zeros(3, n).index_add_(1, flat, values) / size
    off = ((values - mean[:, flat]) ** 2).mean(0)
    return size, mean, (values.new_zeros(n).index_add_(0, flat, off) / size).sqrt()


def _medians(values: Tensor, flat: Tensor, size: Tensor) -> Tensor:
    """Median (3, n): pixels sorted by value, then stably by region; the mean of the middle two."""
    by_value = values.argsort(1)
    by_region = flat[by_value].argsort(dim=1, stable=True)
    ranked = values.gather(1, by_value.gather(1, by_region))
    start, whole = (torch.cumsum(size, 0) - size).long(), size.long()
    return (ranked[:, start + (whole - 1) // 2] + ranked[:, start + whole // 2]) / 2
