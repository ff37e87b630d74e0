"""Ink and colour on a canvas: flat areas, hard-edged shadows, outlines whose width varies.

Coordinates are shares of the picture's side, x to the right and y down, so one drawing serves any size.
The canvas is at least three times larger than the picture; OpenCV fills, area averaging smooths.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from wbclib.corpora.cartoon.palette import RGB, Mood, Rng, mix
from wbclib.corpora.cartoon.shapes import Points, thinning

OVERSAMPLING, SMALLEST_CANVAS = 3, 384  # pixels: below it, lines could not become thinner
_SHIFT = 4  # fractional bits of OpenCV's fixed-point coordinates


class Canvas:
    """A picture being drawn.

    Args:
        size: side of the finished picture in pixels.
        view: (x, y, side) of the part of the unit square that is seen: the camera.
    """

    def __init__(self, size: int, rng: Rng, mood: Mood, view: tuple[float, float, float] = (0.0, 0.0, 1.0)) -> None:
        self.size, self.rng, self.mood = size, rng, mood
        side = size * max(OVERSAMPLING, -(-SMALLEST_CANVAS // size))
        self.pixels = np.zeros((side, side, 3), np.uint8)  # inside a block of `inside`: a part of them
        self.view, self.scale = view, side * (1 << _SHIFT) / view[2]
        self.offset = -np.array(view[:2]) * self.scale
        self.unit = side / 256.0
        self.weight = 1.0  # of all outlines; distance makes them thinner
        self.fade = 0.0  # share of the haze in all colours

    def finish(self) -> NDArray[np.uint8]:
        """The picture, uint8 (size, size, 3)."""
        return cv2.resize(self.pixels, (self.size, self.size), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]

    def sees(self, x: float, y: float, reach: float) -> bool:
        """Whether anything within ``reach`` of a point is in the picture."""
        x0, y0, side = self.view
        return x0 - reach < x < x0 + side + reach and y0 - reach < y < y0 + side + reach

    def colour(self, colour: RGB, raw: bool = False) -> tuple[int, int, int]:
        """What a local colour becomes under the light and in the distance; ``raw`` gives light itself."""
        r, g, b = colour if raw else self.mood.lit(colour)
        if self.fade and not raw:
            r, g, b = mix((r, g, b), self.mood.haze, self.fade)
        return int(min(255, max(0, r))), int(min(255, max(0, g))), int(min(255, max(0, b)))

    def device(self, points: ArrayLike) -> NDArray[np.int32]:
        """Fixed-point coordinates on the large canvas, or on the part of it that is being drawn."""
        return (np.asarray(points) * self.scale + self.offset).astype(np.int32)

    def wobble(self, points: Points, amount: float = 1.0) -> Points:
        """Move points as a hand would: smooth along the line, about ``amount`` thousandths of the side."""
        run = np.cumsum(np.hypot(*np.diff(points, axis=0, prepend=points[:1]).T)) * 2 * np.pi
        f, phase = self.rng.uniform(2, 9, 4), self.rng.uniform(0, 2 * np.pi, 4)
        waves = np.sin(run[:, None] * f + phase)
        return points + np.stack([waves[:, 0] + waves[:, 1], waves[:, 2] + waves[:, 3]], 1) * (amount * 0.0008)

    def fill(self, points: ArrayLike, colour: RGB, raw: bool = False) -> None:
        """A flat area without an outline."""
        cv2.fillPoly(self.pixels, [self.device(points)], self.colour(colour, raw), shift=_SHIFT)

    def ink(
        self, points: Points, width: float = 1.3, closed: bool = False, taper: float = 1.0, colour: RGB | None = None
    ) -> None:
        """An ink line, ``width`` in 1/256 of the side at its thickest.

        An open line tapers to both ends; a closed one is heavier on the side away from the light.
        """
        p = np.concatenate([points, points[:1]]) if closed else np.asarray(points)
        q, height_width = self.device(p), self.pixels.shape[:2]
        low, high, n = q.min(0) >> _SHIFT, q.max(0) >> _SHIFT, len(q) - 1
        if n < 1 or high.min() < -9 or low[0] > height_width[1] + 9 or low[1] > height_width[0] + 9:
            return
        weight = width * self.weight * self.unit
        tone = self.colour(colour or self.mood.ink, raw=colour is None and self.fade == 0)
        if (high - low).max() < 8 * self.unit or n == 1:
            cv2.polylines(self.pixels, [q], False, tone, max(2, round(0.8 * weight)), cv2.LINE_8, _SHIFT)
            return
        if closed:
            d = (q[1:] - q[:-1]).astype(float)
            away = (d[:, 1] * self.mood.sun[0] - d[:, 0] * self.mood.sun[1]) / np.maximum(np.sqrt((d * d).sum(1)), 1e-9)
            turning = np.sign((p[:-1, 0] * p[1:, 1] - p[1:, 0] * p[:-1, 1]).sum()) or 1.0
            profile = 0.82 - 0.28 * away * turning
        else:
            profile = 1 - taper * thinning(n)
        thick = np.maximum(2, np.rint(profile * weight)).astype(int)
        cuts = (np.flatnonzero(thick[1:] != thick[:-1]) + 1).tolist()
        for a, b in zip([0, *cuts], [*cuts, n], strict=True):
            cv2.polylines(self.pixels, [q[a : b + 1]], False, tone, int(thick[a]), cv2.LINE_8, _SHIFT)

    def shape(
        self,
        points: Points,
        colour: RGB,
        shade: float = 0.0,
        line: float = 1.3,
        wobble: float = 1.0,
        light: float = 0.0,
    ) -> Points:
        """A flat area, its cel shadow away from the light (``shade`` wide), a lit rim (``light``), an outline.

        Returns the outline as drawn.
        """
        p = self.wobble(points, wobble) if wobble else points
        (x0, y0), (x1, y1), (x, y, side) = p.min(0), p.max(0), self.view
        if x1 < x or y1 < y or x0 > x + side or y0 > y + side:
            return p
        self.fill(p, colour)
        if shade:
            self.crescent(p, self.mood.shade(colour), shade)
        if light:
            self.crescent(p, mix(colour, (255, 250, 235), 0.35), -light)
        if line:
            self.ink(p, line, closed=True)
        return p

    def crescent(self, points: Points, colour: RGB, depth: float) -> None:
        """Colour the part of an area that is away from the light (``depth`` > 0) or towards it (< 0)."""
        moved = self.device(points + np.array(self.mood.sun) * depth)
        with self._masked(points) as (roi, mask, corner):
            cv2.fillPoly(mask, [moved - corner], 0, shift=_SHIFT)
            _paint(roi, mask, self.colour(colour))

    def glaze(self, points: ArrayLike, colour: RGB, amount: float) -> None:
        """A transparent flat layer with a hard edge: cast shadows, patches of light, reflections."""
        with self._masked(np.asarray(points, float)) as (roi, mask, _):
            layer = np.full_like(roi, self.colour(colour, raw=True))
            cv2.copyTo(cv2.addWeighted(roi, 1 - amount, layer, amount, 0), mask, roi)

    @contextmanager
    def inside(self, points: ArrayLike) -> Iterator[None]:
        """Whatever is drawn in the block stays inside the area."""
        outer, offset = self.pixels, self.offset
        with self._masked(np.asarray(points, float)) as (roi, mask, corner):
            before, self.pixels, self.offset = roi.copy(), roi, offset - corner
            yield
            cv2.copyTo(before, cv2.bitwise_not(mask), roi)
        self.pixels, self.offset = outer, offset

    def sky(self, stops: Sequence[RGB], top: float, low: float) -> None:
        """A vertical gradient through ``stops`` from y = ``top`` to ``low``, constant beyond."""
        y = np.arange(len(self.pixels)) / len(self.pixels) * self.view[2] + self.view[1]
        at = np.linspace(top, low, len(stops))
        rows = np.stack([np.interp(y, at, [stop[k] for stop in stops]) for k in range(3)], 1)
        self.pixels = np.asarray(cv2.repeat(np.rint(rows).astype(np.uint8)[:, None], 1, len(rows)), np.uint8)

    @contextmanager
    def _masked(self, points: Points) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int32]]]:
        p, extent = self.device(points), np.array(self.pixels.shape[1::-1])
        low = np.minimum(np.maximum((p.min(0) >> _SHIFT) - 1, 0), extent - 1)
        high = np.maximum(np.minimum((p.max(0) >> _SHIFT) + 2, extent), low + 1)
        corner = (low << _SHIFT).astype(np.int32)
        mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        cv2.fillPoly(mask, [p - corner], 255, shift=_SHIFT)
        yield self.pixels[low[1] : high[1], low[0] : high[0]], mask, corner


def _paint(roi: NDArray[np.uint8], mask: NDArray[np.uint8], colour: tuple[int, int, int]) -> None:
    layer = np.empty(roi.shape, np.uint8)
    layer[:] = colour
    cv2.copyTo(layer, mask, roi)
