"""CartoonGAN's networks and losses in numbers: parameters, the two adversarial losses, what its first norm removes.

Source: Chen, Lai, Liu, "CartoonGAN", CVPR 2018, section 3 and figure 2.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from wbclib import images, losses
from wbclib.networks.residual import CartoonDiscriminator, ResidualGenerator

PAPER_WIDTH = 64  # channels of the generator's first layer; the discriminator's has half
GREY = 127.5  # grey levels in a step of 1 of [-1, 1]


def counted(network: nn.Module) -> dict[str, int]:
    """Parameters of a network: in its convolutions, and as scale and shift of its norms."""
    kinds = {"convolutions": (nn.Conv2d, nn.ConvTranspose2d), "norms": (nn.InstanceNorm2d, nn.BatchNorm2d)}
    return {
        kind: sum(p.numel() for m in network.modules() if isinstance(m, layers) for p in m.parameters(recurse=False))
        for kind, layers in kinds.items()
    }


def sizes(width: int) -> pd.DataFrame:
    """Parameter counts of both networks, at the paper's width and at another one.

    Returns:
        network, width, norm, convolutions, scale_and_shift, total, megabytes (float32).
    """
    rows = []
    for w in dict.fromkeys((PAPER_WIDTH, width)):
        made: dict[tuple[str, int, str], nn.Module] = {
            ("generator", w, "instance"): ResidualGenerator(w),
            ("generator", w, "instance, affine"): ResidualGenerator(w, affine=True),
            ("generator", w, "batch"): ResidualGenerator(w, "batch"),
            ("discriminator", max(1, w // 2), "instance"): CartoonDiscriminator(max(1, w // 2)),
        }
        for head, network in made.items():
            found = counted(network)
            total = sum(found.values())
            rows.append((*head, *found.values(), total, 4 * total / 1e6))
    names = ["network", "width", "norm", "convolutions", "scale_and_shift", "total", "megabytes"]
    return pd.DataFrame(rows, columns=names)


def adversarial(logits: Sequence[float] | np.ndarray) -> pd.DataFrame:
    """Both adversarial losses over a discriminator's logit.

    Returns:
        loss (log, lsgan), logit, and for the generator's term, for a cartoon and for an image to reject (the
        discriminator's terms) their value and slope: generator, generator_slope, cartoon, cartoon_slope, rejected,
        rejected_slope.
    """
    values = torch.as_tensor(np.asarray(logits, np.float64))
    parts = []
    for kind in ("log", "lsgan"):
        terms = {
            "generator": lambda x, kind=kind: losses.generator(x, kind),
            "cartoon": lambda x, kind=kind: losses.discriminator(x, x, kind) - losses.rejected(x, kind),
            "rejected": lambda x, kind=kind: losses.rejected(x, kind),
        }
        columns: dict[str, Any] = {"loss": kind, "logit": values.numpy()}
        for name, term in terms.items():
            pairs = [_with_slope(term, value) for value in values]
            columns[name], columns[f"{name}_slope"] = zip(*pairs, strict=True)
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def _with_slope(term: Any, value: Tensor) -> tuple[float, float]:
    x = value.clone().requires_grad_(True)
    y = term(x)
    (slope,) = torch.autograd.grad(y, x)
    return float(y.detach()), float(slope)


# What may happen to a photograph between scene and file: x -> contrast * x + shift (R, G, B), on [-1, 1]. Contrast
# comes first, so that nothing is clipped.
CHANGES: dict[str, tuple[float, tuple[float, float, float]]] = {
    "half the contrast": (0.5, (0.0, 0.0, 0.0)),
    "half the contrast, 50 grey levels darker": (0.5, (-0.392, -0.392, -0.392)),
    "half the contrast, under a red light": (0.5, (0.4, 0.0, -0.2)),
}


def alter(photos: np.ndarray, change: str) -> Tensor:
    """Photographs uint8 (N, H, W, 3) after a change of :data:`CHANGES`, as tensor in [-1, 1], not rounded to bytes."""
    contrast, shift = CHANGES[change]
    return contrast * images.to_tensor(photos) + torch.tensor(shift)[:, None, None]


@torch.no_grad()
def fixed_statistics(generator: ResidualGenerator, photos: np.ndarray) -> ResidualGenerator:
    """The same convolutions with batch normalisation, its running statistics those of these photographs.

    What tells the two apart is then only whether the statistics are those of the image at hand.
    """
    other = ResidualGenerator(generator.width, "batch").to(next(generator.parameters()).device)
    weights = {name: value for name, value in generator.state_dict().items() if "norm" not in name}
    other.load_state_dict(weights, strict=False)
    for layer in other.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = None  # one pass: the running statistics are those of the batch
    other.train()(images.to_tensor(photos).to(next(other.parameters()).device))
    return other.eval()


@torch.inference_mode()
def invariance(generators: Mapping[str, nn.Module], photos: np.ndarray) -> pd.DataFrame:
    """How much outputs move when the photographs change in brightness, contrast or light.

    Args:
        generators: name -> network, (N, 3, H, W) in [-1, 1] to the same.
        photos: uint8 (N, H, W, 3).

    Returns:
        network, change, input_moved, output_moved (mean absolute differences in grey levels), passed (their ratio).
    """
    rows = []
    x = images.to_tensor(photos)
    for name, network in generators.items():
        device = next(network.parameters()).device
        plain = network(x.to(device)).float()
        for change in CHANGES:
            altered = alter(photos, change)
            moved = float((altered - x).abs().mean()) * GREY
            out = float((network(altered.to(device)).float() - plain).abs().mean()) * GREY
            rows.append((name, change, moved, out, out / moved))
    return pd.DataFrame(rows, columns=["network", "change", "input_moved", "output_moved", "passed"])


@torch.inference_mode()
def altered_pictures(generators: Mapping[str, nn.Module], photo: np.ndarray) -> list[list[np.ndarray]]:
    """A photograph uint8 (H, W, 3) as it is and after every change, in the first row; outputs of a network below."""
    inputs = torch.cat([images.to_tensor(photo[None]), *(alter(photo[None], change) for change in CHANGES)])
    rows = [inputs]
    for network in generators.values():
        rows.append(network(inputs.to(next(network.parameters()).device)).float().cpu())
    return [list(images.to_uint8(row)) for row in rows]


def unwrapped(module: Any) -> Any:
    """A network without the wrapper of the training loop."""
    return copy.deepcopy(getattr(module, "module", module))
