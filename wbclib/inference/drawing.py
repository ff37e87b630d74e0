"""Photograph in, cartoon of the same size out, drawn at a working size at which lines are as wide as they should be.

A generator draws lines of some two pixels whatever the size: on a photograph of 12 megapixels nobody sees them. So
the photograph is shrunk to a working short side, drawn, and the cartoon enlarged (:mod:`wbclib.represent.enlarge`).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from wbclib import images
from wbclib.files import UserError
from wbclib.inference import by_picture, classical
from wbclib.inference.by_picture import ByPicture
from wbclib.inference.classical import Classical
from wbclib.inference.styles import DEFAULT, load_style
from wbclib.inference.stylist import TILE, Stylist
from wbclib.represent.enlarge import enlarge

LOG = logging.getLogger(__name__)
DETAIL = 512  # pixels: where the lengths of `ink` hold and the shipped generators learnt (profile `shipped`, crops)
SMALLEST_DETAIL = 64


def check_detail(detail: int) -> None:
    """Refuse a short side that is too small to draw at."""
    if detail and detail < SMALLEST_DETAIL:
        raise UserError(
            f"detail {detail}: say a short side in pixels, at least {SMALLEST_DETAIL}, or 0 for the picture's own "
            "pixels"
        )


@dataclass(frozen=True)
class Drawing:
    """``drawing(photo)`` is the cartoon, uint8 (H, W, 3) to the same, any size from 1 x 1 (by a picture, 32 x 32).

    Attributes:
        draw: what draws.
        detail: short side at which it draws where the photograph's is longer; 0: it draws the photograph's own pixels.
    """

    draw: Stylist | Classical | ByPicture
    detail: int = DETAIL

    def __post_init__(self) -> None:
        check_detail(self.detail)

    @property
    def films(self) -> bool:
        """Whether it is quick enough for films."""
        return not isinstance(self.draw, ByPicture)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Draw uint8 (H, W, 3)."""
        if not self.detail or min(image.shape[:2]) <= self.detail:
            return self.draw(image)
        return enlarge(self.draw(images.fit(image, self.detail)), image.shape[:2])


def without_generator(name: str) -> bool:
    """Whether a style, a look or a picture, draws without a generator."""
    return name.partition(":")[0] in classical.LOOKS or name.startswith(by_picture.PREFIX)


def default_detail(name: str) -> int:
    """The working short side of a style where nobody says one."""
    return by_picture.DETAIL if name.startswith(by_picture.PREFIX) else DETAIL


def open_drawing(
    name: str | None = None,
    sharpness: float = 0.0,
    detail: int | None = None,
    tile: int | None = None,
    engine: str = "auto",
) -> Drawing:
    """What draws in a style: a look without a network (:mod:`wbclib.inference.classical`), a picture, or a generator.

    Args:
        name: as :func:`wbclib.inference.classical.load`, :func:`wbclib.inference.by_picture.load` or
            :func:`wbclib.inference.styles.load_style` takes it.
        sharpness, tile: of a generator (:class:`wbclib.inference.stylist.Stylist`).
        detail: as :class:`Drawing` says; by default :func:`default_detail`.
        engine: of a generator (:mod:`wbclib.inference.engine`).

    Raises:
        UserError: unknown style, or a value outside its range; a setting of generators for a look without one.
    """
    name = name or DEFAULT
    detail = default_detail(name) if detail is None else detail
    look = classical.load(name) or by_picture.load(name)
    if look is None:
        from wbclib.inference.engine import placed  # loads ONNX, which notebooks that draw by a run do without

        style = load_style(name)
        if sharpness and not style.output.radius:
            LOG.warning("style %s has no output filter: its sharpness is that of its network, whatever is asked", name)
        network, device = placed(style, engine)
        return Drawing(Stylist(style, sharpness, TILE if tile is None else tile, device, network), detail)
    given = {"sharpness": sharpness != 0, "tile": tile is not None, "engine": engine != "auto"}
    if odd := [word for word, is_given in given.items() if is_given]:
        raise UserError(f"style {look.name} has no generator: leave out {' and '.join(odd)}")
    return Drawing(look, detail)
