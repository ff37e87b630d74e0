"""Walls in any perspective and what is in them: windows, doors, signs, shop fronts; cottages, fences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from wbclib.corpora.cartoon.drawing import Canvas
from wbclib.corpora.cartoon.palette import CLOTHES, RGB, ROOFS, WALLS, jitter, mix, pick, rgb
from wbclib.corpora.cartoon.shapes import Points, box, ellipse, straight

Surface = Callable[[float, float], tuple[float, float]]  # (u, v) in the unit square -> picture


WHITE: RGB = (255, 255, 255)


LAMP: RGB = (255, 226, 140)


def patch(surface: Surface, u0: float, v0: float, u1: float, v1: float) -> Points:
    """Rectangle on a surface, as seen."""
    return np.array([surface(u0, v0), surface(u1, v0), surface(u1, v1), surface(u0, v1)], float)


def flat(x0: float, y0: float, x1: float, y1: float) -> Surface:
    """Surface that faces the viewer."""
    return lambda u, v: (x0 + (x1 - x0) * u, y0 + (y1 - y0) * v)


def pane(
    c: Canvas, s: Surface, u0: float, v0: float, u1: float, v1: float, lit: bool, frame: RGB, bars: int = 1
) -> None:
    """A window on a surface."""
    outer = patch(s, u0, v0, u1, v1)
    c.shape(outer, frame, 0, 1.1, wobble=0)
    du, dv = (u1 - u0) * 0.12, (v1 - v0) * 0.1
    glass = LAMP if lit else mix(c.mood.sky[0], rgb("24405a"), 0.5)
    c.fill(patch(s, u0 + du, v0 + dv, u1 - du, v1 - dv), glass, raw=True)
    if not lit:
        shine = [s(u0 + du, v1 - dv), s(u0 + du, v0 + 4 * dv), s(u0 + 4 * du, v0 + dv), s(u1 - 2 * du, v0 + dv)]
        c.fill(shine, mix(glass, c.mood.sky[2], 0.55), raw=True)
    else:
        c.fill(patch(s, u0 + du, v0 + dv, u0 + 2.6 * du, v1 - dv), mix(LAMP, (230, 120, 60), 0.5), raw=True)
    for k in range(bars):
        u = u0 + (u1 - u0) * (k + 1) / (bars + 1)
        c.ink(np.array([s(u, v0 + dv), s(u, v1 - dv)]), 1.5, taper=0, colour=frame)
    v = v0 + (v1 - v0) * 0.45
    c.ink(np.array([s(u0 + du, v), s(u1 - du, v)]), 1.5, taper=0, colour=frame)
    c.ink(patch(s, u0 + du, v0 + dv, u1 - du, v1 - dv), 0.8, closed=True)


def door(c: Canvas, s: Surface, u0: float, v0: float, u1: float, v1: float, colour: RGB) -> None:
    """A panelled door on a surface."""
    du, dv = (u1 - u0) * 0.2, (v1 - v0) * 0.1
    c.shape(patch(s, u0 - du * 0.5, v0 - dv * 0.6, u1 + du * 0.5, v1), mix(colour, WHITE, 0.7), 0, 1.1, wobble=0)
    c.shape(patch(s, u0, v0, u1, v1), colour, 0, 1.1, wobble=0)
    for a, b in ((0.12, 0.42), (0.52, 0.88)):
        q = patch(s, u0 + du, v0 + (v1 - v0) * a, u1 - du, v0 + (v1 - v0) * b)
        c.shape(q, c.mood.shade(colour), 0, 0.8, wobble=0)
    knob = s(u1 - du * 0.5, (v0 + v1) / 2)
    c.fill(ellipse(*knob, 0.004, 0.004, 8), (250, 210, 90))


def cottage(c: Canvas, x: float, y: float, w: float) -> None:
    """Small house of width ``w`` on the ground line y, seen at an angle."""
    rng, wall, roof = c.rng, pick(c.rng, WALLS), pick(c.rng, ROOFS)
    h, g = w * rng.uniform(0.38, 0.55), w * rng.uniform(0.24, 0.4)
    split, deep = x - w * 0.5 + w * 0.4, 0.06 * w
    gable = np.array(
        [[x - w * 0.5, y - h], [x - w * 0.3, y - h - g], [split, y - h], [split, y], [x - w * 0.5, y - deep]]
    )
    left_lit = c.mood.sun[0] < 0
    chimney = x + rng.uniform(0.1, 0.3) * w
    c.shape(
        box(chimney, y - h - g * 1.25, chimney + w * 0.09, y - h - g * 0.4), pick(rng, "a8573f 8a8a8a"), w * 0.02, 1.1
    )
    side = np.array([[split, y - h], [x + w * 0.5, y - h], [x + w * 0.5, y - deep], [split, y]])
    c.shape(side, wall if not left_lit else c.mood.shade(wall), 0, 1.3)
    c.shape(gable, wall if left_lit else c.mood.shade(wall), 0, 1.3)
    eaves = np.array(
        [
            [split + w * 0.03, y - h + w * 0.05],
            [x - w * 0.3, y - h - g],
            [x + w * 0.42, y - h - g],
            [x + w * 0.56, y - h + w * 0.04],
        ]
    )
    c.shape(straight(eaves), roof, w * 0.02, 1.4)
    for t in (0.3, 0.62):
        a, b = eaves[1] + (eaves[0] - eaves[1]) * t, eaves[2] + (eaves[3] - eaves[2]) * t
        c.ink(straight([a, b], closed=False), 0.9)
    left = np.array([[x - w * 0.56, y - h + w * 0.05], [x - w * 0.3, y - h - g]])
    c.ink(straight(left, closed=False), 3.0, taper=0.2, colour=roof)
    c.ink(straight(left, closed=False), 1.2, taper=0.2)
    s: Surface = lambda u, v: (split + (x + w * 0.5 - split) * u, y - h + h * v - deep * u * v)  # noqa: E731
    at_home = c.mood.night or (c.mood.name in ("dusk", "sunset") and rng.random() < 0.6)
    pane(c, s, 0.1, 0.25, 0.36, 0.62, at_home, (245, 240, 228))
    door(c, s, 0.5, 0.3, 0.68, 0.97, pick(rng, CLOTHES))
    pane(c, s, 0.76, 0.25, 0.95, 0.62, at_home, (245, 240, 228), 0)
    front: Surface = lambda u, v: (x - w * 0.5 + (split - x + w * 0.5) * u, y - h + h * v - deep * (1 - u) * v)  # noqa: E731
    pane(c, front, 0.3, 0.25, 0.7, 0.65, at_home, (245, 240, 228))


def fence(c: Canvas, x0: float, x1: float, y: float, h: float, colour: RGB) -> None:
    """Posts with two rails."""
    for v in (0.35, 0.7):
        c.shape(straight(box(x0, y - h * v - h * 0.06, x1, y - h * v + h * 0.06)), colour, 0, 0.9)
    for x in np.arange(x0, x1, h * 0.75):
        post = [[x, y], [x, y - h * 0.9], [x + h * 0.09, y - h], [x + h * 0.18, y - h * 0.9], [x + h * 0.18, y]]
        c.shape(np.array(post), colour, h * 0.06, 1.1)


_LETTERS: list[list[tuple[float, float]]] = [
    [(0, 1), (0, 0), (1, 0), (1, 1)],
    [(0, 0), (0, 1), (1, 1)],
    [(0, 1), (0.5, 0), (1, 1)],
    [(1, 0), (0, 0), (0, 1), (1, 1)],
    [(0, 1), (0, 0), (1, 1), (1, 0)],
    [(1, 0), (0, 0), (0, 0.5), (1, 0.5), (1, 1), (0, 1)],
    [(0, 0), (0, 1), (1, 1), (1, 0), (0, 0)],
]


def sign(c: Canvas, s: Surface, u0: float, v0: float, u1: float, v1: float) -> None:
    """Board with made-up letters."""
    rng, ground = c.rng, pick(c.rng, CLOTHES)
    c.shape(patch(s, u0, v0, u1, v1), ground, 0, 1.1, wobble=0)
    n = int(rng.integers(3, 6))
    tone = WHITE if sum(ground) < 420 else rgb("2a2030")
    for k in range(n):
        a = u0 + (u1 - u0) * (k + 0.7) / (n + 0.4)
        w, top, low = (u1 - u0) * 0.5 / n, v0 + (v1 - v0) * 0.25, v0 + (v1 - v0) * 0.75
        letter = _LETTERS[int(rng.integers(len(_LETTERS)))]
        strokes = [s(a + w * p, top + (low - top) * q) for p, q in letter]
        c.ink(np.array(strokes), 1.3, taper=0, colour=tone)


def facade(c: Canvas, s: Surface, floors: int, columns: int, wall: RGB, shop: bool, lit: float) -> None:
    """Front of a town house on a surface: windows, shutters, sills, a door or a shop with an awning."""
    rng, trim = c.rng, pick(c.rng, "f7f2e4 e9dcc0 5a4a42 3f5a5f ffffff")
    c.shape(patch(s, 0, 0, 1, 1), wall, 0, 1.3, wobble=0)
    c.shape(patch(s, -0.02, 0, 1.02, 0.035), mix(wall, trim, 0.6), 0, 1.1, wobble=0)
    c.fill(patch(s, 0.01, 0.035, 0.99, 0.06), c.mood.shade(wall))
    step, shutters, frame = 1 / (floors + 0.12), rng.random() < 0.4, jitter(rng, trim, 0.3)
    shutter = pick(rng, CLOTHES)
    for row in range(floors - 1):
        v = 0.09 + row * step
        for k in range(columns):
            u, w = (k + 0.5) / columns, 0.24 / columns
            if shutters:
                for a in (u - w * 1.75, u + w):
                    c.shape(patch(s, a, v, a + w * 0.75, v + step * 0.6), shutter, 0, 0.9, wobble=0)
            pane(c, s, u - w, v, u + w, v + step * 0.6, rng.random() < lit, frame)
            c.shape(patch(s, u - w * 1.25, v + step * 0.6, u + w * 1.25, v + step * 0.66), trim, 0, 0.9, wobble=0)
    v = 0.09 + (floors - 1) * step
    c.fill(patch(s, 0, 0.97, 1, 1), c.mood.shade(wall))
    if not shop:
        k = int(rng.integers(columns))
        for i in range(columns):
            u, w = (i + 0.5) / columns, 0.24 / columns
            if i == k:
                door(c, s, u - w, v + step * 0.12, u + w, 0.995, pick(rng, CLOTHES))
            else:
                pane(c, s, u - w, v + step * 0.1, u + w, v + step * 0.62, rng.random() < lit, frame)
        return
    pane(c, s, 0.08, v + step * 0.28, 0.6, v + step * 0.85, rng.random() < lit + 0.3, frame, 2)
    door(c, s, 0.69, v + step * 0.25, 0.9, 0.995, pick(rng, CLOTHES))
    stripes, hue = 8, pick(rng, CLOTHES)
    for k in range(stripes):
        c.fill(
            patch(s, 0.03 + 0.94 * k / stripes, v + step * 0.1, 0.03 + 0.94 * (k + 1) / stripes, v + step * 0.3),
            hue if k % 2 else (250, 244, 232),
        )
    c.fill(patch(s, 0.03, v + step * 0.3, 0.97, v + step * 0.36), c.mood.shade(c.mood.shade(wall)))
    c.ink(patch(s, 0.03, v + step * 0.1, 0.97, v + step * 0.3), 1.2, closed=True)
    sign(c, s, 0.2, v - step * 0.14, 0.8, v + step * 0.08)
