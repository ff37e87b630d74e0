"""Streets: in one-point perspective, or a row of fronts seen squarely."""

from __future__ import annotations

import numpy as np

from wbclib.corpora.cartoon.buildings import WHITE, Surface, facade, flat, sign
from wbclib.corpora.cartoon.drawing import Canvas
from wbclib.corpora.cartoon.figures import figure
from wbclib.corpora.cartoon.landscape import heavens, weather
from wbclib.corpora.cartoon.nature import TREES
from wbclib.corpora.cartoon.palette import CLOTHES, ROOFS, SEASONS, WALLS, jitter, mix, pick, rgb
from wbclib.corpora.cartoon.person import person
from wbclib.corpora.cartoon.shapes import Perspective, arc, box
from wbclib.corpora.cartoon.things import car, lamp, plant


def street(c: Canvas, horizon: float) -> None:
    """A street in one-point perspective, or a row of fronts seen squarely."""
    if c.rng.random() < 0.3:
        return _row(c)
    rng, horizon = c.rng, 0.46 + 0.4 * horizon
    heavens(c, horizon)
    see = Perspective(rng.uniform(0.3, 0.7), horizon, rng.uniform(0.55, 0.9), rng.uniform(1.4, 2.6))
    half, kerb = rng.uniform(2.4, 4.2), rng.uniform(1.0, 1.7)
    _skyline(c, horizon)
    _road(c, see, half, kerb)
    lit = 0.65 if c.mood.night else (0.35 if c.mood.name in ("dusk", "sunset") else 0.0)
    depths = np.cumsum([rng.uniform(1.2, 1.8), *rng.uniform(3.4, 6.5, 5)])
    for side in rng.permutation([-1.0, 1.0]):
        heights = rng.uniform(5.5, 10.5, 5)
        for k in range(4, -1, -1):
            _house(c, see, side * half, float(depths[k]), float(depths[k + 1]), float(heights[k]), lit)
    if abs(c.mood.sun[0]) > 0.2 and not c.mood.night:
        side = half * np.sign(c.mood.sun[0])
        c.glaze(
            see.polygon((side, 0, 0.7), (side, 0, 40), (side * 0.55, 0, 40), (side * rng.uniform(-0.2, 0.4), 0, 0.7)),
            (30, 24, 70),
            0.28,
        )
    _overhead(c, see, half)
    _street_life(c, see, half, kerb)
    weather(c)


def _overhead(c: Canvas, see: Perspective, half: float) -> None:
    """Bunting or wires across the street."""
    rng = c.rng
    for z in sorted(rng.uniform(3.0, 14.0, int(rng.integers(0, 4))), reverse=True):
        left, right = np.array(see(-half, rng.uniform(4, 5.5), z)), np.array(see(half, rng.uniform(4, 5.5), z))
        line = np.concatenate([arc(left, right, -0.06, 15), [right]])
        c.ink(line, 1.0, taper=0)
        if rng.random() < 0.65:
            size = 0.45 * see.focal / z
            for a, b in zip(line[:-1:1], line[1:], strict=True):
                m = (a + b) / 2
                c.shape(
                    np.array([a * 0.9 + b * 0.1, a * 0.1 + b * 0.9, m + [0, size]]),
                    pick(rng, CLOTHES),
                    0,
                    0.8,
                    wobble=0,
                )


def _skyline(c: Canvas, horizon: float) -> None:
    c.fade = 0.55
    for x in np.arange(0.1, 0.9, 0.05):
        h, w = c.rng.uniform(0.04, 0.2), c.rng.uniform(0.03, 0.05)
        c.shape(box(x - w, horizon - h, x + w, horizon + 0.02), pick(c.rng, WALLS), 0.02, 0.9)
    c.fade = 0.0


def _road(c: Canvas, see: Perspective, half: float, kerb: float) -> None:
    rng, stone = c.rng, pick(c.rng, "7a7f8a 8a8290 a89a8a 6a707f 9a8f9a")
    pave = pick(rng, "c9bfae b8b4b0 d8c9a8 c0b8c8")
    c.fill(box(-0.1, see.y, 1.1, 1.2), pave)
    road = see.polygon((-half + kerb, 0, 0.8), (half - kerb, 0, 0.8), (half - kerb, 0, 90), (-half + kerb, 0, 90))
    c.shape(road, stone, 0, 1.4, wobble=0)
    for z in np.arange(1.0, 16, 1.0):
        for side in (-1, 1):
            c.ink(
                see.polygon((side * half, 0, z), (side * (half - kerb), 0, z)),
                max(0.6, 1.6 / z),
                taper=0,
                colour=c.mood.shade(pave),
            )
    for side in (-1, 1):
        edge = side * (half - kerb)
        c.shape(
            see.polygon((edge, 0, 0.8), (edge, 0, 90), (edge + side * 0.16, 0.08, 90), (edge + side * 0.16, 0.08, 0.8)),
            mix(pave, WHITE, 0.4),
            0,
            0.9,
            wobble=0,
        )
    style = rng.integers(3)
    if style == 0:
        for z in np.arange(1.2, 40, 3):
            c.fill(see.polygon((-0.08, 0, z), (0.08, 0, z), (0.08, 0, z + 1.5), (-0.08, 0, z + 1.5)), (246, 240, 214))
    elif style == 1:
        z, wide = rng.uniform(2.6, 5), half - kerb
        for x in np.arange(-wide + 0.1, wide - 0.3, 0.7):
            c.fill(see.polygon((x, 0, z), (x + 0.4, 0, z), (x + 0.4, 0, z + 1.6), (x, 0, z + 1.6)), (246, 244, 236))
    else:
        for _ in range(30):
            z = 1.3 + 14 * rng.random() ** 2
            x = rng.uniform(-1, 1) * (half - kerb - 0.3)
            c.fill(
                see.polygon((x, 0, z), (x + 0.3, 0, z), (x + 0.3, 0, z * 1.06), (x, 0, z * 1.06)), c.mood.shade(stone)
            )


def _house(c: Canvas, see: Perspective, x: float, z0: float, z1: float, h: float, lit: float) -> None:
    """One house of a street side: front along the street, the end wall that shows, a roof."""
    rng, wall = c.rng, pick(c.rng, WALLS)
    c.fade, c.weight = min(0.42, 0.012 * z0), float(np.clip(3.2 / z0, 0.5, 1.15))
    front = c.mood.shade(wall) if np.sign(x) == np.sign(c.mood.sun[0]) else wall
    end = wall if front is not wall else c.mood.shade(wall)
    away = 8 * np.sign(x)
    c.shape(see.polygon((x, 0, z0), (x, h, z0), (x + away, h, z0), (x + away, 0, z0)), end, 0, 1.3, wobble=0)
    s: Surface = lambda u, v: see(x, h * (1 - v), z0 + (z1 - z0) * u)  # noqa: E731
    floors = max(2, int(h / rng.uniform(2.6, 3.2)))
    facade(c, s, floors, int(rng.integers(2, 4)), front, rng.random() < 0.5, lit)
    if rng.random() < 0.75:
        roof, rise, lap = pick(rng, ROOFS), rng.uniform(0.7, 1.8), 0.35 * np.sign(x)
        c.shape(
            see.polygon(
                (x - lap, h, z0 - 0.2), (x - lap, h, z1), (x + 5 * lap, h + rise, z1), (x + 5 * lap, h + rise, z0 - 0.2)
            ),
            roof,
            0,
            1.3,
            wobble=0,
        )
        c.shape(
            see.polygon(
                (x - lap, h, z0 - 0.2),
                (x + 5 * lap, h + rise, z0 - 0.2),
                (x + 30 * lap, h + rise, z0 - 0.2),
                (x + 30 * lap, h, z0 - 0.2),
            ),
            c.mood.shade(roof),
            0,
            1.3,
            wobble=0,
        )
    if rng.random() < 0.35:
        out, y = -0.9 * np.sign(x), rng.uniform(2.7, 3.6)
        board: Surface = lambda u, v: see(x + out * (1 - u if out < 0 else u), y + 0.8 * (1 - v), z0 + 0.8)  # noqa: E731
        sign(c, board, 0, 0, 1, 1)
    c.fade, c.weight = 0.0, 1.0


def _street_life(c: Canvas, see: Perspective, half: float, kerb: float) -> None:
    """Lamps, trees, cars, walkers, far ones first."""
    rng, leaf = c.rng, pick(c.rng, SEASONS[str(c.rng.choice(list(SEASONS)))]["leaf"])
    crowd: list[tuple[float, float, str]] = []
    for side in (-1, 1):
        edge = side * (half - kerb * 0.75)
        kind = str(rng.choice(["lamp", "tree", "none"]))
        crowd += [(z, edge, kind) for z in np.arange(rng.uniform(3, 5), 24, rng.uniform(4, 6))]
        crowd += [
            (rng.uniform(2.4, 12), side * (half - kerb * rng.uniform(0.3, 0.7)), "walker")
            for _ in range(int(rng.integers(1, 4)))
        ]
        crowd += [(z, side * (half - 0.25), "pot") for z in rng.uniform(2.2, 9, int(rng.integers(0, 4)))]
    crowd += [(rng.uniform(3.5, 12), rng.uniform(-0.6, 0.6) * half, "walker") for _ in range(int(rng.integers(0, 3)))]
    crowd += [(rng.uniform(4.5, 10), rng.uniform(-0.5, 0.5) * half, "car")] if rng.random() < 0.45 else []
    for z, x, kind in sorted(crowd, reverse=True):
        (px, py), scale = see(x, 0, z), see.focal / z
        c.fade, c.weight = min(0.4, 0.012 * z), float(np.clip(4 / z, 0.5, 1.0))
        if kind == "lamp":
            lamp(c, px, py, 3.6 * scale)
        elif kind == "tree":
            TREES["leafy"](c, px, py, 3.4 * scale, jitter(rng, leaf, 0.5))
        elif kind == "pot":
            plant(c, px, py, 1.0 * scale)
        elif kind == "car":
            car(c, px, py, 3.2 * scale)
        elif kind == "walker":
            figure(
                c, person(rng), px, py, 1.7 * scale, rng.uniform(-0.8, 0.8), str(rng.choice(["walk", "stand", "walk"]))
            )
    c.fade, c.weight = 0.0, 1.0


def _row(c: Canvas) -> None:
    """Fronts side by side, seen squarely from across the road."""
    rng, base = c.rng, c.rng.uniform(0.76, 0.86)
    heavens(c, 0.6)
    lit = 0.65 if c.mood.night else (0.35 if c.mood.name in ("dusk", "sunset") else 0.0)
    x = rng.uniform(-0.3, -0.05)
    while x < 1.0:
        w, h, wall = rng.uniform(0.24, 0.42), rng.uniform(0.4, 0.72), pick(rng, WALLS)
        rise, roof = rng.uniform(0.05, 0.12), pick(rng, ROOFS)
        c.shape(
            np.array(
                [
                    [x - 0.015, base - h],
                    [x + 0.04, base - h - rise],
                    [x + w - 0.04, base - h - rise],
                    [x + w + 0.015, base - h],
                ]
            ),
            roof,
            0.015,
            1.4,
        )
        if rng.random() < 0.6:
            c.shape(
                box(x + w * 0.6, base - h - rise - 0.05, x + w * 0.6 + 0.035, base - h - rise * 0.5),
                rgb("a8604a"),
                0.01,
                1.2,
            )
        facade(
            c,
            flat(x, base - h, x + w, base),
            max(2, int(h / 0.2)),
            int(rng.integers(2, 4)),
            wall,
            rng.random() < 0.6,
            lit,
        )
        x += w
    pave, tar = pick(rng, "c9bfae b8b4b0 d8c9a8"), pick(rng, "6a707f 7a7480 8a8078")
    c.shape(box(-0.1, base, 1.1, base + 0.07), pave, 0, 1.2)
    c.shape(box(-0.1, base + 0.07, 1.1, 1.2), tar, 0, 1.4)
    for u in np.arange(rng.uniform(-0.1, 0.0), 1.1, 0.12):
        c.ink(np.array([[u, base + 0.003], [u - 0.02, base + 0.066]]), 0.9, taper=0)
    for u in rng.uniform(0, 1, int(rng.integers(1, 4))):
        if rng.random() < 0.5:
            TREES["leafy"](
                c, u, base + 0.05, rng.uniform(0.3, 0.45), pick(rng, SEASONS[str(rng.choice(list(SEASONS)))]["leaf"])
            )
        else:
            lamp(c, u, base + 0.055, rng.uniform(0.35, 0.45))
    for u in rng.uniform(0, 1, int(rng.integers(1, 4))):
        figure(c, person(rng), u, base + 0.06, rng.uniform(0.2, 0.25), rng.uniform(-0.8, 0.8), "walk")
    if rng.random() < 0.6:
        car(c, rng.uniform(0.2, 0.8), 0.97, rng.uniform(0.3, 0.42))
    weather(c)
