"""Our whole pipeline, from a folder of PNGs to a number, against pytorch-fid's command line on the same folders."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from pytorch_fid import inception
from torch import nn

from wbclib import images
from wbclib.measure import fid
from wbclib.networks import backbones
from wbclib.networks.features import load
from wbclib.networks.frozen import FeatureNetwork

Place = Callable[..., Path]
WIDTH = 64  # the narrowest of pytorch-fid's features: with more images than features the covariances are regular


@pytest.fixture
def checkpoint(place_weights: Place, weight_folders: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Seeded random Inception weights in the torch hub cache, where pytorch-fid and we both look for the real ones."""
    with monkeypatch.context() as patch:  # the whole network without a file to load
        patch.setattr(inception, "load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(nn.Module, "load_state_dict", lambda *_: None)
        network = inception.fid_inception_v3()
    backbones.draw(network, seed=1)
    path = place_weights("inception", network.state_dict())
    return path.rename(weight_folders / "hub" / "checkpoints" / path.name)


def folder(path: Path, count: int, seed: int, contrast: float) -> list[Path]:
    """``count`` coloured PNGs of 48 x 40 pixels: noise as in natural images, each with a tint of its own."""
    random = np.random.default_rng(seed)
    path.mkdir()
    noise = contrast * backbones.pink_noise(count, 48, seed)[:, :, :, :40].permute(0, 2, 3, 1).numpy()
    tints = random.uniform(-0.5, 0.5, (count, 1, 1, 3))
    pictures = np.clip(127.5 + 127.5 * (noise + tints), 0, 255).astype(np.uint8)
    for number, picture in enumerate(pictures):
        images.write(path / f"{number:03}.png", picture)
    return sorted(path.iterdir())


def command_line(hub: Path, *arguments: object) -> str:
    """What pytorch-fid prints; offline, on one thread."""
    known = ["--device", "cpu", "--num-workers", "0", "--batch-size", "16"]
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "pytorch_fid", *map(str, arguments), *known],
        env={**os.environ, "TORCH_HOME": str(hub.parent), "OMP_NUM_THREADS": "1", "https_proxy": "http://127.0.0.1:9"},
        capture_output=True, text=True, check=True, timeout=300,
    ).stdout  # fmt: skip


def ours(files: list[Path], network: FeatureNetwork) -> np.ndarray:
    return fid.features(np.stack([images.read(file) for file in files]), network, batch=16)


def test_distance_equals_pytorch_fids_command_line(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On its first block, 64 features of 72 images: its matrix root wants regular covariances, ours does not."""
    first, second = folder(tmp_path / "a", 72, 1, 0.6), folder(tmp_path / "b", 72, 2, 1.0)
    printed = command_line(checkpoint.parent.parent, tmp_path / "a", tmp_path / "b", "--dims", WIDTH)
    theirs = float(re.search(r"FID:\s+(\S+)", printed)[1])  # type: ignore[index]
    monkeypatch.setattr(inception.InceptionV3, "BLOCK_INDEX_BY_DIM", {2048: 0})  # our loader asks for the block of 2048
    network = load("inception")
    a, b = ours(first, network), ours(second, network)
    assert a.shape == (72, WIDTH) and np.linalg.matrix_rank(np.cov(a, rowvar=False)) == WIDTH
    assert "singular" not in printed
    assert fid.frechet(a, b) == pytest.approx(theirs, rel=1e-3)
    assert theirs > 1.5 * fid.frechet(a[::2], a[1::2]), "the two folders differ"


def test_the_2048_features_equal_pytorch_fids_command_line(checkpoint: Path, tmp_path: Path) -> None:
    """Mean and covariance that its command line saves of the final pooling, which are all that its distance sees."""
    files = folder(tmp_path / "a", 3, 3, 0.8)
    command_line(checkpoint.parent.parent, tmp_path / "a", tmp_path / "saved.npz", "--save-stats")
    with np.load(tmp_path / "saved.npz") as saved:
        mean, covariance = saved["mu"], saved["sigma"]
    network = load("inception")
    found = ours(files, network)
    assert found.shape == (3, 2048)
    np.testing.assert_allclose(found.mean(0), mean, rtol=1e-3, atol=1e-3 * mean.std())
    assert np.linalg.norm(np.cov(found, rowvar=False) - covariance) < 1e-3 * np.linalg.norm(covariance)
    assert network.origin["source"].endswith(f"torch hub cache/{checkpoint.name}")
    torch.testing.assert_close(np.trace(covariance), found.var(0, ddof=1).sum(), rtol=1e-3, atol=0)
