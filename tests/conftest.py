"""What every test shares: a study of its own to write into, one thread, the whole study last."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

if TYPE_CHECKING:  # tests without a network do not wait for torch
    from torch import Tensor


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in place of the checkout's ``data`` and ``reports``."""
    monkeypatch.setenv("WBC_ROOT", str(tmp_path))
    monkeypatch.delenv("WBC_ASSETS", raising=False)
    return tmp_path


@pytest.fixture(params=["float32", "bfloat16"])
def precision(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both precisions: what `auto` means on a reader's machine is unknown."""
    monkeypatch.setenv("WBC_PRECISION", request.param)
    return str(request.param)


@pytest.fixture
def shelf(study: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of notebooks in place of the repository's, with one good notebook."""
    from toy_notebooks import good

    from wbclib import paths

    folder = study / "notebooks"
    monkeypatch.setattr(paths, "notebooks", lambda: folder)
    good(folder)
    return folder


@pytest.fixture
def weight_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty assets and an empty hub cache, so that no weights on this machine are found."""
    import torch

    torch.manual_seed(0)
    monkeypatch.setenv("WBC_ASSETS", str(tmp_path / "bring"))
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))
    (tmp_path / "bring" / "weights").mkdir(parents=True)
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def place_weights(weight_folders: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Puts weights of the test's own where a reader would put the real ones, and records their hash in the table."""
    import numpy as np
    import torch

    from wbclib.files import sha256
    from wbclib.networks.features import LAYERED, NETWORKS

    def put(name: str, state: dict[str, Tensor], which: int = 0) -> Path:
        table = LAYERED if name in LAYERED else NETWORKS
        spec = table[name]
        path = weight_folders / "bring" / "weights" / spec.files[which].name
        if path.suffix == ".npz":
            np.savez(path, **{key: value.numpy() for key, value in state.items()})
        else:
            torch.save(state, path)
        listed = (*spec.files[:which], dataclasses.replace(spec.files[which], sha256=sha256(path)))
        monkeypatch.setitem(table, name, dataclasses.replace(spec, files=listed))
        return path

    return put


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what takes minutes after what takes seconds; several processes begin files of few tests last anyway."""
    items.sort(key=lambda item: item.get_closest_marker("study") is not None)
