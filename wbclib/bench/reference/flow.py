"""Flow-based abstraction written down from the equations, a pixel and a neighbour at a time: slow, easy to check."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage
from skimage.color import lab2rgb, rgb2lab

from wbclib.options import Flow

SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])


def luma(image: np.ndarray) -> np.ndarray:
    """(3, H, W) in [-1, 1] -> (H, W), 0 to 255."""
    return (0.299 * image[0] + 0.587 * image[1] + 0.114 * image[2] + 1) * 127.5


def tangents(plane: np.ndarray, options: Flow) -> np.ndarray:
    gx = ndimage.correlate(plane, SOBEL, mode="nearest")
    gy = ndimage.correlate(plane, SOBEL.T, mode="nearest")
    size = np.hypot(gx, gy)
    field = np.stack([-gy, gx]) / np.where(size > 0, size, 1)
    for _ in range(options.iterations):
        r = options.radius
        if options.separable:
            field = one_pass(field, size / size.max(), options.eta, [(dx, 0) for dx in range(1 - r, r)])
            field = one_pass(field, size / size.max(), options.eta, [(0, dy) for dy in range(1 - r, r)])
        else:
            disc = [(dx, dy) for dx in range(-r, r + 1) for dy in range(-r, r + 1) if math.hypot(dx, dy) < r]
            field = one_pass(field, size / size.max(), options.eta, disc)
    return field


def one_pass(field: np.ndarray, g: np.ndarray, eta: float, window: list[tuple[int, int]]) -> np.ndarray:
    _, height, width = field.shape
    result = np.zeros_like(field)
    for y in range(height):
        for x in range(width):
            own, total, tensor = field[:, y, x], np.zeros(2), np.zeros((2, 2))
            for dx, dy in window:
                i, j = x + dx, y + dy
                if not (0 <= i < width and 0 <= j < height):
                    continue
                other = field[:, j, i]
                w_m = (1 + math.tanh(eta * (g[j, i] - g[y, x]))) / 2
                dot = float(own @ other)
                phi, w_d = (1 if dot > 0 else -1), abs(dot)
                total += phi * other * w_m * w_d
                tensor += w_m * np.outer(other, other)
            if not own.any():
                total = np.linalg.eigh(tensor)[1][:, -1] if tensor.any() else total
            length = np.linalg.norm(total)
            result[:, y, x] = total / length if length > 0 else 0
    return result


def gaussian(t: float, sigma: float) -> float:
    return math.exp(-t * t / (2 * sigma * sigma)) / (sigma * math.sqrt(2 * math.pi))


def curve(field: np.ndarray, x: int, y: int, steps: int) -> list[tuple[int, int, int]]:
    """(k, i, j): the pixels k steps along the flow through (x, y), both ways, itself not among them."""
    _, height, width = field.shape
    found = []
    for sign in (1, -1):
        place, ahead = np.array([x, y], float), sign * field[:, y, x]
        for k in range(1, steps + 1):
            if not ahead.any():
                break
            place = place + ahead
            i, j = (int(c) for c in np.floor(place + 0.5))
            if not (0 <= i < width and 0 <= j < height):
                break
            found.append((k, i, j))
            there = field[:, j, i]
            ahead = -there if there @ ahead < 0 else there
    return found


def response(plane: np.ndarray, field: np.ndarray, options: Flow) -> np.ndarray:
    height, width = plane.shape
    sigma_s, reach = 1.6 * options.sigma_c, math.ceil(3 * 1.6 * options.sigma_c)
    across = np.zeros_like(plane)
    for y in range(height):
        for x in range(width):
            normal = np.array([-field[1, y, x], field[0, y, x]])
            values, at = [], []
            for sign in (1, -1):
                for k in range(0 if sign == 1 else 1, reach + 1):
                    px, py = x + sign * k * normal[0], y + sign * k * normal[1]
                    if not (0 <= px <= width - 1 and 0 <= py <= height - 1):
                        break
                    values.append(ndimage.map_coordinates(plane, [[py], [px]], order=1)[0])
                    at.append(k)
            centre, surround = (np.array([gaussian(k, s) for k in at]) for s in (options.sigma_c, sigma_s))
            v = np.array(values)
            across[y, x] = (centre @ v) / centre.sum() - options.rho * (surround @ v) / surround.sum()
    found = np.zeros_like(plane)
    for y in range(height):
        for x in range(width):
            places = [(0, x, y), *curve(field, x, y, math.ceil(3 * options.sigma_m))]
            weights = np.array([gaussian(k, options.sigma_m) for k, _, _ in places])
            found[y, x] = weights @ np.array([across[j, i] for _, i, j in places]) / weights.sum()
    return found


def lines(plane: np.ndarray, field: np.ndarray, options: Flow) -> np.ndarray:
    drawn = plane
    for _ in range(options.drawings):
        h = response(drawn, field, options)
        ink = np.array([[v < 0 and 1 + math.tanh(v) < options.tau for v in row] for row in h])
        drawn = np.where(ink, 0, plane)
    return np.where(ink, -1.0, 1.0)


def smooth(image: np.ndarray, field: np.ndarray, options: Flow) -> np.ndarray:
    _, height, width = image.shape
    now = image * 127.5
    for _ in range(options.smoothings):
        for way, sigma, spread in (("along", options.sigma_e, options.r_e), ("across", options.sigma_g, options.r_g)):
            following = np.zeros_like(now)
            for y in range(height):
                for x in range(width):
                    places = [(0, x, y)]
                    if way == "along":
                        places += curve(field, x, y, math.ceil(3 * sigma))
                    elif field[:, y, x].any():
                        places += straight(field, x, y, math.ceil(3 * sigma))
                    own, total, norm = now[:, y, x], np.zeros(3), 0.0
                    for k, i, j in places:
                        w = gaussian(k, sigma) * gaussian(float(np.linalg.norm(now[:, j, i] - own)), spread)
                        total, norm = total + w * now[:, j, i], norm + w
                    following[:, y, x] = total / norm
            now = following
    return now / 127.5


def straight(field: np.ndarray, x: int, y: int, steps: int) -> list[tuple[int, int, int]]:
    _, height, width = field.shape
    normal, found = np.array([-field[1, y, x], field[0, y, x]]), []
    for sign in (1, -1):
        for k in range(1, steps + 1):
            i, j = (int(c) for c in np.floor(np.array([x, y]) + sign * k * normal + 0.5))
            if not (0 <= i < width and 0 <= j < height):
                break
            found.append((k, i, j))
    return found


def abstraction(image: np.ndarray, options: Flow) -> np.ndarray:
    """All of it; the bench times it. Lightness by scikit-image's CIELAB."""
    plane = luma(image)
    field = tangents(plane, options)
    lab = rgb2lab((smooth(image, field, options).transpose(1, 2, 0) + 1) / 2)
    width = 100 / options.bins
    for y, row in enumerate(lab):
        for x, (lightness, _, _) in enumerate(row):
            nearest = round(lightness / width) * width
            lab[y, x, 0] = nearest + width / 2 * math.tanh(options.sharpness * (lightness - nearest))
    drawn = lab2rgb(lab).transpose(2, 0, 1) * 2 - 1
    drawn[:, lines(plane, field, options) < 0] = -1
    return drawn
