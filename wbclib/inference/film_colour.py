"""Colours of a film: decoded frames of any pixel format, range, matrix and primaries as sRGB pictures.

What the numbers mean is said by ITU-T H.273, whose codes FFmpeg and PyAV use.
"""

from __future__ import annotations

import functools
import logging

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from wbclib.inference.film_error import FilmError

LOG = logging.getLogger(__name__)
HIGH_DEFINITION = 720  # lines from which an untagged film is BT.709 and no longer BT.601
HDR = frozenset({ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67})
UNSPECIFIED, RESERVED = 2, 3  # in every table of H.273
MATRICES = frozenset({0, 1, 4, 5, 6, 7, 9})  # RGB, BT.709, FCC, BT.601 twice, SMPTE 240M, BT.2020: those of swscale
STEPS = 65_535  # of the table that encodes linear light

D65, C, DCI = (0.3127, 0.3290), (0.310, 0.316), (0.314, 0.351)
# CIE 1931 chromaticities x, y of red, green, blue and white: H.273, table 2
CHROMATICITIES = {
    ColorPrimaries.BT709: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), D65),
    ColorPrimaries.BT470M: ((0.670, 0.330), (0.210, 0.710), (0.140, 0.080), C),
    ColorPrimaries.BT470BG: ((0.640, 0.330), (0.290, 0.600), (0.150, 0.060), D65),
    ColorPrimaries.SMPTE170M: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65),
    ColorPrimaries.SMPTE240M: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65),
    ColorPrimaries.FILM: ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), C),
    ColorPrimaries.BT2020: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65),
    ColorPrimaries.SMPTE431: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), DCI),
    ColorPrimaries.SMPTE432: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65),
    ColorPrimaries.EBU3213: ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), D65),
}
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


class Colours:
    """Frames of one film as pictures; ``name`` is what errors and the log call the film."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.told: set[int] = set()  # primaries that the log has named

    def __call__(self, frame: VideoFrame) -> np.ndarray:
        """uint8 sRGB (H, W, 3) of a decoded frame, as it is stored (not turned).

        Limited and full range, YCbCr and RGB of any depth. Primaries other than BT.709's are converted in linear light;
        colours that BT.709 does not hold are clipped. A film that names no primaries, or none of H.273's, is taken for
        BT.709.

        Raises:
            FilmError: damaged, high dynamic range, or coded in none of MATRICES.
        """
        if frame.is_corrupt:
            raise FilmError(self.name, f"damaged at {float(frame.time or 0):.1f} s; fetch it again or remove it")
        if frame.color_trc in HDR:
            raise FilmError(
                self.name,
                "high dynamic range, which has no colours of a photograph; convert it to BT.709 first, for example "
                "with ffmpeg's zscale and tonemap filters",
            )
        matrix = self._matrix(frame)
        rgb = frame.reformat(format="rgb24", src_colorspace=matrix, dst_color_range=ColorRange.JPEG).to_ndarray()
        return self._to_srgb(rgb, frame.color_primaries, frame.color_trc == ColorTrc.IEC61966_2_1)

    def _matrix(self, frame: VideoFrame) -> Colorspace | None:
        """How YCbCr becomes RGB; None: as the frame says."""
        if frame.colorspace in (UNSPECIFIED, RESERVED):
            return Colorspace.ITU709 if frame.height >= HIGH_DEFINITION else Colorspace.ITU601
        if frame.colorspace not in MATRICES:
            raise FilmError(
                self.name,
                f"its colours are coded in a way that is not read here (H.273 matrix {frame.colorspace}); "
                "convert it to BT.709 first",
            )
        return None

    def _to_srgb(self, rgb: np.ndarray, primaries: int, srgb: bool) -> np.ndarray:
        if primaries in (ColorPrimaries.BT709, UNSPECIFIED):
            return rgb
        if primaries not in CHROMATICITIES:
            if primaries not in self.told:
                LOG.warning("%s: colour primaries of unknown kind (%d), taken for BT.709", self.name, primaries)
            self.told.add(primaries)
            return rgb
        return convert(rgb, ColorPrimaries(primaries), srgb)


def convert(rgb: np.ndarray, primaries: ColorPrimaries, srgb: bool = False) -> np.ndarray:
    """Picture in BT.709's (sRGB's) primaries of one in ``primaries``, both uint8 (H, W, 3).

    Decoded to linear light, multiplied by a 3 x 3 matrix, clipped, and encoded by the curve that it came with: sRGB's
    where the film says so, else a display's (Rec. ITU-R BT.1886: a power of 2.4), which is also what zimg (FFmpeg's
    ``zscale``) and swscale take for films in BT.709's, BT.601's and BT.2020's curve. Blacks, whites and greys stay.
    """
    decode, encode = _curves(srgb)
    light: np.ndarray = cv2.transform(cv2.LUT(rgb, decode), _to_bt709(primaries))
    np.clip(light, 0, 1, out=light)
    np.sqrt(light, out=light)  # even steps of light would be too coarse for the shadows
    light *= STEPS
    light += 0.5
    return encode[light.astype(np.uint16)]


@functools.cache
def _curves(srgb: bool) -> tuple[np.ndarray, np.ndarray]:
    """Tables: 8-bit value to linear light (float32, [0, 1]), and square root of light in STEPS to 8-bit value."""
    value, light = np.arange(256) / 255, (np.arange(STEPS + 1) / STEPS) ** 2
    if srgb:
        decoded = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
        encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    else:
        decoded, encoded = value**2.4, light ** (1 / 2.4)
    return decoded.astype(np.float32), np.rint(255 * encoded).astype(np.uint8)


@functools.cache
def _to_bt709(primaries: ColorPrimaries) -> np.ndarray:
    """float32 (3, 3): linear RGB in ``primaries`` to linear RGB in BT.709's; white goes to white."""
    source, target = CHROMATICITIES[primaries], CHROMATICITIES[ColorPrimaries.BT709]
    cones = [BRADFORD @ _xyz(colours[3]) for colours in (source, target)]
    adapted = np.linalg.inv(BRADFORD) @ np.diag(cones[1] / cones[0]) @ BRADFORD
    return (np.linalg.inv(_to_xyz(*target)) @ adapted @ _to_xyz(*source)).astype(np.float32)


def _to_xyz(*colours: tuple[float, float]) -> np.ndarray:
    """(3, 3): linear RGB to CIE XYZ; red, green and blue together give white."""
    *primaries, white = (_xyz(colour) for colour in colours)
    columns = np.stack(primaries, axis=1)
    return columns * np.linalg.solve(columns, white)


def _xyz(chromaticity: tuple[float, float]) -> np.ndarray:
    """CIE XYZ of luminance 1."""
    x, y = chromaticity
    return np.array([x / y, 1, (1 - x - y) / y])
