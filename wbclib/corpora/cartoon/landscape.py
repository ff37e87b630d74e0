"""Sky, weather and layered landscapes in six climates."""

from __future__ import annotations

import numpy as np

from wbclib.corpora.cartoon.buildings import WHITE, cottage, fence
from wbclib.corpora.cartoon.drawing import Canvas
from wbclib.corpora.cartoon.nature import TREES, blob, bush, cloud, flower, grass
from wbclib.corpora.cartoon.palette import RGB, SEASONS, WOODS, adjust, jitter, mix, pick
from wbclib.corpora.cartoon.shapes import Points, box, curve, ellipse, straight
from wbclib.corpora.cartoon.things import birds, boat, sheep


def heavens(c: Canvas, horizon: float) -> None:
    """Sky with its sun, moon, stars, clouds and birds."""
    rng, mood = c.rng, c.mood
    c.sky(mood.sky, horizon - rng.uniform(0.5, 0.9), horizon + 0.02)
    if mood.night:
        for x, y, r in rng.uniform([0, 0, 0.0012], [1, horizon, 0.003], (40, 3)):
            c.fill(ellipse(x, y, r, r, 6), (255, 250, 220), raw=True)
    x, y = (
        rng.uniform(0.12, 0.88),
        horizon * (rng.uniform(0.12, 0.5) if mood.name != "sunset" else rng.uniform(0.55, 0.95)),
    )
    r, disc = rng.uniform(0.035, 0.08), (255, 247, 214) if mood.night else (255, 244, 190)
    if mood.name not in ("overcast", "rain") and rng.random() < 0.6:
        for k, a in ((2.6, 0.15), (1.7, 0.22)):
            c.glaze(ellipse(x, y, r * k, r * k, 40), disc, a)
        c.fill(ellipse(x, y, r, r, 40), disc, raw=True)
        if mood.night:
            c.fill(
                ellipse(x + r * 0.5, y - r * 0.2, r * 0.85, r * 0.85, 40),
                mix(mood.sky[0], mood.sky[1], min(1, y / horizon)),
                raw=True,
            )
    line = 1.0 if rng.random() < 0.5 else 0.0
    for _ in range(int(rng.integers(0, 7))):
        k = rng.random()
        cloud(c, rng.uniform(-0.05, 1.05), horizon * (0.12 + 0.75 * k), 0.42 - 0.3 * k + rng.uniform(-0.06, 0.1), line)
    if rng.random() < 0.35 and not mood.night:
        birds(c, rng.uniform(0.2, 0.8), horizon * 0.4, int(rng.integers(3, 7)))


def ridge(c: Canvas, y: float, height: float, rough: float, n: int) -> Points:
    """A skyline of ``n`` points from border to border."""
    x = np.linspace(-0.1, 1.1, n)
    f, p = c.rng.uniform(2, 6, 3), c.rng.uniform(0, 6.3, 3)
    wave = np.sin(x * f[0] + p[0]) + 0.5 * np.sin(x * f[1] * 2 + p[1]) + rough * c.rng.uniform(-1, 1, n)
    return np.stack([x, y - height * (0.5 + 0.35 * wave)], 1)


def ground(line: Points) -> Points:
    """Area below a skyline."""
    return np.concatenate([line, [[1.1, 1.2], [-0.1, 1.2]]])


def mountains(c: Canvas, horizon: float) -> None:
    """Far peaks with lit and shaded faces."""
    rng, rock = c.rng, pick(c.rng, "6a7fa8 8a7a9a 5f8a9a 9a8a7a 7a8f7a")
    snow = rng.random() < 0.5
    for x in rng.permutation(np.linspace(-0.05, 1.05, int(rng.integers(3, 7)))):
        h, w = rng.uniform(0.12, 0.34), rng.uniform(0.18, 0.34)
        top = np.array([x + rng.uniform(-0.03, 0.03), horizon - h])
        left, right = np.array([x - w, horizon + 0.03]), np.array([x + w, horizon + 0.03])
        edge = straight(
            [
                left,
                (left + top) / 2 + rng.uniform(-0.02, 0.02, 2),
                top,
                (right + top) / 2 + rng.uniform(-0.02, 0.02, 2),
                right,
            ]
        )
        c.fade = rng.uniform(0.35, 0.5)
        p = c.shape(edge, rock, 0, 0)
        with c.inside(p):
            if snow:
                hem = [[top[0] + k * w * 0.12, top[1] + h * (0.38 if k % 2 else 0.24)] for k in range(4, -5, -1)]
                c.fill(np.array([[top[0] - w, top[1] - h], [top[0] + w, top[1] - h], *hem]), (248, 250, 255))
            side = -np.sign(c.mood.sun[0])
            zig = [[top[0] + side * k * 0.02 * (1 if k % 2 else -0.5), top[1] + h * k / 5] for k in range(7)]
            c.glaze(
                np.array([*zig, [top[0] + side * w * 1.2, horizon + 0.1], [top[0] + side * w, top[1]]]),
                c.mood.shade(c.mood.sky[0]),
                0.45,
            )
        c.ink(p, 1.1, closed=True)
    c.fade = 0.0


def landscape(c: Canvas, horizon: float) -> None:
    """Layered hills, water, trees, houses, a path; six climates."""
    rng = c.rng
    season = SEASONS[list(SEASONS)[int(rng.integers(len(SEASONS)))]]
    heavens(c, horizon)
    if rng.random() < 0.6:
        mountains(c, horizon)
    layers, water = int(rng.integers(3, 6)), rng.random() < 0.45
    kinds = list(rng.choice(["leafy", "conifer", "poplar", "bare", "leafy", "conifer"], 2))
    if season is SEASONS["dry"] and rng.random() < 0.5:
        kinds = ["palm", "bare"]
    soil = pick(rng, season["ground"])
    if water:
        lake(c, horizon)
    start = horizon + (rng.uniform(0.12, 0.25) if water else 0.0)
    for k in range(layers):
        near = (k + 1) / layers
        y = start + (1 - start) * (0.02 + 0.8 * (k / layers) ** 1.25)
        c.fade, c.weight = 0.45 * (1 - near) ** 1.3, 0.65 + 0.45 * near
        line = curve(ridge(c, y, 0.07 * (1.3 - near) + 0.03, 0.25, 9), closed=False)
        p = c.shape(ground(line), jitter(rng, soil, 0.6), 0, 1.2)
        _dress(c, p[: len(line)], near, season, kinds, soil)
    c.fade, c.weight = 0.0, 1.0
    _foreground(c, season)
    weather(c)


def lake(c: Canvas, horizon: float) -> None:
    """Water to the horizon: sky colours, flat streaks of light, boats."""
    rng, deep = c.rng, mix(c.mood.sky[0], c.mood.lit(pick(c.rng, "2a7a9a 3f8fb0 2f6f8a 4aa8a8")), 0.55)
    c.fill(box(-0.1, horizon, 1.1, 1.1), mix(deep, c.mood.sky[2], 0.45), raw=True)
    c.fill(
        ground(curve(ridge(c, horizon + 0.06, 0.015, 0.2, 8), closed=False)), mix(deep, c.mood.sky[1], 0.3), raw=True
    )
    c.fill(ground(curve(ridge(c, horizon + 0.13, 0.02, 0.2, 8), closed=False)), deep, raw=True)
    c.ink(straight([[-0.1, horizon], [1.1, horizon]], closed=False), 1.0, taper=0)
    for _ in range(int(rng.integers(10, 26))):
        y = horizon + 0.5 * rng.random() ** 1.5 + 0.008
        x, w = rng.random(), (y - horizon) * rng.uniform(0.1, 0.5) + 0.01
        c.fill(ellipse(x, y, w, 0.0012 + 0.012 * (y - horizon), 14), mix(deep, c.mood.sky[2], 0.75), raw=True)
    if rng.random() < 0.7:
        boat(c, rng.uniform(0.15, 0.85), horizon + rng.uniform(0.05, 0.13), rng.uniform(0.07, 0.16))


def _dress(c: Canvas, line: Points, near: float, season: dict[str, str], kinds: list[str], soil: RGB) -> None:
    """Put things on one hill: field bands, trees, houses, animals, a path."""
    rng = c.rng

    def at(x: float) -> float:
        return float(np.interp(x, line[:, 0], line[:, 1]))

    if rng.random() < 0.6:
        with c.inside(ground(line)):
            for _ in range(int(rng.integers(2, 5))):
                y, x = 0.02 + 0.1 * rng.random(), rng.random()
                bend = [[u, at(u) + y * (1 + 0.5 * np.sin(3 * u + x))] for u in np.linspace(-0.1, 1.1, 9)]
                lower = [[u, v + 0.015 + 0.05 * near] for u, v in bend[::-1]]
                c.fill(
                    np.concatenate([curve(bend, False), curve(lower, False)]),
                    adjust(soil, rng.uniform(-0.07, 0.07), 1.0, rng.uniform(-0.2, 0.2)),
                )
    if rng.random() < 0.4:
        x = rng.uniform(0.2, 0.8)
        road = curve(
            [
                [x, at(x)],
                [x + rng.uniform(-0.12, 0.12), at(x) + 0.06],
                [x + rng.uniform(-0.2, 0.2), at(x) + 0.16],
                [x + rng.uniform(-0.3, 0.3), 1.15],
            ],
            False,
        )
        half = np.linspace(0.004, 0.10, len(road))[:, None] * [1, 0]
        with c.inside(ground(line)):
            c.shape(np.concatenate([road - half, (road + half)[::-1]]), pick(rng, "ead3a2 d9b98a c9b8a0"), 0.012, 1.1)
    things: list[tuple[float, str]] = []
    size = 0.07 + 0.2 * near**1.5
    for _ in range(int(rng.integers(5, 11))):
        things.append(
            (
                rng.uniform(-0.05, 1.05),
                str(
                    rng.choice(
                        ["tree", "tree", "tree", "bush", "house", "animal"], p=[0.25, 0.2, 0.2, 0.15, 0.12, 0.08]
                    )
                ),
            )
        )
    if rng.random() < 0.3:
        x = rng.uniform(0, 0.8)
        things += [(x + 0.35 * size * k, "tree") for k in range(5)]
    houses = 0
    for drop, (x, thing) in sorted((rng.uniform(0, 0.05) * (0.4 + near), t) for t in things):
        y = at(x) + drop + 0.004
        if thing == "tree":
            TREES[kinds[int(rng.integers(2))]](c, x, y, size * rng.uniform(0.75, 1.35), pick(rng, season["leaf"], 0.6))
        elif thing == "bush":
            bush(c, x, y, size * 0.6, pick(rng, season["leaf"], 0.6))
        elif thing == "house" and houses < 2 and near < 0.95:
            houses += 1
            cottage(c, x, y + 0.01, size * rng.uniform(0.8, 1.3))
        elif thing == "animal" and near > 0.4:
            sheep(c, x, y + 0.03, size * 0.3)


def _foreground(c: Canvas, season: dict[str, str]) -> None:
    """What is close to the camera: grass, flowers, rocks, a fence, sometimes a framing tree."""
    rng = c.rng
    if rng.random() < 0.3:
        x = rng.uniform(-0.05, 0.5)
        fence(c, x, x + rng.uniform(0.4, 0.7), rng.uniform(0.88, 0.97), 0.1, pick(rng, WOODS + " f2eee4"))
    for _ in range(int(rng.integers(0, 3))):
        x, w = rng.random(), rng.uniform(0.05, 0.13)
        c.shape(
            curve(blob(c, x, rng.uniform(0.9, 1.0), w, w * 0.55, 7, 0.2), steps=4),
            pick(rng, "8a8a92 a89a8a 7a7f8a"),
            w * 0.35,
            1.4,
        )
    leaf = pick(rng, season["leaf"])
    for x in rng.uniform(0, 1, int(rng.integers(4, 14))):
        grass(c, x, rng.uniform(0.86, 1.04), rng.uniform(0.03, 0.07), jitter(rng, leaf, 0.5))
    petal = pick(rng, season["flower"])
    for x in rng.uniform(0, 1, int(rng.integers(0, 14))):
        flower(c, x, rng.uniform(0.86, 1.06), rng.uniform(0.04, 0.08), jitter(rng, petal, 0.5), leaf)
    if rng.random() < 0.3:
        x = rng.choice([rng.uniform(-0.02, 0.12), rng.uniform(0.88, 1.02)])
        TREES[str(rng.choice(["leafy", "conifer", "palm", "bare"]))](c, float(x), 1.04, rng.uniform(0.8, 1.2), leaf)


def weather(c: Canvas) -> None:
    """Rain, snow or drifting leaves before everything, in some pictures."""
    rng = c.rng
    if c.mood.name == "rain":
        for x, y, h in rng.uniform([-0.1, -0.1, 0.02], [1.1, 1.0, 0.05], (70, 3)):
            c.ink(np.array([[x, y], [x - h * 0.25, y + h]]), 0.9, colour=mix(c.mood.sky[2], WHITE, 0.5))
    elif rng.random() < 0.1:
        tone = pick(rng, "ffffff f7c4d2 f0c04a ffffff")
        for x, y, r in rng.uniform([0, 0, 0.003], [1, 1, 0.008], (45, 3)):
            c.fill(ellipse(x, y, r, r * 0.8, 9, x * 9), tone, raw=True)
