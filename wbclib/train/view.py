"""What the loss terms of one step may look at."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from wbclib import losses
from wbclib.represent import flow

if TYPE_CHECKING:  # a method makes its views
    from wbclib.train.method import Method
    from wbclib.train.methods import CycleGAN


class View(losses.View):
    """The tensors of one generator step, computed when a loss term first asks for them (see losses.View)."""

    def __init__(self, method: Method, batch: dict[str, Tensor], output: Tensor):
        self.method, self.photo, self.output = method, batch["photo"], output
        self.index, self.turn, self.target = batch.get("index"), batch.get("style"), batch.get("target")
        self.cycled: losses.Cycled | None = None
        self.seen: dict[str, Tensor] = {}  # the output as each discriminator sees it
        # Under way from here on: other threads find the structure images while the discriminators learn.
        self.pending = method.begin_structure(output) if "structure" in method.weights else None
        config = method.config
        self.adversarial, self.perceptual_norm, self.tv_norm = (
            config.adversarial,
            config.perceptual_norm,
            config.tv_norm,
        )

    @cached_property
    def output_features(self) -> Tensor:
        return self.method.perceive(self.output)

    @cached_property
    def photo_features(self) -> Tensor:
        if self.index is not None and self.method.remembered is not None:
            return self.method.remembered[self.index].float()
        with torch.no_grad():
            return self.method.perceive(self.photo)

    @cached_property
    def abstraction(self) -> Tensor:
        return flow.abstraction(self.photo, self.method.config.flow) if self.target is None else self.target

    @cached_property
    def abstraction_features(self) -> Tensor:
        with torch.no_grad():
            return self.method.perceive(self.abstraction)

    @cached_property
    def look(self) -> Tensor:
        return self.method.look(self.photo, self.turn)

    @cached_property
    def structure_features(self) -> Tensor:
        assert self.pending is not None, "only a run with a structure weight has structure images"
        target = self.pending.result()
        self.method.waited += self.pending.waited
        with torch.no_grad():
            return self.method.perceive(target)

    @property
    def surface_logits(self) -> Tensor:
        return self.method.modules["surface"](self.seen["surface"])

    @property
    def texture_logits(self) -> Tensor:
        return self.method.modules["texture"](self.seen["texture"])

    @property
    def projected_logits(self) -> Tensor:
        return self.method.modules["projected"](self.seen["projected"])

    @property
    def cartoon_logits(self) -> Tensor:
        return self.method.modules["cartoon"](self.seen["cartoon"])

    @property
    def photograph_logits(self) -> Tensor:
        return self.method.modules["photograph"](self.seen["photograph"])


class Cycled:
    """Images and cartoons there and back (see losses.Cycled), computed when they are first asked for."""

    def __init__(self, method: CycleGAN, view: View, cartoon: Tensor):
        self.method, self.view, self.cartoon = method, view, cartoon

    @cached_property
    def turned(self) -> Tensor:
        """The cartoons as photographs."""
        return self.method.turn_back(self.cartoon)

    @cached_property
    def photo_again(self) -> Tensor:
        return self.method.turn_back(self.view.output)

    @cached_property
    def cartoon_again(self) -> Tensor:
        return self.method.generate(self.turned)

    @cached_property
    def same_cartoon(self) -> Tensor:
        return self.method.generate(self.cartoon)

    @cached_property
    def same_photo(self) -> Tensor:
        return self.method.turn_back(self.view.photo)
