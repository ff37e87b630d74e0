"""Cartoons of photographs with missing pixels: the generator's feature map is optimised until the known pixels agree.

Sources: the toonification study (feature map after residual block 8); Yeh et al., "Semantic image inpainting with deep
generative models" (CVPR 2017: weighted context loss, prior by the discriminator); Perez, Gangnet, Blake, "Poisson image
editing" (SIGGRAPH 2003).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy.sparse.linalg import LinearOperator, cg
from torch import Tensor
from tqdm.auto import tqdm

from wbclib import losses
from wbclib.networks.residual import ResidualGenerator

RESIDUAL = 1e-6  # of the Poisson equation, relative to its right-hand side


@dataclass(frozen=True)
class Inpainting:
    """Settings of :func:`inpaint`; prior and steps of Yeh et al. are 0.003 and 1 500."""

    steps: int = 200
    lr: float = 0.03  # of Adam; the feature map is of the order of 1
    prior: float = 0.003  # weight of the discriminator
    window: int = 7  # side in pixels of the neighbourhood that weighs a known pixel


@dataclass(frozen=True)
class Inpainted:
    """What :func:`inpaint` found.

    Attributes:
        pictures: (N, 3, H, W) in [-1, 1].
        raw: the same before blending.
        first, last: (N,) context loss of every picture before the first step and of the one that was taken.
    """

    pictures: Tensor
    raw: Tensor
    first: Tensor
    last: Tensor


def context_weights(known: Tensor, window: int = 7) -> Tensor:
    """How much each known pixel counts: the share of missing pixels around it (Yeh et al. 2017, equation 2).

    Args:
        known: (N, 1, H, W), bool.
        window: side of the square neighbourhood, odd; beyond the border nothing is missing.

    Returns:
        (N, 1, H, W), float32, 0 on missing pixels. Where nothing is missing in a picture, 1 everywhere.

    Raises:
        ValueError: an even window.
    """
    if window < 3 or window % 2 == 0:
        raise ValueError(f"window {window}: say an odd number of at least 3")
    missing = (~known).float()
    shares = F.avg_pool2d(missing, window, 1, window // 2) * known
    whole = missing.flatten(1).sum(1) == 0
    return torch.where(whole[:, None, None, None], torch.ones_like(shares), shares)


def inpaint(
    generator: ResidualGenerator,
    critic: Callable[[Tensor], Tensor] | None,
    damaged: Tensor,
    known: Tensor,
    options: Inpainting | None = None,
    adversarial: str = "lsgan",
    progress: bool = True,
    autocast: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Inpainted:
    """Cartoons of photographs with missing pixels.

    The feature map z after the last residual block is that of the damaged photograph, but where missing pixels lie it
    begins at the mean of the rest (what the generator made of the filling is thrown away). Adam moves all of z to lower
    |W (decode(z) - cartoon)| over the known pixels plus ``prior`` times the generator's adversarial loss; the cartoon
    is the generator's of the damaged photograph. Of every picture the z of the lowest context loss is taken, which is
    never above that of the first one. Each picture's loss is its own: others beside it change nothing.

    Args:
        generator: in eval mode, frozen; the bare network, not one that Fabric has wrapped.
        critic: the discriminator, bare as well, (N, 3, H, W) to logits; None: no prior.
        damaged: (N, 3, H, W) in [-1, 1], missing pixels filled with something.
        known: (N, 1, H, W), bool.
        adversarial: ``lsgan`` or ``log``.
        autocast: gives the context in which the networks compute; feature map, losses and Adam stay in float32.

    Raises:
        ValueError: no pixel of a picture is known, or shapes differ.
    """
    options = options or Inpainting()
    if known.shape != (len(damaged), 1, *damaged.shape[2:]) or not known.flatten(1).any(1).all():
        raise ValueError(f"known {tuple(known.shape)} must name pixels of every one of {tuple(damaged.shape)}")
    weights = context_weights(known, options.window)
    weights = weights / weights.mean((1, 2, 3), keepdim=True).clamp_min(1e-12)

    def decode(z: Tensor) -> Tensor:
        with autocast():
            return generator.decode(z).float()

    with torch.no_grad():
        with autocast():
            z = generator.encode(damaged).float()
        cartoon = decode(z).clamp(-1, 1)
        z = without(z, known)
    best, lowest = z.clone(), torch.full((len(z),), float("inf"), device=z.device)
    first = lowest
    z.requires_grad_(True)
    optimiser = torch.optim.Adam([z], options.lr)
    for step in tqdm(range(options.steps + 1), desc="feature maps", unit="step", disable=not progress, mininterval=1.0):
        made = decode(z)
        context = (weights * (made - cartoon).abs()).mean((1, 2, 3))
        with torch.no_grad():
            if step == 0:
                first = context.clone()
            better = context < lowest
            best[better], lowest = z[better], torch.where(better, context, lowest)
        if step == options.steps:
            break
        loss = context.sum()
        if critic is not None and options.prior:
            with autocast():
                answers = critic(made).float()
            prior = torch.stack([losses.generator(logits, adversarial) for logits in answers])
            loss = loss + options.prior * prior.sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        raw = decode(best).clamp(-1, 1)
    each = zip(raw.cpu().numpy(), cartoon.cpu().numpy(), known[:, 0].cpu().numpy(), strict=True)
    pictures = torch.from_numpy(np.stack([poisson(*one) for one in each])).to(raw)
    return Inpainted(pictures.clamp(-1, 1), raw, first, lowest)


def without(z: Tensor, known: Tensor) -> Tensor:
    """A feature map whose cells with missing pixels hold the mean of the other cells (of all, where none is whole).

    Args:
        z: (N, C, h, w).
        known: (N, 1, H, W), bool; H and W are multiples of h and w.
    """
    whole = F.max_pool2d((~known).float(), known.shape[-1] // z.shape[-1]) == 0
    counted = torch.where(whole.any(-1, keepdim=True).any(-2, keepdim=True), whole, torch.ones_like(whole))
    mean = (z * counted).sum((2, 3), keepdim=True) / counted.sum((2, 3), keepdim=True)
    return torch.where(whole, z, mean)


def poisson(source: np.ndarray, target: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The source's gradients on missing pixels, the target on known ones, seamlessly (Perez et al. 2003, equation 7).

    On missing pixels f has the source's differences to its neighbours, in the least-squares sense, with f = target on
    known neighbours; beyond the border there are no neighbours. Solved by conjugate gradients. Known pixels are the
    target's, exactly.

    Args:
        source, target: (C, H, W).
        known: (H, W), bool; at least one pixel.

    Raises:
        ValueError: nothing is known.
    """
    missing = ~known
    if not known.any():
        raise ValueError("no pixel is known: there is nothing to blend into")
    result = target.astype(np.float64)
    if not missing.any():
        return result.astype(target.dtype)

    def laplacian(plane: np.ndarray) -> np.ndarray:
        """Sum of the differences to the neighbours that there are, on missing pixels (M,)."""
        rows, columns = np.diff(plane, axis=0), np.diff(plane, axis=1)
        total = np.zeros_like(plane)
        total[:-1] -= rows
        total[1:] += rows
        total[:, :-1] -= columns
        total[:, 1:] += columns
        return total[missing]

    def matrix(values: np.ndarray) -> np.ndarray:
        plane = np.zeros(known.shape)
        plane[missing] = values
        return laplacian(plane)

    size = int(missing.sum())
    operator = LinearOperator((size, size), matvec=matrix, dtype=np.float64)
    for channel, plane in enumerate(source.astype(np.float64)):
        fixed = np.where(known, result[channel], 0.0)
        right = laplacian(plane) - laplacian(fixed)
        solved, status = cg(operator, right, x0=plane[missing], rtol=RESIDUAL, atol=RESIDUAL)
        if status:
            raise ValueError(f"blending did not converge after {status} iterations")
        result[channel][missing] = solved
    return result.astype(target.dtype)
