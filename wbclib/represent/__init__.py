"""The white box: an image as surface, structure and texture (white-box paper, section 3); and flow-based abstraction.

Pure functions on (N, C, H, W) tensors in [-1, 1]; nothing here knows a network. ``surface`` and ``structure`` are the
functions; their modules are reached by ``from wbclib.represent.surface import ...``.
"""

from __future__ import annotations

from wbclib.represent import compiled  # noqa: F401 (before the kernels: says where they are kept)
from wbclib.represent.structure import colour_regions, merge_regions, segment, structure
from wbclib.represent.surface import guided_filter, output_filter, sharpen, surface
from wbclib.represent.texture import channel_weights, colour_shift, colour_shift_pair, luma

__all__ = [
    "channel_weights",
    "colour_regions",
    "colour_shift",
    "colour_shift_pair",
    "guided_filter",
    "luma",
    "merge_regions",
    "output_filter",
    "segment",
    "sharpen",
    "structure",
    "surface",
]
