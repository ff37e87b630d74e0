"""A photograph through a generator, in one pass or in tiles that cannot be told from one pass."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wbclib import images
from wbclib.files import UserError
from wbclib.inference.styles import Style
from wbclib.represent.surface import sharpen

TILE = 832  # pixels; with a halo of 64 a pass covers 960 x 960, as many pixels as 1280 x 720
STRIDE = 4  # the U-Net halves twice: its grid repeats every 4 pixels
SMALLEST_TILE = 32

Network = Callable[[Tensor], Tensor]
Area = tuple[slice, slice]


def reach(output: int, padding: str, upsample: str) -> tuple[int, int]:
    """How many pixels before and after column ``output`` the U-Net reads to compute it.

    Intervals [a, b] of columns are carried from the output back to the input. A k x k convolution adds (k - 1) / 2 on
    both sides. Output j of a stride-2 convolution reads 2j - 1 ... 2j + 1 with symmetric padding and 2j ... 2j + 2 with
    TensorFlow's SAME. Output i of bilinear x2 lies at i/2 - 1/4 (half pixel), between two columns, or at i/2 (legacy).
    The paths over the skip connections are shorter and lie inside: only the deepest one is followed.
    """
    before, after = (1, 1) if padding == "symmetric" else (0, 2)
    shift = 1 if upsample == "half_pixel" else 0
    a, b = output - 4, output + 4  # conv_9 (7x7) and conv_8, full size
    a, b = (a - shift) // 2 - 2, (b + 1) // 2 + 2  # x2 up; conv_7 and conv_6, half size
    a, b = (a - shift) // 2 - 10, (b + 1) // 2 + 10  # x2 up; conv_5, four blocks of two, conv_4, quarter size
    a, b = 2 * a - before - 1, 2 * b + after + 1  # conv_3 (stride 2); conv_2, half size
    a, b = 2 * a - before - 3, 2 * b + after + 3  # conv_1 (stride 2); conv (7x7), full size
    return output - a, b - output


def halo(radius: int) -> int:
    """Pixels around a tile, a multiple of 4, beyond which nothing changes the tile: 64 for a filter of radius 1.

    The U-Net reads at most 62 pixels to a side, over both paddings, both upsamplings and the four columns of its grid
    (:func:`reach`). The guided filter averages twice, so it reads 2 ``radius`` pixels of the network's output.
    """
    kinds = (("symmetric", "half_pixel"), ("symmetric", "legacy"), ("same", "half_pixel"), ("same", "legacy"))
    furthest = max(max(reach(column, *kind)) for column in range(STRIDE) for kind in kinds)
    return _multiple(furthest + 2 * radius)


class Stylist:
    """``stylist(photo)`` is the photograph in the style: uint8 (H, W, 3) to uint8 (H, W, 3), any size from 1 x 1.

    Network, guided filter of its output (eps of inference), clamp to [-1, 1]. The picture is continued on all sides by
    ``style.margin`` copies of its last pixel, at the bottom and the right by up to 3 more, to a multiple of 4 (a
    reflection would need as many pixels as it adds, and a copy puts no mirrored edge beside the border), and cut again
    before the filter, whose windows so count the pixels of the photograph alone.

    An image with more pixels than a tile and its :func:`halo` is divided into tiles on the network's grid of 4, each
    computed with its halo: up to rounding the result is that of one pass, and the memory that the network needs does
    not grow with the image.

    A style whose network looks at the whole picture (``style.whole``) gets it in one pass, if there are no more pixels
    than in a tile with its halo; larger ones are refused.

    Args:
        style: network, output filter and licence (:func:`wbclib.inference.styles.load_style`).
        sharpness: between 0 (filtered, the released look) and 1 (the network's own output), white-box paper, section 3.
        tile: side of a tile in pixels, at least 32.
        device: ``auto`` (a GPU where there is one), ``cpu``, ``cuda``.
        engine: another way to compute ``style.network``, (1, 3, H, W) to the same, on the device.

    Raises:
        UserError: a sharpness or a tile outside its range; on a call, a picture that is too large for one pass.
    """

    def __init__(
        self,
        style: Style,
        sharpness: float = 0.0,
        tile: int = TILE,
        device: str = "auto",
        engine: Network | None = None,
    ) -> None:
        if not 0.0 <= sharpness <= 1.0:
            raise UserError(f"sharpness {sharpness}: say a number between 0 (smooth) and 1 (the network's own output)")
        if tile < SMALLEST_TILE:
            raise UserError(f"tile {tile}: say a number of pixels, at least {SMALLEST_TILE}")
        self.style, self.sharpness, self.tile = style, sharpness, tile
        gpu = torch.cuda.is_available() if device == "auto" else False
        self.device = torch.device(("cuda" if gpu else "cpu") if device == "auto" else device)
        self.network: Network = engine or style.network
        if isinstance(self.network, nn.Module):
            self.network = self.network.to(self.device).to(memory_format=torch.channels_last)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Stylise uint8 (H, W, 3); values are rounded, never wrapped."""
        result = np.empty_like(image)
        for area, part in self.parts(image):
            result[area] = images.to_uint8(part)
        return result

    def exact(self, image: np.ndarray) -> Tensor:
        """As calling it, before rounding: float32 (3, H, W) in [-1, 1] on the CPU."""
        result = torch.empty(3, *image.shape[:2])
        for area, part in self.parts(image):
            result[(slice(None), *area)] = part.cpu()
        return result

    def parts(self, image: np.ndarray) -> Iterator[tuple[Area, Tensor]]:
        """Rows and columns of every tile, and its result (3, h, w) in [-1, 1]; together they cover the image once."""
        edge = halo(self.style.output.radius)
        if self.style.whole and image.shape[0] * image.shape[1] > (self.tile + 2 * edge) ** 2:
            raise UserError(
                f"style {self.style.name} looks at the whole picture and cannot draw in tiles: {image.shape[1]} x "
                f"{image.shape[0]} pixels are more than {self.tile + 2 * edge} squared. Make the picture smaller, "
                "or allow a larger --tile where there is the memory"
            )
        for area in tiles(image.shape[0], image.shape[1], self.tile, edge):
            around = [
                slice(max(0, s.start - edge), min(n, s.stop + edge)) for s, n in zip(area, image.shape, strict=False)
            ]
            ends = [(a.start == 0, a.stop == n) for a, n in zip(around, image.shape, strict=False)]
            found = self._pass(image[tuple(around)], ends)
            inside = [slice(s.start - a.start, s.stop - a.start) for s, a in zip(area, around, strict=True)]
            yield area, found[:, inside[0], inside[1]]

    @torch.inference_mode()
    def _pass(self, image: np.ndarray, ends: list[tuple[bool, bool]]) -> Tensor:
        """One pass: uint8 (H, W, 3) to (3, H, W) in [-1, 1].

        Args:
            ends: whether the picture ends at (top, bottom) and (left, right), where it is continued; elsewhere the halo
                of the tile holds what the network reads.
        """
        height, width = image.shape[:2]
        photo = images.to_tensor(image).to(self.device)[None]
        least = 2 * STRIDE if self.style.whole else STRIDE  # a reflected border needs more pixels than it adds
        rows, columns = (max(_multiple(side), least) - side for side in (height, width))
        (top, bottom), (left, right) = ([self.style.margin * end for end in pair] for pair in ends)
        padded = F.pad(photo, (left, columns + right, top, rows + bottom), mode="replicate")
        output = self.network(padded.contiguous(memory_format=torch.channels_last))
        output = output.to(photo)[..., top : top + height, left : left + width].contiguous()
        return sharpen(photo, output, self.sharpness, self.style.output).clamp(-1.0, 1.0)[0]


def tiles(height: int, width: int, tile: int, edge: int) -> list[Area]:
    """Rows and columns of the tiles of an image: one where the image has no more pixels than a tile and its halo.

    Otherwise about equal ones that start at multiples of 4, ``tile`` (rounded up to a multiple of 4) pixels a side at
    most. ``edge`` is the width of the halo.
    """
    if height * width <= (tile + 2 * edge) ** 2:
        return [(slice(0, height), slice(0, width))]
    rows, columns = _cuts(height, tile), _cuts(width, tile)
    return [(row, column) for row in rows for column in columns]


def _cuts(side: int, tile: int) -> list[slice]:
    step = _multiple(math.ceil(side / math.ceil(side / tile)))
    return [slice(start, min(start + step, side)) for start in range(0, side, step)]


def _multiple(pixels: int) -> int:
    return -(-pixels // STRIDE) * STRIDE
