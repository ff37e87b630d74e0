"""Rows of the comparison that this study has not trained: controls, classical looks, the authors' released weights."""

from __future__ import annotations

import functools
from collections.abc import Callable

import cv2
import numpy as np

from wbclib import paths
from wbclib.inference import drawing, styles
from wbclib.inference.classical import LOOKS
from wbclib.inference.styles import NO_FILTER, OFFICIAL, OFFICIAL_FILE, Style, load_style
from wbclib.inference.stylist import Stylist
from wbclib.measure import damages
from wbclib.networks import weights
from wbclib.networks.official import load_cartoongan
from wbclib.networks.weights import MissingWeights, WeightFile
from wbclib.train.loop import stylise

Stylise = Callable[[np.ndarray], np.ndarray]

RESEARCH = "released for research; hosting repository Apache-2.0"
CARTOONGAN = {
    "official-cartoongan-hayao": WeightFile(
        "cartoongan_hayao_official_fp16.npz",
        "a913f396e26a06682bc178090840cb06ae34ef11b6c0da20943167dbd7d94496",
        "CartoonGAN's authors, style Hayao",
        RESEARCH,
    ),
    "official-cartoongan-shinkai": WeightFile(
        "cartoongan_shinkai_official_fp16.npz",
        "82671e0a6eb707ac90c053b4fb384298ba44532b0680102464005836b19adfaf",
        "CartoonGAN's authors, style Shinkai",
        RESEARCH,
    ),
}


def released() -> dict[str, Stylise]:
    """The authors' generators whose weights are here, each from uint8 (N, H, W, 3) to the same shape.

    Sides are multiples of 4, at least 8.

    Raises:
        UserError: a file of weights is there, but damaged.
    """
    return {
        name: functools.partial(_each, Stylist(style)) if name == OFFICIAL else _in_batches(style)
        for name, style in released_styles().items()
    }


def released_styles() -> dict[str, Style]:
    """The same as styles, which draw whole pictures of any size; errors as of :func:`released`."""
    found = {OFFICIAL: load_style(OFFICIAL)} if _whitebox_is_here() else {}
    for name in CARTOONGAN:
        try:
            found[name] = cartoongan_style(name)
        except MissingWeights:
            continue
    return found


def cartoongan(name: str) -> Stylise:
    """A released generator of CartoonGAN by its row's name.

    Raises:
        MissingWeights: they are not here; the message says what to put where.
    """
    return _in_batches(cartoongan_style(name))


def cartoongan_style(name: str) -> Style:
    """The same as a style, which draws whole pictures of any size.

    Raises:
        MissingWeights: as :func:`cartoongan`.
    """
    file = CARTOONGAN[name]
    network = load_cartoongan(weights.obtain(name, [file], downloads=False)[1]).eval().requires_grad_(False)
    return Style(name, network, NO_FILTER, file.licence, file.origin, whole=True)


def _in_batches(style: Style) -> Stylise:
    return lambda photos: stylise(style.network, photos, batch=4)


def shipped() -> dict[str, Stylise]:
    """The generators that come with the package, by style, each from uint8 (N, H, W, 3) to the same shape."""
    drawing = {style: Stylist(load_style(style)) for style in styles.shipped()}
    return {style: functools.partial(_each, stylist) for style, stylist in drawing.items()}


def _each(stylist: Callable[[np.ndarray], np.ndarray], photos: np.ndarray) -> np.ndarray:
    return np.stack([stylist(photo) for photo in photos])


def absent() -> dict[str, str]:
    """Rows whose weights are not here -> what to put where."""
    notes = {} if _whitebox_is_here() else {OFFICIAL: f"weights not found: put {OFFICIAL_FILE} at {weights.PLACE}"}
    for name, file in CARTOONGAN.items():
        if weights.find([file]) is None:
            notes[name] = f"weights not found: put {file.name} at {weights.PLACE}"
    return notes


def classical() -> dict[str, Stylise]:
    """The looks without a network, and OpenCV's two with its default settings.

    Each takes a crop for a whole picture, so that lines belong to the crop's size.
    """
    draws: dict[str, Stylise] = {name: drawing.open_drawing(name, detail=0) for name in LOOKS}
    draws["opencv-stylization"] = lambda photo: cv2.stylization(photo[..., ::-1])[..., ::-1]
    draws["opencv-pencilsketch"] = lambda photo: cv2.pencilSketch(photo[..., ::-1])[1][..., ::-1]
    return {name: functools.partial(_each, draw) for name, draw in draws.items()}


BLUR, JPEG = 1 / 128, 10  # standard deviation as a share of the short side; JPEG's quality


def controls() -> dict[str, Stylise]:
    """:func:`control_draws` of many crops, each from uint8 (N, H, W, 3) to the same shape."""
    return {name: functools.partial(_each, draw) for name, draw in control_draws().items()}


def control_draws() -> dict[str, Stylise]:
    """What nobody calls a cartoon, by name: a measure that finds one of them nearer to cartoons is misled by it.

    ``blur``: Gaussian, of :data:`BLUR`; ``jpeg``: saved with :data:`JPEG` and read again. Each from one picture, uint8
    (H, W, 3), to its like. The guided filter and the bilateral filter are controls as well, and have rows of their own.
    """

    def blur(photo: np.ndarray) -> np.ndarray:
        sigma = BLUR * min(photo.shape[:2])
        return np.asarray(cv2.GaussianBlur(photo, (0, 0), sigma, borderType=cv2.BORDER_REFLECT))

    damage, unused = damages.jpeg(JPEG), np.random.default_rng(0)
    return {"blur": blur, "jpeg": lambda photo: damage.make(photo, unused)[0]}


def _whitebox_is_here() -> bool:
    return (paths.assets() / "weights" / OFFICIAL_FILE).is_file()
