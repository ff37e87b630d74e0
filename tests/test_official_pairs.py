"""The comparison with the authors' outputs, on pairs that the test makes itself."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from wbclib import images
from wbclib.files import UserError
from wbclib.inference.styles import NO_FILTER, Style
from wbclib.inference.stylist import Stylist
from wbclib.studies.whitebox import official_pairs as pairs


def smooth(height: int, width: int, seed: int = 0) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return images.resize(small, (height, width))


def darker() -> Stylist:
    """A network that takes 10.6 grey levels away: truncated 11 or 10, never rounded."""
    return Stylist(Style("darker", torch.nn.Identity(), NO_FILTER, "", ""), engine=lambda x: x - 10.6 / 127.5)


@pytest.mark.parametrize(
    ("size", "becomes"), [((1100, 900), (880, 720)), ((900, 1100), (720, 880)), ((487, 333), (480, 328))]
)
def test_pipeline_shrinks_and_crops(size: tuple[int, int], becomes: tuple[int, int]) -> None:
    photo = smooth(*size)
    found = pairs.prepare(photo)
    assert found.shape[:2] == becomes
    if size[0] < 720:
        np.testing.assert_array_equal(found, photo[: becomes[0], : becomes[1]])


def test_values_are_truncated_as_the_released_program_does() -> None:
    photo = smooth(40, 48)
    expected = np.floor(np.clip(photo - 10.6, 0, 255)).astype(np.uint8)
    np.testing.assert_array_equal(pairs.truncated(darker(), photo), expected)


def test_psnr_is_that_of_the_bytes(tmp_path: Path) -> None:
    theirs = smooth(160, 240, seed=1)
    for name in ("photo", "official_output"):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "a.jpg"), theirs[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    table = pairs.official_pairs(tmp_path, darker())
    assert list(table.columns) == ["pair", "height", "width", "psnr", "psnr_jpeg"]
    stored = images.read(tmp_path / "photo" / "a.jpg").astype(float)
    error = np.square(stored - np.floor(np.clip(stored - 10.6, 0, 255))).mean()
    assert table.loc[0, "psnr"] == pytest.approx(10 * np.log10(255**2 / error), abs=1e-6)
    assert abs(table.loc[0, "psnr_jpeg"] - table.loc[0, "psnr"]) < 1


def test_what_is_missing_or_does_not_fit_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no pairs"):
        pairs.official_pairs(tmp_path, darker())
    for name, size in (("photo", (64, 64)), ("official_output", (64, 72))):
        images.write(tmp_path / name / "a.jpg", smooth(*size))
    with pytest.raises(UserError, match="pair a.jpg: the output is"):
        pairs.official_pairs(tmp_path, darker())
