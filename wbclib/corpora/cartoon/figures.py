"""Busts with clothes, and whole figures in a pose."""

from __future__ import annotations

import numpy as np

from wbclib.corpora.cartoon.drawing import Canvas
from wbclib.corpora.cartoon.hair import back_hair
from wbclib.corpora.cartoon.heads import head
from wbclib.corpora.cartoon.person import Frame, Person
from wbclib.corpora.cartoon.shapes import Points, box, curve, ellipse, limb, straight

POSES = ("stand", "walk", "wave", "hips", "run", "point")


_ARMS = {  # elbow and wrist of the right arm, then of the left, from the shoulder, as shares of the height
    "stand": [(0.035, 0.15), (0.03, 0.29), (-0.035, 0.15), (-0.03, 0.29)],
    "walk": [(0.06, 0.14), (0.09, 0.26), (-0.06, 0.14), (-0.02, 0.27)],
    "wave": [(0.11, 0.02), (0.13, -0.13), (-0.04, 0.15), (-0.04, 0.28)],
    "hips": [(0.11, 0.1), (0.02, 0.2), (-0.11, 0.1), (-0.02, 0.2)],
    "run": [(0.08, 0.11), (0.16, 0.05), (-0.1, 0.1), (-0.05, 0.2)],
    "point": [(0.12, 0.05), (0.25, 0.01), (-0.035, 0.15), (-0.03, 0.29)],
}


_LEGS = {  # knee and ankle of the right leg, then of the left, from the hip
    "stand": [(0.012, 0.22), (0.015, 0.43), (-0.012, 0.22), (-0.015, 0.43)],
    "walk": [(0.06, 0.21), (0.08, 0.42), (-0.03, 0.22), (-0.1, 0.41)],
    "run": [(0.12, 0.17), (0.06, 0.36), (-0.05, 0.22), (-0.2, 0.3)],
}


def figure(c: Canvas, who: Person, x: float, y: float, h: float, yaw: float = 0.0, pose: str = "stand") -> None:
    """A whole person of height ``h`` whose feet stand at (x, y)."""
    if not c.sees(x, y - h / 2, h * 0.6):
        return
    face = 1.0 if yaw >= 0 else -1.0
    legs, arms = np.array(_LEGS.get(pose, _LEGS["stand"])), np.array(_ARMS[pose])
    hip, shoulder, k = np.array([x, y - 0.46 * h]), np.array([x, y - 0.76 * h]), c.weight
    c.weight = k * float(np.clip(h * 1.6, 0.5, 1.0))
    c.glaze(ellipse(x, y, 0.17 * h, 0.03 * h), (20, 16, 50), 0.3)
    turn = np.array([face, 1.0]) * h
    f = Frame(x + 0.012 * h * face, y - 0.885 * h, 0.082 * h, yaw)
    back_hair(c, who, f)
    _arm(c, who, shoulder + [-0.085 * face * h, 0.02 * h], arms[2:] * turn, h)
    for i in (2, 0):
        _leg(c, who, hip + np.array([0.035 * (1 if i == 0 else -1) * face * h, 0]), legs[i : i + 2] * turn, h)
    _torso(c, who, x, y, h, face)
    c.shape(
        limb([[x, y - 0.82 * h], [x, y - 0.75 * h]], [0.028 * h, 0.032 * h]), c.mood.shade(who.skin), 0, 1.1, wobble=0
    )
    if who.coat in ("scarf", "turtleneck", "hoodie", "collar"):
        c.shape(curve(ellipse(x, y - 0.765 * h, 0.06 * h, 0.026 * h, 8), steps=3), who.trim, 0.01 * h, 1.1)
    _arm(c, who, shoulder + [0.085 * face * h, 0.02 * h], arms[:2] * turn, h)
    head(c, who, f)
    c.weight = k


def _arm(c: Canvas, who: Person, root: Points, joints: Points, h: float) -> None:
    path, short = np.array([root, root + joints[0], root + joints[1]]), who.coat in ("tee", "vneck", "stripes")
    end = path[2] + (path[2] - path[1]) / max(1e-6, float(np.hypot(*(path[2] - path[1])))) * 0.025 * h
    along = (path[2] - path[1]) / max(1e-6, float(np.hypot(*(path[2] - path[1]))))
    inward = np.array([-along[1], along[0]]) * (1 if along[1] * (root[0] - path[1][0]) <= 0 else -1)
    c.shape(
        limb([end - along * 0.02 * h, end + inward * 0.03 * h], [0.011 * h, 0.009 * h], 3), who.skin, 0, 1.1, wobble=0
    )
    c.shape(
        limb([end - along * 0.015 * h, end + along * 0.018 * h], [0.024 * h, 0.021 * h], 3),
        who.skin,
        0.008 * h,
        1.2,
        wobble=0,
    )
    c.shape(limb(path, [0.036 * h, 0.028 * h, 0.022 * h]), who.skin if short else who.top, 0.014 * h, 1.3, wobble=0)
    if short:
        c.shape(
            limb(
                [path[0], (path[0] + path[1]) / 2, path[0] * 0.15 + path[1] * 0.85], [0.038 * h, 0.037 * h, 0.036 * h]
            ),
            who.top,
            0.012 * h,
            1.2,
            wobble=0,
        )


def _leg(c: Canvas, who: Person, root: Points, joints: Points, h: float) -> None:
    path = np.array([root, root + joints[0], root + joints[1]])
    bare = who.skirt
    c.shape(limb(path, [0.055 * h, 0.04 * h, 0.028 * h]), who.skin if bare else who.bottom, 0.02 * h, 1.3, wobble=0)
    if bare and "socks" in who.extras:
        c.shape(
            limb([path[1] * 0.4 + path[2] * 0.6, path[2]], [0.034 * h, 0.029 * h]),
            (246, 244, 240),
            0.01 * h,
            1.1,
            wobble=0,
        )
    toe = 0.05 * h * (1 if joints[0][0] >= 0 else -1)
    a, b = path[2] + [0, 0.016 * h], path[2] + [toe * 0.9, 0.024 * h]
    c.shape(limb([a, b], [0.028 * h, 0.02 * h], 3), c.mood.shade(who.trim), 0, 1.3, wobble=0)


def _torso(c: Canvas, who: Person, x: float, y: float, h: float, face: float) -> None:
    if who.skirt:
        hem, flare = 0.27, 0.16
        skirt = [
            (x - 0.07 * h, y - 0.52 * h),
            (x + 0.07 * h, y - 0.52 * h),
            (x + flare * h, y - hem * h),
            (x + 0.05 * h, y - (hem - 0.015) * h),
            (x - 0.06 * h, y - (hem - 0.01) * h),
            (x - flare * h, y - hem * h),
        ]
        c.shape(straight(skirt), who.bottom, 0.04 * h, 1.4)
        for u in (-0.06, 0.0, 0.06):
            c.ink(curve([(x + u * 0.6 * h, y - 0.49 * h), (x + u * 1.4 * h, y - (hem + 0.04) * h)], False), 1.0)
    long = 0.36 if who.coat in ("jacket", "kimono") else 0.45
    body = [
        (x - 0.045 * h, y - 0.785 * h),
        (x - 0.115 * h, y - 0.745 * h),
        (x - 0.085 * h, y - 0.6 * h),
        (x - 0.1 * h, y - long * h),
        (x + 0.1 * h, y - long * h),
        (x + 0.085 * h, y - 0.6 * h),
        (x + 0.115 * h, y - 0.745 * h),
        (x + 0.045 * h, y - 0.785 * h),
    ]
    p = c.shape(curve(body, steps=4), who.top, 0.04 * h, 1.4)
    with c.inside(p):
        if who.coat == "stripes":
            for v in np.arange(0.47, 0.8, 0.06):
                c.fill(box(x - 0.2 * h, y - v * h, x + 0.2 * h, y - (v - 0.026) * h), who.trim)
        if who.coat in ("jacket", "kimono"):
            c.shape(
                np.array(
                    [
                        (x - 0.04 * h, y - 0.8 * h),
                        (x + 0.04 * h, y - 0.8 * h),
                        (x + 0.012 * h, y - 0.3 * h),
                        (x - 0.012 * h, y - 0.3 * h),
                    ]
                ),
                who.trim,
                0,
                1.0,
            )
        if "bag" in who.extras:
            c.ink(
                np.array([(x - 0.1 * h * face, y - 0.78 * h), (x + 0.09 * h * face, y - 0.5 * h)]),
                2.6,
                taper=0,
                colour=who.trim,
            )
    c.ink(p, 1.3, closed=True)
    if "bag" in who.extras:
        c.shape(
            curve(ellipse(x + 0.1 * h * face, y - 0.46 * h, 0.05 * h, 0.055 * h, 6), steps=4), who.trim, 0.015 * h, 1.2
        )
