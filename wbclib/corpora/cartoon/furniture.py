"""What stands and hangs in a room."""

from __future__ import annotations

import numpy as np

from wbclib.corpora.cartoon.buildings import LAMP, WHITE, Surface, patch
from wbclib.corpora.cartoon.drawing import Canvas
from wbclib.corpora.cartoon.nature import cloud
from wbclib.corpora.cartoon.palette import CLOTHES, INTERIORS, RGB, SEASONS, WOODS, adjust, mix, pick, rgb
from wbclib.corpora.cartoon.shapes import Perspective, arc, curve, ellipse, limb, straight
from wbclib.corpora.cartoon.things import plant


def block(
    c: Canvas, see: Perspective, x0: float, x1: float, y0: float, y1: float, z0: float, z1: float, colour: RGB
) -> Surface:
    """A box in a room; gives back its front face."""
    lit = c.mood.sun[0] > 0
    bright, dark = mix(colour, WHITE, 0.22), c.mood.shade(colour)
    if y1 < see.eye:
        c.shape(see.polygon((x0, y1, z0), (x1, y1, z0), (x1, y1, z1), (x0, y1, z1)), bright, 0, 1.2, wobble=0)
    if x0 > 0:
        c.shape(
            see.polygon((x0, y0, z1), (x0, y1, z1), (x0, y1, z0), (x0, y0, z0)),
            dark if lit else bright,
            0,
            1.2,
            wobble=0,
        )
    if x1 < 0:
        c.shape(
            see.polygon((x1, y0, z1), (x1, y1, z1), (x1, y1, z0), (x1, y0, z0)),
            bright if lit else dark,
            0,
            1.2,
            wobble=0,
        )
    c.shape(see.polygon((x0, y1, z0), (x1, y1, z0), (x1, y0, z0), (x0, y0, z0)), colour, 0, 1.3, wobble=0)
    return lambda u, v: see(x0 + (x1 - x0) * u, y1 + (y0 - y1) * v, z0)


def window(c: Canvas, s: Surface, u0: float, v0: float, u1: float, v1: float) -> None:
    """Window with a view and curtains."""
    rng, sky = c.rng, c.mood.sky
    glass = patch(s, u0, v0, u1, v1)
    c.fill(glass, sky[1], raw=True)
    with c.inside(glass):
        c.fill(patch(s, u0, v0, u1, v0 + (v1 - v0) * 0.3), mix(sky[0], sky[1], 0.4), raw=True)
        x, y = s(u0 + (u1 - u0) * rng.random(), v0 + (v1 - v0) * 0.55)
        cloud(c, x, y, (glass[1, 0] - glass[0, 0]) * 0.7, 0)
        hills = [
            s(u0 + (u1 - u0) * t, v1 - (v1 - v0) * h)
            for t, h in zip(np.linspace(-0.1, 1.1, 6), rng.uniform(0.1, 0.45, 6), strict=True)
        ]
        c.shape(
            np.concatenate([curve(hills, False), [glass[2] + [0.1, 0], glass[3] - [0.1, 0]]]),
            pick(rng, SEASONS["summer"]["leaf"]),
            0.02,
            1.1,
        )
    frame = pick(rng, WOODS + " f5f0e6 ffffff")
    for a in np.linspace(u0, u1, int(rng.integers(2, 4)) + 1):
        c.shape(patch(s, a - 0.008, v0, a + 0.008, v1), frame, 0, 0.9, wobble=0)
    for b in (v0, (v0 + v1) / 2, v1):
        c.shape(patch(s, u0 - 0.012, b - 0.012, u1 + 0.012, b + 0.012), frame, 0, 0.9, wobble=0)
    if rng.random() < 0.75:
        cloth, w = pick(rng, CLOTHES), (u1 - u0) * 0.3
        for a, side in ((u0 - w * 0.4, 1), (u1 + w * 0.4, -1)):
            hang = [
                s(a, v0 - 0.04),
                s(a + side * w, v0 - 0.04),
                s(a + side * w * 0.6, (v0 + v1) / 2),
                s(a + side * w * 0.75, v1 + 0.1),
                s(a, v1 + 0.1),
            ]
            c.shape(straight(hang), cloth, 0.01, 1.2)
            for t in (0.3, 0.55):
                c.ink(
                    curve(
                        [
                            s(a + side * w * t, v0 - 0.03),
                            s(a + side * w * t * 0.7, (v0 + v1) / 2),
                            s(a + side * w * t, v1 + 0.08),
                        ],
                        False,
                    ),
                    1.0,
                )
        c.ink(np.array([s(u0 - w * 0.7, v0 - 0.045), s(u1 + w * 0.7, v0 - 0.045)]), 2.6, taper=0, colour=rgb("6a4630"))


def framed(c: Canvas, s: Surface, u: float, v: float, w: float) -> None:
    """Picture on a wall."""
    h = w * c.rng.uniform(1.0, 2.2)
    c.shape(patch(s, u, v, u + w, v + h), pick(c.rng, WOODS + " f5f0e6 2a2a32"), 0, 1.2, wobble=0)
    q = patch(s, u + w * 0.14, v + w * 0.2, u + w * 0.86, v + h - w * 0.2)
    c.shape(q, pick(c.rng, INTERIORS + " bfe0ee"), 0, 0.8, wobble=0)
    with c.inside(q):
        (x, y), r = q.mean(0), (q[1, 0] - q[0, 0]) * 0.3
        c.fill(ellipse(x, y + r * 0.4, r * 1.6, r * 0.9), pick(c.rng, CLOTHES))
        c.fill(ellipse(x + r * 0.4, y - r * 0.5, r * 0.4, r * 0.4), pick(c.rng, CLOTHES))


def shelf(c: Canvas, see: Perspective, x: float, high: float, z0: float, z1: float) -> None:
    """Bookcase against the back wall."""
    rng, wood = c.rng, pick(c.rng, WOODS)
    h, rows = rng.uniform(1.3, high * 0.85), int(rng.integers(3, 6))
    f = block(c, see, x - 0.5, x + 0.5, 0, h, z0, z1, wood)
    for k in range(rows):
        v0, v1 = 0.04 + 0.94 * k / rows, 0.98 * (k + 1) / rows
        c.shape(patch(f, 0.06, v0, 0.94, v1), adjust(c.mood.shade(wood), -0.08), 0, 0.9, wobble=0)
        u = 0.08
        while u < 0.86:
            w = rng.uniform(0.05, 0.11)
            if rng.random() < 0.85:
                c.shape(
                    patch(f, u, v1 - (v1 - v0) * rng.uniform(0.6, 0.92), u + w, v1),
                    pick(rng, CLOTHES),
                    0,
                    0.8,
                    wobble=0,
                )
            u += w


def sofa(c: Canvas, see: Perspective, x: float, deep: float) -> None:
    """Sofa with cushions."""
    cloth, z = pick(c.rng, CLOTHES), deep - 1.0
    block(c, see, x - 0.85, x + 0.85, 0.1, 0.85, z + 0.45, z + 0.7, cloth)
    block(c, see, x - 0.7, x + 0.7, 0.1, 0.42, z, z + 0.45, adjust(cloth, 0.04))
    for side in (-1, 1):
        block(c, see, x + side * 0.78 - 0.12, x + side * 0.78 + 0.12, 0.05, 0.6, z, z + 0.5, cloth)
        (px, py), k = see(x + side * 0.4, 0.6, z + 0.3), see.focal / z
        c.shape(curve(ellipse(px, py, 0.2 * k, 0.17 * k, 8, 0.78), steps=3), pick(c.rng, CLOTHES), 0.03 * k, 1.2)


def bed(c: Canvas, see: Perspective, x: float, deep: float) -> None:
    """Bed with a pillow and a striped blanket."""
    cover, z = pick(c.rng, CLOTHES), deep - 1.9
    block(c, see, x - 0.6, x + 0.6, 0, 0.95, deep - 0.12, deep, pick(c.rng, WOODS))
    block(c, see, x - 0.55, x + 0.55, 0.1, 0.45, z, deep - 0.12, (246, 242, 234))
    k = see.focal / deep
    c.shape(
        curve(
            see.polygon(
                (x - 0.4, 0.46, deep - 0.6),
                (x + 0.4, 0.46, deep - 0.6),
                (x + 0.4, 0.62, deep - 0.2),
                (x - 0.4, 0.62, deep - 0.2),
            ),
            steps=5,
        ),
        (250, 248, 244),
        0.03 * k,
        1.2,
    )
    f = block(c, see, x - 0.58, x + 0.58, 0.12, 0.5, z - 0.03, deep - 0.75, cover)
    for t in (0.2, 0.5, 0.8):
        c.fill(patch(f, t - 0.06, 0.03, t + 0.06, 0.97), mix(cover, WHITE, 0.45))


def desk(c: Canvas, see: Perspective, x: float, deep: float) -> None:
    """Desk with drawers, a lamp and a stack of books."""
    wood, z = pick(c.rng, WOODS), deep - 0.75
    f = block(c, see, x + 0.15, x + 0.6, 0, 0.72, z, deep - 0.1, wood)
    for k in range(3):
        c.shape(patch(f, 0.1, 0.06 + 0.31 * k, 0.9, 0.32 + 0.31 * k), adjust(wood, 0.03), 0, 0.9, wobble=0)
        c.fill(ellipse(*f(0.5, 0.19 + 0.31 * k), 0.004, 0.004, 8), (240, 210, 120))
    block(c, see, x - 0.6, x - 0.52, 0, 0.72, z, deep - 0.1, wood)
    block(c, see, x - 0.65, x + 0.65, 0.72, 0.79, z - 0.05, deep - 0.05, wood)
    for k in range(3):
        block(c, see, x + 0.2, x + 0.5, 0.79 + 0.06 * k, 0.85 + 0.06 * k, z + 0.1, z + 0.3, pick(c.rng, CLOTHES))
    (px, py), h = see(x - 0.35, 0.79, z + 0.15), 0.5 * see.focal / z
    c.ink(np.array([[px, py], [px, py - h * 0.6]]), 2.2, taper=0)
    c.shape(
        np.array(
            [[px - h * 0.2, py - h * 0.5], [px - h * 0.1, py - h], [px + h * 0.1, py - h], [px + h * 0.2, py - h * 0.5]]
        ),
        pick(c.rng, CLOTHES),
        0.01,
        1.2,
    )


def table(c: Canvas, see: Perspective, x: float, z: float) -> None:
    """Round table with things on it, and a stool."""
    wood, k = pick(c.rng, WOODS), see.focal / z
    px, py = see(x, 0.68, z)
    foot = see(x, 0, z)[1]
    c.glaze(ellipse(px, foot, 0.45 * k, 0.1 * k), (20, 16, 50), 0.3)
    c.shape(limb([[px, py], [px, (py + foot) / 2], [px, foot]], [0.05 * k, 0.04 * k, 0.12 * k]), wood, 0.02, 1.3)
    flatness = max(0.03, (py - see.y) * 0.35)
    c.shape(ellipse(px, py + 0.03 * k, 0.6 * k, flatness), c.mood.shade(wood), 0, 1.3)
    c.shape(ellipse(px, py, 0.6 * k, flatness), mix(wood, WHITE, 0.2), 0, 1.3)
    for t in c.rng.uniform(-0.35, 0.35, 3):
        cup = np.array([[-0.06, -0.15], [0.06, -0.15], [0.045, 0.0], [-0.045, 0.0]]) * k + [
            px + t * k,
            py + c.rng.uniform(-0.2, 0.3) * flatness,
        ]
        c.shape(curve(cup, steps=3), pick(c.rng, CLOTHES + " ffffff"), 0.02 * k, 1.2)
    if c.rng.random() < 0.6:
        plant(c, px + c.rng.uniform(-0.2, 0.2) * k, py, 0.4 * k)


def pendant(c: Canvas, x: float, y: float, k: float) -> None:
    """Hanging lamp with its light."""
    low = y + 0.55 * k
    c.ink(np.array([[x, y - 0.3], [x, low]]), 1.4, taper=0)
    if c.mood.night or c.mood.name == "dusk":
        c.glaze(
            np.array(
                [[x - 0.25 * k, low + 0.3 * k], [x + 0.25 * k, low + 0.3 * k], [x + 1.4 * k, 1.2], [x - 1.4 * k, 1.2]]
            ),
            LAMP,
            0.16,
        )
    c.fill(ellipse(x, low + 0.28 * k, 0.1 * k, 0.08 * k), LAMP, raw=True)
    shade = np.concatenate(
        [
            arc([x - 0.3 * k, low + 0.28 * k], [x, low], 0.12),
            arc([x, low], [x + 0.3 * k, low + 0.28 * k], 0.12),
            [[x + 0.3 * k, low + 0.28 * k]],
        ]
    )
    c.shape(shade, pick(c.rng, CLOTHES), 0.06 * k, 1.3)
