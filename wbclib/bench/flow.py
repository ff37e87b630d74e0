"""Timing of the flow-based abstraction against the plain reference, and the memory that a large picture takes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor

from wbclib import images
from wbclib.bench.reference import flow as plain
from wbclib.bench.timing import megabytes, one_thread, paired, row
from wbclib.corpora import bundled
from wbclib.options import Flow
from wbclib.represent import flow

SIZE, SHARE, LARGE = (600, 800), 10, (3000, 4000)  # height and width; the reference has a tenth of both sides


def photograph(height: int, width: int) -> Tensor:
    """The bundled photograph of coffee, (1, 3, height, width) in [-1, 1]."""
    return images.to_tensor(images.resize(bundled.photographs().image(1), (height, width))[None])


def flow_600x800() -> dict[str, Any]:
    """A picture of 600 x 800 on one core; the reference does a hundredth of it, which is multiplied."""
    options = Flow()
    large, small = photograph(*SIZE), photograph(*(side // SHARE for side in SIZE))[0].double().numpy()
    with one_thread():
        ours, other, ratio = paired(
            lambda: flow.abstraction(large, options), lambda: plain.abstraction(small, options), rounds=3
        )
    said = f"the plain reference on {SIZE[0] // SHARE} x {SIZE[1] // SHARE}, times {SHARE**2}; one thread"
    return row("flow_600x800", ours, SHARE**2 * other, SHARE**2 * ratio, said)


def flow_12_megapixels() -> dict[str, Any]:
    """Memory beside the picture itself that one of 12 megapixels takes at most, in a process of its own."""
    peak, picture = megabytes(partial(large, LARGE)), 3 * 4 * LARGE[0] * LARGE[1] / 2**20
    found = {"name": "flow_12_megapixels", "ours": peak, "other": picture, "unit": "MB", "ratio": picture / peak}
    return found | {"other_is": "the picture itself, three planes in float32"}


def large(size: tuple[int, int]) -> Callable[[], Tensor]:
    """The abstraction of a picture of that height and width, compiled kernels and threads there before."""
    flow.abstraction(photograph(60, 80), Flow())
    return partial(flow.abstraction, photograph(*size), Flow())


ROWS = (flow_600x800, flow_12_megapixels)
