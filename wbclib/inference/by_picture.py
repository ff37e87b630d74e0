"""Any picture as the style of any photograph: ``--style nst:PICTURE`` (:mod:`wbclib.baselines.nst`)."""

from __future__ import annotations

import functools
import logging
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from wbclib import images
from wbclib.baselines import nst
from wbclib.files import UserError
from wbclib.networks import layers
from wbclib.networks.frozen import FeatureNetwork

LOG = logging.getLogger(__name__)
PREFIX = "nst:"
DETAIL = 256  # pixels: a step at twice that takes four times as long, and there are hundreds
SMALLEST = 32  # pixels of a short side: the deepest layer is a sixteenth as wide
# Content and style share their deepest layer where VGG19 ends with its third group: of equal weight the photograph
# hardly changed. Chosen by looking at 1, 0.3, 0.1 and this, on two styles.
REDUCED = 0.03


@dataclass(frozen=True)
class ByPicture:
    """``draw(photo)`` is the photograph in the style of ``picture``: uint8 (H, W, 3) to the same, from 32 x 32.

    Attributes:
        name: as it was asked for.
        picture: uint8 (H, W, 3), resized to the photograph's short side before it is looked at.
        network: VGG19 (:func:`wbclib.networks.layers.open_vgg19`).
        options: of the optimisation.
    """

    name: str
    picture: np.ndarray
    network: FeatureNetwork
    options: nst.NST = nst.NST()

    @functools.cached_property
    def seen(self) -> layers.Activations:
        """What is compared."""
        return nst.activations(self.network, self.options)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Draw uint8 (H, W, 3); minutes, with a progress bar."""
        side = min(image.shape[:2])
        if side < SMALLEST:
            raise UserError(f"{image.shape[1]} x {image.shape[0]} is too small for style transfer; at least {SMALLEST}")
        style = images.fit(self.picture, side)
        if np.array_equal(style, image):
            raise UserError("the picture of the style is the photograph itself; name another one after nst:")
        reduced = nst.content_layer(self.seen) != nst.CONTENT[0]
        options = replace(self.options, content=REDUCED * self.options.content) if reduced else self.options
        return nst.stylise(image, nst.fit([style], self.seen), self.seen, options)


def load(name: str) -> ByPicture | None:
    """The style ``nst:PICTURE``, on a GPU where there is one; None for any other name.

    Raises:
        UserError: no picture, one that cannot be read or is too small, or no weights of VGG19 here.
    """
    if not name.startswith(PREFIX):
        return None
    path = name.removeprefix(PREFIX)
    if not path:
        raise UserError(f"style {name!r}: say which picture after the colon, {PREFIX}PICTURE")
    picture = images.read(Path(path))
    if min(picture.shape[:2]) < SMALLEST:
        raise UserError(
            f"{path}: {picture.shape[1]} x {picture.shape[0]} pixels are too few for a style; say at least {SMALLEST}"
        )
    network = layers.open_vgg19()
    if network.origin["network"] != layers.DEEP:
        LOG.warning("VGG19 is here to conv3_1 alone: this is a reduced variant of the style transfer of Gatys et al.")
    return ByPicture(name, picture, network.to("cuda" if torch.cuda.is_available() else "cpu"))
