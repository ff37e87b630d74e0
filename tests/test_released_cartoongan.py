"""CartoonGAN's released weights: a plain forward pass, written down from the authors' layout, in BGR, is the oracle."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from wbclib.files import UserError
from wbclib.networks.official import cartoongan_names, load_cartoongan
from wbclib.networks.residual import ResidualGenerator


def images(count: int = 2, size: int = 16, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def released(folder: Path) -> tuple[Path, dict[str, np.ndarray]]:
    """A file of the released layout with seeded numbers."""
    random, shapes = np.random.default_rng(0), ResidualGenerator(affine=True).state_dict()
    arrays = {
        old: random.normal(0, 0.6 / math.sqrt(max(1, np.prod(shapes[new].shape[1:]))), shapes[new].shape)
        + ("scale" in old)
        for old, new in cartoongan_names().items()
    }
    np.savez(folder / "style.npz", **{name: value.astype(np.float32) for name, value in arrays.items()})
    return folder / "style.npz", arrays


def plain(arrays: dict[str, np.ndarray], bgr: Tensor) -> Tensor:
    """The authors' network, layer by layer."""
    a = {name: torch.from_numpy(value) for name, value in arrays.items()}

    def conv(x: Tensor, name: str, pad: int = 1, stride: int = 1) -> Tensor:
        x = F.pad(x, (pad,) * 4, mode="reflect")
        return F.conv2d(x, a[f"{name}.weight"], a[f"{name}.bias"], stride)

    def up(x: Tensor, name: str) -> Tensor:
        return F.conv_transpose2d(x, a[f"{name}.weight"], a[f"{name}.bias"], 2, 1, 1)

    def norm(x: Tensor, name: str) -> Tensor:
        std, mean = torch.std_mean(x, (2, 3), correction=0, keepdim=True)
        scale, shift = (a[f"{name}.{kind}"][:, None, None] for kind in ("scale", "shift"))
        return (x - mean) / (std + 1e-9) * scale + shift

    y = norm(conv(bgr, "conv01_1", 3), "in01_1").relu()
    for i in ("02", "03"):
        y = norm(conv(conv(y, f"conv{i}_1", stride=2), f"conv{i}_2"), f"in{i}_1").relu()
    for i in range(4, 12):
        inner = norm(conv(y, f"conv{i:02d}_1"), f"in{i:02d}_1").relu()
        y = y + norm(conv(inner, f"conv{i:02d}_2"), f"in{i:02d}_2")
    for i in (1, 2):
        y = norm(conv(up(y, f"deconv0{i}_1"), f"deconv0{i}_2"), f"in1{i + 1}_1").relu()
    return torch.tanh(conv(y, "deconv03_1", 3))


def test_released_weights_are_read_as_the_authors_network_reads_them(tmp_path: Path) -> None:
    path, arrays = released(tmp_path)
    assert len(arrays) == 94
    x = images(1, 24)
    with torch.no_grad():
        found = load_cartoongan(path)(x)
        wanted = plain(arrays, x.double().flip(1)).flip(1)
    assert wanted.std() > 0.05
    torch.testing.assert_close(found.double(), wanted, rtol=0, atol=2e-4)


def test_a_file_of_other_arrays_is_refused(tmp_path: Path) -> None:
    path, arrays = released(tmp_path)
    arrays.pop("in13_1.shift")
    np.savez(path, **arrays)
    with pytest.raises(UserError, match=r"does not hold this generator \(1 names or shapes differ, first in13_1.shift"):
        load_cartoongan(path)
