"""Timing of inference at 1280 x 720: what :mod:`wbclib.evaluate.speed` writes into ``bench.csv``."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wbclib import images
from wbclib.corpora import bundled
from wbclib.evaluate.timing import paired, row
from wbclib.inference.engine import engine
from wbclib.inference.styles import Style
from wbclib.networks.generators import UNet
from wbclib.options import OutputFilter

SIZE = (720, 1280)
ROUNDS = 5
OTHER = "float32 eager forward, NCHW"


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
    return row("inference_720p" if kind == "int8" else f"inference_720p_{kind}", ours, other, ratio, OTHER)


def inference_720p_exact() -> dict[str, Any]:
    """The same in float32: what is won without any rounding to 8 bits."""
    return inference_720p("onnx")


ROWS = (inference_720p, inference_720p_exact)
