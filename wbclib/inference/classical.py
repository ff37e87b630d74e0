"""Looks without a network, instant and the same on every machine: ``ink``, ``flat``, ``bilateral``, ``pencil``.

``ink`` is the flow-based abstraction (:mod:`wbclib.represent.flow`) with the settings that notebook 04 chooses, and
what the shipped generators first learn; ``flat`` the structure representation (:mod:`wbclib.represent.structure`);
``bilateral`` the classical filter (:mod:`wbclib.baselines.bilateral`), ``pencil`` a drawing with coloured pencils
(:mod:`wbclib.baselines.pencil`). All of them look at the whole picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import yaml

from wbclib import images
from wbclib.baselines.bilateral import Bilateral, bilateral
from wbclib.baselines.pencil import Pencil, pencil
from wbclib.files import UserError
from wbclib.inference.styles import LICENCE
from wbclib.options import Flow, Structure
from wbclib.presets import PRESETS
from wbclib.represent.flow import abstraction
from wbclib.represent.structure import structure
from wbclib.values import build

INK = Flow(**PRESETS["ink"]["flow"])
# Fine enough that eyes and mouths stay regions of their own; pixels of a picture whose short side is FLAT_SIDE.
FLAT, FLAT_SIDE = Structure(scale=30.0, min_size=30, regions=1500), 512


@dataclass(frozen=True)
class Classical:
    """``look(photo)`` is the photograph in the look: uint8 (H, W, 3) to the same, any size from 1 x 1.

    Attributes:
        name: as it was asked for.
        options: :class:`wbclib.options.Flow`, :class:`wbclib.options.Structure`,
            :class:`wbclib.baselines.bilateral.Bilateral` or :class:`wbclib.baselines.pencil.Pencil`.
    """

    name: str
    options: Any
    licence: str = LICENCE

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Draw uint8 (H, W, 3)."""
        return DRAW[type(self.options)](image, self.options)


def _ink(image: np.ndarray, options: Flow) -> np.ndarray:
    return images.to_uint8(abstraction(images.to_tensor(image)[None], options))[0]


def _flat(image: np.ndarray, options: Structure) -> np.ndarray:
    scale = min(image.shape[:2]) / FLAT_SIDE
    scaled = replace(options, min_size=max(1, round(options.min_size * scale**2)))
    return images.to_uint8(structure(images.to_tensor(image)[None], scaled))[0]


def _bilateral(image: np.ndarray, options: Bilateral) -> np.ndarray:
    return bilateral(image[None], options)[0]


DRAW: Mapping[type, Callable[[np.ndarray, Any], np.ndarray]] = {
    Flow: _ink, Structure: _flat, Bilateral: _bilateral, Pencil: pencil
}  # fmt: skip
LOOKS: Mapping[str, Any] = {"ink": INK, "flat": FLAT, "bilateral": Bilateral(), "pencil": Pencil()}


def load(name: str) -> Classical | None:
    """A look by its name, with settings of one's own after a colon: ``ink:rho=0.98,bins=8``. None: no such look.

    Raises:
        UserError: a setting that is unknown or outside its range.
    """
    base, colon, asked = name.partition(":")
    if base not in LOOKS:
        return None
    values = {}
    for part in asked.split(",") if colon else []:
        key, equals, value = part.partition("=")
        if not equals or not key.strip():
            raise UserError(f"style {name!r}: after the colon say SETTING=VALUE, or several with commas between them")
        if key.strip() in values:
            raise UserError(f"style {name!r}: {key.strip()} is said twice; say it once")
        try:
            values[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise UserError(f"style {name!r}: {value!r} is no value") from error
    options = LOOKS[base]
    return Classical(name, build(type(options), asdict(options) | values, f"style {base}"))
