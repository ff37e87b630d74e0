"""Inpainting in the generator's features: each part against an independent computation, the whole on photographs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.sparse.linalg import spsolve

from wbclib import images
from wbclib.corpora import bundled
from wbclib.inference.inpaint import Inpainting, context_weights, inpaint, poisson, without
from wbclib.networks.residual import CartoonDiscriminator, ResidualGenerator


def solved_directly(source: np.ndarray, target: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Equation 7 of Perez et al., pixel by pixel, as one sparse system."""
    height, width = known.shape
    number = {place: k for k, place in enumerate(zip(*np.nonzero(~known), strict=True))}
    result = target.copy()
    for channel in range(len(source)):
        matrix, right = sparse.lil_matrix((len(number), len(number))), np.zeros(len(number))
        for (i, j), k in number.items():
            for a, b in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)):
                if not (0 <= a < height and 0 <= b < width):
                    continue
                matrix[k, k] += 1
                right[k] += source[channel, i, j] - source[channel, a, b]
                if (a, b) in number:
                    matrix[k, number[a, b]] -= 1
                else:
                    right[k] += target[channel, a, b]
        values = spsolve(matrix.tocsr(), right)
        for (i, j), k in number.items():
            result[channel, i, j] = values[k]
    return result


def holes(height: int, width: int, seed: int) -> np.ndarray:
    """Known pixels: blocks at the border, in a corner and inside are missing, and single pixels."""
    random = np.random.default_rng(seed)
    known = random.random((height, width)) > 0.1
    known[:5, :7] = known[8:15, 6:12] = known[-3:, 4:9] = False
    return known


@pytest.mark.parametrize("seed", range(4))
def test_blending_is_the_direct_solution(seed: int) -> None:
    random = np.random.default_rng(seed)
    source, target = random.normal(size=(2, 3, 21, 17))
    known = holes(21, 17, seed)
    found = poisson(source, target, known)
    np.testing.assert_allclose(found, solved_directly(source, target, known), atol=1e-4)
    np.testing.assert_array_equal(found[:, known], target[:, known])


def test_what_differs_by_a_constant_leaves_no_seam() -> None:
    target = np.random.default_rng(1).normal(size=(3, 20, 20)).astype(np.float32)
    known = holes(20, 20, 2)
    found = poisson(target + np.float32(0.7), target, known)
    np.testing.assert_allclose(found, target, atol=1e-4)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(poisson(target + 1, target, np.ones_like(known)), target)
    with pytest.raises(ValueError, match="nothing to blend into"):
        poisson(target, target, np.zeros_like(known))


def test_weights_are_the_share_of_missing_neighbours() -> None:
    known = holes(18, 23, 3)
    found = context_weights(torch.from_numpy(known)[None, None], 5)[0, 0]
    padded = np.pad(~known, 2)  # beyond the border nothing is missing
    wanted = np.array([[padded[i : i + 5, j : j + 5].mean() for j in range(23)] for i in range(18)]) * known
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert (context_weights(torch.ones(1, 1, 8, 8, dtype=torch.bool)) == 1).all()
    with pytest.raises(ValueError, match="odd number"):
        context_weights(torch.ones(1, 1, 8, 8, dtype=torch.bool), 4)


def test_the_search_begins_without_what_the_hole_became() -> None:
    z = torch.arange(2 * 4 * 4.0).reshape(1, 2, 4, 4)
    known = torch.ones(1, 1, 16, 16, dtype=torch.bool)
    known[..., 5, 6] = False  # lies in the cell (1, 1)
    found = without(z, known)
    changed = (found != z).nonzero().tolist()
    assert changed == [[0, 0, 1, 1], [0, 1, 1, 1]]
    others = [value for k, value in enumerate(range(16)) if k != 5]
    assert found[0, 0, 1, 1].item() == pytest.approx(np.mean(others))
    torch.testing.assert_close(without(z, torch.zeros_like(known)), z.mean((2, 3), keepdim=True).expand_as(z))


@pytest.fixture
def autocast(precision: str) -> Callable[[], torch.autocast]:
    """The context in which networks compute in each precision."""
    return partial(torch.autocast, "cpu", torch.bfloat16, enabled=precision == "bfloat16")


@pytest.fixture(scope="module")
def networks() -> tuple[ResidualGenerator, CartoonDiscriminator]:
    torch.manual_seed(0)
    pair = ResidualGenerator(4).eval().requires_grad_(False), CartoonDiscriminator(2).eval().requires_grad_(False)
    with torch.no_grad():
        pair[0].out.weight.mul_(5)
    return pair


def photographs() -> tuple[torch.Tensor, torch.Tensor]:
    """Every bundled photograph with a block missing, and what is known."""
    corpus = bundled.photographs()
    x = images.to_tensor(np.stack([images.square(corpus.image(i), 48) for i in range(len(corpus))]))
    known = torch.ones(len(x), 1, 48, 48, dtype=torch.bool)
    known[:, :, 12:28, 20:36] = False
    return torch.where(known, x, torch.zeros(())), known


def test_encoder_and_decoder_are_the_generator(networks: tuple[ResidualGenerator, CartoonDiscriminator]) -> None:
    x, _ = photographs()
    assert torch.equal(networks[0].decode(networks[0].encode(x[:2])), networks[0](x[:2]))


def test_it_agrees_better_on_every_photograph_and_touches_nothing_known(
    networks: tuple[ResidualGenerator, CartoonDiscriminator], autocast: Callable[[], torch.autocast]
) -> None:
    generator, critic = networks
    x, known = photographs()
    found = inpaint(generator, critic, x, known, Inpainting(steps=12), progress=False, autocast=autocast)
    assert (found.last < 0.9 * found.first).all()
    with autocast():
        cartoon = generator(x).float().clamp(-1, 1)
    assert found.raw.dtype == torch.float32
    mask = known.expand_as(x)
    assert torch.equal(found.pictures[mask], cartoon[mask])
    assert not torch.equal(found.pictures[~mask], cartoon[~mask])
    assert not torch.equal(found.raw[mask], cartoon[mask])


def test_a_photograph_is_not_changed_by_those_beside_it(
    networks: tuple[ResidualGenerator, CartoonDiscriminator],
) -> None:
    x, known = photographs()
    options = Inpainting(steps=5)
    together = inpaint(*networks, x[:3], known[:3], options, progress=False)
    alone = inpaint(*networks, x[1:2], known[1:2], options, progress=False)
    torch.testing.assert_close(together.pictures[1:2], alone.pictures, atol=1e-4, rtol=0)


def test_the_prior_pulls_towards_the_critic(networks: tuple[ResidualGenerator, CartoonDiscriminator]) -> None:
    generator, critic = networks
    x, known = photographs()
    raw = {
        prior: inpaint(generator, critic, x[:3], known[:3], Inpainting(steps=12, prior=prior), progress=False).raw
        for prior in (0.0, 30.0)
    }
    away = {prior: float((critic(made) - 1).square().mean()) for prior, made in raw.items()}
    assert away[30.0] < away[0.0]


def test_known_pixels_must_be_named(networks: tuple[ResidualGenerator, CartoonDiscriminator]) -> None:
    x, known = photographs()
    for wrong in (known[:1], torch.zeros_like(known)):
        with pytest.raises(ValueError, match="must name pixels"):
            inpaint(*networks, x, wrong, progress=False)
