"""Rooms in one-point perspective, with window light and furniture."""

from __future__ import annotations

import numpy as np

from wbclib.corpora.cartoon.buildings import LAMP, WHITE, Surface, door, patch
from wbclib.corpora.cartoon.drawing import Canvas
from wbclib.corpora.cartoon.figures import figure
from wbclib.corpora.cartoon.furniture import bed, block, desk, framed, pendant, shelf, sofa, table, window
from wbclib.corpora.cartoon.palette import CLOTHES, INTERIORS, RGB, WOODS, adjust, mix, pick
from wbclib.corpora.cartoon.person import person
from wbclib.corpora.cartoon.shapes import Perspective, arc, curve, ellipse
from wbclib.corpora.cartoon.things import cat, plant


def interior(c: Canvas, horizon: float) -> None:
    """A room in one-point perspective: window light, furniture, pictures, a rug."""
    rng = c.rng
    see = Perspective(rng.uniform(0.35, 0.65), rng.uniform(0.4, 0.55), rng.uniform(0.85, 1.25), rng.uniform(1.2, 1.6))
    half, high, deep = rng.uniform(1.6, 2.5), rng.uniform(2.4, 3.0), rng.uniform(2.9, 4.2)
    wall, floor = pick(rng, INTERIORS), pick(rng, WOODS + " c9b8a0 a8a09a")
    left, right = (wall, c.mood.shade(wall)) if c.mood.sun[0] > 0 else (c.mood.shade(wall), wall)
    c.fill(
        see.polygon((-half, high, 0.3), (half, high, 0.3), (half, high, deep), (-half, high, deep)),
        adjust(wall, 0.06, 0.5),
    )
    c.fill(see.polygon((-half, 0, 0.3), (half, 0, 0.3), (half, 0, deep), (-half, 0, deep)), floor)
    c.fill(see.polygon((-half, 0, 0.3), (-half, high, 0.3), (-half, high, deep), (-half, 0, deep)), left)
    c.fill(see.polygon((half, 0, 0.3), (half, high, 0.3), (half, high, deep), (half, 0, deep)), right)
    back = see.polygon((-half, high, deep), (half, high, deep), (half, 0, deep), (-half, 0, deep))
    c.shape(back, mix(wall, c.mood.shade(wall), 0.35), 0, 1.2, wobble=0)
    _planks(c, see, half, deep, floor)
    for x, z0, y in ((-half, 0.3, 0.0), (half, 0.3, 0.0), (-half, 0.3, high), (half, 0.3, high)):
        c.ink(see.polygon((x, y, z0), (x, y, deep)), 1.3, taper=0)
    s: Surface = lambda u, v: see(-half + 2 * half * u, high * (1 - v), deep)  # noqa: E731
    _wallpaper(c, s, wall)
    c.shape(patch(s, 0, 0.95, 1, 1), mix(wall, WHITE, 0.5), 0, 1.0, wobble=0)
    for side in (-1.0, 1.0):
        _side_wall(c, see, side * half, high, deep)
    _furnish(c, see, s, half, high, deep)


def _side_wall(c: Canvas, see: Perspective, x: float, high: float, deep: float) -> None:
    """Skirting, and a window or pictures on a wall that runs away from the viewer."""
    s: Surface = lambda u, v: see(x, high * (1 - v), deep * (0.35 + 0.65 * u))  # noqa: E731
    c.shape(patch(s, 0, 0.95, 1, 1), (240, 234, 222), 0, 1.0, wobble=0)
    what = c.rng.random()
    if what < 0.3:
        window(c, s, 0.25, 0.2, 0.6, 0.62)
    elif what < 0.7:
        for u in (0.2, 0.42, 0.62)[: int(c.rng.integers(1, 4))]:
            framed(c, s, u, c.rng.uniform(0.2, 0.35), 0.13)
    if c.rng.random() < 0.3:
        hooks = np.array([s(u, 0.06) for u in np.linspace(0, 1, 5)])
        for a, b in zip(hooks[:-1], hooks[1:], strict=True):
            line = np.concatenate([arc(a, b, -0.1 if x < 0 else -0.1, 7), [b]])
            c.ink(line, 1.0, taper=0)
            for p in line[1::2]:
                c.shape(ellipse(p[0], p[1] + 0.008, 0.007, 0.009, 10), LAMP, 0, 0.8, wobble=0)


def _wallpaper(c: Canvas, s: Surface, wall: RGB) -> None:
    """Stripes, dots, panels or nothing on the back wall."""
    rng = c.rng
    style, tone = int(rng.integers(5)), adjust(mix(wall, c.mood.shade(wall), 0.35), rng.choice([-0.05, 0.05]))
    if style == 0:
        for u in np.arange(0, 1, 0.1):
            c.fill(patch(s, u, 0, u + 0.05, 1), tone)
    elif style == 1:
        for k, (u, v) in enumerate((u, v) for u in np.arange(0.04, 1, 0.085) for v in np.arange(0.05, 0.95, 0.11)):
            x, y = s(u, v + 0.055 * (int(u / 0.085) % 2))
            c.fill(ellipse(x, y, 0.006 + 0.002 * (k % 2), 0.008, 8), tone)
    elif style in (2, 3):
        c.shape(patch(s, 0, 0.66, 1, 1), pick(rng, WOODS + " f2ece0 c9d2cc"), 0, 1.1, wobble=0)
        for u in np.arange(0.02, 0.98, 0.12):
            c.ink(patch(s, u, 0.71, u + 0.1, 0.92), 0.9, closed=True)


def _planks(c: Canvas, see: Perspective, half: float, deep: float, floor: RGB) -> None:
    tone = c.mood.shade(floor)
    if c.rng.random() < 0.6:
        for x in np.arange(-half, half, 0.35):
            c.ink(see.polygon((x, 0, 0.4), (x, 0, deep)), 0.9, taper=0, colour=tone)
    else:
        for i, x in enumerate(np.arange(-half, half, 0.5)):
            for j, z in enumerate(np.arange(0.6, deep, 0.5)):
                if (i + j) % 2:
                    c.fill(
                        see.polygon(
                            (x, 0, z),
                            (min(half, x + 0.5), 0, z),
                            (min(half, x + 0.5), 0, min(deep, z + 0.5)),
                            (x, 0, min(deep, z + 0.5)),
                        ),
                        tone,
                    )


def _furnish(c: Canvas, see: Perspective, s: Surface, half: float, high: float, deep: float) -> None:
    """Back wall from left to right, then the floor from back to front."""
    rng = c.rng
    wide = rng.uniform(0.26, 0.4)
    u = rng.uniform(0.12, 0.88 - wide)
    window(c, s, u, 0.2, u + wide, 0.62)
    spill = [
        (-half + 2 * half * (u + k * wide), 0.0, deep - d) for k, d in ((0, 0.2), (1, 0.2), (1.25, 1.7), (0.25, 1.7))
    ]
    if not c.mood.night:
        c.glaze(see.polygon(*spill), (255, 240, 190), 0.4)
    for a, b in ((0.02, u - 0.05), (u + wide + 0.05, 0.98)):
        if b - a > 0.34 and rng.random() < 0.5:
            door(c, s, a + (b - a) * 0.3, 0.28, a + (b - a) * 0.3 + 0.17, 1.0, pick(rng, WOODS))
        elif b - a > 0.12:
            for _ in range(int(rng.integers(1, 3))):
                framed(c, s, rng.uniform(a, b - 0.1), rng.uniform(0.15, 0.4), rng.uniform(0.08, 0.12))
    if rng.random() < 0.7:
        x, w = rng.uniform(-half * 0.3, half * 0.3), rng.uniform(0.7, 1.2)
        rug = curve(
            see.polygon(
                *[(x + w * np.cos(t), 0, deep * 0.62 + w * 0.7 * np.sin(t)) for t in np.linspace(0, 6.28, 16, False)]
            )
        )
        p = c.shape(rug, pick(rng, CLOTHES), 0, 1.2)
        c.ink((p - p.mean(0)) * 0.8 + p.mean(0), 2.2, closed=True, colour=(250, 240, 220))
    if rng.random() < 0.6:
        x, w = half * (2 * u + wide - 1), half * wide
        f = block(c, see, x - w, x + w, 0, 0.62, deep - 0.45, deep, pick(rng, WOODS + " f2ece0 7fa3a8"))
        for k in range(3):
            c.shape(patch(f, 0.03 + 0.32 * k, 0.1, 0.32 + 0.32 * k, 0.9), pick(rng, WOODS), 0, 0.9, wobble=0)
        for t in rng.uniform(-0.8, 0.8, 3):
            px, py = see(x + t * w, 0.62, deep - 0.25)
            plant(c, px, py, rng.uniform(0.25, 0.5) * see.focal / deep)
    near = deep - 0.55
    sides = list(rng.permutation([-1.0, 1.0]))
    shelf(c, see, sides[0] * (half - 0.55), high, near, deep)
    kind = str(rng.choice(["sofa", "bed", "desk"]))
    {"sofa": sofa, "bed": bed, "desk": desk}[kind](c, see, sides[1] * (half - 0.85), deep)
    if rng.random() < 0.8:
        plant(c, *see(sides[1] * (half - 0.3), 0, deep - 0.25), 1.1 * see.focal / deep)
    if rng.random() < 0.75:
        pendant(c, *see(rng.uniform(-0.5, 0.5), high, deep * 0.6), see.focal / deep)
    if rng.random() < 0.35:
        x, z = rng.uniform(-0.8, 0.8), deep * rng.uniform(0.6, 0.8)
        figure(
            c,
            person(rng),
            *see(x, 0, z),
            1.65 * see.focal / z,
            rng.uniform(-0.8, 0.8),
            str(rng.choice(["stand", "hips", "wave"])),
        )
    if rng.random() < 0.5:
        table(c, see, rng.uniform(-1.0, 1.0), deep * rng.uniform(0.5, 0.7))
    if rng.random() < 0.3:
        z = deep * rng.uniform(0.42, 0.6)
        cat(c, *see(rng.uniform(-0.8, 0.8), 0, z), 0.42 * see.focal / z)
