"""What one training step is, per method. The loop (loop.py) knows none of this.

A method owns its networks and optimisers and offers ``step`` and ``stylise``. Adding a method: subclass
:class:`wbclib.train.method.Method`, add one line to :data:`METHODS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from wbclib import images
from wbclib.corpora import looks
from wbclib.files import UserError
from wbclib.networks import adapters
from wbclib.networks.cyclegan import CycleDiscriminator
from wbclib.networks.residual import ImagePool
from wbclib.options import Edges, RunConfig
from wbclib.represent.surface import output_filter, surface
from wbclib.represent.texture import colour_shift_pair
from wbclib.train.method import Method
from wbclib.train.view import Cycled, View


class Pretrain(Method):
    """Initialisation: the generator learns to reproduce the photograph before it meets a discriminator.

    White-box paper, section 3.4, and CartoonGAN, section 3.3 (content loss); the official white-box code
    uses the pixel L1 instead; a supervised start learns the photograph's flow-based abstraction. Which one is a matter
    of the run's weights.
    """

    def step(self, batch: dict[str, Tensor], draw: torch.Generator) -> dict[str, Tensor]:
        del draw
        return self.update_generator(View(self, batch, self.generate(batch["photo"])))


class WhiteBox(Method):
    """Joint training with the surface, structure and texture representations (white-box paper, section 3)."""

    judges = ("surface", "texture", "projected")

    def generate(self, photo: Tensor, eps: float | None = None) -> Tensor:
        """Network output, then the run's guided filter."""
        options = self.config.output
        return output_filter(photo, super().generate(photo), options, options.train_eps if eps is None else eps)

    def shifted(self, image: Tensor, cartoon: Tensor, draw: torch.Generator) -> tuple[Tensor, Tensor]:
        """Both cut to the same window, ``shift`` pixels smaller, at a random place.

        Every discriminator takes a patch each 8 pixels, at the same places of every crop. Translation as in
        Differentiable Augmentation (Zhao et al., NeurIPS 2020), without filling what leaves the picture. It was meant
        against the faint grid that some runs draw on even areas, and did not take it away (profile ``shipped``,
        ``storybook-clear``).
        """
        if not (shift := self.config.shift):
            return image, cartoon
        top, left = torch.randint(shift + 1, (2,), generator=draw).tolist()
        rows, columns = (slice(start, start + image.shape[-1] - shift) for start in (top, left))
        return image[..., rows, columns], cartoon[..., rows, columns]

    def represent(
        self, image: Tensor, cartoon: Tensor, draw: torch.Generator, features: Tensor | None = None
    ) -> dict[str, tuple[Tensor, Tensor]]:
        """What each discriminator sees: (of the image, of the cartoon). One colour shift serves both.

        Args:
            features: perceptual features of the image, where they are known already.
        """
        options, pairs = self.config, {}
        if "surface" in self.modules:
            pairs["surface"] = (surface(image, options.surface), surface(cartoon, options.surface))
        if "texture" in self.modules:
            pairs["texture"] = colour_shift_pair(image, cartoon, options.texture, draw)
        if "projected" in self.modules:
            with torch.no_grad():
                real = self.perceive(cartoon)
            pairs["projected"] = (self.perceive(image) if features is None else features, real)
        return pairs

    def step(self, batch: dict[str, Tensor], draw: torch.Generator) -> dict[str, Tensor]:
        view = View(self, batch, self.generate(batch["photo"]))
        logged = {}
        shown, cartoon = self.shifted(view.output, batch["cartoon"], draw)
        known = view.output_features if "projected" in self.modules and shown is view.output else None
        for role, (fake, real) in self.represent(shown, cartoon, draw, known).items():
            view.seen[role] = fake
            logged[f"d_{role}"] = self.update_discriminator(role, real, fake)
        return logged | self.update_generator(view)


class CartoonGAN(Method):
    """One discriminator, which must also reject cartoons whose edges are smoothed (CartoonGAN, section 3)."""

    judges = ("cartoon",)

    def __init__(self, config: RunConfig, fabric: Any, permissions: dict[str, bool]):
        super().__init__(config, fabric, permissions)
        if config.pool:
            self.modules["pool"] = ImagePool(config.pool, config.size).to(fabric.device)

    @property
    def edges(self) -> Edges | None:
        """Those of the run, unless their weight is 0."""
        return self.config.edges if self.config.edges.weight else None

    def step(self, batch: dict[str, Tensor], draw: torch.Generator) -> dict[str, Tensor]:
        view = View(self, batch, self.generate(batch["photo"]))
        logged = {}
        if "cartoon" in self.modules:
            view.seen["cartoon"] = view.output
            fake = view.output.detach()
            fake = self.modules["pool"](fake, draw) if self.config.pool else fake
            loss = self.update_discriminator("cartoon", batch["cartoon"], fake, batch.get("smoothed"))
            logged["d_cartoon"] = loss
        return logged | self.update_generator(view)


class Styles(CartoonGAN):
    """CartoonGAN of several styles in turn: shared networks with residual adapters for every style (toonification
    study; Rebuffi et al. 2017 and 2018).

    With ``adapters.train`` one style learns its own values and everything else stays as another run has left it.
    """

    def networks(self) -> dict[str, nn.Module]:
        found, options = super().networks(), self.config.adapters
        if self.config.weights.look and (plain := [s for s, spec in self.config.styles.items() if not spec.look]):
            raise ValueError(f"the loss term look has nothing to ask of style {plain[0]}, which has no look")
        if self.config.pool:
            raise ValueError("one pool of outputs would mix the styles: say pool: 0")
        for network in found.values():
            adapters.adapt(network, list(self.config.styles), options.kind)
            if options.train:
                network.requires_grad_(False)
                for value in adapters.own(network, options.train):
                    value.requires_grad_(True)
        return found

    def begin(self, generator: dict[str, Tensor], others: Callable[[], dict[str, Tensor]]) -> None:
        """The generator may come without adapters; discriminators are taken over where they are not to learn."""
        found = {"generator": generator}
        if self.config.adapters.train:
            for name, value in others().items():
                role, _, key = name.partition("/")
                if role in self.modules and role != "generator":
                    found.setdefault(role, {})[key] = value
        for role, state in found.items():
            missing, unexpected = self.modules[role].load_state_dict(state, strict=False)
            if odd := [*unexpected, *(key for key in missing if adapters.style_of(key) is None)]:
                raise UserError(f"the run that this one starts from has another {role} ({odd[0]} differs)")

    def step(self, batch: dict[str, Tensor], draw: torch.Generator) -> dict[str, Tensor]:
        self.select(self.style(batch["style"]))
        return super().step(batch, draw)

    def style(self, turn: Tensor) -> str:
        """The style whose turn it is."""
        return self.config.adapters.train or list(self.config.styles)[int(turn)]

    def look(self, photo: Tensor, turn: Tensor | None) -> Tensor:
        assert turn is not None, "batches of several styles say whose turn it is"
        name = self.config.styles[self.style(turn)].look
        redrawn = [looks.LOOKS[name](image) for image in images.to_uint8(photo.cpu())]
        return images.to_tensor(np.stack(redrawn)).to(photo)

    def select(self, mix: str | adapters.Mix | None) -> None:
        """Choose a style, a mixture, or none (the shared networks alone) for what follows."""
        for module in self.modules.values():
            adapters.select(module, mix)

    def stylise(self, photo: Tensor, mix: str | adapters.Mix | None = "") -> Tensor:
        """As :meth:`Method.stylise`, in a style or a mixture; by default in the one that learns, or the first."""
        self.select((self.config.adapters.train or next(iter(self.config.styles))) if mix == "" else mix)
        return super().stylise(photo)


class CycleGAN(Method):
    """Two generators, one to cartoons and one back to photographs, each with a discriminator (Zhu et al., ICCV 2017).

    Without pairs the way is held by the term ``cycle`` (there and back again is the image itself) and, in the variant
    with ``identity``, by what each generator makes of an image that is of its kind already. The published weights are
    1, 10 and 5. Discriminators see earlier outputs as well (``pool``), each its own.
    """

    judges = ("cartoon", "photograph")
    generators = ("generator", "back")
    discriminators: ClassVar = dict.fromkeys(judges, lambda config: CycleDiscriminator(config.cycle.width))

    def __init__(self, config: RunConfig, fabric: Any, permissions: dict[str, bool]):
        super().__init__(config, fabric, permissions)
        if config.pool:
            for role in self.judges:
                self.modules[f"pool_{role}"] = ImagePool(config.pool, config.size).to(fabric.device)

    def turn_back(self, cartoon: Tensor) -> Tensor:
        """Cartoons as photographs, (N, 3, H, W), in float32."""
        return self.modules["back"](cartoon.contiguous(memory_format=self.layout)).float()

    def step(self, batch: dict[str, Tensor], draw: torch.Generator) -> dict[str, Tensor]:
        view, logged = View(self, batch, self.generate(batch["photo"])), {}
        view.cycled = cycled = Cycled(self, view, batch["cartoon"])
        for role, kind in (("cartoon", "cartoon"), ("photograph", "photo")):
            if role not in self.modules:
                continue
            view.seen[role] = view.output if role == "cartoon" else cycled.turned
            fake = view.seen[role].detach()
            fake = self.modules[f"pool_{role}"](fake, draw) if self.config.pool else fake
            logged[f"d_{role}"] = self.update_discriminator(role, batch[kind], fake)
        return logged | self.update_generator(view)


METHODS: dict[str, type[Method]] = {
    "pretrain": Pretrain,
    "whitebox": WhiteBox,
    "cartoongan": CartoonGAN,
    "styles": Styles,
    "cyclegan": CycleGAN,
}
