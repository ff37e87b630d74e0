"""Deep Image Analogy: Liao et al., "Visual Attribute Transfer through Deep Image Analogy", SIGGRAPH 2017.

Two pictures that show like things: a photograph A, and B', which has the wanted look. Sought are A', the photograph's
things as B' looks, and B, the things of B' as the photograph looks. From the deepest layer of a network to the first,
places of the two are matched in both directions (:mod:`wbclib.baselines.patchmatch`), by what they show (A with B) and
by how it looks (A' with B') at once; the features of A' a layer further up are those of A where they are strong, and
elsewhere those of B' brought to their places. At last pixels are brought to their places.

What is brought to its place in one layer must be said in the next one: as in the paper (section 4.3), the features
there whose activations come nearest to it. (The authors' program looks for them another layer up, and goes one down.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor, nn
from tqdm.auto import tqdm

from wbclib import images
from wbclib.baselines import patchmatch
from wbclib.baselines.patchmatch import Search
from wbclib.files import UserError
from wbclib.networks.frozen import FeatureNetwork
from wbclib.networks.layers import Activations, available
from wbclib.values import AtLeastOne, Count

LAYERS = ("relu5_1", "relu4_1", "relu3_1", "relu2_1", "relu1_1")
PATCH = {"relu5_1": 3, "relu4_1": 3, "relu3_1": 3, "relu2_1": 5, "relu1_1": 5}
RADIUS = {"relu4_1": 6, "relu3_1": 6, "relu2_1": 4, "relu1_1": 4}  # of the first layer that is looked at: everything
# How much of a strong feature stays the photograph's, by layer: the authors' three settings, the last for a photograph
# in the look of a painting.
BLENDS = {
    1: {"relu4_1": 0.9, "relu3_1": 0.8, "relu2_1": 0.7, "relu1_1": 0.2},
    2: {"relu4_1": 0.8, "relu3_1": 0.7, "relu2_1": 0.6, "relu1_1": 0.1},
    3: {"relu4_1": 0.7, "relu3_1": 0.6, "relu2_1": 0.5, "relu1_1": 0.0},
}
STRONG = 0.05  # of the range of squared norms in a layer
SMALLEST = 32  # pixels a side: the deepest layer has two places then


@dataclass(frozen=True)
class Analogy:
    """Settings; by default the authors' for a photograph in the look of a painting."""

    blend: Count = 3  # of BLENDS
    iterations: AtLeastOne = 10  # of every search
    steps: AtLeastOne = 60  # evaluations of every search for features
    seed: Count = 0

    def __post_init__(self) -> None:
        if self.blend not in BLENDS:
            raise UserError(f"analogy: there is no blend {self.blend}; say {', '.join(map(str, BLENDS))}")


@dataclass(frozen=True)
class Found:
    """What an analogy found.

    Attributes:
        a_like_b: A', uint8 (H, W, 3).
        b_like_a: B, uint8 (H2, W2, 3).
        there, back: layer -> field from A to B', and from B' to A, int32 (h, w, 2).
    """

    a_like_b: ndarray
    b_like_a: ndarray
    there: Mapping[str, ndarray]
    back: Mapping[str, ndarray]


def layers(network: FeatureNetwork) -> list[str]:
    """The paper's layers from the deepest that the network has, to the first."""
    known = available(network)
    return [name for name in LAYERS if name in known]


def strong(found: Tensor) -> Tensor:
    """Where the squared norm of features (1, C, H, W) is more than a twentieth up its range: 0 or 1, (1, 1, H, W)."""
    norm = found.square().sum(1, keepdim=True)
    low, high = norm.min(), norm.max()
    return ((norm - low) > STRONG * (high - low)).to(found.dtype)


def warp(found: Tensor, field: ndarray) -> Tensor:
    """Features (1, C, H2, W2) brought to the places of a field (H, W, 2): (1, C, H, W)."""
    rows, columns = (torch.from_numpy(field[..., k].astype(np.int64)).to(found.device) for k in range(2))
    return found[:, :, rows, columns]


def invert(wanted: Tensor, begun: Tensor, part: nn.Sequential, steps: int) -> Tensor:
    """Features (1, C, H, W) of which a part of a network makes nearly ``wanted``, by L-BFGS from ``begun``."""
    x = begun.detach().clone().requires_grad_(True)
    optimiser = torch.optim.LBFGS([x], max_iter=steps, max_eval=steps, line_search_fn="strong_wolfe")

    def evaluate() -> Tensor:
        x.grad = None
        value = (part(x) - wanted).square().mean()
        value.backward()
        return value

    optimiser.step(evaluate)
    if not torch.isfinite(x).all():
        raise UserError("analogy: the search for features diverged; say fewer steps")
    return x.detach()


def _area(found: Tensor) -> tuple[int, int]:
    return found.shape[-2], found.shape[-1]


def _map(*parts: Tensor) -> ndarray:
    """Features (1, C, H, W), each of unit norm at every place and one behind the other: (H, W, C + C')."""
    unit = torch.cat([torch.nn.functional.normalize(part, dim=1) for part in parts], 1)
    return unit[0].permute(1, 2, 0).contiguous().cpu().numpy()


def find(photo: ndarray, look: ndarray, network: FeatureNetwork, options: Analogy | None = None) -> Found:
    """The analogy of a photograph and a picture that has the wanted look, both uint8 (H, W, 3), of any two sizes.

    With the pictures exchanged, what it finds is exchanged.

    Raises:
        UserError: a picture of less than 32 pixels a side.
    """
    options = options or Analogy()
    if min(*photo.shape[:2], *look.shape[:2]) < SMALLEST:
        raise UserError(f"an analogy needs pictures of at least {SMALLEST} pixels a side; take larger ones")
    names = layers(network)
    seen = Activations(network, names)
    with torch.no_grad():
        a, b_like = (seen(images.to_tensor(picture)[None].to(seen.device)) for picture in (photo, look))
    a_like, b = {names[0]: a[names[0]]}, {names[0]: b_like[names[0]]}
    size = {name: (_area(a[name]), _area(b_like[name])) for name in names}
    there: dict[str, ndarray] = {}
    back: dict[str, ndarray] = {}
    ends = {name: number for number, name in seen.wanted.items()}
    with tqdm(names, desc="analogy", unit="layer", leave=False, disable=None) as bar:
        for level, name in enumerate(bar):
            own, other = size[name]
            if level == 0:
                begin, begin_back = patchmatch.identity(own, other), patchmatch.identity(other, own)
                radius = max(*own, *other)
            else:
                last = names[level - 1]
                begin = patchmatch.enlarge(there[last], own, other, size[last][1])
                begin_back = patchmatch.enlarge(back[last], other, own, size[last][0])
                radius = RADIUS[name]
            search = Search(PATCH[name], radius, options.iterations, options.seed)
            left, right = _map(a[name], a_like[name]), _map(b[name], b_like[name])
            there[name], _ = patchmatch.search(left, right, begin, search)
            back[name], _ = patchmatch.search(right, left, begin_back, search)
            if level + 1 == len(names):
                break
            following = names[level + 1]
            part = seen.body[ends[following] + 1 : ends[name] + 1]
            weight = BLENDS[options.blend][following]
            for kept, brought, field, begun, result in (
                (a, b_like, there, (size[following][0], size[following][1], other), a_like),
                (b_like, a, back, (size[following][1], size[following][0], own), b),
            ):
                start = warp(brought[following], patchmatch.enlarge(field[name], *begun))
                found = invert(warp(brought[name], field[name]), start, part, options.steps)
                share = weight * strong(kept[following])
                result[following] = share * kept[following] + (1 - share) * found
    first = names[-1]
    drawn, turned = (
        patchmatch.vote(field, picture).round().astype(np.uint8)
        for field, picture in ((there[first], look), (back[first], photo))
    )
    return Found(drawn, turned, there, back)
