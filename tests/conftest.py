"""What every test shares: a study of its own to write into, one thread, the whole study last."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in place of the checkout's ``data`` and ``reports``."""
    monkeypatch.setenv("WBC_ROOT", str(tmp_path))
    monkeypatch.delenv("WBC_ASSETS", raising=False)
    return tmp_path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what takes minutes after everything that takes seconds."""
    items.sort(key=lambda item: item.get_closest_marker("study") is not None)
