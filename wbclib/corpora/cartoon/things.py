"""Animals, boats, cars, lamps, pot plants."""

from __future__ import annotations

import numpy as np

from wbclib.corpora.cartoon.buildings import LAMP, WHITE
from wbclib.corpora.cartoon.drawing import Canvas
from wbclib.corpora.cartoon.nature import blob
from wbclib.corpora.cartoon.palette import CLOTHES, SEASONS, jitter, mix, pick, rgb
from wbclib.corpora.cartoon.shapes import arc, box, curve, ellipse, limb, scallop, straight


def sheep(c: Canvas, x: float, y: float, w: float) -> None:
    """Grazing animal: woolly, or a cow with patches."""
    rng, cow, face = c.rng, c.rng.random() < 0.4, c.rng.choice([-1.0, 1.0])
    coat = pick(rng, "f7f3e8 ece4d4 d8c0a0" if not cow else "f7f3ee a8653f d2a070", 0.5)
    for dx in (-0.3, -0.18, 0.2, 0.32):
        c.shape(box(x + dx * w - w * 0.04, y - w * 0.25, x + dx * w + w * 0.04, y), rgb("4a3a3a"), 0, 0.9, wobble=0)
    ring = ellipse(x, y - w * 0.42, w * 0.46, w * 0.27, 11)
    p = c.shape(curve(ring) if cow else scallop(ring, 0.3), coat, w * 0.1, 1.2)
    if cow:
        with c.inside(p):
            for _ in range(3):
                c.fill(
                    curve(blob(c, x + rng.uniform(-0.4, 0.4) * w, y - rng.uniform(0.3, 0.6) * w, w * 0.14, w * 0.1, 6)),
                    rgb("5a3a2e"),
                )
    head = ellipse(x + face * w * 0.5, y - w * 0.52, w * 0.16, w * 0.12, 14, face * 0.5)
    c.shape(ellipse(x + face * w * 0.36, y - w * 0.6, w * 0.1, w * 0.045, 10, -face * 0.4), rgb("4a3a3a"), 0, 0.9)
    c.shape(head, rgb("4a3a3a") if not cow else coat, w * 0.03, 1.1)
    c.fill(ellipse(x + face * w * 0.51, y - w * 0.55, w * 0.025, w * 0.03, 8), WHITE if not cow else rgb("201818"))


def cat(c: Canvas, x: float, y: float, h: float) -> None:
    """Cat sitting, tail round its feet."""
    fur, dark = pick(c.rng, "e09a4a 4a4650 f2eee6 8a7a6a c9a27a"), rgb("26202a")
    side = c.rng.choice([-1.0, 1.0])
    c.glaze(ellipse(x, y, 0.42 * h, 0.06 * h), (20, 16, 50), 0.3)
    c.shape(
        limb(
            [
                [x + side * 0.2 * h, y - 0.08 * h],
                [x + side * 0.5 * h, y - 0.06 * h],
                [x + side * 0.55 * h, y - 0.3 * h],
            ],
            [0.06 * h, 0.05 * h, 0.03 * h],
        ),
        fur,
        0.02 * h,
        1.2,
    )
    body = [[-0.26, 0.0], [-0.3, -0.22], [-0.16, -0.56], [0.16, -0.56], [0.3, -0.22], [0.26, 0.0]]
    c.shape(curve(np.array(body) * h + [x, y], steps=5), fur, 0.1 * h, 1.3)
    face = [
        [0.0, -0.48],
        [-0.24, -0.54],
        [-0.28, -0.72],
        [-0.25, -1.0],
        [-0.1, -0.86],
        [0.1, -0.86],
        [0.25, -1.0],
        [0.28, -0.72],
        [0.24, -0.54],
    ]
    p = c.shape(straight(np.array(face) * h + [x, y], step=0.02), fur, 0.05 * h, 1.3)
    for dx in (-0.11, 0.11):
        c.shape(ellipse(x + dx * h, y - 0.68 * h, 0.05 * h, 0.06 * h, 12), rgb("e8d85a"), 0, 0.9, wobble=0)
        c.fill(ellipse(x + dx * h, y - 0.68 * h, 0.02 * h, 0.05 * h, 8), dark)
        c.ink(np.array([[x + dx * 1.3 * h, y - 0.57 * h], [x + dx * 3.3 * h, y - 0.55 * h]]), 0.8)
        c.ink(np.array([[x + dx * 0.7 * h, y], [x + dx * 0.6 * h, y - 0.22 * h]]), 1.0)
    c.fill(np.array([[x - 0.03 * h, y - 0.6 * h], [x + 0.03 * h, y - 0.6 * h], [x, y - 0.57 * h]]), rgb("d86a7a"))
    c.ink(p, 1.2, closed=True)


def birds(c: Canvas, x: float, y: float, n: int) -> None:
    """A flock far away."""
    for _ in range(n):
        a, w = np.array([x, y]) + c.rng.uniform(-0.1, 0.1, 2), c.rng.uniform(0.012, 0.024)
        c.ink(np.concatenate([arc(a - [w, 0.003], a, 0.3), arc(a, a + [w, -0.003], 0.3)]), 1.3)


def boat(c: Canvas, x: float, y: float, w: float) -> None:
    """Sailing boat with its reflection."""
    c.glaze(ellipse(x, y + w * 0.12, w * 0.5, w * 0.07), c.mood.shade(c.mood.sky[0]), 0.45)
    hull = [
        [x - w * 0.5, y - w * 0.12],
        [x + w * 0.5, y - w * 0.14],
        [x + w * 0.34, y + w * 0.08],
        [x - w * 0.36, y + w * 0.08],
    ]
    c.ink(np.array([[x, y - w * 0.1], [x, y - w * 1.1]]), 2.0, taper=0.2)
    sail = pick(c.rng, "fbf6ea f2c94c e8694f f7ede0 8ac6d1")
    c.shape(
        np.concatenate(
            [arc([x + w * 0.03, y - w * 1.05], [x + w * 0.42, y - w * 0.22], 0.1), [[x + w * 0.03, y - w * 0.22]]]
        ),
        sail,
        w * 0.08,
        1.2,
    )
    c.shape(
        np.concatenate(
            [arc([x - w * 0.3, y - w * 0.22], [x - w * 0.03, y - w * 0.95], 0.05), [[x - w * 0.03, y - w * 0.22]]]
        ),
        c.mood.shade(sail),
        0,
        1.2,
    )
    p = c.shape(straight(hull), pick(c.rng, CLOTHES), w * 0.06, 1.3)
    c.ink(straight([p[0] + [0, w * 0.05], [x + w * 0.46, y - w * 0.08]], closed=False), 1.6, colour=WHITE)


def lamp(c: Canvas, x: float, y: float, h: float) -> None:
    """Street lamp; shines in the dark."""
    iron, side = pick(c.rng, "2f4a4a 3a3a48 5a6470"), c.rng.choice([-1.0, 1.0])
    dark = c.mood.night or c.mood.name == "dusk"
    if dark:
        for r, a in ((0.3, 0.14), (0.18, 0.2)):
            c.glaze(ellipse(x + side * h * 0.14, y - h * 0.93, h * r, h * r), LAMP, a)
    c.shape(limb([[x, y], [x, y - h * 0.5], [x, y - h * 0.97]], [h * 0.02, h * 0.014, h * 0.012]), iron, h * 0.01, 1.1)
    c.ink(
        curve([[x, y - h * 0.95], [x + side * h * 0.07, y - h], [x + side * h * 0.14, y - h * 0.98]], closed=False),
        2.4,
        taper=0,
        colour=iron,
    )
    head = np.array([[-0.05, 0.95], [-0.03, 1.0], [0.03, 1.0], [0.05, 0.95]]) * h
    c.fill(
        ellipse(x + side * h * 0.14, y - h * 0.94, h * 0.035, h * 0.025, 12),
        LAMP if dark else (250, 246, 230),
        raw=dark,
    )
    c.shape(np.stack([x + side * h * 0.14 + head[:, 0], y - head[:, 1]], 1), iron, 0, 1.1)


def car(c: Canvas, x: float, y: float, w: float) -> None:
    """Small car seen from the side, wheels on y."""
    rng, paint = c.rng, pick(c.rng, CLOTHES)
    c.glaze(ellipse(x, y, w * 0.54, w * 0.05), (20, 20, 50), 0.35)
    face = rng.choice([-1.0, 1.0])
    body = np.array(
        [
            [-0.5, -0.1],
            [-0.5, -0.26],
            [-0.4, -0.31],
            [-0.3, -0.5],
            [0.1, -0.51],
            [0.26, -0.32],
            [0.46, -0.27],
            [0.51, -0.1],
        ]
    )
    p = body * w * [face, 1] + [x, y]
    c.shape(curve(p, steps=4), paint, w * 0.05, 1.4, light=w * 0.02)
    for a, b in ((-0.32, -0.11), (-0.07, 0.18)):
        glass = np.array(
            [[a + 0.0, -0.31], [a + 0.06 if a < -0.2 else a, -0.46], [b if a < -0.2 else b - 0.11, -0.46], [b, -0.31]]
        ) * w * [face, 1] + [x, y]
        c.shape(glass, mix(rgb("bfe3ee"), c.mood.sky[0], 0.3), 0, 1.1, wobble=0)
    c.ink(np.array([[x - face * w * 0.09, y - w * 0.3], [x - face * w * 0.09, y - w * 0.12]]), 0.9)
    c.fill(ellipse(x + face * w * 0.47, y - w * 0.22, w * 0.025, w * 0.035, 10), LAMP, raw=True)
    for dx in (-0.3, 0.29):
        c.shape(ellipse(x + face * dx * w, y - w * 0.1, w * 0.105, w * 0.105, 20), rgb("2a2a32"), 0, 1.2)
        c.shape(ellipse(x + face * dx * w, y - w * 0.1, w * 0.05, w * 0.05, 14), rgb("c9ccd4"), w * 0.02, 0.9)


def plant(c: Canvas, x: float, y: float, h: float) -> None:
    """Plant in a pot."""
    rng, leaf = c.rng, pick(c.rng, SEASONS["summer"]["leaf"])
    top = np.array([x, y - h * 0.3])
    for angle in rng.permutation(np.linspace(-1.3, 1.3, 7)):
        tip = top + h * rng.uniform(0.5, 0.72) * np.array([np.sin(angle), -np.cos(angle) * 0.95])
        blade = np.concatenate([arc(top, tip, 0.14, 6), arc(tip, top, 0.14, 6)])
        c.shape(blade, jitter(rng, leaf, 0.6), h * 0.03, 1.1)
    pot = np.array([[-0.16, -0.32], [0.16, -0.32], [0.11, 0.0], [-0.11, 0.0]]) * h + [x, y]
    c.shape(pot, pick(rng, "c8693a f2eee4 4f6a8a e8b48a"), h * 0.06, 1.2)
