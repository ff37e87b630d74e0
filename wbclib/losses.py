"""Every loss term of the study: one pure function a term, and the table that names them.

Images are float tensors ``(N, C, H, W)`` in [-1, 1]; logits and feature maps are float tensors
``(N, C, h, w)``; every function returns a scalar tensor.

Adding a term: write its function here, add one line to :data:`TERMS` and one field to
:class:`wbclib.options.Weights`. Loop, log, record, tables and figures follow from the table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from wbclib.represent.texture import LUMA


class Cycled(Protocol):
    """Both ways, there and back; each (N, 3, H, W)."""

    cartoon: Tensor  # the cartoons of the step

    @property
    def photo_again(self) -> Tensor:
        """The photograph, turned into a cartoon and back."""

    @property
    def cartoon_again(self) -> Tensor:
        """The cartoon, turned into a photograph and back."""

    @property
    def same_cartoon(self) -> Tensor:
        """The cartoon through the generator of cartoons."""

    @property
    def same_photo(self) -> Tensor:
        """The photograph through the generator of photographs."""


class View(Protocol):
    """What a term may look at during one step; each item is computed when it is first asked for."""

    photo: Tensor  # (N, 3, H, W)
    output: Tensor  # (N, 3, H, W) the generator's output, after the output filter where the method has one
    adversarial: str  # lsgan | log
    perceptual_norm: str  # mean | official | squared
    tv_norm: str  # mean | official
    cycled: Cycled | None  # of CycleGAN alone

    @property
    def photo_features(self) -> Tensor:
        """Perceptual features of the photograph, without gradient."""

    @property
    def output_features(self) -> Tensor:
        """Perceptual features of the output."""

    @property
    def abstraction(self) -> Tensor:
        """Flow-based abstraction of the photograph, (N, 3, H, W) in [-1, 1], without gradient."""

    @property
    def abstraction_features(self) -> Tensor:
        """Perceptual features of that abstraction, without gradient."""

    @property
    def look(self) -> Tensor:
        """The photograph in the look of the style that is learnt, (N, 3, H, W) in [-1, 1], without gradient."""

    @property
    def structure_features(self) -> Tensor:
        """Perceptual features of the output's structure image, without gradient."""

    @property
    def surface_logits(self) -> Tensor:
        """D_s of the surface representation of the output."""

    @property
    def texture_logits(self) -> Tensor:
        """D_t of the texture representation of the output."""

    @property
    def photograph_logits(self) -> Tensor:
        """CycleGAN's second discriminator, of what cartoons are turned into."""

    @property
    def cartoon_logits(self) -> Tensor:
        """CartoonGAN's D of the output itself."""

    @property
    def projected_logits(self) -> Tensor:
        """D of the output's perceptual features."""


def discriminator(real: Tensor, fake: Tensor, kind: str) -> Tensor:
    """Loss of a discriminator from its logits on cartoons (``real``) and outputs (``fake``).

    ``log``: -log D(real) - log(1 - D(fake)) (surface and texture losses; CartoonGAN's adversarial loss).
    ``lsgan``: ((real - 1)^2 + fake^2) / 2, halved as in the official white-box code (Mao et al. 2017).
    """
    if kind == "log":
        return F.softplus(-real).mean() + rejected(fake, kind)
    if kind == "lsgan":
        return 0.5 * (real - 1).square().mean() + rejected(fake, kind)
    raise ValueError(f"adversarial loss {kind!r}: say log or lsgan")


def rejected(logits: Tensor, kind: str) -> Tensor:
    """The part of a discriminator's loss that asks it to reject images, from its logits on them.

    Outputs, and in CartoonGAN edge-smoothed cartoons, too (CartoonGAN, adversarial loss): -log(1 - D(e)), or e^2 / 2.
    """
    if kind == "log":
        return F.softplus(logits).mean()
    if kind == "lsgan":
        return 0.5 * logits.square().mean()
    raise ValueError(f"adversarial loss {kind!r}: say log or lsgan")


def generator(fake: Tensor, kind: str) -> Tensor:
    """Adversarial loss of the generator from the logits of its outputs.

    ``log`` is the non-saturating form -log D(fake) (Goodfellow et al. 2014, section 3), whose gradient
    does not vanish when the discriminator is ahead; ``lsgan`` is (fake - 1)^2.
    """
    if kind == "log":
        return F.softplus(-fake).mean()
    if kind == "lsgan":
        return (fake - 1).square().mean()
    raise ValueError(f"adversarial loss {kind!r}: say log or lsgan")


def cycle(photo: Tensor, cycled: Cycled) -> Tensor:
    """Mean absolute difference of images and what comes of them there and back (CycleGAN, equation 2)."""
    return (cycled.photo_again - photo).abs().mean() + (cycled.cartoon_again - cycled.cartoon).abs().mean()


def identity(photo: Tensor, cycled: Cycled) -> Tensor:
    """Mean absolute difference of images and what the generator of their own kind makes of them (CycleGAN, 5.2)."""
    return (cycled.same_cartoon - cycled.cartoon).abs().mean() + (cycled.same_photo - photo).abs().mean()


def there_and_back(view: View) -> Cycled:
    """The images of both ways.

    Raises:
        ValueError: the method has no way back.
    """
    if view.cycled is None:
        raise ValueError("the loss terms cycle and identity need the method cyclegan")
    return view.cycled


def perceptual(features: Tensor, target: Tensor, norm: str = "mean") -> Tensor:
    """Distance of two feature maps, L1 unless squared: the white box's structure and content, CartoonGAN's content.

    ``mean`` averages over all values. ``squared`` averages squares (CartoonGAN's ablation). ``official`` divides the
    average of the absolute values once more by h*w*c, as the official white-box code does: 524 288 for VGG19 conv4_4 at
    256x256.
    """
    if norm == "squared":
        return (features - target).square().mean()
    distance = (features - target).abs().mean()
    if norm == "official":
        return distance / features[0].numel()
    if norm == "mean":
        return distance
    raise ValueError(f"perceptual norm {norm!r}: say mean, official or squared")


def total_variation(image: Tensor, norm: str = "mean") -> Tensor:
    """Total variation (white-box paper).

    ``mean``: mean absolute difference of neighbours, horizontal plus vertical. ``official``: mean squared
    differences, divided once more by C*H*W, as in the official code.
    """
    vertical = image[..., 1:, :] - image[..., :-1, :]
    horizontal = image[..., :, 1:] - image[..., :, :-1]
    if norm == "mean":
        return vertical.abs().mean() + horizontal.abs().mean()
    if norm == "official":
        return (vertical.square().mean() + horizontal.square().mean()) / image[0].numel()
    raise ValueError(f"total variation norm {norm!r}: say mean or official")


def chroma(output: Tensor, photo: Tensor, cell: int = 16) -> Tensor:
    """Mean absolute difference of colours without their luma, averaged over squares of ``cell`` pixels.

    This study's own term: it holds skin, whites and greys while lines and shading may change. Grey changes of any kind
    cost nothing. Images smaller than ``cell`` are one square.
    """
    cell = min(cell, *output.shape[-2:])
    weights = torch.tensor(LUMA, dtype=output.dtype, device=output.device).view(1, 3, 1, 1)
    apart = F.avg_pool2d(output - photo, cell, ceil_mode=True)
    return (apart - (apart * weights).sum(1, keepdim=True)).abs().mean()


def smoothness(output: Tensor, guide: Tensor, edge: float = 0.05) -> Tensor:
    """Edge-aware smoothness (Godard et al., CVPR 2017): total variation that counts less where the guide changes.

    Differences of neighbours in the output times exp(-d / ``edge``), where d is the largest difference in the guide,
    over its channels and the 3 x 3 differences around; the latter is this study's own, so that a line that lies a pixel
    beside the guide's costs nothing. With a guide of one colour it is :func:`total_variation` with norm ``mean``.

    Args:
        output: gradients pass to it.
        guide: of the same size; none pass to it.
        edge: difference, on images in [-1, 1], at which a difference of the output counts 1/e.
    """
    parts = []
    for axis in (-1, -2):
        steps = guide.detach().diff(dim=axis).abs().amax(1, keepdim=True)
        free = torch.exp(-F.max_pool2d(steps, 3, stride=1, padding=1) / edge)
        parts.append((output.diff(dim=axis).abs() * free).mean())
    return parts[0] + parts[1]


@dataclass(frozen=True)
class Term:
    """One line of the table: a term's symbol in the papers, its function, and what it asks for."""

    symbol: str
    value: Callable[[View], Tensor]
    asks: str
    discriminator: str = ""  # name of the discriminator that the term needs


TERMS: dict[str, Term] = {
    "surface": Term(
        r"\mathcal{L}_{\mathrm{surface}}",
        lambda view: generator(view.surface_logits, view.adversarial),
        "smooth shading like a cartoon's, after the guided filter",
        discriminator="surface",
    ),
    "texture": Term(
        r"\mathcal{L}_{\mathrm{texture}}",
        lambda view: generator(view.texture_logits, view.adversarial),
        "lines and detail like a cartoon's, whatever the colours",
        discriminator="texture",
    ),
    "projected": Term(
        r"\mathcal{L}_{\mathrm{proj}}",
        lambda view: generator(view.projected_logits, view.adversarial),
        "perceptual features like a cartoon's (Projected GAN)",
        discriminator="projected",
    ),
    "structure": Term(
        r"\mathcal{L}_{\mathrm{structure}}",
        lambda view: perceptual(view.output_features, view.structure_features, view.perceptual_norm),
        "flat regions: the output looks like its own structure image",
    ),
    "content": Term(
        r"\mathcal{L}_{\mathrm{content}}",
        lambda view: perceptual(view.output_features, view.photo_features, view.perceptual_norm),
        "the photograph's content is kept",
    ),
    "tv": Term(
        r"\mathcal{L}_{\mathrm{tv}}",
        lambda view: total_variation(view.output, view.tv_norm),
        "no high-frequency noise",
    ),
    "pixel": Term(
        r"\mathcal{L}_{\mathrm{pixel}}",
        lambda view: (view.output - view.photo).abs().mean(),
        "the photograph itself (the official code's pretraining loss)",
    ),
    "abstraction": Term(
        r"\mathcal{L}_{\mathrm{abs}}",
        lambda view: (view.output - view.abstraction).abs().mean(),
        "the photograph's flow-based abstraction: flat colours and black lines (supervised start)",
    ),
    "abstraction_features": Term(
        r"\mathcal{L}_{\mathrm{abs}}^{F}",
        lambda view: perceptual(view.output_features, view.abstraction_features, view.perceptual_norm),
        "that abstraction's perceptual features: crisp lines (supervised start)",
    ),
    "chroma": Term(
        r"\mathcal{L}_{\mathrm{chroma}}",
        lambda view: chroma(view.output, view.photo),
        "the photograph's colours: skin stays skin, white stays white",
    ),
    "smoothness": Term(
        r"\mathcal{L}_{\mathrm{smooth}}",
        lambda view: smoothness(view.output, view.abstraction),
        "flat where that abstraction is flat: no dots and no grain between lines",
    ),
    "look": Term(
        r"\mathcal{L}_{\mathrm{look}}",
        lambda view: (view.output - view.look).abs().mean(),
        "the photograph in the style's look: many styles, each supervised",
    ),
    "adversarial": Term(
        r"\mathcal{L}_{\mathrm{adv}}",
        lambda view: generator(view.cartoon_logits, view.adversarial),
        "the image as a whole like a cartoon, with clear edges",
        discriminator="cartoon",
    ),
    "adversarial_back": Term(
        r"\mathcal{L}_{\mathrm{adv}}^{\mathrm{back}}",
        lambda view: generator(view.photograph_logits, view.adversarial),
        "what a cartoon is turned back into looks like a photograph (CycleGAN)",
        discriminator="photograph",
    ),
    "cycle": Term(
        r"\mathcal{L}_{\mathrm{cyc}}",
        lambda view: cycle(view.photo, there_and_back(view)),
        "there and back again is the image itself (CycleGAN)",
    ),
    "identity": Term(
        r"\mathcal{L}_{\mathrm{idt}}",
        lambda view: identity(view.photo, there_and_back(view)),
        "what is a cartoon already stays as it is: colours are kept (CycleGAN)",
    ),
}


CYCLED = ("cycle", "identity")  # terms that need a generator back to photographs


def total(values: dict[str, Tensor], weights: dict[str, float]) -> Tensor:
    """Weighted sum of the terms that were computed."""
    return torch.stack([weights[name] * value for name, value in values.items()]).sum()
