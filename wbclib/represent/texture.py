"""Texture representation: a random colour shift to one channel, which hides colour and light and keeps fine detail.

Source: white-box paper, section 3.3. Both variants are one linear map of (R, G, B), so a draw is three weights.
"""

from __future__ import annotations

import torch
from torch import Tensor

from wbclib.files import UserError
from wbclib.options import Texture

LUMA = (0.299, 0.587, 0.114)  # Y of ITU-R BT.601 from R, G, B; sums to 1


def luma(x: Tensor) -> Tensor:
    """Y of BT.601: (N, 3, H, W) in [-1, 1] to (N, 1, H, W) in [-1, 1]."""
    return _weighted(x, torch.tensor(LUMA, dtype=torch.float64))


def channel_weights(options: Texture, generator: torch.Generator) -> Tensor:
    r"""One draw of the weights of R, G and B, float64 (3,), on the generator's device.

    ``paper``: :math:`F = (1 - \alpha)(\beta_1 R + \beta_2 G + \beta_3 B) + \alpha Y` with
    :math:`\beta \sim U(-1, 1)`: the weight of channel c has mean :math:`\alpha y_c` and variance
    :math:`(1 - \alpha)^2 / 3`; they do not sum to 1: a grey image is multiplied by 0.2 to 1.4
    at alpha = 0.8, and blue may turn over.

    ``official``: each weight from :math:`U(y_c - s, y_c + s)`, the three then divided by their sum: contrast is kept.

    Raises:
        UserError: unknown variant, ``alpha`` outside [0, 1], or a ``spread`` for which the sum can reach 0.
    """
    y = torch.tensor(LUMA, dtype=torch.float64, device=generator.device)
    draw = torch.rand(3, dtype=torch.float64, generator=generator, device=generator.device) * 2 - 1
    if options.variant == "paper":
        if not 0.0 <= options.alpha <= 1.0:
            raise UserError(f"texture.alpha: {options.alpha} is not between 0 and 1")
        return (1 - options.alpha) * draw + options.alpha * y
    if options.variant == "official":
        if not 0.0 <= options.spread < 1 / 3:
            raise UserError(f"texture.spread: {options.spread} must be at least 0 and below 1/3")
        weights = y + options.spread * draw
        return weights / weights.sum()
    raise UserError(f"texture.variant: {options.variant!r} is unknown; say paper or official")


def colour_shift(x: Tensor, options: Texture, generator: torch.Generator) -> Tensor:
    """Texture representation: (N, 3, H, W) in [-1, 1] to (N, 1, H, W); differentiable in ``x``.

    One draw serves the whole batch, as in the official code; the paper leaves it open. A draw per image would ask the
    discriminator to ignore differences inside a batch that never occur between the two batches it compares.

    The ``paper`` variant leaves [-1, 1]: by up to 3 (1 - alpha) + alpha = 1.4 at alpha = 0.8.
    """
    return _weighted(x, channel_weights(options, generator))


def colour_shift_pair(a: Tensor, b: Tensor, options: Texture, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Both batches with the same draw: what D_t sees of the output and of the cartoons differs by texture alone."""
    weights = channel_weights(options, generator)
    return _weighted(a, weights), _weighted(b, weights)


def _weighted(x: Tensor, weights: Tensor) -> Tensor:
    if x.ndim != 4 or x.shape[1] != 3 or not x.is_floating_point():
        raise ValueError(f"expected real numbers (N, 3, H, W), got {x.dtype} {tuple(x.shape)}")
    return (x * weights.to(x.device, x.dtype).view(1, 3, 1, 1)).sum(1, keepdim=True)
