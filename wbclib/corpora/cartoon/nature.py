"""Clouds, trees, shrubs, grass, flowers."""

from __future__ import annotations

import numpy as np

from wbclib.corpora.cartoon.buildings import WHITE
from wbclib.corpora.cartoon.drawing import Canvas
from wbclib.corpora.cartoon.palette import RGB, WOODS, adjust, jitter, mix, pick
from wbclib.corpora.cartoon.shapes import Points, arc, box, curve, ellipse, limb, scallop, straight


def blob(c: Canvas, x: float, y: float, rx: float, ry: float, n: int, rough: float = 0.12) -> Points:
    """Irregular ring of ``n`` points."""
    angle = (np.arange(n) + c.rng.uniform(-0.22, 0.22, n)) * (2 * np.pi / n) + c.rng.uniform(0, 6)
    reach = 1 + c.rng.uniform(-rough, rough, n)
    return np.stack([x + rx * reach * np.cos(angle), y + ry * reach * np.sin(angle)], 1)


def cloud(c: Canvas, x: float, y: float, w: float, line: float) -> None:
    """Heap of lobes with a flat, shaded base."""
    rng, n = c.rng, int(c.rng.integers(6, 10))
    t = np.linspace(0, 1, n)
    top = y - w * rng.uniform(0.28, 0.5) * np.sin(np.pi * t) ** 0.8 * rng.uniform(0.65, 1.15, n)
    crest = np.stack([x + (t - 0.5) * w, top], 1)
    crest[[0, -1], 1] = y
    u = np.linspace(0.5, -0.5, 4)
    base = np.stack([x + u * w * 0.96, y + w * 0.03 * np.cos(np.pi * u)], 1)
    rim = np.concatenate([crest, base[1:-1]])
    puffs = np.concatenate(
        [arc(a, b, 0.32 if k < n - 1 else 0.12) for k, (a, b) in enumerate(zip(rim, np.roll(rim, -1, 0), strict=True))]
    )
    sky = c.mood.sky
    body = mix(WHITE if not c.mood.night else adjust(sky[2], 0.1), sky[2], 0.15)
    if c.mood.name in ("overcast", "rain"):
        body = mix(body, sky[0], 0.25)
    c.fill(puffs, body, raw=True)
    dark = mix(body, sky[1] if c.mood.name != "sunset" else sky[0], 0.5)
    with c.inside(puffs):
        low = np.stack([x + (t - 0.5) * w * 1.1, y - (y - top) * 0.42], 1)
        low = np.concatenate([arc(a, b, 0.3) for a, b in zip(low[:-1], low[1:], strict=True)])
        c.fill(np.concatenate([low, [[x + w, y + w], [x - w, y + w]]]), dark, raw=True)
    if line:
        c.ink(puffs, line, closed=True, colour=mix(dark, sky[0], 0.7))


_LOBES = [(-0.55, 0.1, 0.62), (0.55, 0.12, 0.6), (0.0, -0.3, 0.85), (0.05, 0.15, 0.75)]  # of a crown: x, y, size


def leafy(c: Canvas, x: float, y: float, h: float, leaf: RGB) -> None:
    """Broad-leaved tree of height ``h`` standing at (x, y); a small one has fewer lobes."""
    if not c.sees(x, y - h * 0.6, h * 0.7):
        return
    rng, wood = c.rng, pick(c.rng, WOODS)
    lobes = _LOBES if h > 0.15 else [(-0.4, 0.0, 0.7), (0.35, 0.05, 0.75)] if h > 0.09 else [(0.0, 0.0, 0.95)]
    lean, wide = rng.uniform(-0.06, 0.06) * h, rng.uniform(0.26, 0.38) * h
    trunk = limb([[x, y], [x + lean * 0.5, y - h * 0.3], [x + lean, y - h * 0.6]], [h * 0.055, h * 0.035, h * 0.025])
    c.shape(trunk, wood, h * 0.03, 1.2)
    for k in rng.permutation(len(lobes)):
        dx, dy, size = lobes[k]
        crown = scallop(
            blob(c, x + lean + dx * wide, y - h * 0.66 + dy * wide, wide * size, wide * size * 0.9, 9), 0.28
        )
        p = c.shape(crown, jitter(rng, leaf, 0.35), wide * 0.3, 1.2, wobble=0)
        c.crescent(p, c.mood.shade(c.mood.shade(leaf)), wide * 0.12) if h > 0.3 else None
    for _ in range(int(4 * min(1.0, h * 3)) if h > 0.12 else 0):
        a = np.array([x + lean + rng.uniform(-0.7, 0.5) * wide, y - h * 0.66 + rng.uniform(-0.7, 0.4) * wide])
        tuft = np.concatenate(
            [arc(a, a + [0.13 * wide, 0], 0.35), arc(a + [0.13 * wide, 0], a + [0.26 * wide, 0.02], 0.35)]
        )
        c.ink(tuft, 0.9)


def conifer(c: Canvas, x: float, y: float, h: float, leaf: RGB) -> None:
    """Fir: jagged tiers."""
    c.shape(box(x - h * 0.035, y - h * 0.2, x + h * 0.035, y), pick(c.rng, WOODS), h * 0.02, 1.1)
    tiers = int(c.rng.integers(3, 6)) if h > 0.1 else 2
    if not c.sees(x, y - h * 0.5, h * 0.6):
        return
    for k in range(tiers):
        low, top = y - h * (0.12 + 0.78 * k / tiers), y - h * min(1.0, 0.12 + 0.78 * (k + 1.7) / tiers)
        half = h * 0.27 * (1 - 0.72 * k / tiers)
        hem = [[x + half * u, low + (0.03 * h if i % 2 else 0)] for i, u in enumerate(np.linspace(1, -1, 7))]
        c.shape(straight([[x, top], *hem]), leaf, half * 0.4, 1.2)


def poplar(c: Canvas, x: float, y: float, h: float, leaf: RGB) -> None:
    """Tall narrow tree."""
    c.shape(box(x - h * 0.025, y - h * 0.2, x + h * 0.025, y), pick(c.rng, WOODS), 0, 1.1)
    t = np.array([-1, -0.8, -0.35, 0.1, 0.35, 0.1, -0.3, -0.75])
    side = np.array([0, 0.35, 0.5, 0.8, 0, -0.8, -0.75, -0.4]) * c.rng.uniform(0.85, 1.2, 8)
    c.shape(scallop(np.stack([x + side * h * 0.16, y - h * 0.4 + t * h * 0.6], 1), 0.2), leaf, h * 0.06, 1.2)


def bare(c: Canvas, x: float, y: float, h: float, leaf: RGB) -> None:
    """Leafless tree with forked branches."""
    wood = pick(c.rng, WOODS)

    def fork(a: Points, angle: float, length: float, depth: int) -> None:
        b = a + length * np.array([np.sin(angle), -np.cos(angle)])
        c.shape(
            limb([a, (a + b) / 2 + length * 0.04, b], [length * 0.1, length * 0.08, length * 0.05]),
            wood,
            length * 0.05,
            1.0,
        )
        for turn in (-0.5, 0.45) if depth else ():
            fork(b, angle + turn + c.rng.uniform(-0.2, 0.2), length * c.rng.uniform(0.6, 0.75), depth - 1)

    fork(np.array([x, y]), c.rng.uniform(-0.1, 0.1), h * 0.42, 3 if h > 0.25 else 2 if h > 0.12 else 1)


def palm(c: Canvas, x: float, y: float, h: float, leaf: RGB) -> None:
    """Palm with a bent trunk."""
    lean = c.rng.uniform(-0.25, 0.25) * h
    top = np.array([x + lean, y - h * 0.8])
    c.shape(
        limb([[x, y], [x + lean * 0.3, y - h * 0.4], [*top]], [h * 0.05, h * 0.035, h * 0.028]),
        pick(c.rng, WOODS),
        h * 0.03,
        1.2,
    )
    for angle in c.rng.permutation(np.linspace(-2.2, 2.2, 8)):
        tip = top + 0.42 * h * np.array([np.sin(angle), -0.55 * np.cos(angle) + 0.22])
        frond = np.concatenate([arc(top, tip, 0.22 * np.sign(angle), 8), arc(tip, top, -0.06 * np.sign(angle), 8)])
        c.shape(frond, jitter(c.rng, leaf, 0.5), h * 0.02, 1.1)


TREES = {"leafy": leafy, "conifer": conifer, "poplar": poplar, "bare": bare, "palm": palm}


def bush(c: Canvas, x: float, y: float, w: float, leaf: RGB) -> None:
    """Low shrub."""
    ring = blob(c, x, y - w * 0.22, w * 0.5, w * 0.32, 9)
    c.shape(scallop(ring, 0.26), leaf, w * 0.12, 1.2, wobble=0)


def grass(c: Canvas, x: float, y: float, h: float, colour: RGB) -> None:
    """Tuft of blades."""
    for dx in c.rng.uniform(-0.6, 0.6, 4):
        tip = [x + dx * h * 1.3, y - h * c.rng.uniform(0.6, 1.0)]
        blade = np.concatenate(
            [arc([x + dx * h * 0.4 - h * 0.08, y], tip, 0.1, 5), arc(tip, [x + dx * h * 0.4 + h * 0.08, y], 0.1, 5)]
        )
        c.shape(blade, colour, 0, 0.9, wobble=0)


def flower(c: Canvas, x: float, y: float, h: float, petal: RGB, leaf: RGB) -> None:
    """Stem and a round head of petals."""
    c.ink(curve([[x, y], [x + h * 0.08, y - h * 0.5], [x, y - h]], closed=False), 1.4, colour=leaf)
    c.shape(scallop(ellipse(x, y - h, h * 0.24, h * 0.22, 6), 0.5, 5), petal, h * 0.06, 0.9, wobble=0)
    c.fill(ellipse(x, y - h, h * 0.1, h * 0.1, 10), (250, 200, 70))
