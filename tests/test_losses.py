"""Every loss term against numbers one can do in the head, and against its own definition in numpy."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from wbclib import losses
from wbclib.options import Weights


def test_lsgan_values_are_the_ones_of_the_definition() -> None:
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([0.0, 2.0])
    assert losses.discriminator(real, fake, "lsgan").item() == 0.5 * ((0 + 4) / 2 + (0 + 4) / 2)
    assert losses.generator(fake, "lsgan").item() == (1 + 1) / 2


def test_log_values_are_the_ones_of_the_definition() -> None:
    logit = math.log(3.0)  # D = 0.75
    real, fake = torch.tensor([logit]), torch.tensor([-logit])
    assert losses.discriminator(real, fake, "log").item() == pytest.approx(-2 * math.log(0.75))
    assert losses.generator(fake, "log").item() == pytest.approx(-math.log(0.25))


def test_a_perfect_generator_pays_nothing_and_a_perfect_discriminator_pays_nothing() -> None:
    ones, zeros = torch.ones(2, 1, 3, 3), torch.zeros(2, 1, 3, 3)
    assert losses.generator(ones, "lsgan").item() == 0
    assert losses.discriminator(ones, zeros, "lsgan").item() == 0


def test_perceptual_distance_official_is_the_mean_divided_once_more() -> None:
    a, b = torch.zeros(2, 512, 32, 32), torch.full((2, 512, 32, 32), 0.25)
    assert losses.perceptual(a, b).item() == 0.25
    # 32 * 32 * 512 = 524 288: the effective weight of 2e2 is 3.8e-4, as REFERENCE states for the official code.
    assert losses.perceptual(a, b, "official").item() == pytest.approx(0.25 / 524288)
    assert 2e2 / 524288 == pytest.approx(3.8e-4, rel=0.01)


def test_total_variation_against_numpy() -> None:
    image = torch.rand(2, 3, 5, 7, dtype=torch.float64) * 2 - 1
    array = image.numpy()
    dy, dx = np.diff(array, axis=2), np.diff(array, axis=3)
    assert losses.total_variation(image).item() == pytest.approx(np.abs(dy).mean() + np.abs(dx).mean())
    assert losses.total_variation(image, "official").item() == pytest.approx(
        ((dy**2).mean() + (dx**2).mean()) / (3 * 5 * 7)
    )
    assert losses.total_variation(torch.full((1, 3, 4, 4), 0.3)).item() == 0


@pytest.mark.parametrize("call", [losses.discriminator, losses.perceptual])
def test_an_unknown_switch_is_an_error(call: object) -> None:
    with pytest.raises(ValueError, match="say"):
        call(torch.ones(1, 1), torch.ones(1, 1), "hinge")  # type: ignore[operator]
    with pytest.raises(ValueError, match="say"):
        losses.generator(torch.ones(1), "hinge")
    with pytest.raises(ValueError, match="say"):
        losses.total_variation(torch.ones(1, 3, 4, 4), "l3")


@pytest.mark.parametrize("kind", ["lsgan", "log"])
def test_gradcheck(kind: str) -> None:
    logits = torch.randn(2, 1, 3, 3, dtype=torch.float64, requires_grad=True)
    others = torch.randn(2, 1, 3, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: losses.generator(x, kind), (logits,))
    assert torch.autograd.gradcheck(lambda x: losses.discriminator(others, x, kind), (logits,))


def test_the_table_and_the_weights_name_the_same_terms() -> None:
    assert set(losses.TERMS) == set(vars(Weights()))


def test_every_term_of_the_table_takes_what_it_says_from_the_view() -> None:
    image, features = torch.zeros(1, 3, 4, 4), torch.zeros(1, 2, 2, 2)
    view = SimpleNamespace(
        photo=image, output=image + 0.5, photo_features=features, output_features=features + 2.0,
        structure_features=features + 5.0, abstraction=image - 0.25, abstraction_features=features + 8.0,
        look=image + 1.5,
        surface_logits=torch.zeros(1, 1, 2, 2),
        texture_logits=torch.full((1, 1, 2, 2), 3.0), cartoon_logits=torch.full((1, 1, 2, 2), 5.0),
        projected_logits=torch.full((1, 1, 2, 2), -2.0),
        photograph_logits=torch.full((1, 1, 2, 2), -4.0),
        cycled=SimpleNamespace(cartoon=image + 1, photo_again=image + 0.125, cartoon_again=image + 2,
                               same_cartoon=image + 1.25, same_photo=image - 0.5),
        adversarial="lsgan", perceptual_norm="mean", tv_norm="mean",
    )  # fmt: skip
    values = {name: term.value(view).item() for name, term in losses.TERMS.items()}
    assert values == {"surface": 1.0, "texture": 4.0, "projected": 9.0, "structure": 3.0, "content": 2.0, "tv": 0.0,
                      "pixel": 0.5, "abstraction": 0.75, "abstraction_features": 6.0, "chroma": 0.0,
                      "smoothness": 0.0, "look": 1.0, "adversarial": 16.0, "adversarial_back": 25.0,
                      "cycle": 1.125, "identity": 0.75}  # fmt: skip
    with pytest.raises(ValueError, match="method cyclegan"):
        losses.there_and_back(SimpleNamespace(cycled=None))


def test_total_is_the_weighted_sum() -> None:
    values = {"surface": torch.tensor(2.0), "tv": torch.tensor(3.0)}
    assert losses.total(values, {"surface": 0.5, "tv": 10.0}).item() == 31.0


def test_chroma_is_blind_to_grey_and_to_what_lies_within_a_square() -> None:
    photo = torch.rand(2, 3, 32, 48, dtype=torch.float64) * 2 - 1
    assert losses.chroma(photo + 0.3, photo).item() == pytest.approx(0, abs=1e-12)
    inside = torch.zeros_like(photo)
    inside[..., ::2, :], inside[..., 1::2, :] = 0.5, -0.5
    inside[:, 1:] = 0  # red alone moves, by nothing on the average
    assert losses.chroma(photo + inside, photo).item() == pytest.approx(0, abs=1e-12)


def test_chroma_of_a_shift_of_one_colour() -> None:
    photo, luma = torch.zeros(1, 3, 32, 32), 0.299
    redder = photo.clone()
    redder[:, 0] = 0.6
    wanted = 0.6 * ((1 - luma) + luma + luma) / 3  # red keeps what its luma does not take; green and blue lose it
    assert losses.chroma(redder, photo).item() == pytest.approx(wanted, rel=1e-4)
    assert losses.chroma(redder[..., :8, :8], photo[..., :8, :8]).item() == pytest.approx(wanted, rel=1e-4)


def test_gradients_of_chroma() -> None:
    draw = torch.Generator().manual_seed(0)
    photo, output = (torch.rand(1, 3, 8, 12, generator=draw, dtype=torch.float64) for _ in range(2))
    assert torch.autograd.gradcheck(lambda x: losses.chroma(x, photo, 4), output.requires_grad_(True))


def test_smoothness_is_total_variation_where_the_guide_is_even() -> None:
    output = torch.rand(2, 3, 6, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    grey = torch.full_like(output, 0.2)
    assert losses.smoothness(output, grey).item() == pytest.approx(losses.total_variation(output).item(), rel=1e-12)


def test_smoothness_lets_a_line_lie_beside_the_guides() -> None:
    guide = torch.full((1, 3, 7, 12), 1.0, dtype=torch.float64)
    guide[..., 5:] = -1.0  # a step of 2 after column 4: differences 3 to 5 are free
    for column, counted in ((4, False), (3, False), (5, False), (2, True), (6, True)):
        output = torch.zeros_like(guide)
        output[..., column + 1 :] = 0.6
        wanted = 0.6 / 11 if counted else 0.6 * math.exp(-2 / 0.05) / 11
        assert losses.smoothness(output, guide).item() == pytest.approx(wanted, rel=1e-9), column
        turned = losses.smoothness(output.mT, guide.mT)
        assert turned.item() == pytest.approx(wanted, rel=1e-9), column


def test_smoothness_counts_less_the_more_the_guide_changes() -> None:
    output, guide = torch.zeros(1, 3, 1, 2, dtype=torch.float64), torch.zeros(1, 3, 1, 2, dtype=torch.float64)
    output[..., 1], guide[0, 1, 0, 1] = 0.5, 0.05  # one channel of the guide, by as much as `edge`
    output = output.expand(1, 3, 4, 2)
    assert losses.smoothness(output, guide.expand(1, 3, 4, 2)).item() == pytest.approx(0.5 / math.e, rel=1e-9)


def test_gradients_of_smoothness() -> None:
    draw = torch.Generator().manual_seed(0)
    guide, output = (torch.rand(1, 3, 8, 12, generator=draw, dtype=torch.float64) for _ in range(2))
    output, guide = output.requires_grad_(True), guide.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda x: losses.smoothness(x, guide.detach(), 0.5), output)
    losses.smoothness(output, guide).backward()
    assert guide.grad is None, "the guide is given"
