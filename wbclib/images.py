"""The one image convention and its borders.

Inside the study an image is a tensor: RGB (sRGB primaries and transfer curve), float32, [-1, 1], NCHW.
At its borders - files, plots, segmenters - it is a uint8 HWC RGB array. Every change from one to the
other is made here and nowhere else.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import torch
from PIL import Image, UnidentifiedImageError

from wbclib import cicp, colours, formats
from wbclib.files import UserError, atomic

T = TypeVar("T")
MAX_PIXELS = 100_000_000

# Pillow tells of odd metadata and of large images by warnings. `read` decides about both by itself. The filter is set
# once, because `warnings.catch_warnings` around a decoder is not safe where several threads decode.
warnings.filterwarnings("ignore", module=r"PIL\.")


class ImageError(UserError):
    """A file that is no usable image; ``reason`` is the message without the file's name."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.reason = reason


@dataclass(frozen=True)
class Layers:
    """First frame of an image file: ``rgb`` uint8 (H, W, 3) in sRGB, ``alpha`` uint8 (H, W) where the file has one."""

    rgb: np.ndarray
    alpha: np.ndarray | None
    frames: int = 1  # how many the file holds


def read(path: Path | str, smallest: int = 2) -> np.ndarray:
    """Read the first frame of an image file.

    The EXIF orientation is applied; colours are converted to sRGB from an embedded ICC profile (a broken one is
    ignored), else from PNG's gAMA and cHRM or AVIF's and HEIF's code points, else from Adobe RGB where a camera's EXIF
    says so; PNG's code points (cICP) go before all. High dynamic range is refused. Alpha is laid on white.
    Grey, palette, Lab and CMYK images become RGB. CMYK without a profile is converted by complements (red = white
    minus cyan minus black). 16 bits a channel become 8.

    Args:
        path: a file of one of :data:`wbclib.formats.READ`, recognised by content (TGA by its name); HEIC where the
            package pillow-heif is installed.
        smallest: refuse images with a side of fewer pixels.

    Returns:
        uint8 array (H, W, 3), H and W at least ``smallest``, sRGB.

    Raises:
        ImageError: missing, unreadable, empty, damaged, truncated, no image, too large or too small.
    """
    return decode(fetch(path), path, smallest)


def fetch(path: Path | str) -> bytes:
    """Bytes of a file; an :class:`ImageError` that says what is wrong where there are none to be had."""
    path = Path(path)
    if os.path.exists(path) and not os.path.isfile(path):  # reading a pipe would wait for ever
        raise ImageError(path, "this is a folder or a device, not a file; name an image")
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(path, "there is no such file; check the name") from error
    except OSError as error:
        raise ImageError(path, f"cannot be opened ({error.strerror or error}); check its permissions") from error


def decode(data: bytes, name: Path | str = "image", smallest: int = 2) -> np.ndarray:
    """Decode the bytes of an image file as :func:`read` does; ``name`` is what an error calls it."""
    return np.array(_open(data, name, smallest, _on_white))


def layers(data: bytes, name: Path | str = "image", smallest: int = 2) -> Layers:
    """Decode as :func:`decode` does, but keep the alpha channel beside the colours that lie under it."""

    def parts(image: Image.Image) -> Layers:
        colour, alpha = (None if layer is None else np.array(layer) for layer in colours.layers(image))
        assert colour is not None
        return Layers(colour, alpha, _frames(image))

    return _open(data, name, smallest, parts)


def _open(data: bytes, name: Path | str, smallest: int, finish: Callable[[Image.Image], T]) -> T:
    """``finish`` of the opened, not yet decoded image; whatever goes wrong becomes one line."""
    if not data:
        raise ImageError(name, "the file is empty (0 bytes); fetch it again or remove it")
    if reason := formats.refusal(data, name):
        raise ImageError(name, reason)
    try:
        with Image.open(io.BytesIO(data), formats=formats.readers(data, name)) as image:
            width, height = image.size
            if formats.is_raw(image):
                raise ImageError(name, formats.RAW)
            image.info[colours.CODING] = coding = cicp.coding(data)
            if coding and coding.hdr:
                raise ImageError(name, formats.HDR_STILL)
            if width * height <= MAX_PIXELS and min(width, height) >= smallest:
                return finish(image)
    except UnidentifiedImageError as error:
        raise ImageError(name, formats.unread(data)) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError) as error:
        raise ImageError(name, f"larger than {MAX_PIXELS // 10**6} megapixels; make it smaller first") from error
    except ImageError:
        raise
    except colours.DepthError as error:
        raise ImageError(name, str(error)) from error
    except Exception as error:  # decoders raise anything on damaged bytes: struct.error, SyntaxError, IndexError ...
        said = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(name, f"damaged or cut short ({said}); fetch it again, or leave it out") from error
    if min(width, height) < smallest:
        raise ImageError(name, f"only {width} x {height} pixels; use an image of at least {smallest} x {smallest}")
    raise ImageError(name, f"larger than {MAX_PIXELS // 10**6} megapixels; make it smaller first")


def _frames(image: Image.Image) -> int:
    """How many frames an opened image holds; damage behind the first one does not matter."""
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception:  # as in `_open`: anything
        return 1


def _on_white(image: Image.Image) -> Image.Image:
    """8-bit sRGB image, upright, with its transparency laid on white."""
    colour, alpha = colours.layers(image)
    if alpha is None:
        return colour
    return Image.composite(colour, Image.new("RGB", colour.size, "white"), alpha)


def write(path: Path | str, image: np.ndarray) -> None:
    """Write an image atomically.

    Args:
        path: ``.png``, or ``.jpg``/``.jpeg`` (quality 95, full colour resolution).
        image: uint8 (H, W, 3).

    Raises:
        UserError: other suffix, or the file cannot be written; what was there before is still there.
    """
    path, picture = Path(path), Image.fromarray(_checked(image))
    kind = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}.get(path.suffix.lower())
    if kind is None:
        raise UserError(f"cannot write {path}: choose a name that ends in .png or .jpg")
    options = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {}
    with atomic(path) as temporary:
        picture.save(temporary, format=kind, **options)


def _checked(image: np.ndarray) -> np.ndarray:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"expected a uint8 image (H, W, 3), got {image.dtype} {image.shape}")
    return image


def to_tensor(image: np.ndarray) -> torch.Tensor:
    """uint8 (H, W, 3) or (N, H, W, 3) to float32 (3, H, W) or (N, 3, H, W) in [-1, 1]: 0 is -1, 255 is 1."""
    if image.dtype != np.uint8 or image.ndim not in (3, 4) or image.shape[-1] != 3:
        raise ValueError(f"expected uint8 (H, W, 3) or (N, H, W, 3), got {image.dtype} {image.shape}")
    planes = np.ascontiguousarray(np.moveaxis(image, -1, -3))
    if not planes.flags.writeable:  # torch warns of memory that it must not write
        planes = planes.copy()
    return torch.from_numpy(planes).to(torch.float32).div_(127.5).sub_(1.0)


def to_uint8(tensor: torch.Tensor) -> np.ndarray:
    """(C, H, W) or (N, C, H, W) in [-1, 1], C = 1 or 3, to uint8 (H, W, 3) or (N, H, W, 3).

    Values are clamped to [-1, 1] before they are rounded, so that an overshoot of a network is white or black and
    never wraps around to a wrong colour. NaN is a ValueError. ``to_uint8(to_tensor(x))`` is ``x``.
    """
    if tensor.ndim not in (3, 4) or tensor.shape[-3] not in (1, 3):
        raise ValueError(f"expected (3, H, W) or (N, 3, H, W), got {tuple(tensor.shape)}")
    values = tensor.detach().to(torch.float32)
    if bool(torch.isnan(values).any()):
        raise ValueError("an image must not contain NaN")
    array = values.clamp(-1.0, 1.0).add(1.0).mul(127.5).round().to(torch.uint8).cpu().numpy()
    array = np.moveaxis(array, -3, -1)
    return np.ascontiguousarray(np.broadcast_to(array, (*array.shape[:-1], 3)))


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize to ``size`` = (height, width): area average along a side that shrinks, cubic (clipped) where one grows."""
    image, (height, width) = _checked(image), size
    small = (min(height, image.shape[0]), min(width, image.shape[1]))
    if small != image.shape[:2]:
        image = cv2.resize(image, small[::-1], interpolation=cv2.INTER_AREA)
    if small != (height, width):
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(image)


def fit(image: np.ndarray, short_side: int) -> np.ndarray:
    """Resize so that the shorter side is ``short_side`` pixels, keeping the aspect ratio."""
    height, width = image.shape[:2]
    scale = short_side / min(height, width)
    return resize(image, (max(1, round(height * scale)), max(1, round(width * scale))))


def square(image: np.ndarray, side: int) -> np.ndarray:
    """Largest centred square, resized to ``side`` x ``side``."""
    height, width = image.shape[:2]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    return resize(image[top : top + edge, left : left + edge], (side, side))


def crop_to_multiple(image: np.ndarray, k: int = 4) -> np.ndarray:
    """Cut the bottom and the right so that both sides are multiples of ``k``; the top left corner stays."""
    height, width = (side // k * k for side in image.shape[:2])
    if not height or not width:
        raise UserError(f"an image of {image.shape[1]} x {image.shape[0]} pixels is too small; use at least {k} x {k}")
    return image[:height, :width]


def grid(images: Sequence[np.ndarray], columns: int, gap: int = 4) -> np.ndarray:
    """Contact sheet, row by row, white gaps of ``gap`` pixels; every cell is as large as the largest image."""
    if not images or columns < 1:
        raise ValueError("a grid needs at least one image and one column")
    height, width = (max(_checked(image).shape[axis] for image in images) for axis in (0, 1))
    columns, rows = min(columns, len(images)), -(-len(images) // columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for index, image in enumerate(images):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        sheet[top : top + image.shape[0], left : left + image.shape[1]] = image
    return sheet
