"""Hair: what lies behind the neck, and the locks over the forehead."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from wbclib.corpora.cartoon.drawing import Canvas
from wbclib.corpora.cartoon.palette import Rng, adjust, mix
from wbclib.corpora.cartoon.person import Frame, Person
from wbclib.corpora.cartoon.shapes import Points, arc, curve, ellipse, scallop


def _hair_path(corners: ArrayLike, bends: ArrayLike) -> Points:
    """Pointed locks: bows between corners, closed."""
    p = np.asarray(corners, float)
    parts = [arc(a, b, k, 6) for a, b, k in zip(p, np.roll(p, -1, 0), np.asarray(bends), strict=True)]
    return np.concatenate(parts)


def back_hair(c: Canvas, who: Person, f: Frame) -> None:
    """Everything of the hair that lies behind neck and shoulders."""
    rng, dark, w = c.rng, c.mood.shade(who.hair), 0.22 * f.size
    if who.back == "long":
        n = rng.uniform(2.0, 3.2)
        p = [
            (-0.9, -1.1),
            (0.9, -1.1),
            (1.25, 0.2),
            (1.3, n * 0.7),
            (1.0, n),
            (0.5, n - 0.25),
            (0.1, n - 0.05),
            (-0.5, n - 0.2),
            (-1.0, n),
            (-1.3, n * 0.7),
            (-1.25, 0.2),
        ]
        c.shape(f(_hair_path(p, [0.1] * 11)), dark, 0, 1.5)
    elif who.back == "bob":
        p = [
            (-0.9, -1.1),
            (0.9, -1.1),
            (1.25, 0.1),
            (1.22, 0.9),
            (0.9, 1.15),
            (0.2, 0.9),
            (-0.2, 0.9),
            (-0.9, 1.15),
            (-1.22, 0.9),
            (-1.25, 0.1),
        ]
        c.shape(f(_hair_path(p, [0.08] * 10)), dark, 0, 1.5)
    elif who.back == "tail":
        side = -np.sign(f.yaw) or 1.0
        tail = curve(
            [
                (side * 0.6, -0.9),
                (side * 1.5, -0.9),
                (side * 1.8, 0.1),
                (side * 1.55, 1.4),
                (side * 1.25, 0.6),
                (side * 1.0, -0.2),
            ],
            steps=6,
        )
        c.shape(f(tail), who.hair, w, 1.5)
    elif who.back == "bun":
        c.shape(f(curve(ellipse(-0.3 * f.yaw, -1.45, 0.5, 0.45, 8))), who.hair, w, 1.5)
    elif who.back == "twin":
        for side in (-1, 1):
            p = [
                (side * 0.85, -0.85),
                (side * 1.5, -0.75),
                (side * 1.75, 0.4),
                (side * 1.45, 1.7),
                (side * 1.2, 0.7),
                (side * 1.0, 0.0),
            ]
            c.shape(f(curve(p)), who.hair, w, 1.5)
            c.shape(f(curve(ellipse(side * 1.0, -0.72, 0.16, 0.2, 6))), who.trim, 0, 1.1)
    elif who.back == "afro":
        c.shape(f(scallop(ellipse(0, -0.45, 1.42, 1.35, 17), 0.28)), who.hair, w, 1.5, wobble=0)


def cap_path(who: Person, rng: Rng, yaw: float) -> Points:
    """Front hair in head units: the crown's outside, then the hairline with its locks."""
    low = 0.35 if who.back in ("bob", "long", "twin") else 0.08
    outer = [(-1.0, low), (-1.12, -0.45), (-0.82, -1.18), (0.0, -1.5), (0.82, -1.18), (1.12, -0.45), (1.0, low)]
    bends = [0.06, 0.12, 0.1, 0.1, 0.12, 0.06, 0.05]
    x = 0.3 * yaw
    if who.fringe == "spiky":
        outer = [
            (-1.0, low),
            (-1.3, -0.5),
            (-1.0, -0.65),
            (-1.2, -1.25),
            (-0.62, -1.2),
            (-0.4, -1.75),
            (0.0, -1.35),
            (0.5, -1.8),
            (0.68, -1.2),
            (1.25, -1.2),
            (1.02, -0.65),
            (1.3, -0.4),
            (1.0, low),
        ]
        bends = [0.05, -0.05, 0.1] * 4 + [0.05]
    if who.fringe in ("bangs", "spiky"):
        n, deep = int(rng.integers(3, 6)), rng.uniform(-0.32, -0.12) if who.fringe == "bangs" else -0.2
        u = np.linspace(0.82, -0.82, 2 * n + 1) + x * 0.5
        inner = [
            (v, -0.55 + rng.uniform(-0.06, 0.06) if k % 2 == 0 else deep + rng.uniform(-0.1, 0.08))
            for k, v in enumerate(u)
        ]
        inner = [(0.84, 0.0), *inner, (-0.84, 0.0)]
        curls = [0.05, *[(-0.08 if k % 2 else 0.12) for k in range(2 * n)], 0.05]
    elif who.fringe == "parted":
        p = x + rng.uniform(-0.45, 0.45)
        inner = [
            (0.84, 0.1),
            (0.8, -0.35),
            (0.45 + 0.3 * p, -0.5),
            (p, -1.02),
            (-0.45 + 0.3 * p, -0.5),
            (-0.8, -0.35),
            (-0.84, 0.1),
        ]
        curls = [0.1, -0.08, -0.16, -0.16, -0.08, 0.1]
    elif who.fringe == "swept":
        s = 1 if rng.random() < 0.5 else -1
        inner = [(0.84, 0.05), (0.72, -0.35), (0.35, -0.32), (0.0, -0.6), (-0.3, -0.5), (-0.68, -0.92), (-0.86, -0.05)]
        inner = inner if s > 0 else [(-a, b) for a, b in inner[::-1]]
        curls = [0.1, -0.15, 0.15, -0.12, 0.15, 0.1]
    else:
        inner = [
            (0.87, 0.05),
            (0.78, -0.55),
            (0.4 + x, -0.82),
            (x, -0.78 if rng.random() < 0.6 else -0.6),
            (-0.4 + x, -0.82),
            (-0.78, -0.55),
            (-0.87, 0.05),
        ]
        curls = [-0.1, -0.06, 0.06, 0.06, -0.06, -0.1]
    if who.fringe == "curly":
        ring = np.array(outer) * [1.08, 1.05]
        outside = np.concatenate(
            [
                arc(a, b, 0.25, 6)
                for p, q in zip(ring[:-1], ring[1:], strict=True)
                for a, b in ((p, (p + q) / 2), ((p + q) / 2, q))
            ]
        )
        line = np.array(inner)
        return np.concatenate(
            [outside, *[arc(a, b, 0.22, 6) for a, b in zip(line[:-1], line[1:], strict=True)], line[-1:]]
        )
    return _hair_path([*outer, *inner], [*bends[: len(outer) - 1], 0.0, *curls, 0.0])


def front_hair(c: Canvas, who: Person, f: Frame, cap: Points) -> None:
    """Hair over the forehead, with a band of shine and strands."""
    rng = c.rng
    p = c.shape(f(cap), who.hair, 0, 1.6, wobble=0.4)
    if f.size < 0.05:
        return
    with c.inside(p):
        side = -np.sign(c.mood.sun[0])
        c.fill(
            f(
                curve(
                    [
                        (side * 0.62, -1.6),
                        (side * 0.75, -0.9),
                        (side * 0.66, -0.2),
                        (side * 0.8, 0.8),
                        (side * 1.7, 0.8),
                        (side * 1.7, -1.6),
                    ]
                )
            ),
            c.mood.shade(who.hair),
        )
        bright = mix(adjust(who.hair, 0.12), (255, 255, 255), 0.12)
        u = np.linspace(-0.78, 0.5, 12) * -side
        band = [(x, -0.98 + 0.32 * x * x + (0.13 if k % 2 else -0.04)) for k, x in enumerate(u)]
        top = [(x, -1.1 + 0.3 * x * x) for x in u[::-1]]
        c.fill(f(np.array(band + top)), bright)
        for x in rng.uniform(-0.8, 0.8, 5):
            c.ink(f(curve([(x * 0.5 + 0.15 * f.yaw, -1.36), (x * 0.9, -1.0), (x, -0.62)], False)), 1.0)
    c.ink(p, 1.6, closed=True)
