"""Colours of the drawn cartoons: curated palettes, jitter in OKLab, and the light of a time of day.

OKLab: B. Ottosson, "A perceptual color space for image processing", 2020. Colours are (r, g, b) tuples
of floats in [0, 255], sRGB.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

RGB = tuple[float, float, float]
Rng = np.random.Generator


def rgb(code: str) -> RGB:
    """Colour of a six-digit hex code."""
    return int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)


def mix(a: RGB, b: RGB, t: float) -> RGB:
    """``a`` at t = 0, ``b`` at t = 1."""
    return a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t


def times(a: RGB, b: RGB) -> RGB:
    """Channel-wise product, where ``b`` is a factor."""
    return min(255.0, a[0] * b[0]), min(255.0, a[1] * b[1]), min(255.0, a[2] * b[2])


def _linear(value: float) -> float:
    value /= 255.0
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _encoded(value: float) -> float:
    value = min(1.0, max(0.0, value))
    return 255.0 * (12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055)


def to_lch(colour: RGB) -> RGB:
    """OKLab lightness (0 to 1), chroma (0 to about 0.33) and hue (radians)."""
    r, g, b = (_linear(channel) for channel in colour)
    p = math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    q = math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    s = math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    light = 0.2104542553 * p + 0.7936177850 * q - 0.0040720468 * s
    x = 1.9779984951 * p - 2.4285922050 * q + 0.4505937099 * s
    y = 0.0259040371 * p + 0.7827717662 * q - 0.8086757660 * s
    return light, math.hypot(x, y), math.atan2(y, x)


def from_lch(light: float, chroma: float, hue: float) -> RGB:
    """sRGB of an OKLab colour; what lies outside the gamut is clipped."""
    x, y = chroma * math.cos(hue), chroma * math.sin(hue)
    p = (light + 0.3963377774 * x + 0.2158037573 * y) ** 3
    q = (light - 0.1055613458 * x - 0.0638541728 * y) ** 3
    s = (light - 0.0894841775 * x - 1.2914855480 * y) ** 3
    return (
        _encoded(4.0767416621 * p - 3.3077115913 * q + 0.2309699292 * s),
        _encoded(-1.2684380046 * p + 2.6097574011 * q - 0.3413193965 * s),
        _encoded(-0.0041960863 * p - 0.7034186147 * q + 1.7076147010 * s),
    )


def adjust(colour: RGB, light: float = 0.0, chroma: float = 1.0, hue: float = 0.0) -> RGB:
    """Move a colour: lightness added, chroma multiplied, hue turned (radians)."""
    values = to_lch(colour)
    return from_lch(min(1.0, max(0.0, values[0] + light)), values[1] * chroma, values[2] + hue)


def jitter(rng: Rng, colour: RGB, amount: float = 1.0) -> RGB:
    """A neighbour of ``colour``: lightness +-0.04, chroma +-18 %, hue +-9 degrees, times ``amount``."""
    u = rng.uniform(-amount, amount, 3)
    return adjust(colour, 0.04 * u[0], 1 + 0.18 * u[1], 0.16 * u[2])


def pick(rng: Rng, codes: str | Sequence[str], amount: float = 1.0) -> RGB:
    """One colour of a palette (hex codes, blank-separated or a sequence), jittered."""
    codes = codes.split() if isinstance(codes, str) else codes
    return jitter(rng, rgb(codes[int(rng.integers(len(codes)))]), amount)


@dataclass(frozen=True)
class Mood:
    """Light of a picture: the sky, what it does to colours, and where it comes from.

    ``sun`` points from the objects to the light (x right, y down); ``tint`` and ``shadow`` are factors.
    """

    name: str
    sky: tuple[RGB, RGB, RGB]
    tint: RGB
    shadow: RGB
    sun: tuple[float, float]
    ink: RGB
    night: bool = False

    @property
    def haze(self) -> RGB:
        """Colour that distance fades to."""
        return mix(self.sky[2], self.sky[1], 0.35)

    def lit(self, colour: RGB) -> RGB:
        """A local colour under this light."""
        return times(colour, self.tint)

    def shade(self, colour: RGB) -> RGB:
        """The cel shadow of a local colour."""
        return times(colour, self.shadow)


# name: sky from top to horizon (several versions), tint, shadow, how often
_TIMES: dict[str, tuple[tuple[str, ...], RGB, RGB, int]] = {
    "morning": (("6fb7e8 a9d8ee fdeccb", "8cc4dc c6e2dc fbe3c8"), (1.0, 0.98, 0.93), (0.70, 0.70, 0.86), 4),
    "noon": (
        ("2f8fdc 6fbdf0 c6ecf7", "3aa6d8 85d0ea dff5ee", "4a8be0 86b9f2 d5e9fa"),
        (1.02, 1.02, 1.0),
        (0.66, 0.68, 0.84),
        6,
    ),
    "afternoon": (("5aa0d8 a8cfe0 f8e6b4", "4f93c0 b5d5cf f6dfa6"), (1.05, 0.98, 0.86), (0.68, 0.62, 0.76), 4),
    "sunset": (
        ("4a4a94 e07a72 fcc56a", "7a4b8c f0866a ffd98a", "2f5f9c f39a7a ffd3a0"),
        (1.04, 0.86, 0.80),
        (0.60, 0.52, 0.74),
        4,
    ),
    "dusk": (("2f3474 7a62a8 f0a3a0", "274a7a 6f86b8 e8b9a8"), (0.80, 0.74, 0.95), (0.58, 0.56, 0.78), 3),
    "night": (
        ("0d1a44 1f3a78 4a6cae", "141038 2f2a6e 6a58a0", "08283f 14506a 3f8a92"),
        (0.46, 0.54, 0.84),
        (0.58, 0.60, 0.78),
        3,
    ),
    "overcast": (("9fb2c0 bccad0 dfe4e0", "a9b3b8 c9cfc8 e9e6d8"), (0.93, 0.94, 0.96), (0.74, 0.75, 0.84), 2),
    "rain": (("5f7688 8498a4 b0bfc2",), (0.88, 0.88, 0.92), (0.72, 0.74, 0.84), 1),
}

_INKS = "1c1a2a 241a1c 14202e 2a1a14 161616 221430"


def mood(rng: Rng) -> Mood:
    """Draw a time of day."""
    names = list(_TIMES)
    odds = np.array([_TIMES[name][3] for name in names], float)
    name = names[int(rng.choice(len(names), p=odds / odds.sum()))]
    skies, tint, shadow, _ = _TIMES[name]
    top, middle, low = (jitter(rng, rgb(code), 0.6) for code in skies[int(rng.integers(len(skies)))].split())
    angle = rng.uniform(0.35, 1.2)
    sun = (math.cos(angle) * rng.choice([-1.0, 1.0]), -math.sin(angle))
    return Mood(name, (top, middle, low), tint, shadow, sun, pick(rng, _INKS, 0.5), name == "night")


def indoors(rng: Rng, outside: Mood) -> Mood:
    """The light of a room: lamps in the evening, more often than the dark."""
    if outside.name in ("night", "dusk") and rng.random() < 0.75:
        return replace(outside, tint=(1.02, 0.88, 0.70), shadow=(0.62, 0.54, 0.66))
    return outside


# foliage, ground, blossoms: one set a season or climate
SEASONS: dict[str, dict[str, str]] = {
    "spring": {
        "leaf": "8cc152 6fb04a a8d468 f4a9c0 f7c4d2 5c9e52",
        "ground": "9ccc5a 86bd52 b4d86e",
        "flower": "ffd23f ff7aa2 ffffff b388eb",
    },
    "summer": {
        "leaf": "3f8f46 2f7a4a 5aa648 74b84e 2a6a58",
        "ground": "6cb04a 57a04e 8cbf56 a9c75e",
        "flower": "ff5a5f ffd23f ffffff 6a8dff",
    },
    "autumn": {
        "leaf": "e0762f c8452f e8a838 b5542b f0c04a 8a8a3a",
        "ground": "c9a24e b58c48 a8a050 d8b860",
        "flower": "d8572a fbe08a a03a5a",
    },
    "winter": {
        "leaf": "3f6a6a 557f86 e8f0f6 2f5560 dfeaf2",
        "ground": "f2f6fa e2ecf5 eef0f8",
        "flower": "c83a4a e8f0f6",
    },
    "meadow": {
        "leaf": "4aa37a 3f8f8a 7abf7a 2f7f5f",
        "ground": "a8c95a c9cf6a 8fbf6a",
        "flower": "e85a8a f5f0d0 f59a3f",
    },
    "dry": {"leaf": "8f9a4a 6f8a4a a8a04a 5a7a4f", "ground": "e2be7a d8aa62 e8cc92", "flower": "e0573f f7e08a"},
}

WALLS = "f0d9b0 e8b48a d97a5a f5ebd8 c9d6c0 9fc0c8 e9c46a c46a52 b8a9c9 d9d2c0 7f9fb8 f2c9b8 a8573f 8fb09a"
ROOFS = "b5432f 8a3f3a 4f6a8a c8693a 6a4a4a 3f6a6f 7a7f8a a05a3f"
CLOTHES = "d8433f 2f6fb8 f2b632 3f9a6a f5f2ea 8a4fa0 2f3a5a e87a4a 5ab8c4 e88aa8 6a7a3f 7a4a35 c9d4dc 3a3a42 b8d86a"
WOODS = "b07a4a 8a5a38 d2a066 6f4630 c48a52"
SKINS = "ffdcc2 f9cfae f2bd94 e0a377 c68658 a5673f 7d4a2e 5d3624"
HAIRS = "2a2026 4a2f22 6f4426 a8642f d8a24a f0d48a b23f24 1c2a4a 8a8f9a e6e2dc 5a2a4a 2f5a6a d86a8a"
EYES = "4a6fb8 4f8a4a 7a4a26 3f2a20 6aa8b8 8a5aa8 a8742a 2f7a7a"
INTERIORS = "ecd49a b4d8c4 a4c4e6 f2b894 e0a4a4 a2c48e f6e2b0 7aa8c8 d2b0e0 f0c860 6aaaa0 e8886a f4a8b8"
