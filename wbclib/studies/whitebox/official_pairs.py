"""The authors' weights against the authors' own outputs: how near our network and filter come to the released program.

Only numbers leave this file: the photographs of the pairs are third parties' and are never shown.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from skimage.metrics import peak_signal_noise_ratio

from wbclib import images, paths
from wbclib.files import UserError
from wbclib.inference.styles import OFFICIAL, OFFICIAL_FILE, load_style
from wbclib.inference.stylist import Stylist

SHORT_SIDE, MULTIPLE, QUALITY = 720, 8, 95  # of the released program: largest short side, crop, JPEG quality


def official_pairs(folder: Path | None = None, stylist: Stylist | None = None) -> pd.DataFrame:
    """PSNR of our output against the authors' for every pair.

    The released program shrinks photographs whose short side is above 720 pixels (area), crops to multiples of 8, and
    truncates (y + 1) 127.5 to bytes; its outputs are kept as JPEG files of quality 95, so that ``psnr`` compares our
    bytes with theirs after a loss, and ``psnr_jpeg`` compares them after the same one.

    Args:
        folder: holds ``photo/`` and ``official_output/`` with files of equal names; default: the assets' ``pairs``.
        stylist: default: the authors' weights with their filter.

    Returns:
        One row a pair: pair, height, width, psnr, psnr_jpeg (dB, over the three channels).

    Raises:
        UserError: no pairs, no weights, or an output whose size is not that of the pipeline.
    """
    folder = folder or paths.assets() / "pairs"
    names = sorted(path.name for path in (folder / "photo").glob("*.jpg"))
    if not names:
        raise UserError(f"no pairs in {paths.shown(folder)}: put photo/*.jpg and official_output/*.jpg there")
    stylist = stylist or Stylist(load_style(OFFICIAL))
    return pd.DataFrame([_row(folder, name, stylist) for name in names])


def released(photos: np.ndarray) -> np.ndarray | None:
    """Photographs uint8 (N, H, W, 3) through the authors' weights; None where these are not here."""
    if not _here():
        return None
    stylist = Stylist(load_style(OFFICIAL))
    return np.stack([stylist(photo) for photo in photos])


def measured() -> pd.DataFrame:
    """:func:`official_pairs`, or an empty table where weights or pairs are not here."""
    return official_pairs() if _here() and (paths.assets() / "pairs" / "photo").is_dir() else pd.DataFrame()


def _here() -> bool:
    return (paths.assets() / "weights" / OFFICIAL_FILE).is_file()


def _row(folder: Path, name: str, stylist: Stylist) -> dict[str, object]:
    photo = prepare(_stored(folder / "photo" / name))
    theirs = _stored(folder / "official_output" / name)
    if photo.shape != theirs.shape:
        raise UserError(f"pair {name}: the output is {theirs.shape[:2]}, the photograph makes {photo.shape[:2]}")
    ours = truncated(stylist, photo)
    return {
        "pair": Path(name).stem,
        "height": photo.shape[0],
        "width": photo.shape[1],
        "psnr": float(peak_signal_noise_ratio(theirs, ours)),
        "psnr_jpeg": float(peak_signal_noise_ratio(theirs, coded(ours))),
    }


def prepare(photo: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) as the released network sees it: short side at most 720, sides multiples of 8."""
    height, width = photo.shape[:2]
    short = min(height, width)
    if short > SHORT_SIDE:
        photo = images.resize(photo, (height * SHORT_SIDE // short, width * SHORT_SIDE // short))
    return images.crop_to_multiple(photo, MULTIPLE)


def truncated(stylist: Stylist, photo: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3): (y + 1) 127.5 cut to whole numbers, where this study rounds."""
    values = ((stylist.exact(photo) + 1) * 127.5).clamp(0, 255)
    return values.byte().permute(1, 2, 0).numpy()


def coded(image: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) after JPEG coding as OpenCV does it, quality 95 and colours at half resolution."""
    done, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    assert done
    return _decoded(data)


def _stored(path: Path) -> np.ndarray:
    """Pixels as OpenCV reads them: colour profiles count for nothing there."""
    return _decoded(np.frombuffer(images.fetch(path), np.uint8))


def _decoded(data: np.ndarray) -> np.ndarray:
    image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if image is None:
        raise UserError("a file of the pairs is damaged; fetch it again")
    return np.ascontiguousarray(image[..., ::-1])
