"""Structure representation: superpixels, merged, each filled with one colour (white-box paper, section 3.2).

The three steps are in ``segments.py``, ``merging.py`` and ``colouring.py``.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from wbclib import images
from wbclib.options import Structure
from wbclib.represent.colouring import colour_regions
from wbclib.represent.merging import merge_regions
from wbclib.represent.segments import segment

__all__ = ["colour_regions", "merge_regions", "segment", "structure"]


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
    if x.ndim != 4 or x.shape[1] != 3 or not x.is_floating_point():
        raise ValueError(f"expected real numbers (N, 3, H, W), got {x.dtype} {tuple(x.shape)}")
    pixels = images.to_uint8(x)
    values = x.detach().to("cpu", torch.float32).permute(0, 2, 3, 1).numpy()

    def one(index: int) -> np.ndarray:
        labels = merge_regions(pixels[index], segment(pixels[index], options), options)
        return colour_regions(values[index], labels, options)

    # Threads, because scikit-image and NumPy leave the interpreter lock for much of their work.
    with ThreadPoolExecutor(max(1, min(len(pixels), os.cpu_count() or 1))) as pool:
        coloured = np.stack(list(pool.map(one, range(len(pixels)))))
    return torch.from_numpy(coloured).permute(0, 3, 1, 2).contiguous().to(x.device, x.dtype)
