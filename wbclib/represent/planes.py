"""The guided filter on a CPU: every plane by itself, so that it stays in the cache of the core that works on it.

Forward and adjoint of the equations of :func:`wbclib.represent.surface.guided_filter`; box means by running sums in
float64, because neighbouring sums nearly cancel. (OpenCV's box filter pads the image by the radius, so its time grows.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor
from torch.autograd.function import once_differentiable

from wbclib.represent.threads import threads


class GuidedFilter(torch.autograd.Function):
    """q = GuidedFilter.apply(guide, source, radius, eps), all (N, C, H, W), float32 or float64, on the CPU."""

    @staticmethod
    def forward(ctx: Any, guide: Tensor, source: Tensor, radius: int, eps: float) -> Tensor:
        ctx.save_for_backward(guide, source)
        ctx.itself = guide is source
        ctx.box, ctx.eps = Box(source.shape[2], source.shape[3], radius, _planes(source).dtype), eps
        return _each(lambda i, p: (_filter(i, p, ctx.box, eps),), 1, guide, source)[0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:  # type: ignore[override]
        guide, source = ctx.saved_tensors
        source = guide if ctx.itself else source
        for_guide = ctx.needs_input_grad[0]

        def adjoint(i: np.ndarray, p: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, ...]:
            return _adjoint(i, p, g, ctx.box, ctx.eps, for_guide)

        found = _each(adjoint, 1 + for_guide, guide, source, gradient)
        return found[1] if for_guide else None, found[0], None, None


class Box:
    """Box mean over the (2r + 1)² window, cut at the borders, and its adjoint; both for one plane (H, W)."""

    def __init__(self, height: int, width: int, radius: int, dtype: np.dtype[Any]) -> None:
        self.radius = radius
        counts = [
            np.minimum(np.arange(n) + radius, n - 1) - np.maximum(np.arange(n) - radius, 0) + 1 for n in (height, width)
        ]
        self.inverse = (1 / np.outer(*counts)).astype(dtype)

    def sum(self, plane: np.ndarray) -> np.ndarray:
        """Sum over the window, zeros outside; the operation is its own adjoint."""
        result: np.ndarray = _window_sum(plane, self.radius)
        return result

    def mean(self, plane: np.ndarray) -> np.ndarray:
        """Sum over the window by the number of its pixels."""
        result = self.sum(plane)
        return np.multiply(result, self.inverse, out=result)

    def adjoint(self, plane: np.ndarray) -> np.ndarray:
        """Adjoint of :meth:`mean`."""
        return self.sum(plane * self.inverse)


@njit(nogil=True, cache=True)
def _window_sum(plane: np.ndarray, radius: int) -> np.ndarray:
    """Sum over the (2r + 1)² window, zeros outside: a running sum of rows, then differences of sums along each row."""
    height, width = plane.shape
    reach = min(radius, width - 1)
    result, rows, along = np.empty_like(plane), np.zeros(width), np.zeros(width + 1)
    for y in range(min(radius, height)):
        for x in range(width):
            rows[x] += plane[y, x]
    for y in range(height):
        if y + radius < height:
            for x in range(width):
                rows[x] += plane[y + radius, x]
        if y > radius:
            for x in range(width):
                rows[x] -= plane[y - radius - 1, x]
        total = 0.0
        for x in range(width):
            total += rows[x]
            along[x + 1] = total
        for x in range(min(reach, width - reach)):
            result[y, x] = along[x + reach + 1]
        for x in range(reach, width - reach):
            result[y, x] = along[x + reach + 1] - along[x - reach]
        for x in range(width - reach, reach):
            result[y, x] = total
        for x in range(max(reach, width - reach), width):
            result[y, x] = total - along[x - reach]
    return result


def _statistics(i: np.ndarray, p: np.ndarray, box: Box, eps: float) -> tuple[np.ndarray, ...]:
    """Mean of guide and source, slope a, and variance + eps, of every window."""
    mean_i = box.mean(i)
    variance = box.mean(i * i)
    variance -= mean_i * mean_i
    if i is p:
        mean_p, covariance = mean_i, variance.copy()
    else:
        mean_p, covariance = box.mean(p), box.mean(i * p)
        covariance -= mean_i * mean_p
    variance += eps
    covariance /= variance
    return mean_i, mean_p, covariance, variance


def _filter(i: np.ndarray, p: np.ndarray, box: Box, eps: float) -> np.ndarray:
    """q = mean(a) i + mean(b), b = mean(p) - a mean(i)."""
    mean_i, mean_p, a, _ = _statistics(i, p, box, eps)
    result = box.mean(a)
    result *= i
    result += box.mean(mean_p - a * mean_i)
    return result


def _adjoint(
    i: np.ndarray, p: np.ndarray, g: np.ndarray, box: Box, eps: float, for_guide: bool
) -> tuple[np.ndarray, ...]:
    """Gradient with respect to the source and, where asked for, to the guide; ``g`` is that of the output."""
    mean_i, mean_p, a, variance = _statistics(i, p, box, eps)
    to_b = box.adjoint(g)
    to_a = box.adjoint(g * i) - to_b * mean_i
    to_covariance = to_a / variance
    to_product = box.adjoint(to_covariance)  # to i p, through its mean
    to_p = box.adjoint(to_b - mean_i * to_covariance)
    to_p += i * to_product
    if not for_guide:
        return (to_p,)
    to_variance = -a * to_covariance
    to_mean = -to_b * a - 2 * mean_i * to_variance - mean_p * to_covariance
    to_i = box.adjoint(to_mean)
    to_i += g * box.mean(a) + 2 * i * box.adjoint(to_variance) + p * to_product
    return to_p, to_i


def _planes(x: Tensor) -> np.ndarray:
    """(N C, H, W) of a tensor (N, C, H, W)."""
    return x.detach().flatten(0, 1).contiguous().numpy()


def _each(work: Callable[..., tuple[np.ndarray, ...]], count: int, *inputs: Tensor) -> list[Tensor]:
    """``work`` on every plane of the inputs, a share of the planes for every core; its ``count`` results."""
    seen: dict[int, np.ndarray] = {}
    stacks = [seen.setdefault(id(x), _planes(x)) for x in inputs]
    results = [np.empty_like(stacks[0]) for _ in range(count)]

    def share(first: int, step: int) -> None:
        for k in range(first, len(stacks[0]), step):
            views = {id(stack): stack[k] for stack in stacks}  # one view of one stack: the work looks who is who
            for result, plane in zip(results, work(*(views[id(stack)] for stack in stacks)), strict=True):
                result[k] = plane

    cores = max(1, min(torch.get_num_threads(), len(stacks[0])))
    others = [threads("planes").submit(share, k, cores) for k in range(1, cores)]
    share(0, cores)
    for other in others:
        other.result()
    return [torch.from_numpy(result).view(inputs[0].shape) for result in results]
