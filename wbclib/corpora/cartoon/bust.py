"""Neck, shoulders and clothes of a portrait."""

from __future__ import annotations

import numpy as np

from wbclib.corpora.cartoon.drawing import Canvas
from wbclib.corpora.cartoon.hair import back_hair
from wbclib.corpora.cartoon.heads import skull
from wbclib.corpora.cartoon.palette import RGB, adjust, mix
from wbclib.corpora.cartoon.person import Frame, Person
from wbclib.corpora.cartoon.shapes import curve, straight


def bust(c: Canvas, who: Person, f: Frame) -> None:
    """Neck, shoulders and what is worn over them."""
    s = f.size
    back_hair(c, who, f)
    top, wide = c.mood.shade(who.top), 1.75 + 0.5 * who.jaw
    b = Frame(f.x, f.y, s)
    torso = [
        (-0.5, 1.55),
        (-wide * 0.75, 1.85),
        (-wide, 2.35),
        (-wide * 1.12, 5.5),
        (wide * 1.12, 5.5),
        (wide, 2.35),
        (wide * 0.75, 1.85),
        (0.5, 1.55),
        (0, 1.75),
    ]
    neck = b(
        curve([(-0.45, 0.6), (-0.42, 1.3), (-0.62, 1.75), (0, 2.1), (0.62, 1.75), (0.42, 1.3), (0.45, 0.6)], steps=4)
    )
    body = c.shape(b(curve(torso, steps=5)), who.top, 0.35 * s, 1.6)
    with c.inside(body):
        _wear(c, who, b, wide)
        for side in (-1, 1):
            c.ink(
                b(curve([(side * wide * 0.72, 2.7), (side * wide * 0.66, 3.4), (side * wide * 0.7, 4.6)], False)), 1.4
            )
    c.shape(neck, who.skin, 0, 1.5, wobble=0)
    with c.inside(neck):
        c.fill(f(skull(who, f.yaw) + [0.1, 0.32]), c.mood.shade(who.skin))
    c.ink(neck, 1.4, closed=True)
    _collar(c, who, b, wide, top)


def _wear(c: Canvas, who: Person, b: Frame, wide: float) -> None:
    """Pattern of the clothes, inside the torso."""
    if who.coat == "stripes":
        for y in np.arange(2.1, 5.5, 0.5):
            c.fill(
                b(
                    curve(
                        [
                            (-wide * 1.3, y + 0.1),
                            (0, y + 0.25),
                            (wide * 1.3, y + 0.1),
                            (wide * 1.3, y + 0.32),
                            (0, y + 0.47),
                            (-wide * 1.3, y + 0.32),
                        ],
                        steps=4,
                    )
                ),
                who.trim,
            )
    elif who.coat in ("jacket", "kimono"):
        c.shape(
            b([(-0.5, 1.5), (0.5, 1.5), (0.15, 5.6), (-0.15, 5.6)]),
            who.trim if who.coat == "jacket" else who.skin,
            0,
            1.3,
        )
    elif who.coat == "hoodie":
        for side in (-1, 1):
            c.ink(
                b(curve([(side * 0.35, 2.1), (side * 0.38, 2.7), (side * 0.34, 3.2)], False)),
                2.2,
                taper=0.2,
                colour=who.trim,
            )


def _collar(c: Canvas, who: Person, b: Frame, wide: float, dark: RGB) -> None:
    """What lies round the neck."""
    if who.coat in ("collar", "stripes"):
        for s in (-1, 1):
            c.shape(
                b(straight([(s * 0.52, 1.45), (s * 0.05, 2.05), (s * 0.5, 2.45), (s * 0.85, 1.75)], step=1)),
                mix(who.trim, (255, 255, 255), 0.6),
                0,
                1.4,
            )
    elif who.coat in ("jacket", "kimono"):
        for s in (1, -1):
            c.shape(
                b(curve([(s * 0.45, 1.4), (s * 0.8, 1.7), (s * 0.62, 2.7), (-s * 0.12, 4.2), (s * 0.1, 2.9)], steps=4)),
                dark if who.coat == "jacket" else who.trim,
                0,
                1.4,
            )
    elif who.coat == "scarf":
        c.shape(
            b(curve([(-0.8, 1.5), (0, 1.85), (0.8, 1.5), (0.95, 1.95), (0, 2.4), (-0.95, 1.95)])),
            who.trim,
            0.14 * b.size,
            1.5,
        )
        c.shape(b(curve([(0.2, 2.1), (0.7, 2.1), (0.85, 3.4), (0.35, 3.5)], steps=4)), who.trim, 0.1 * b.size, 1.5)
    elif who.coat == "turtleneck":
        c.shape(
            b(curve([(-0.55, 1.1), (0, 1.3), (0.55, 1.1), (0.68, 1.75), (0, 2.0), (-0.68, 1.75)], steps=4)),
            adjust(who.top, 0.05),
            0.1 * b.size,
            1.4,
        )
    elif who.coat == "hoodie":
        c.shape(
            b(
                curve(
                    [
                        (-0.6, 1.4),
                        (-1.2, 1.65),
                        (-0.8, 2.15),
                        (0, 2.35),
                        (0.8, 2.15),
                        (1.2, 1.65),
                        (0.6, 1.4),
                        (0.35, 1.9),
                        (0, 2.02),
                        (-0.35, 1.9),
                    ],
                    steps=4,
                )
            ),
            dark,
            0,
            1.4,
        )
    else:
        low = 2.7 if who.coat == "vneck" else 2.12
        rim = (
            curve([(-0.62, 1.62), (0, low), (0.62, 1.62)], False)
            if low < 2.5
            else np.array([(-0.62, 1.62), (0, low), (0.62, 1.62)])
        )
        c.fill(b(rim), who.skin)
        c.ink(b(rim), 2.4, taper=0, colour=adjust(who.top, 0.08))
        c.ink(b(rim), 1.2, taper=0.2)
