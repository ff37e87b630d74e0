"""TIFFs as another writer makes them: how the samples lie in the file does not change the picture."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import tifffile
from toy_images import noise

from wbclib import images
from wbclib.inference import folder

PLACES: dict[str, dict[str, Any]] = {
    "one strip": {},
    "strips": {"rowsperstrip": 5},
    "tiles": {"tile": (16, 16)},
    "compressed": {"compression": "zlib"},
}


def tiff(values: np.ndarray, **options: Any) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, values, **options)
    return stream.getvalue()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("bits", [8, 16])
def test_channels_in_planes(bits: int, order: Any, place: str) -> None:
    image, scale = noise(24, 40), {8: 1, 16: 257}[bits]  # 65535 / 255 is 257
    planes = (np.moveaxis(image, 2, 0).astype(f"u{bits // 8}") * scale).copy()
    data = tiff(planes, photometric="rgb", planarconfig="separate", byteorder=order, **PLACES[place])
    np.testing.assert_array_equal(images.decode(data, "x.tif"), image)


@pytest.mark.parametrize("place", PLACES)
def test_alpha_in_a_plane(place: str) -> None:
    image = noise(24, 40, channels=4)
    planes = (np.moveaxis(image, 2, 0).astype(np.uint16) * 257).copy()
    data = tiff(planes, photometric="rgb", planarconfig="separate", extrasamples=["unassalpha"], **PLACES[place])
    found = images.layers(data, "x.tif")
    np.testing.assert_array_equal(found.rgb, image[..., :3])
    np.testing.assert_array_equal(found.alpha, image[..., 3])


def test_premultiplied_alpha_in_a_plane_is_divided_out() -> None:
    planes = np.tile(np.array([100, 50, 25, 128], np.uint8)[:, None, None], (1, 6, 8))
    data = tiff(planes, photometric="rgb", planarconfig="separate", extrasamples=["assocalpha"])
    found = images.layers(data, "x.tif")
    assert np.abs(found.rgb.astype(int) - [199, 100, 50]).max() <= 1, "colour times 255 / 128"
    assert found.alpha is not None and (found.alpha == 128).all()


@pytest.mark.parametrize("place", PLACES)
def test_inks_in_planes(place: str) -> None:
    inks = np.zeros((4, 24, 40), np.uint16)
    inks[0, :, :20], inks[3, :, 20:] = 65535, 32768
    data = tiff(inks, photometric="separated", planarconfig="separate", **PLACES[place])
    found = images.decode(data, "x.tif")
    assert (found[:, :20] == [0, 255, 255]).all() and (np.abs(found[:, 20:].astype(int) - 127) <= 1).all()


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}])
def test_lab_in_planes_is_refused(options: dict[str, Any]) -> None:
    lab = np.full((24, 40, 3), [128, 0, 0], np.uint8)  # a grey
    grey = images.decode(tiff(lab, photometric="cielab", **options), "x.tif")
    assert (np.ptp(grey, axis=2) <= 1).all() and np.abs(grey.astype(int) - 119).max() <= 2, "L* of 50.2"
    planes = np.moveaxis(lab, 2, 0).copy()
    with pytest.raises(images.ImageError, match="Lab with its channels in planes.*save it interleaved"):
        images.decode(tiff(planes, photometric="cielab", planarconfig="separate", **options), "x.tif")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", ["i2", "u4", "i4", "f4"])
def test_numbers_without_a_known_white_are_refused(dtype: str, order: Any, place: str) -> None:
    data = tiff(np.arange(960, dtype=dtype).reshape(24, 40), photometric="minisblack", byteorder=order, **PLACES[place])
    with pytest.raises(images.ImageError, match="without a known white; save it as 8- or 16-bit|of a kind that is not"):
        images.decode(data, "x.tif")


def test_a_tiff_that_is_cut_short_is_refused(tmp_path: Any) -> None:
    data = tiff(noise(), photometric="rgb")
    (tmp_path / "cut.tif").write_bytes(data[: len(data) * 2 // 3])
    summary = folder.run([tmp_path / "cut.tif"], np.copy, tmp_path / "out")
    assert not summary.done and "damaged or cut short" in summary.failed[0][1]
