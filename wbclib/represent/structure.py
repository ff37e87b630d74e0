"""Structure representation: superpixels, merged, each filled with one colour (white-box paper, section 3.2).

The three steps are in ``segments.py``, ``merging.py`` and ``colouring.py``.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future

import numpy as np
import torch
from torch import Tensor

from wbclib import images
from wbclib.options import Structure
from wbclib.represent.colouring import colour_regions
from wbclib.represent.merging import merge_regions
from wbclib.represent.scatter import colour_batch
from wbclib.represent.segments import segment
from wbclib.represent.threads import threads

__all__ = ["Pending", "begin", "colour_regions", "merge_regions", "segment", "structure"]


def structure(x: Tensor, options: Structure) -> Tensor:
    """Structure representation of a batch: a constant for autograd, the target of the structure loss.

    Regions are found on the uint8 image, their colours taken from ``x`` itself, both clamped to [-1, 1].

    Args:
        x: (N, 3, H, W), values in [-1, 1], on any device.
        options: all switches of the three steps.

    Returns:
        (N, 3, H, W), detached, of the type and on the device of ``x``.

    Raises:
        ValueError: wrong shape, integers as pixels, or NaN.
        UserError: unknown option.
    """
    return begin(x, options).result()


def begin(x: Tensor, options: Structure) -> Pending:
    """Start :func:`structure` on all cores and return at once; ``result()`` of what is returned waits for it.

    ``x`` must not be changed in place before the result is there.
    """
    if x.ndim != 4 or x.shape[1] != 3 or not x.is_floating_point():
        raise ValueError(f"expected real numbers (N, 3, H, W), got {x.dtype} {tuple(x.shape)}")
    return Pending(x.detach(), options)


class Pending:
    """Structure images under way: an image a thread (the kernels run without the interpreter's lock).

    On the CPU the threads write colours into the result; for a batch on another device they find labels only, which
    are fewer bytes than colours, and the colours are gathered there.

    Attributes:
        waited: seconds that ``result()`` spent waiting for the threads.
    """

    def __init__(self, x: Tensor, options: Structure) -> None:
        self.x, self.options, self.waited = x, options, 0.0
        self.here = x.device.type == "cpu"
        self.pixels = images.to_uint8(x)
        self.labels = np.empty(self.pixels.shape[:3], np.int32)
        if self.here:
            self.values = x.to(torch.float32).permute(0, 2, 3, 1).contiguous().numpy()
            self.coloured = np.empty_like(self.values)
        self.tasks: Sequence[Future[None]] = [
            threads("structure").submit(self._one, i) for i in range(len(self.pixels))
        ]

    def _one(self, i: int) -> None:
        labels = merge_regions(self.pixels[i], segment(self.pixels[i], self.options), self.options)
        if self.here:
            self.coloured[i] = colour_regions(self.values[i], labels, self.options)
        else:
            self.labels[i] = labels

    def result(self) -> Tensor:
        """The structure images, (N, 3, H, W); what went wrong in a thread is raised here."""
        start = time.perf_counter()
        for task in self.tasks:
            task.result()
        self.waited = time.perf_counter() - start
        if not self.here:
            return colour_batch(self.x, torch.from_numpy(self.labels).to(self.x.device), self.options)
        return torch.from_numpy(self.coloured).permute(0, 3, 1, 2).contiguous().to(self.x.dtype)
