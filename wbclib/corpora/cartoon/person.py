"""Who somebody is, and where a head stands.

A head is drawn in its own units: half its width is 1, the origin lies between the eyes' height and the
nose, the top of the skull is at y = -1.25 and the chin at about y = 1.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from wbclib.corpora.cartoon.palette import CLOTHES, EYES, HAIRS, RGB, SKINS, Rng, pick
from wbclib.corpora.cartoon.shapes import Points

FRINGES = ("bangs", "parted", "swept", "spiky", "back", "curly")


BACKS = ("none", "none", "bob", "long", "tail", "bun", "twin", "afro")


COATS = ("tee", "collar", "hoodie", "jacket", "vneck", "scarf", "turtleneck", "stripes", "kimono")


@dataclass(frozen=True)
class Person:
    """What stays the same about somebody from picture to picture."""

    skin: RGB
    hair: RGB
    eye: RGB
    top: RGB
    bottom: RGB
    trim: RGB
    fringe: str
    back: str
    coat: str
    skirt: bool
    jaw: float  # 0 pointed, 1 broad
    eye_size: float
    brow: float  # thickness
    smile: float  # -1 to 1
    extras: frozenset[str]


def person(rng: Rng) -> Person:
    """Make somebody up."""
    skin = pick(rng, SKINS, 0.5)
    hair = pick(rng, HAIRS, 0.8)
    back = str(rng.choice(BACKS))
    odds = {
        "glasses": 0.18,
        "freckles": 0.15,
        "blush": 0.5,
        "earring": 0.2,
        "hat": 0.14,
        "open": 0.4,
        "lashes": 0.5,
        "bag": 0.3,
        "socks": 0.4,
    }
    extras = {name for name, p in odds.items() if rng.random() < p}
    if back == "none" and rng.random() < 0.3:
        extras |= {str(rng.choice(["beard", "moustache", "stubble"]))}
        extras -= {"lashes"}
    return Person(
        skin, hair, pick(rng, EYES), pick(rng, CLOTHES), pick(rng, CLOTHES), pick(rng, CLOTHES),
        str(rng.choice(FRINGES)), back, str(rng.choice(COATS)), back != "none" and rng.random() < 0.5,
        rng.uniform(0.0, 0.4) if back != "none" else rng.uniform(0.2, 1.0), rng.uniform(0.75, 1.2),
        rng.uniform(0.7, 1.5), rng.uniform(-0.25, 1.0), frozenset(extras),
    )  # fmt: skip


class Frame:
    """Head units to picture: place, size, tilt, and the turn of the head (``yaw``, -1 to 1)."""

    def __init__(self, x: float, y: float, size: float, yaw: float = 0.0, tilt: float = 0.0) -> None:
        self.x, self.y, self.size, self.yaw = x, y, size, yaw
        self.cos, self.sin = np.cos(tilt), np.sin(tilt)

    def __call__(self, points: ArrayLike, front: float = 0.0) -> Points:
        """``front`` is how far out of the head's axis a part lies: it moves with the turn."""
        p = np.asarray(points, float)
        x, y = p[..., 0] + front * 0.3 * self.yaw, p[..., 1]
        return np.stack(
            [self.x + self.size * (x * self.cos - y * self.sin), self.y + self.size * (x * self.sin + y * self.cos)], -1
        )
