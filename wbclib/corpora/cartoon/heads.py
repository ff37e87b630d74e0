"""Faces: outline, ears, eyes, nose, mouth, beard, glasses, hats. Coordinates are head units (see person)."""

from __future__ import annotations

import numpy as np

from wbclib.corpora.cartoon.drawing import Canvas
from wbclib.corpora.cartoon.hair import cap_path, front_hair
from wbclib.corpora.cartoon.palette import adjust, mix, rgb, times
from wbclib.corpora.cartoon.person import Frame, Person
from wbclib.corpora.cartoon.shapes import Points, box, curve, ellipse, scallop


def skull(who: Person, yaw: float) -> Points:
    """Outline of the face, in head units."""
    j, t = who.jaw, 0.16 * yaw
    right = [
        (0.62, -1.12),
        (0.96, -0.55),
        (0.98, 0.0),
        (0.9, 0.42),
        (0.62 + 0.16 * j, 0.83),
        (0.2 + 0.2 * j, 1.15 + 0.03 * j),
    ]
    p = [(0.0, -1.28), *right, (0.0, 1.2), *[(-x, y) for x, y in right[::-1]]]
    shift = [max(0.0, (y + 0.3) / 1.5) * t * 1.3 - 0.5 * t * (1 if x * yaw > 0 and y > 0.2 else 0) for x, y in p]
    return curve(np.array(p) + np.stack([shift, np.zeros(len(p))], 1), steps=5)


def eye(c: Canvas, who: Person, f: Frame, side: int, shut: bool) -> None:
    """One eye with lid, iris, pupil and highlights, and its brow."""
    if f.size < 0.03:
        c.ink(f(np.array([(side * 0.4, -0.02), (side * 0.4, 0.3)]), 1.0), 1.7)
        c.ink(f(np.array([(side * 0.2, -0.28), (side * 0.62, -0.26)]), 1.0), 1.0)
        return
    far = side * f.yaw > 0
    w = 0.27 * (1 - (0.3 * abs(f.yaw) if far else 0.0)) * (0.9 + 0.1 * who.eye_size)
    h, x, y = 0.27 * who.eye_size, side * 0.43 * (1 - 0.1 * abs(f.yaw)), 0.16
    brow = curve([(x - side * 0.26, -0.22), (x, -0.35 - 0.03 * who.smile), (x + side * 0.3, -0.2)], False, 5)
    c.ink(
        f(brow, 1.0), 1.5 * who.brow * min(1.6, max(0.6, f.size * 10)), taper=0.8, colour=mix(who.hair, c.mood.ink, 0.5)
    )
    lid_width = (2.4 if "lashes" in who.extras else 1.8) * min(1.6, max(0.55, f.size * 9))
    if shut:
        c.ink(f(curve([(x - w, y), (x, y - h * 0.55), (x + w, y)], False), 1.0), lid_width, taper=0.6)
        return
    upper = [
        (x - w, y + 0.04),
        (x - w * 0.55, y - h * 0.85),
        (x + w * 0.1, y - h),
        (x + w * 0.75, y - h * 0.6),
        (x + w, y + 0.02),
    ]
    upper = upper if side > 0 else [(2 * x - a, b) for a, b in upper[::-1]]
    lid = curve(upper, False, 5)
    lower = curve([upper[-1], (x + w * 0.5, y + h * 0.66), (x - w * 0.5, y + h * 0.66), upper[0]], False, 5)
    white = f(np.concatenate([lid, lower[1:-1]]), 1.0)
    c.fill(white, (252, 250, 246))
    look = 0.06 * f.yaw
    iris = min(w * 0.72, h * 0.86)
    with c.inside(white):
        centre = f(np.array([x + look, y - h * 0.1]), 1.0)
        r = iris * f.size
        c.fill(ellipse(float(centre[0]), float(centre[1]), r * 0.95, r * 1.12), adjust(who.eye, -0.12))
        c.fill(ellipse(centre[0], centre[1] + r * 0.35, r * 0.72, r * 0.7), adjust(who.eye, 0.12))
        c.fill(ellipse(float(centre[0]), float(centre[1]), r * 0.46, r * 0.58), mix(who.eye, c.mood.ink, 0.88))
        c.fill(
            f(np.concatenate([lid, lid[::-1] + [0, h * 0.24]]), 1.0),
            mix(c.mood.ink, who.eye, 0.35) if f.size > 0.12 else c.mood.ink,
        )
        s = -1 if c.mood.sun[0] < 0 else 1
        c.fill(ellipse(centre[0] + s * r * 0.34, centre[1] - r * 0.38, r * 0.28, r * 0.32, 14), (255, 255, 255))
        c.fill(ellipse(centre[0] - s * r * 0.4, centre[1] + r * 0.5, r * 0.14, r * 0.16, 10), (255, 255, 255))
    c.ink(f(lid, 1.0), lid_width, taper=0.45)
    if "lashes" in who.extras:
        corner = np.array(upper[-1] if side > 0 else upper[0])
        c.ink(f(np.array([corner, corner + [side * 0.1, -0.08]]), 1.0), lid_width * 0.8, taper=0.3)
    if f.size > 0.1:
        c.ink(f(lower[3:-3], 1.0), 1.0)
        c.ink(f(lid[4:-4] - [0, 0.11], 1.0), 0.9)


def mouth(c: Canvas, who: Person, f: Frame) -> None:
    """Line or open mouth."""
    y, w, k = 0.72, 0.3, who.smile * 1.4
    line = curve([(-w, y - 0.06 * k), (0, y + 0.05 * k), (w, y - 0.06 * k)], False, 5)
    scale = min(1.5, max(0.6, f.size * 9))
    if "open" in who.extras and k > 0.1:
        lips = np.concatenate(
            [
                line,
                curve([(w, y - 0.06 * k), (w * 0.6, y + 0.26), (-w * 0.6, y + 0.26), (-w, y - 0.06 * k)], False, 5)[
                    1:-1
                ],
            ]
        )
        p = c.shape(f(lips, 1.0), rgb("8a2f3a"), 0, 0, wobble=0)
        with c.inside(p):
            c.fill(f(box(-w, y - 0.2, w, y + 0.09), 1.0), (252, 250, 246))
            c.fill(f(ellipse(0, y + 0.3, w * 0.7, 0.13), 1.0), rgb("e8757f"))
        c.ink(p, 1.2 * scale, closed=True)
    else:
        c.ink(f(line, 1.0), 1.7 * scale, taper=0.8)
        if f.size > 0.1:
            c.ink(f(np.array([(-0.09, y + 0.17), (0.0, y + 0.19), (0.09, y + 0.17)]), 1.0), 1.0)


def nose(c: Canvas, who: Person, f: Frame) -> None:
    """A hint: shadow of the ridge and the underside."""
    s = np.sign(f.yaw) if abs(f.yaw) > 0.15 else -np.sign(c.mood.sun[0])
    dark = c.mood.shade(who.skin)
    c.fill(f([(0.02 * s, 0.22), (0.15 * s, 0.46), (0.0, 0.52), (-0.05 * s, 0.47)], 1.15), mix(who.skin, dark, 0.75))
    c.ink(
        f(curve([(0.1 * s, 0.36), (0.16 * s, 0.47), (0.0, 0.53), (-0.07 * s, 0.49)], False, 4), 1.15),
        1.2 * min(1.4, max(0.6, f.size * 9)),
    )


def _beard(c: Canvas, who: Person, f: Frame, face: Points) -> None:
    tone = who.hair if "stubble" not in who.extras else mix(who.skin, who.hair, 0.3)
    line = 0.0 if "stubble" in who.extras else 1.1
    if who.extras & {"beard", "stubble"}:
        t = 0.16 * f.yaw
        with c.inside(face):
            p = [
                (-1.2, 0.1),
                (-0.86, 0.15),
                (-0.66 + t, 0.6),
                (-0.3 + t, 0.56),
                (t, 0.6),
                (0.3 + t, 0.56),
                (0.66 + t, 0.6),
                (0.86, 0.15),
                (1.2, 0.1),
                (1.2, 1.6),
                (-1.2, 1.6),
            ]
            c.shape(f(p), tone, 0, line)
    if who.extras & {"beard", "moustache"}:
        lip = curve(
            [
                (-0.36, 0.68),
                (-0.16, 0.57),
                (0.0, 0.6),
                (0.16, 0.57),
                (0.36, 0.68),
                (0.14, 0.67),
                (0, 0.65),
                (-0.14, 0.67),
            ],
            steps=4,
        )
        c.shape(f(lip, 1.0), who.hair, 0, 1.0)


def _glasses(c: Canvas, who: Person, f: Frame) -> None:
    for side in (-1, 1):
        ring = f(curve(ellipse(side * 0.45, 0.16, 0.36, 0.33, 10), steps=4), 1.05)
        c.glaze(ring, (235, 245, 255), 0.22)
        c.ink(ring, 2.0 * min(1.4, max(0.6, f.size * 9)), closed=True, colour=mix(who.trim, c.mood.ink, 0.6))
        c.ink(f([(side * 0.8, 0.1), (side * 1.0, 0.02)], 0.5), 1.8, taper=0, colour=mix(who.trim, c.mood.ink, 0.6))
    c.ink(f([(-0.1, 0.12), (0.1, 0.12)], 1.1), 1.6, taper=0, colour=mix(who.trim, c.mood.ink, 0.6))


def _hat(c: Canvas, who: Person, f: Frame, kind: int) -> None:
    if kind == 0:  # knitted
        c.shape(
            f(curve([(-1.12, -0.6), (-1.05, -1.2), (0, -1.75), (1.05, -1.2), (1.12, -0.6)], False)),
            who.trim,
            0.2 * f.size,
            1.5,
        )
        c.shape(
            f(curve([(-1.18, -0.5), (-1.15, -0.8), (0, -0.95), (1.15, -0.8), (1.18, -0.5), (0, -0.66)], steps=4)),
            adjust(who.trim, 0.08),
            0,
            1.5,
        )
        c.shape(f(scallop(ellipse(0, -1.8, 0.24, 0.24, 8), 0.3)), (250, 246, 238), 0.06 * f.size, 1.2)
    elif kind == 1:  # straw hat
        c.shape(f(ellipse(0, -0.78, 1.75, 0.42)), rgb("ecca7a"), 0.08 * f.size, 1.5)
        crown = f(curve([(-0.98, -0.8), (-0.85, -1.55), (0, -1.75), (0.85, -1.55), (0.98, -0.8), (0, -0.62)], steps=5))
        c.shape(crown, rgb("f0d28a"), 0.2 * f.size, 1.5)
        c.shape(
            f(curve([(-0.98, -0.85), (-0.95, -1.08), (0, -0.95), (0.95, -1.08), (0.98, -0.85), (0, -0.66)], steps=4)),
            who.trim,
            0,
            1.2,
        )
    else:  # cap
        s = np.sign(f.yaw) or 1.0
        c.shape(
            f(curve([(-1.1, -0.6), (-1.0, -1.25), (0, -1.6), (1.0, -1.25), (1.1, -0.6), (0, -0.75)])),
            who.trim,
            0.2 * f.size,
            1.5,
        )
        c.shape(
            f(curve([(-0.3 * s, -0.72), (0.6 * s, -0.82), (1.7 * s, -0.5), (1.2 * s, -0.46), (0.3 * s, -0.55)])),
            c.mood.shade(who.trim),
            0,
            1.5,
        )


def head(c: Canvas, who: Person, f: Frame, shut: bool = False) -> None:
    """Face, ears and front hair; back hair and neck are drawn before."""
    dark, hatted = c.mood.shade(who.skin), int(c.rng.integers(3))
    for side in (-1, 1):
        if side * f.yaw < 0.45:
            ear = f(
                curve(
                    [
                        (side * 0.92, -0.05),
                        (side * 1.12, -0.12),
                        (side * 1.16, 0.18),
                        (side * 0.98, 0.45),
                        (side * 0.88, 0.3),
                    ],
                    steps=5,
                )
            )
            c.shape(ear, who.skin, 0, 1.3, wobble=0)
            c.ink(f(curve([(side * 1.06, 0.0), (side * 0.98, 0.1), (side * 1.04, 0.22)], False)), 0.9)
            if "earring" in who.extras:
                c.shape(f(ellipse(side * 1.04, 0.52, 0.07, 0.07, 12)), rgb("f2c23a"), 0, 0.8, wobble=0)
    face = c.shape(f(skull(who, f.yaw)), who.skin, 0.16 * f.size, 0, wobble=0.4)
    cap = cap_path(who, c.rng, f.yaw)
    with c.inside(face):
        c.fill(f(cap + [0.04, 0.12]), dark)
    c.ink(face, 1.5, closed=True)
    if "blush" in who.extras:
        for side in (-1, 1):
            c.fill(
                f(ellipse(side * 0.56, 0.5, 0.2, 0.11, 18), 0.9), mix(who.skin, times(who.skin, (1.05, 0.62, 0.6)), 0.7)
            )
    _beard(c, who, f, face)
    if "freckles" in who.extras and f.size > 0.08:
        for x, y in c.rng.uniform([-0.62, 0.36], [0.62, 0.52], (12, 2)):
            c.fill(f(ellipse(x, y, 0.022, 0.022, 6), 0.95), dark)
    nose(c, who, f)
    mouth(c, who, f)
    for side in (-1, 1):
        eye(c, who, f, side, shut)
    if "glasses" in who.extras:
        _glasses(c, who, f)
    front_hair(c, who, f, cap)
    if "hat" in who.extras and who.back not in ("bun", "afro"):
        _hat(c, who, f, hatted)
