"""Photographs that come with the locked dependencies: nothing is downloaded, every machine has the same.

Taken: every natural colour photograph on disk. Left out, from scikit-image: ``retina.jpg``, ``ihc.png`` and
``microaneurysms.png`` (medicine), ``hubble_deep_field.jpg`` (sky survey), ``color.png``, ``logo.png`` and
``chessboard_RGB.png`` (drawn), ``lfw_subset.npy`` (grey thumbnails), the grey photographs (``camera``, ``brick``,
``grass``, ``gravel``, ``coins``, ``moon``, ...); from matplotlib: ``Minduka_Present_Blue_Pack.png`` and
``logo2.png`` (drawn). What scikit-image fetches on demand (``eagle``, ``skin`` ...) is not on disk.

The licence lines say what scikit-image's and matplotlib's own documentation states, and where it states nothing.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from wbclib import images
from wbclib.corpora.base import Corpus, Item
from wbclib.files import UserError
from wbclib.paths import assets

LOG = logging.getLogger(__name__)
PACKAGES = {"skimage": "scikit-image", "matplotlib": "matplotlib"}  # import name: name to install
SKIMAGE, MATPLOTLIB = "data", "mpl-data/sample_data"
MIDDLEBURY = (
    "Middlebury 2014 stereo dataset; Scharstein, Hirschmueller, Kitajima, Krathwohl, Nesic, Wang, Westling (GCPR 2014)"
)
UNSTATED = "not stated by the authors; redistributed by scikit-image among its test images"


@dataclass(frozen=True)
class Photograph:
    """A file of an installed package; ``sha256`` is that of the locked version."""

    package: str
    path: str
    sha256: str
    licence: str
    credit: str
    group: str


PHOTOGRAPHS = (
    Photograph(
        "skimage",
        f"{SKIMAGE}/astronaut.png",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        "public domain (no known copyright restrictions)",
        "NASA, portrait of Eileen Collins",
        "astronaut",
    ),
    Photograph(
        "skimage",
        f"{SKIMAGE}/coffee.png",
        "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
        "CC0 1.0",
        "Rachel Michetti, courtesy of Pikolo Espresso Bar",
        "coffee",
    ),
    Photograph(
        "skimage",
        f"{SKIMAGE}/chelsea.png",
        "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
        "CC0 1.0",
        "Stefan van der Walt",
        "chelsea",
    ),
    Photograph(
        "skimage",
        f"{SKIMAGE}/rocket.jpg",
        "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
        "public domain",
        "SpaceX, launch of DSCOVR",
        "rocket",
    ),
    Photograph(
        "skimage",
        f"{SKIMAGE}/motorcycle_left.png",
        "db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179",
        UNSTATED,
        MIDDLEBURY,
        "motorcycle",
    ),
    Photograph(
        "skimage",
        f"{SKIMAGE}/motorcycle_right.png",
        "5fc913ae870e42a4b662314bc904d1786bcad8e2f0b9b67dba5a229406357797",
        UNSTATED,
        MIDDLEBURY,
        "motorcycle",
    ),
    Photograph(
        "matplotlib",
        f"{MATPLOTLIB}/grace_hopper.jpg",
        "a8ca6d734765703b09728ab47fe59f473d93ae3967fc24c7c0288c3c7adb7130",
        "public domain (work of the US Navy)",
        "US Navy, portrait of Grace Hopper, by way of Wikimedia Commons",
        "grace_hopper",
    ),
)


def locate(photograph: Photograph) -> Path:
    """Path of a photograph on this machine, found without importing its package.

    A packed run carries those that its machine may lack in ``assets/bundled``.

    Raises:
        UserError: the package is not installed, or its wheel was installed without its data.
    """
    package = PACKAGES[photograph.package]
    spec = importlib.util.find_spec(photograph.package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / photograph.path
        if path.is_file():
            return path
    carried = assets() / "bundled" / Path(photograph.path).name
    if carried.is_file():
        return carried
    raise UserError(
        f"{Path(photograph.path).name} comes with {package}, which is not installed whole; install {package}"
    )


@cache
def photographs() -> Corpus:
    """The bundled photographs: all seven or a UserError, so that a corpus of this name is the same everywhere.

    Another version of a package may ship another file: that is logged, and changes the corpus' digest.
    """
    paths = [locate(photograph) for photograph in PHOTOGRAPHS]
    items = [_item(photograph, path) for photograph, path in zip(PHOTOGRAPHS, paths, strict=True)]
    return Corpus("bundled", items, lambda i: images.read(paths[i]))


def _item(photograph: Photograph, path: Path) -> Item:
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != photograph.sha256:
        LOG.warning("%s is not the file of the locked version; tables made from it will differ", path.name)
    size = images.decode(data, path).shape
    return Item(
        name=path.name,
        sha256=found,
        licence=photograph.licence,
        credit=photograph.credit,
        size=(size[0], size[1]),
        group=photograph.group,
        bytes=len(data),
    )
