"""The generators that the authors of CartoonGAN released: rendering with them, and what each convention is worth.

Their weights are not part of this study; a reader who has them puts them below the assets folder
(:mod:`wbclib.networks.official` says in which form).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from wbclib.measure import content
from wbclib.networks import weights
from wbclib.networks.official import load_cartoongan
from wbclib.networks.residual import ResidualGenerator
from wbclib.studies.common.comparators import CARTOONGAN
from wbclib.train.loop import stylise

BORDER = 16  # pixels: where padding is to be seen
PREFIX = "official-cartoongan-"
FILES = {name.removeprefix(PREFIX): file.name for name, file in CARTOONGAN.items()}  # style -> file


def generator(style: str) -> ResidualGenerator:
    """A released generator.

    Raises:
        MissingWeights: its weights are not here; says what to put where.
        UserError: what is there is damaged or another file.
    """
    return load_cartoongan(weights.obtain(PREFIX + style, [CARTOONGAN[PREFIX + style]], downloads=False)[1])


def available() -> list[str]:
    """Styles whose weights are here."""
    return [style for style in FILES if weights.find([CARTOONGAN[PREFIX + style]])]


@torch.inference_mode()
def released(photos: np.ndarray) -> dict[str, np.ndarray]:
    """Photographs uint8 (N, H, W, 3), sides multiples of 4, through every released generator that is here."""
    return {style: stylise(generator(style), photos, batch=2) for style in available()}


def wrong(network: ResidualGenerator, convention: str) -> Callable[[Tensor], Tensor]:
    """The network with one convention broken: ``channels``, ``padding`` or ``eps``. The network itself is changed."""
    if convention == "channels":  # its weights are ours, RGB: handing it BGR is handing theirs RGB
        return lambda x: network(x.flip(1)).flip(1)
    for layer in network.modules():
        if convention == "padding" and isinstance(layer, nn.Conv2d):
            layer.padding_mode = "zeros"
        if convention == "eps" and isinstance(layer, nn.InstanceNorm2d):
            layer.eps = 1e-5
    return network


CONVENTIONS = {  # convention -> (as the authors have it, what one would easily take instead)
    "channels": ("BGR", "RGB"),
    "padding": ("reflection", "zeros"),
    "eps": ("1e-9, on deviation", "1e-5, on variance"),
}


@torch.inference_mode()
def conventions(style: str, photos: np.ndarray) -> pd.DataFrame:
    """What the output would be under each wrong convention, against the right one.

    Args:
        style: a released style whose weights are here.
        photos: uint8 (N, H, W, 3).

    Returns:
        convention, theirs, instead, psnr (dB, wrong against right, bytes), changed (share of pixels that differ in at
        least one byte), at_border (share of the squared error within 16 pixels of the border; ``border_area`` is the
        share of the area), colour_shift_theirs, colour_shift_instead (mean CIEDE2000 from the photograph).
    """
    right = stylise(generator(style), photos, batch=2)
    rows = []
    for name, words in CONVENTIONS.items():
        other = stylise(wrong(generator(style), name), photos, batch=2)
        rows.append((name, *words, *difference(right, other), *(_shift(photos, x) for x in (right, other))))
    columns = ["convention", "theirs", "instead", "psnr", "changed", "at_border", "border_area"]
    return pd.DataFrame(rows, columns=[*columns, "colour_shift_theirs", "colour_shift_instead"])


def difference(right: np.ndarray, other: np.ndarray, border: int = BORDER) -> tuple[float, float, float, float]:
    """(PSNR in dB, share of changed pixels, share of the squared error near the border, share of the area there)."""
    error = (right.astype(np.float64) - other) ** 2
    frame = np.ones(right.shape[1:3], bool)
    frame[border:-border, border:-border] = False
    mse, near = float(error.mean()), float(error[:, frame].sum() / max(error.sum(), 1e-300))
    psnr = 10 * float(np.log10(255**2 / mse)) if mse else float("inf")
    return psnr, float((error > 0).any(3).mean()), near, float(frame.mean())


def _shift(photos: np.ndarray, outputs: np.ndarray) -> float:
    return float(np.mean([content.colour_shift(*pair) for pair in zip(photos, outputs, strict=True)]))


def sentence(found: pd.DataFrame) -> str:
    """What :func:`conventions` found, in words; what is missing where it is empty."""
    if found.empty:
        return f"The released generators were not looked at: put {' and '.join(FILES.values())} into assets/weights."
    row = found.set_index("convention")
    parts = [f"{name} {row.loc[name, 'psnr']:.1f} dB" for name in row.index]
    theirs, instead = (float(row[f"colour_shift_{which}"]["channels"]) for which in ("theirs", "instead"))
    nearer = "nearer to" if theirs < instead else "no nearer to"
    return (
        f"The released generator against itself with one wrong convention: {', '.join(parts)}; its own channel order "
        f"keeps colours {nearer} the photograph's ({theirs:.1f} against {instead:.1f} CIEDE2000)."
    )
