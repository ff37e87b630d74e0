"""Cartoons drawn by code: seeded, endless, free of any licence.

``draw(seed, size)`` is a pure function; ``cartoons`` is a corpus of its pictures, kept in a cache that is
checked by its hash and drawn again when it is damaged.
"""

from __future__ import annotations

import hashlib
import io
import logging
import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from wbclib import files, paths
from wbclib.corpora.base import Corpus, Item
from wbclib.corpora.cartoon.bust import bust
from wbclib.corpora.cartoon.drawing import Canvas
from wbclib.corpora.cartoon.figures import POSES, figure
from wbclib.corpora.cartoon.heads import head
from wbclib.corpora.cartoon.interior import interior
from wbclib.corpora.cartoon.landscape import landscape
from wbclib.corpora.cartoon.palette import CLOTHES, Rng, indoors, mix, mood, pick
from wbclib.corpora.cartoon.person import Frame, person
from wbclib.corpora.cartoon.shapes import box
from wbclib.corpora.cartoon.street import street
from wbclib.files import UserError

LOG = logging.getLogger(__name__)
VERSION = 1  # of the drawings: raise it whenever a picture changes
LICENCE = "CC0-1.0 (drawn by this project)"
CREDIT = "wbclib.corpora.toon"
SMALLEST = 32
SEEDS_PER_CORPUS = 1_000_000  # corpora of different seeds share no picture
KINDS = ("landscape", "street", "interior", "face", "figure")
_ODDS = (0.26, 0.2, 0.17, 0.22, 0.15)
_PLACES = {"landscape": landscape, "street": street, "interior": interior}
# smallest part of the square that the camera shows, and where the free height goes
_CAMERAS = {
    "landscape": (0.5, 0.3, 0.9),
    "street": (0.6, 0.35, 0.75),
    "interior": (0.78, 0.4, 0.9),
    "face": (0.75, 0.3, 1.0),
    "figure": (0.7, 0.3, 1.0),
}


def kind(seed: int) -> str:
    """Which of :data:`KINDS` ``draw(seed)`` shows."""
    return _begin(seed)[0]


def draw(seed: int, size: int = 256) -> NDArray[np.uint8]:
    """Draw one cartoon.

    Args:
        seed: any integer from 0 on; one seed is one picture (of one VERSION).
        size: side in pixels, at least 32. The composition does not depend on it.

    Returns:
        uint8 (size, size, 3), RGB.

    Raises:
        UserError: the size is below 32 or the seed below 0.
    """
    if size < SMALLEST:
        raise UserError(f"a cartoon of {size} pixels cannot be drawn; ask for a size of at least {SMALLEST}")
    if seed < 0:
        raise UserError(f"cartoon seed {seed} is negative; seeds start at 0")
    what, rng = _begin(seed)
    light = mood(rng)
    canvas = Canvas(size, rng, indoors(rng, light) if what == "interior" else light, _view(rng, *_CAMERAS[what]))
    if what in _PLACES:
        _PLACES[what](canvas, rng.uniform(0.26, 0.6))
    elif what == "face":
        portrait(canvas)
    else:
        group(canvas)
    return canvas.finish()


def _begin(seed: int) -> tuple[str, Rng]:
    rng = np.random.default_rng([VERSION, seed])
    return str(rng.choice(KINDS, p=_ODDS)), rng


def _view(rng: Rng, closest: float, high: float, low: float) -> tuple[float, float, float]:
    """Camera: the whole square, or a part of it at least ``closest`` wide."""
    side = 1.0 if rng.random() < 0.5 else rng.uniform(closest, 1.0)
    return rng.uniform(0, 1 - side), rng.uniform(high, low) * (1 - side), side


def _backdrop(c: Canvas) -> None:
    """A place behind people, or plain rays of colour."""
    rng = c.rng
    if rng.random() < 0.1:
        a = pick(rng, CLOTHES + " f2c6a0 a8d0d8 d8c0e0")
        c.sky([c.mood.lit(a), c.mood.lit(mix(a, (255, 255, 255), 0.5))], 0, 1)
        for u in np.arange(-0.1, 1.1, 0.25):
            c.fill([[u, -0.1], [u + 0.1, -0.1], [u - 0.15, 1.1], [u - 0.25, 1.1]], mix(a, (255, 255, 255), 0.25))
        return
    _PLACES[str(rng.choice(list(_PLACES)))](c, rng.uniform(0.35, 0.6))
    c.glaze(box(-0.1, -0.1, 1.1, 1.1), c.mood.haze, rng.uniform(0.1, 0.3))


def portrait(c: Canvas) -> None:
    """One or two heads and shoulders before a place."""
    rng = c.rng
    _backdrop(c)
    two = rng.random() < 0.25
    for k in range(1 + two):
        x = (0.27, 0.73)[k] + rng.uniform(-0.05, 0.05) if two else rng.uniform(0.38, 0.62)
        size = rng.uniform(0.12, 0.155) if two else rng.uniform(0.15, 0.26)
        yaw = (0.6, -0.6)[k] * rng.uniform(0.2, 1.3) if two else rng.uniform(-0.9, 0.9)
        who, place = person(rng), Frame(x, rng.uniform(0.42, 0.54), size, yaw, rng.uniform(-0.12, 0.12))
        bust(c, who, place)
        head(c, who, place, shut=rng.random() < 0.1)


def group(c: Canvas) -> None:
    """One to three people, whole or to the knees, before a place."""
    rng = c.rng
    _backdrop(c)
    n = int(rng.choice([1, 1, 2, 3]))
    tall = (rng.uniform(0.7, 1.25), rng.uniform(0.62, 0.95), rng.uniform(0.5, 0.75))[n - 1]
    for k in rng.permutation(n):
        x, feet = (k + 0.5) / n + rng.uniform(-0.08, 0.08), max(rng.uniform(0.9, 0.97), 0.08 + tall)
        h, yaw = tall * rng.uniform(0.85, 1.05), rng.uniform(-0.8, 0.8)
        figure(c, person(rng), x, feet, h, yaw, str(rng.choice(POSES)))


@dataclass(frozen=True)
class _Drawn:
    """A corpus as its cache file holds it: PNG files one after the other, where each ends, hashes of the pixels."""

    data: NDArray[np.uint8]
    ends: NDArray[np.int64]
    hashes: NDArray[np.str_]

    def check(self) -> str:
        """Hash over everything."""
        total = hashlib.sha256(self.data.tobytes())
        total.update(self.ends.tobytes() + "".join(self.hashes.tolist()).encode("ascii"))
        return total.hexdigest()

    def image(self, index: int) -> NDArray[np.uint8]:
        """Decode one picture."""
        start = int(self.ends[index - 1]) if index else 0
        picture = cv2.imdecode(self.data[start : int(self.ends[index])], cv2.IMREAD_COLOR)
        if picture is None:
            raise UserError(f"cartoon {index} cannot be decoded; delete the toon cache and run again")
        return np.ascontiguousarray(picture[..., ::-1])


def cartoons(count: int, size: int = 256, seed: int = 0) -> Corpus:
    """A corpus of ``count`` drawings.

    They are drawn once, with a progress bar, and kept in one file below the cache folder; a file that is damaged
    or of another VERSION is drawn again.

    Args:
        count: number of pictures, at least 1.
        size: side in pixels, at least 32.
        seed: of the corpus; corpora of different seeds share no picture.

    Raises:
        UserError: count, size or seed out of range, or the cache cannot be written.
    """
    if not 1 <= count <= SEEDS_PER_CORPUS:
        raise UserError(f"a corpus of {count} cartoons cannot be drawn; ask for 1 to {SEEDS_PER_CORPUS}")
    if size < SMALLEST:
        raise UserError(f"cartoons of {size} pixels cannot be drawn; ask for a size of at least {SMALLEST}")
    if seed < 0:
        raise UserError(f"cartoon seed {seed} is negative; seeds start at 0")
    versions = files.digest([cv2.__version__, np.__version__])[:8]  # another library may draw other bytes
    path = paths.cache("toon", f"v{VERSION}-{versions}-seed{seed}-{size}px-{count}.npz")
    drawn = _read(path, count)
    if drawn is None:
        drawn = _draw_all(count, size, seed)
        _write(path, drawn)
    items = [
        Item(f"toon-{i:06d}", str(drawn.hashes[i]), LICENCE, CREDIT, (size, size), f"toon-{i:06d}")
        for i in range(count)
    ]
    return Corpus("toon", items, drawn.image)


def _draw_all(count: int, size: int, seed: int) -> _Drawn:
    parts, hashes = [], []
    for i in tqdm(range(count), desc="drawing cartoons", unit="picture", disable=None):
        picture = draw(seed * SEEDS_PER_CORPUS + i, size)
        hashes.append(hashlib.sha256(picture.tobytes()).hexdigest())
        parts.append(cv2.imencode(".png", picture[..., ::-1])[1].ravel())
    ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
    return _Drawn(np.concatenate(parts), ends, np.array(hashes))


def _write(path: Path, drawn: _Drawn) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, data=drawn.data, ends=drawn.ends, hashes=drawn.hashes, check=np.array(drawn.check()))
    with files.atomic(path) as temporary:
        temporary.write_bytes(buffer.getvalue())


def _read(path: Path, count: int) -> _Drawn | None:
    """The cached corpus; None where there is none or it cannot be trusted."""
    if not path.is_file():
        return None
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            drawn, check = _Drawn(stored["data"], stored["ends"], stored["hashes"]), str(stored["check"])
        if check == drawn.check() and len(drawn.ends) == len(drawn.hashes) == count:
            return drawn
        reason = "its hash does not agree"
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
    LOG.warning("%s is damaged (%s): drawing it again", paths.shown(path), reason)
    return None
