"""Curves, polygons and perspective: where the points of a drawing lie."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]


@lru_cache(maxsize=32)
def _catmull_rom(steps: int) -> NDArray[np.float64]:
    t = np.arange(steps)[:, None] / steps
    powers = np.concatenate([np.ones_like(t), t, t * t, t**3], 1)
    return powers @ (0.5 * np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]], float))


@lru_cache(maxsize=128)
def thinning(n: int) -> NDArray[np.float64]:
    """How much thinner each of the ``n`` pieces of an open ink line is than its middle, 0 to 1."""
    return 1 - np.sqrt(np.sin(np.pi * (0.04 + 0.92 * (np.arange(n) + 0.5) / n)))


def curve(points: ArrayLike, closed: bool = True, steps: int = 6) -> Points:
    """Catmull-Rom spline through ``points`` (n, 2), ``steps`` samples a span."""
    p = np.asarray(points, float)
    if closed:
        q = np.concatenate([p[-1:], p, p[:2]])
    else:
        q = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    spans = np.stack([q[:-3], q[1:-2], q[2:-1], q[3:]], 1)
    smooth = np.einsum("sk,nkd->nsd", _catmull_rom(steps), spans).reshape(-1, 2)
    return smooth if closed else np.concatenate([smooth, p[-1:]])


def straight(points: ArrayLike, closed: bool = True, step: float = 0.03) -> Points:
    """Polygon with its edges subdivided, so that a wobble can bend them; corners stay."""
    p = np.asarray(points, float)
    q = np.concatenate([p, p[:1]]) if closed else p
    lengths = np.hypot(*np.diff(q, axis=0).T)
    parts = []
    for a, b, length in zip(q[:-1], q[1:], lengths, strict=True):
        n = min(12, max(1, int(length / step)))
        parts.append(a + (b - a) * (np.arange(n)[:, None] / n))
    return np.concatenate(parts if closed else [*parts, q[-1:]])


def arc(a: ArrayLike, b: ArrayLike, bulge: float, steps: int = 7) -> Points:
    """Bow from ``a`` towards ``b`` (``b`` left out), ``bulge`` times the chord to its left-hand side."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    t = np.arange(steps)[:, None] / steps
    normal = np.array([b[1] - a[1], a[0] - b[0]])
    return a + (b - a) * t + normal * (bulge * 4 * t * (1 - t))


def scallop(points: ArrayLike, bulge: float = 0.3, steps: int = 6) -> Points:
    """Closed shape of bows between ``points``: leaves, clouds, wool."""
    p = np.asarray(points, float)
    edge = (np.concatenate([p[1:], p[:1]]) - p)[:, None]
    t = np.arange(steps)[:, None] / steps
    normal = edge[..., ::-1] * [1.0, -1.0]
    return (p[:, None] + edge * t + normal * (bulge * 4 * t * (1 - t))).reshape(-1, 2)


def ellipse(x: float, y: float, rx: float, ry: float, n: int = 28, turn: float = 0.0) -> Points:
    """Ellipse as a polygon, clockwise on the screen; ``turn`` in radians."""
    t = np.arange(n) * (2 * np.pi / n)
    dx, dy = rx * np.cos(t), ry * np.sin(t)
    return np.stack([x + dx * np.cos(turn) - dy * np.sin(turn), y + dx * np.sin(turn) + dy * np.cos(turn)], 1)


def box(x0: float, y0: float, x1: float, y1: float) -> Points:
    """Rectangle, clockwise on the screen."""
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], float)


def limb(points: ArrayLike, widths: Sequence[float], steps: int = 5) -> Points:
    """Outline of a tube round a path: ``widths`` are half widths at the points; round ends."""
    p = np.asarray(points, float)
    path = curve(p, closed=False, steps=steps)
    half = np.interp(np.arange(len(path)) / (len(path) - 1), np.arange(len(p)) / (len(p) - 1), widths)
    tangent = np.gradient(path, axis=0)
    tangent /= np.maximum(np.hypot(*tangent.T), 1e-9)[:, None]
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], 1) * half[:, None]
    turn = np.linspace(0.2, 0.8, 4)[:, None] * np.pi
    end = path[-1] + normal[-1] * np.cos(turn) + tangent[-1] * half[-1] * np.sin(turn)
    start = path[0] - normal[0] * np.cos(turn) - tangent[0] * half[0] * np.sin(turn)
    return np.concatenate([path + normal, end, (path - normal)[::-1], start])


class Perspective:
    """One-point perspective: world x right, y up, z away (metres), eye at height ``eye``."""

    def __init__(self, x: float, y: float, focal: float, eye: float) -> None:
        self.x, self.y, self.focal, self.eye = x, y, focal, eye

    def __call__(self, x: float, y: float, z: float) -> tuple[float, float]:
        return self.x + self.focal * x / z, self.y - self.focal * (y - self.eye) / z

    def polygon(self, *corners: tuple[float, float, float]) -> Points:
        """Corners in the picture."""
        return np.array([self(*corner) for corner in corners], float)
