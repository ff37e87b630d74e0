"""Compiled kernels of :mod:`wbclib.represent.flow`; planes (H, W), fields (2, H, W), colours (H, W, 3), one type."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

# No test for division by zero, and sums in any order, so that the compiler takes many pixels at once. NaN stays NaN.
SUMS = {"contract", "reassoc", "arcp", "nsz"}
kernel = njit(nogil=True, cache=True, error_model="numpy", fastmath=SUMS)


@kernel
def tangents(field: np.ndarray, strength: np.ndarray, reach_x: int, reach_y: int, squared: int) -> np.ndarray:
    """One pass of the edge tangent flow over |dx| < reach_x, |dy| < reach_y, dx² + dy² < squared.

    With s = exp(2 eta g), the weight w_m of a neighbour is s(y) / (s(x) + s(y)); and the sum of (t(x).t(y)) t(y) w_m is
    T t(x), with T the sum of w_m t(y) t(y)'. So three sums are gathered, a row and a neighbour at a time, by loops that
    are short enough for the compiler to take many pixels at once.
    """
    _, height, width = field.shape
    result, squares = np.empty_like(field), np.empty((3, height, width), field.dtype)
    squares[0], squares[1], squares[2] = field[0] * field[0], field[0] * field[1], field[1] * field[1]
    sums, weight = np.empty((3, width), field.dtype), np.empty(width, field.dtype)
    for y in range(height):
        sums[:] = 0
        for dy in range(max(1 - reach_y, -y), min(reach_y, height - y)):
            for dx in range(1 - reach_x, reach_x):
                left, right = max(0, -dx), min(width, width - dx)
                if dx * dx + dy * dy >= squared or left >= right:
                    continue
                _share(weight[left:right], strength[y + dy, left + dx : right + dx], strength[y, left:right])
                for c in range(3):
                    _add(sums[c, left:right], weight[left:right], squares[c, y + dy, left + dx : right + dx])
        for x in range(width):
            xx, xy, yy = sums[0, x], sums[1, x], sums[2, x]
            u, v = field[0, y, x], field[1, y, x]
            if u == 0 and v == 0:  # nothing to agree with: the direction that its neighbours have in common
                angle = 0.5 * math.atan2(2 * xy, xx - yy)
                u, v = math.cos(angle), math.sin(angle)
            a, b = xx * u + xy * v, xy * u + yy * v
            length = math.sqrt(a * a + b * b)
            result[0, y, x] = a / length if length > 0 else 0
            result[1, y, x] = b / length if length > 0 else 0
    return result


@kernel
def _share(weight: np.ndarray, other: np.ndarray, own: np.ndarray) -> None:
    for x in range(len(weight)):
        weight[x] = other[x] / (own[x] + other[x])


@kernel
def _add(total: np.ndarray, weight: np.ndarray, value: np.ndarray) -> None:
    for x in range(len(total)):
        total[x] += weight[x] * value[x]


@kernel
def difference_across(
    plane: np.ndarray, field: np.ndarray, centre: np.ndarray, surround: np.ndarray, rho: float
) -> np.ndarray:
    """Difference of Gaussians on the straight line across the flow, bilinear between pixels."""
    height, width = plane.shape
    result, real = np.empty_like(plane), plane.dtype.type
    right, below = real(width - 1), real(height - 1)
    for y in range(height):
        for x in range(width):
            nx, ny = -field[1, y, x], field[0, y, x]
            inner, outer = plane[y, x] * centre[0], plane[y, x] * surround[0]
            inner_sum, outer_sum = centre[0], surround[0]
            for k in range(1, len(centre)):
                for side in range(2):
                    away = real(k) if side else -real(k)
                    px, py = real(x) + away * nx, real(y) + away * ny
                    if not (real(0) <= px <= right and real(0) <= py <= below):
                        continue
                    i, j = np.uint64(px), np.uint64(py)
                    a, b = px - real(i), py - real(j)
                    e = i + np.uint64(a > 0)  # on the last column there is nothing to the right, and a is 0
                    f = j + np.uint64(b > 0)
                    upper = plane[j, i] + a * (plane[j, e] - plane[j, i])
                    lower = plane[f, i] + a * (plane[f, e] - plane[f, i])
                    value = upper + b * (lower - upper)
                    inner += centre[k] * value
                    inner_sum += centre[k]
                    outer += surround[k] * value
                    outer_sum += surround[k]
            result[y, x] = inner / inner_sum - real(rho) * outer / outer_sum
    return result


@kernel
def _tracks(field: np.ndarray, border: int) -> np.ndarray:
    """The field with a border of nothing around it, as (H, W, 2).

    A curve that leaves the image stands still on the border, where whatever it finds has no weight. So both ways of a
    curve can be followed in one loop that never asks where it is: each step waits for the one before it, and two chains
    of them take as long as one.
    """
    _, height, width = field.shape
    tracks = np.zeros((height + 2 * border, width + 2 * border, 2), field.dtype)
    inside = tracks[border : border + height, border : border + width]
    inside[..., 0], inside[..., 1] = field[0], field[1]
    return tracks


@kernel
def _bordered(values: np.ndarray, border: int) -> np.ndarray:
    """Values (H, W, C) and a 1 beside them, (H, W, C + 1), with a border of zeros around: there is nothing to weigh."""
    height, width, planes = values.shape
    result = np.zeros((height + 2 * border, width + 2 * border, planes + 1), values.dtype)
    inside = result[border : border + height, border : border + width]
    inside[..., :planes], inside[..., planes] = values, 1
    return result


@kernel
def _ahead(tracks: np.ndarray, i: np.uint32, j: np.uint32, u: float, v: float) -> tuple[float, float]:
    """The tangent of a pixel, turned to go on in the direction (u, v)."""
    a, b = tracks[j, i, 0], tracks[j, i, 1]
    return (-a, -b) if a * u + b * v < 0 else (a, b)


@kernel
def mean_along(plane: np.ndarray, field: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean along the curve of the flow, both ways."""
    height, width = plane.shape
    border, real = len(weights), plane.dtype.type
    result, tracks = np.empty_like(plane), _tracks(field, border)
    values = _bordered(plane.reshape(height, width, 1), border)
    for y in range(height):
        for x in range(width):
            total, norm = plane[y, x] * weights[0], weights[0]
            px, py = real(x + border + 0.5), real(y + border + 0.5)  # cutting the fraction off will round
            u, v = field[0, y, x], field[1, y, x]
            qx, qy, r, s = px, py, -u, -v  # the other way
            for k in range(1, border):
                ahead = weights[k] * real(u != 0 or v != 0)  # 0 where the curve has ended
                back = weights[k] * real(r != 0 or s != 0)
                px, py, qx, qy = px + u, py + v, qx + r, qy + s
                i, j, m, n = np.uint32(px), np.uint32(py), np.uint32(qx), np.uint32(qy)
                total += ahead * values[j, i, 0] + back * values[n, m, 0]
                norm += ahead * values[j, i, 1] + back * values[n, m, 1]
                u, v = _ahead(tracks, i, j, u, v)
                r, s = _ahead(tracks, m, n, r, s)
            result[y, x] = total / norm
    return result


FINE, FAR = 256, 16  # entries of the table for a step of 1, and where it ends: exp(-16) is nothing


def falling(dtype: np.dtype[np.floating]) -> np.ndarray:
    """exp(-s) for s = 0, 1 / FINE, ... FAR: between them on a straight line it is right to 2e-6."""
    return np.exp(-np.arange(FINE * FAR + 2) / FINE).astype(dtype)


@kernel
def _similar(own: np.ndarray, other: np.ndarray, scale: float, table: np.ndarray) -> float:
    """Weight of a colour that differs from one's own, from the table."""
    distance = scale * ((other[0] - own[0]) ** 2 + (other[1] - own[1]) ** 2 + (other[2] - own[2]) ** 2)
    distance = min(distance, table.dtype.type(FINE * FAR))
    k = np.uint32(distance)
    return table[k] + (distance - table.dtype.type(k)) * (table[k + np.uint32(1)] - table[k])


@kernel
def bilateral_along(
    colours: np.ndarray, field: np.ndarray, weights: np.ndarray, spread: float, table: np.ndarray
) -> np.ndarray:
    """Bilateral mean along the curve of the flow, both ways; ``spread`` of distances between colours."""
    height, width, _ = colours.shape
    border, real = len(weights), colours.dtype.type
    result, tracks, values = np.empty_like(colours), _tracks(field, border), _bordered(colours, border)
    scale = real(FINE / (2 * spread * spread))
    for y in range(height):
        for x in range(width):
            own, norm = values[y + border, x + border], weights[0]
            red, green, blue = norm * own[0], norm * own[1], norm * own[2]
            px, py = real(x + border + 0.5), real(y + border + 0.5)
            u, v = field[0, y, x], field[1, y, x]
            qx, qy, r, s = px, py, -u, -v
            for k in range(1, border):
                ahead = weights[k] * real(u != 0 or v != 0)
                back = weights[k] * real(r != 0 or s != 0)
                px, py, qx, qy = px + u, py + v, qx + r, qy + s
                i, j, m, n = np.uint32(px), np.uint32(py), np.uint32(qx), np.uint32(qy)
                first, second = values[j, i], values[n, m]
                ahead *= _similar(own, first, scale, table)
                back *= _similar(own, second, scale, table)
                red += ahead * first[0] + back * second[0]
                green += ahead * first[1] + back * second[1]
                blue += ahead * first[2] + back * second[2]
                norm += ahead * first[3] + back * second[3]
                u, v = _ahead(tracks, i, j, u, v)
                r, s = _ahead(tracks, m, n, r, s)
            result[y, x, 0], result[y, x, 1], result[y, x, 2] = red / norm, green / norm, blue / norm
    return result


@kernel
def bilateral_across(
    colours: np.ndarray, field: np.ndarray, weights: np.ndarray, spread: float, table: np.ndarray
) -> np.ndarray:
    """Bilateral mean on the straight line across the flow, nearest pixels, so that no colour is mixed in sampling."""
    height, width, _ = colours.shape
    border, real = len(weights), colours.dtype.type
    result, values = np.empty_like(colours), _bordered(colours, border)
    scale = real(FINE / (2 * spread * spread))
    for y in range(height):
        for x in range(width):
            nx, ny = -field[1, y, x], field[0, y, x]
            own, norm = values[y + border, x + border], weights[0]
            red, green, blue = norm * own[0], norm * own[1], norm * own[2]
            px, py = real(x + border + 0.5), real(y + border + 0.5)
            reach = border if nx != 0 or ny != 0 else 1
            for k in range(1, reach):
                dx, dy = real(k) * nx, real(k) * ny
                first = values[np.uint32(py + dy), np.uint32(px + dx)]
                second = values[np.uint32(py - dy), np.uint32(px - dx)]
                ahead = weights[k] * _similar(own, first, scale, table)
                back = weights[k] * _similar(own, second, scale, table)
                red += ahead * first[0] + back * second[0]
                green += ahead * first[1] + back * second[1]
                blue += ahead * first[2] + back * second[2]
                norm += ahead * first[3] + back * second[3]
            result[y, x, 0], result[y, x, 1], result[y, x, 2] = red / norm, green / norm, blue / norm
    return result
