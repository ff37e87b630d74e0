"""The bench's rows of inference: what they measure, and on how many cores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from toy_styles import seeded_style

from wbclib.bench import inference


def test_row_of_inference(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "SIZE", (32, 48))
    row = inference.inference_720p("onnx", seeded_style())
    assert (
        row["name"] == "inference_720p_onnx"
        and row["other_is"] == "float32 eager forward, NCHW; ours is the engine onnx"
    )
    assert row["ours"] > 0 and row["other"] > 0 and np.isfinite(row["ratio"])
    names = ["inference_720p", "inference_720p_exact", "inference_720p_bfloat16", "detail_12mp"]
    names += ["cores_720p", "cores_12mp", "memory_12mp"]
    assert [measure.__name__ for measure in inference.ROWS] == names


def test_row_of_a_large_photograph(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "LARGE", (730, 760))
    found = inference.detail_12mp()
    assert found["name"] == "detail_12mp" and found["ours"] > 0 and found["other"] > 0
    found = inference.memory_12mp()
    picture = 730 * 760 * 3 / 2**20
    assert np.isnan(found["ours"]) or min(found["ours"], found["other"]) > picture, "at least what it returns"


def test_row_of_one_core_has_one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made and called on one core, and on as many as there were."""
    seen: list[tuple[int, int]] = []

    def drawing(size: tuple[int, int], detail: int = 0) -> Callable[[], None]:
        made_on = torch.get_num_threads()
        return lambda: seen.append((made_on, torch.get_num_threads()))

    def timed(ours: Callable[[], None], other: Callable[[], None], rounds: int) -> tuple[float, float, float]:
        ours(), other()
        return 0.5, 1.0, 2.0

    monkeypatch.setattr(inference, "drawing", drawing)
    monkeypatch.setattr(inference, "paired", timed)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        found = inference.cores_720p()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert seen == [(2, 2), (1, 1)] and found["ratio"] == 2.0


@pytest.mark.parametrize(("native", "said"), [("bfloat16", "native here"), ("float32", "emulated here")])
def test_row_of_bfloat16_says_whether_the_processor_has_it(
    native: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference, "SIZE", (32, 48))
    monkeypatch.setattr(inference, "native", lambda device: native)
    row = inference.inference_720p_bfloat16()
    assert row["name"] == "inference_720p_bfloat16" and row["ours"] > 0 and row["other"] > 0
    assert row["other_is"] == f"float32 eager forward, NCHW; ours is the engine bfloat16, {said}"
