"""Timing of inference at 1280 x 720: what :mod:`wbclib.evaluate.speed` writes into ``bench.csv``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from wbclib import images
from wbclib.corpora import bundled
from wbclib.evaluate.timing import paired, row
from wbclib.inference.engine import KINDS, engine
from wbclib.inference.styles import Style
from wbclib.networks.generators import UNet
from wbclib.options import OutputFilter
from wbclib.represent.surface import output_filter

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


def compare_engines(style: Style, photographs: tuple[int, ...] = (0, 2, 4)) -> pd.DataFrame:
    """Every engine on one style: name, ours, other (ms), ratio, psnr and filtered (dB, the worst of the photographs).

    ``psnr`` is that of the clamped network output against float32, ``filtered`` that of the picture a reader sees.
    """
    rows = []
    for kind in KINDS:
        run = engine(style, kind)
        pairs = [_errors(style, run, photograph(index)) for index in photographs]
        raw, filtered = (min(column) for column in zip(*pairs, strict=True))
        rows.append(inference_720p(kind, style) | {"psnr": raw, "filtered": filtered})
    return pd.DataFrame(rows)


@torch.inference_mode()
def _errors(style: Style, run: Callable[[Tensor], Tensor], photo: Tensor) -> tuple[float, float]:
    wanted, found = style.network(photo), run(photo)
    radius, eps = max(style.output.radius, 0), style.output.infer_eps
    filtered = [output_filter(photo, drawn, radius, eps) for drawn in (wanted, found)]
    return _psnr(wanted, found), _psnr(*filtered)


def _psnr(a: Tensor, b: Tensor) -> float:
    """Of images in [-1, 1], clamped, in dB; equal ones count as 120 dB."""
    error = (a.clamp(-1, 1) - b.clamp(-1, 1)).square().mean().clamp(min=4e-12)
    return float(10 * torch.log10(4 / error))


ROWS = (inference_720p, inference_720p_exact)
