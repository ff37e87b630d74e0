"""Timing of inference at 1280 x 720 and of drawing 12 megapixels, for :mod:`wbclib.bench.suite`'s ``bench.csv``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wbclib import images
from wbclib.bench.timing import megabytes, one_thread, paired, row
from wbclib.corpora import bundled
from wbclib.inference.drawing import DETAIL, Drawing
from wbclib.inference.engine import engine
from wbclib.inference.styles import Style
from wbclib.inference.stylist import Stylist
from wbclib.networks.generators import UNet
from wbclib.options import OutputFilter
from wbclib.train.device import native

SIZE = (720, 1280)
LARGE = (3000, 4000)
ROUNDS = 5
OTHER = "float32 eager forward, NCHW; ours is the engine"


def seeded_style(seed: int = 0) -> Style:
    """An untrained generator: times do not depend on what the weights are."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = UNet().eval()
    return Style("untrained", network, OutputFilter(), "", f"seed {seed}")


def photograph(index: int = 0) -> Tensor:
    """A bundled photograph at 1280 x 720, (1, 3, 720, 1280) in [-1, 1]; the aspect ratio is not kept."""
    return images.to_tensor(images.resize(bundled.photographs().image(index), SIZE))[None]


def inference_720p(kind: str = "int8", style: Style | None = None) -> dict[str, Any]:
    """One photograph through the network by ``kind`` of engine, against PyTorch's plain forward of the same network."""
    style, photo = style or seeded_style(), photograph()
    run = engine(style, kind)
    with torch.inference_mode():
        ours, other, ratio = paired(lambda: run(photo), lambda: style.network(photo), ROUNDS)
    name = "inference_720p" if kind == "int8" else f"inference_720p_{kind}"
    return row(name, ours, other, ratio, f"{OTHER} {kind}")


def inference_720p_exact() -> dict[str, Any]:
    """The same in float32: what is won without any rounding to 8 bits."""
    return inference_720p("onnx")


def inference_720p_bfloat16() -> dict[str, Any]:
    """The same in bfloat16; means something where the processor has it, which ``other_is`` says."""
    found = inference_720p("bfloat16")
    return found | {"other_is": f"{found['other_is']}, {'native' if native('cpu') == 'bfloat16' else 'emulated'} here"}


def detail_12mp() -> dict[str, Any]:
    """A photograph of 12 megapixels drawn at the working size and enlarged, against all of its own pixels in tiles."""
    ours, other, ratio = paired(drawing(LARGE), drawing(LARGE, 0), 1)
    return row("detail_12mp", ours, other, ratio, f"its own 3000 x 4000 pixels; ours is a short side of {DETAIL}")


def drawing(size: tuple[int, int], detail: int = DETAIL) -> Callable[[], np.ndarray]:
    """A photograph of that height and width, drawn as ``wbc cartoonize`` draws, with the cores that torch has now."""
    style = seeded_style()
    draw = Stylist(style, device="cpu", engine=engine(style, "auto"))
    photo = images.resize(bundled.photographs().image(0), size)
    return partial(Drawing(draw, detail), photo)


def _on_one_core(name: str, size: tuple[int, int]) -> dict[str, Any]:
    everywhere = drawing(size)
    with one_thread():
        alone = drawing(size)

    def on_one() -> None:
        with one_thread():
            alone()

    ours, other, ratio = paired(everywhere, on_one, 3)
    return row(name, ours, other, ratio, f"one core; ours is all of them, {size[1]} x {size[0]}, the engine auto")


def cores_720p() -> dict[str, Any]:
    """A picture as ``wbc cartoonize`` draws it, on all cores against one."""
    return _on_one_core("cores_720p", SIZE)


def cores_12mp() -> dict[str, Any]:
    """The same for 12 megapixels, drawn at the working size and enlarged."""
    return _on_one_core("cores_12mp", LARGE)


def memory_12mp() -> dict[str, Any]:
    """Memory beside the picture itself that drawing one of 12 megapixels takes at most, in a process of its own."""
    peak, whole = (megabytes(partial(drawing, LARGE, detail)) for detail in (DETAIL, 0))
    found = {"name": "memory_12mp", "ours": peak, "other": whole, "unit": "MB", "ratio": whole / peak}
    return found | {"other_is": f"its own pixels, in tiles; ours is a short side of {DETAIL}; both beside the picture"}


ROWS = (
    inference_720p,
    inference_720p_exact,
    inference_720p_bfloat16,
    detail_12mp,
    cores_720p,
    cores_12mp,
    memory_12mp,
)
