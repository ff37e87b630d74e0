"""Compiled kernels of :mod:`wbclib.represent.flow`; planes (H, W), fields (2, H, W), colours (3, H, W), C order.

All pixels of a row go a step on together, by short loops that write one row each: the compiler makes such loops take
many pixels at once, and where a step waits for what the last one has found, the next pixel need not. The state of such
a walk is (4, W): x and y of where each pixel has come, and its next step. A weight of 0 ends it.

The loops are written out, because numba's array arithmetic makes an array for every operation (tried: four times the
time). They stand in this file, because numba's cache does not notice that a kernel in another file has changed.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy import ndarray
from numpy.polynomial import Chebyshev, Polynomial

# No test for division by zero, and sums in any order, so that the compiler takes many pixels at once. NaN stays NaN.
SUMS = {"contract", "reassoc", "arcp", "nsz"}
kernel = njit(nogil=True, cache=True, error_model="numpy", fastmath=SUMS)

LANES = 32  # the sums of the edge tangent flow are padded to a multiple, so that their loops do not end pixel by pixel
SQUARINGS = 4  # exp(-s) = exp(-s / 16)^16, up to s = 16: exp(-16) is nothing
FALL = tuple(Chebyshev.interpolate(lambda t: np.exp(-t), 6, [0, 1]).convert(kind=Polynomial).coef[::-1])


@kernel
def tangents(field: ndarray, strength: ndarray, reach_x: int, reach_y: int, squared: int) -> ndarray:
    """One pass of the edge tangent flow over |dx| < reach_x, |dy| < reach_y, dx² + dy² < squared.

    With s = exp(2 eta g), the weight w_m of a neighbour is s(y) / (s(x) + s(y)); and the sum of (t(x).t(y)) t(y) w_m is
    T t(x), with T the sum of w_m t(y) t(y)'. So three sums are gathered, a row and a neighbour at a time.
    """
    _, height, width = field.shape
    left, padded, dtype = reach_x - 1, (width + LANES - 1) // LANES * LANES, field.dtype
    inside = slice(left, left + width)
    squares = np.zeros((3, height, padded + 2 * left), dtype)  # nothing outside of the image
    strengths = np.ones((height, padded + 2 * left), dtype)
    for y in range(height):
        _multiply(field[0, y], field[0, y], squares[0, y, inside])
        _multiply(field[0, y], field[1, y], squares[1, y, inside])
        _multiply(field[1, y], field[1, y], squares[2, y, inside])
        strengths[y, inside] = strength[y]
    result, sums, weight = np.empty_like(field), np.empty((3, padded), dtype), np.empty(padded, dtype)
    found, scale = np.empty((2, width), dtype), np.empty(width, dtype)
    for y in range(height):
        sums[:] = 0
        own = strengths[y, left : left + padded]
        for dy in range(max(1 - reach_y, -y), min(reach_y, height - y)):
            for dx in range(1 - reach_x, reach_x):
                if dx * dx + dy * dy >= squared:
                    continue
                there = slice(left + dx, left + dx + padded)
                _logistic(strengths[y + dy, there], own, weight)
                for c in range(3):
                    _add(sums[c], weight, squares[c, y + dy, there])
        for c in range(2):
            _dot(sums[c], field[0, y], sums[c + 1], field[1, y], found[c])
        _common(sums, field[0, y], field[1, y], found)
        _one_over_length(found[0], found[1], scale)
        for c in range(2):
            _multiply(scale, found[c], result[c, y])
    return result


@kernel
def _logistic(other: ndarray, own: ndarray, out: ndarray) -> None:
    for x in range(len(out)):
        out[x] = other[x] / (own[x] + other[x])


@kernel
def _common(tensor: ndarray, u: ndarray, v: ndarray, found: ndarray) -> None:
    """Where the field is empty there is nothing to agree with: the direction that the neighbours have in common."""
    for x in range(len(u)):
        if u[x] == 0 and v[x] == 0:
            xx, xy, yy = tensor[0, x], tensor[1, x], tensor[2, x]
            angle = 0.5 * math.atan2(2 * xy, xx - yy)
            p, q = math.cos(angle), math.sin(angle)
            found[0, x], found[1, x] = xx * p + xy * q, xy * p + yy * q


@kernel
def _one_over_length(a: ndarray, b: ndarray, out: ndarray) -> None:
    zero, one = out.dtype.type(0), out.dtype.type(1)
    for x in range(len(out)):
        squared = a[x] * a[x] + b[x] * b[x]
        out[x] = one / math.sqrt(squared) if squared > zero else zero


@kernel
def difference_across(plane: ndarray, normal: ndarray, centre: ndarray, surround: ndarray, rho: float) -> ndarray:
    """Difference of Gaussians on the straight line along the normal, both ways, bilinear between pixels."""
    height, width = plane.shape
    dtype, real = plane.dtype, plane.dtype.type
    limits = real(width - 1), real(height - 1)
    result, walk, rows = np.empty_like(plane), np.empty((4, width), dtype), np.empty((4, width), dtype)
    share, value, inner, outer, norms = rows[0], rows[1], rows[2], rows[3], np.empty((2, width), dtype)
    for y in range(height):
        _set(inner, centre[0], plane[y])
        _set(outer, surround[0], plane[y])
        norms[0], norms[1] = centre[0], surround[0]
        for k in range(1, len(centre)):
            for way in (-real(k), real(k)):
                _set_off(walk, y, real(0), way, normal)
                _step(walk, limits, real(1), share)
                _between(plane, walk, share, value)
                _add_scaled(inner, centre[k], value)
                _add_scaled(outer, surround[k], value)
                _add_scaled(norms[0], centre[k], share)
                _add_scaled(norms[1], surround[k], share)
        _divide(inner, norms[0], result[y])
        _divide(outer, norms[1], outer)
        _add_scaled(result[y], -real(rho), outer)
    return result


@kernel
def _between(plane: ndarray, walk: ndarray, share: ndarray, out: ndarray) -> None:
    """Bilinear values; 0 outside."""
    real = plane.dtype.type
    for x in range(len(out)):
        if share[x] == real(0):
            out[x] = real(0)
            continue
        px, py = walk[0, x], walk[1, x]
        i, j = np.uint32(px), np.uint32(py)
        a, b = px - real(i), py - real(j)
        e = i + np.uint32(a > real(0))  # on the last column there is nothing to the right, and a is 0
        f = j + np.uint32(b > real(0))
        upper = plane[j, i] + a * (plane[j, e] - plane[j, i])
        lower = plane[f, i] + a * (plane[f, e] - plane[f, i])
        out[x] = upper + b * (lower - upper)


@kernel
def mean_along(plane: ndarray, field: ndarray, weights: ndarray) -> ndarray:
    """Weighted mean along the curve of the flow, both ways."""
    height, width = plane.shape
    dtype, real, limits = plane.dtype, plane.dtype.type, _limits(field)
    result, walk, ahead = np.empty_like(plane), np.empty((4, width), dtype), np.empty((2, width), dtype)
    rows, where = np.empty((3, width), dtype), np.empty(width, np.uint32)
    share, value, norm = rows[0], rows[1], rows[2]
    values, flat = plane.ravel(), field.reshape(2, -1)
    for y in range(height):
        total = result[y]
        _set(total, weights[0], plane[y])
        norm[:] = weights[0]
        for way in (real(-1), real(1)):
            _set_off(walk, y, real(0.5), way, field)
            for k in range(1, len(weights)):
                _step(walk, limits, weights[k], share)
                _number(walk, limits, where)
                _turn(flat, where, share, ahead, walk)
                _take(values, where, value)
                _add(total, share, value)
                norm += share
        _divide(total, norm, total)
    return result


@kernel
def bilateral(colours: ndarray, field: ndarray, weights: ndarray, spread: float, straight: bool) -> ndarray:
    """Bilateral mean along the curve of the field, or the straight line, both ways.

    Values of the nearest pixels, so that no colour is mixed in sampling; ``spread`` of distances between colours.
    """
    _, height, width = colours.shape
    dtype, real, limits = colours.dtype, colours.dtype.type, _limits(field)
    scale = real(1 / (2 * spread * spread))
    result, walk, ahead = np.empty_like(colours), np.empty((4, width), dtype), np.empty((2, width), dtype)
    rows, where = np.empty((3, width), dtype), np.empty(width, np.uint32)
    share, apart, norm = rows[0], rows[1], rows[2]
    near, values, flat = np.empty((3, width), dtype), colours.reshape(3, -1), field.reshape(2, -1)
    for y in range(height):
        norm[:] = weights[0]
        for c in range(3):
            _set(result[c, y], weights[0], colours[c, y])
        for way in (real(-1), real(1)):
            _set_off(walk, y, real(0.5), way, field)
            for k in range(1, len(weights)):
                if straight:
                    _set_off(walk, y, real(0.5), real(k) * way, field)
                _step(walk, limits, weights[k], share)
                _number(walk, limits, where)
                if not straight:
                    _turn(flat, where, share, ahead, walk)
                apart[:] = 0
                for c in range(3):
                    _take(values[c], where, near[c])
                    _add_square(apart, colours[c, y], near[c])
                _fall(apart, scale, share)
                for c in range(3):
                    _add(result[c, y], share, near[c])
                norm += share
        for c in range(3):
            _divide(result[c, y], norm, result[c, y])
    return result


@kernel
def _limits(field: ndarray) -> tuple[float, float]:
    """Largest x and y that cutting off the fraction takes to a pixel."""
    real = field.dtype.type
    return np.nextafter(real(field.shape[2]), real(0)), np.nextafter(real(field.shape[1]), real(0))


@kernel
def _set_off(walk: ndarray, y: int, more: float, way: float, field: ndarray) -> None:
    """From the pixels of a row, with ``way`` times the field; ``more`` of 1/2 makes cutting off the fraction round."""
    real = walk.dtype.type
    for x in range(walk.shape[1]):
        walk[0, x] = real(np.int32(x)) + more
    walk[1] = real(y) + more
    _set(walk[2], way, field[0, y])
    _set(walk[3], way, field[1, y])


@kernel
def _step(walk: ndarray, limits: tuple[float, float], weight: float, share: ndarray) -> None:
    """A step further, and the weight of where that is: 0 once a walk has left the image or stands still."""
    one, zero = share.dtype.type(1), share.dtype.type(0)
    px, py, u, v = walk[0], walk[1], walk[2], walk[3]
    _add_scaled(px, one, u)
    _add_scaled(py, one, v)
    for x in range(len(share)):
        inside = (px[x] >= zero) & (px[x] <= limits[0]) & (py[x] >= zero) & (py[x] <= limits[1])
        share[x] = weight if inside & ((u[x] != zero) | (v[x] != zero)) else zero


@kernel
def _turn(field: ndarray, where: ndarray, share: ndarray, ahead: ndarray, walk: ndarray) -> None:
    """The next step: the tangent of the pixel that was found, turned to go on ahead; none once the walk has ended."""
    one, zero = share.dtype.type(1), share.dtype.type(0)
    u, v = walk[2], walk[3]
    _take(field[0], where, ahead[0])
    _take(field[1], where, ahead[1])
    _dot(u, ahead[0], v, ahead[1], u)
    for x in range(len(u)):
        sign = one if u[x] >= zero else -one
        u[x] = sign if share[x] > zero else zero
    _multiply(u, ahead[1], v)
    _multiply(u, ahead[0], u)  # last: it overwrites the sign


@kernel
def _number(walk: ndarray, limits: tuple[float, float], where: ndarray) -> None:
    """Number of the pixel; of the nearest one for a place outside, which has no weight."""
    zero, width = walk.dtype.type(0), np.int32(len(where))
    px, py = walk[0], walk[1]
    for x in range(len(where)):
        where[x] = np.int32(min(max(py[x], zero), limits[1])) * width + np.int32(min(max(px[x], zero), limits[0]))


@kernel
def _take(plane: ndarray, where: ndarray, out: ndarray) -> None:
    for x in range(len(out)):
        out[x] = plane[where[x]]


@kernel
def _fall(distance: ndarray, scale: float, share: ndarray) -> None:
    """The share falls with exp(-scale distance), right to 1e-6."""
    real = share.dtype.type
    one, scale = real(1), scale / real(2**SQUARINGS)
    for x in range(len(share)):
        t = min(scale * distance[x], one)
        power = real(0)
        for coefficient in FALL:
            power = power * t + real(coefficient)
        for _ in range(SQUARINGS):
            power *= power
        share[x] *= power


@kernel
def _set(out: ndarray, factor: float, values: ndarray) -> None:
    for x in range(len(out)):
        out[x] = factor * values[x]


@kernel
def _add(total: ndarray, weight: ndarray, value: ndarray) -> None:
    for x in range(len(total)):
        total[x] += weight[x] * value[x]


@kernel
def _add_scaled(total: ndarray, factor: float, values: ndarray) -> None:
    for x in range(len(total)):
        total[x] += factor * values[x]


@kernel
def _add_square(total: ndarray, own: ndarray, other: ndarray) -> None:
    for x in range(len(total)):
        total[x] += (own[x] - other[x]) * (own[x] - other[x])


@kernel
def _multiply(a: ndarray, b: ndarray, out: ndarray) -> None:
    for x in range(len(out)):
        out[x] = a[x] * b[x]


@kernel
def _dot(a: ndarray, b: ndarray, c: ndarray, d: ndarray, out: ndarray) -> None:
    for x in range(len(out)):
        out[x] = a[x] * b[x] + c[x] * d[x]


@kernel
def _divide(total: ndarray, norm: ndarray, out: ndarray) -> None:
    for x in range(len(out)):
        out[x] = total[x] / norm[x]
