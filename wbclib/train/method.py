"""What every training method has: networks, optimisers, perceptual features, one update of each network."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm.auto import tqdm

from wbclib import images, losses
from wbclib.files import UserError
from wbclib.networks import features as feature_networks
from wbclib.networks.cyclegan import CycleGenerator
from wbclib.networks.discriminators import FeatureDiscriminator, PatchDiscriminator
from wbclib.networks.generators import UNet
from wbclib.networks.residual import CartoonDiscriminator, ResidualGenerator
from wbclib.options import Edges, RunConfig
from wbclib.represent.structure import Pending, begin
from wbclib.train.device import precision

# Features of kept photographs that were computed last in this process (Method.remember).
KEPT_BYTES = 2**28
_REMEMBERED: dict[tuple[object, ...], Tensor] = {}

Build = Callable[[RunConfig], nn.Module]
GENERATORS: dict[str, Build] = {
    "unet": lambda config: UNet(),
    "residual": lambda config: ResidualGenerator(config.residual.width, config.residual.norm),
    "cyclegan": lambda config: CycleGenerator(config.cycle.width, config.cycle.blocks),
}
DISCRIMINATORS: dict[str, Build] = {
    "surface": lambda config: PatchDiscriminator(3),
    "texture": lambda config: PatchDiscriminator(1),
    "projected": lambda config: FeatureDiscriminator(feature_networks.channels(config.features)),
    "cartoon": lambda config: CartoonDiscriminator(max(1, config.residual.width // 2), config.residual.norm),
}


class Method:
    """Base of the methods: a generator, the discriminators that the weighted terms ask for, Adam for each.

    Args:
        config: the run's configuration.
        fabric: a ``lightning.fabric.Fabric`` that places and wraps networks and optimisers.
        permissions: keyword arguments of :func:`wbclib.networks.features.load` (downloads, random weights).

    The class attributes after ``judges`` are there for speed; the step study (:mod:`wbclib.bench.removals`)
    takes them away.
    """

    judges: tuple[str, ...] = ()  # the discriminators that a step shows something to
    discriminators: ClassVar[Mapping[str, Build]] = DISCRIMINATORS
    generators: tuple[str, ...] = ("generator",)  # what the weighted sum of the terms moves; the first one draws
    layout = torch.channels_last
    fused = True  # Adam updates all values in one pass
    # A discriminator looks at cartoons and outputs in one batch, where its logits do not depend on what is beside. Its
    # spectral norms then take one step of their power iteration in an update, not two.
    together = True

    def __init__(self, config: RunConfig, fabric: Any, permissions: dict[str, bool]):
        self.config, self.fabric = config, fabric
        self.precision: str = precision(config.precision, fabric.device.type)  # as Fabric calls it
        self.weights = {name: weight for name, weight in asdict(config.weights).items() if weight != 0}
        if not self.weights:
            raise UserError("this run has no loss term: give at least one weight that is not 0")
        if config.generator not in GENERATORS:
            raise UserError(f"unknown generator {config.generator!r}; known are: {', '.join(GENERATORS)}")
        for term in self.weights:
            if (role := losses.TERMS[term].discriminator) and role not in self.judges:
                raise UserError(f"the method {config.method} has no discriminator for the loss term {term}: weigh it 0")
            if term in losses.CYCLED and len(self.generators) < 2:
                raise UserError(
                    f"the method {config.method} has no way back, which the loss term {term} asks for: weigh it 0"
                )
        try:
            plain = self.networks()
        except ValueError as error:
            raise UserError(f"this run's networks: {error}") from error
        self.modules: dict[str, Any] = {}
        self.optimisers: dict[str, Optimizer] = {}
        self.learns: dict[str, list[nn.Parameter]] = {}
        for name, module in plain.items():
            learns = self.learns[name] = [value for value in module.parameters() if value.requires_grad]
            optimiser = Adam(learns, config.lr, (config.beta1, config.beta2), fused=self.fused)
            module = module.to(memory_format=self.layout)
            self.modules[name], self.optimisers[name] = fabric.setup(module, optimiser)
        if config.average:
            ema = get_ema_multi_avg_fn(config.average)
            self.modules["average"] = AveragedModel(self.plain("generator"), multi_avg_fn=ema)
        self.waited = 0.0  # seconds that all steps together have waited for structure images
        self.remembered: Tensor | None = None
        self.features: Any = None
        if config.perceives():
            network = feature_networks.load(config.features, **permissions).to(fabric.device)
            self.features = network.to(memory_format=self.layout)

    def networks(self) -> dict[str, nn.Module]:
        """The generators and the discriminators that the weighted terms ask for; what shall not learn is frozen."""
        found = {role: GENERATORS[self.config.generator](self.config) for role in self.generators}
        for term in self.weights:
            if role := losses.TERMS[term].discriminator:
                found[role] = self.discriminators[role](self.config)
        return found

    def begin(self, generator: dict[str, Tensor], others: Callable[[], dict[str, Tensor]]) -> None:
        """Start from another run.

        Args:
            generator: its generator's tensors.
            others: gives all tensors of its last checkpoint (:func:`wbclib.train.checkpoints.flatten`).
        """
        del others
        self.modules["generator"].load_state_dict(generator)

    @property
    def origin(self) -> dict[str, Any] | None:
        """Where the perceptual network's weights came from; None where no term uses it."""
        return self.features.origin if self.features is not None else None

    def settle(self) -> None:
        """End the training: the generator takes the running mean of its weights, where the run keeps one.

        Adversarial training may circle around where it is going, which a mean evens out (Yazici et al., ICLR 2019).
        """
        if "average" in self.modules:
            self.plain("generator").load_state_dict(self.modules["average"].module.state_dict())

    def set_rate(self, lr: float) -> None:
        """The learning rate of what follows, of every network."""
        for optimiser in self.optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = lr

    def plain(self, role: str) -> nn.Module:
        """A network without Fabric's wrapper: no autocast of its own, and gradients by ``backward`` of any loss."""
        module = self.modules[role]
        return getattr(module, "module", module)

    def perceive(self, image: Tensor) -> Tensor:
        """Perceptual features of ``(N, 3, H, W)`` in [-1, 1]; gradients pass to the image."""
        with self.fabric.autocast():
            return self.features(image.contiguous(memory_format=self.layout)).float()

    @torch.no_grad()
    def remember(self, photos: np.ndarray) -> None:
        """Compute the features of kept photographs, uint8 (K, H, W, 3), once and hold them in half precision.

        bfloat16 where the networks compute in it, else float16. Where no term uses them, nothing is done. A run that
        keeps the same photographs as the one before it in this process takes what that one has computed.
        """
        if "content" not in self.weights:
            return
        key = (hashlib.sha256(photos.tobytes()).hexdigest(), photos.shape, repr(self.origin), self.config.batch,
               str(self.fabric.device), self.precision)  # fmt: skip
        if key in _REMEMBERED:
            self.remembered = _REMEMBERED[key]
            return
        _REMEMBERED.clear()
        kind = torch.bfloat16 if "bf16" in self.precision else torch.float16
        parts = np.split(photos, range(self.config.batch, len(photos), self.config.batch))
        shown = tqdm(parts, desc="features of the kept photographs", unit="batch", mininterval=1.0)
        found = [self.perceive(images.to_tensor(part).to(self.fabric.device)).to(kind) for part in shown]
        self.remembered = torch.cat(found)
        if self.remembered.nbytes <= KEPT_BYTES:
            _REMEMBERED[key] = self.remembered

    def generate(self, photo: Tensor, eps: float | None = None) -> Tensor:
        """The generator's output for ``(N, 3, H, W)`` photographs, in float32, unclamped."""
        del eps
        return self.modules["generator"](photo.contiguous(memory_format=self.layout)).float()

    def step(self, batch: dict[str, Tensor], draw: torch.Generator) -> dict[str, Tensor]:
        """One update of every network; returns detached scalars to log."""
        raise NotImplementedError

    @torch.no_grad()
    def stylise(self, photo: Tensor) -> Tensor:
        """Stylised photographs in [-1, 1], clamped, never wrapped; batch normalisation by its running means."""
        generator = self.modules["generator"]
        training = generator.training
        generator.eval()
        try:
            return self.generate(photo, self.config.output.infer_eps).clamp(-1, 1)
        finally:
            generator.train(training)

    @property
    def edges(self) -> Edges | None:
        """How the loader is to smooth cartoons along their edges; None: this method has no use for such cartoons."""
        return None

    def look(self, photo: Tensor, turn: Tensor | None) -> Tensor:
        """Photographs in the look of the style whose turn it is; only a run of styles has any."""
        raise UserError("the loss term look needs the method styles")

    def begin_structure(self, output: Tensor) -> Pending:
        """Start the structure images of an output; the cores find regions while this thread goes on."""
        if not torch.isfinite(output).all():
            raise FloatingPointError("the generator's output")
        return begin(output, self.config.structure)

    def update_discriminator(self, role: str, real: Tensor, fake: Tensor, smoothed: Tensor | None = None) -> Tensor:
        """One step of a discriminator on cartoons, outputs and, weighted, edge-smoothed cartoons; its loss."""
        network, optimiser, kind = self.modules[role], self.optimisers[role], self.config.adversarial
        for value in self.learns[role]:
            value.requires_grad_(True)
        seen = [real, fake.detach(), *([] if smoothed is None else [smoothed])]
        if self.together and not self._couples_images(role):
            logits = network(torch.cat(seen)).float().split(len(real))
        else:
            logits = [network(images).float() for images in seen]
        loss = losses.discriminator(logits[0], logits[1], kind)
        if smoothed is not None:
            loss = loss + self.config.edges.weight * losses.rejected(logits[2], kind)
        optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        optimiser.step()
        network.requires_grad_(False)  # the generator's step needs no gradient of the discriminator's weights
        return loss.detach()

    def _couples_images(self, role: str) -> bool:
        """Whether a discriminator's batch normalisation would mix what it is shown in one batch."""
        return role == "cartoon" and self.config.residual.norm == "batch"

    def update_generator(self, view: losses.View) -> dict[str, Tensor]:
        """One step of the generator on the weighted sum of its terms; the one that has to wait is computed last."""
        found = {name: losses.TERMS[name].value(view) for name in sorted(self.weights, key="structure".__eq__)}
        values = {name: found[name] for name in self.weights}
        total = losses.total(values, self.weights)
        for role in self.generators:
            self.optimisers[role].zero_grad(set_to_none=True)
        self.fabric.backward(total)
        for role in self.generators:
            self.optimisers[role].step()
        if "average" in self.modules:
            self.modules["average"].update_parameters(self.plain("generator"))
        return {"total": total.detach()} | {name: value.detach() for name, value in values.items()}
