"""LPIPS against torchvision's SqueezeNet with torch-fidelity's pieces, on weights that the tests make."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor
from torch_fidelity.sample_similarity_lpips import SampleSimilarityLPIPS, normalize_tensor

from wbclib.files import UserError, sha256
from wbclib.measure import lpips
from wbclib.networks import weights

Place = Callable[..., Path]
State = dict[str, Tensor]


@pytest.fixture
def states(place_weights: Place, monkeypatch: pytest.MonkeyPatch, weight_folders: Path) -> tuple[State, State]:
    """Seeded random weights of SqueezeNet and of the heads, where a reader would put the real ones."""
    squeezenet = torchvision.models.squeezenet1_1(weights=None).state_dict()
    place_weights("squeezenet1_1", squeezenet)
    heads = {f"squeeze.lin{i}.model.1.weight": torch.rand(1, c, 1, 1) for i, c in enumerate(lpips.CHANNELS)}
    put_heads(heads, monkeypatch, weight_folders)
    return squeezenet, heads


def put_heads(heads: State, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    path = folder / "bring" / "weights" / lpips.HEADS.name
    np.savez(path, **{key: value.numpy() for key, value in heads.items()})
    monkeypatch.setattr(lpips, "HEADS", dataclasses.replace(lpips.HEADS, sha256=sha256(path)))


def two(count: int = 3, size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    a = random.integers(0, 256, (count, size, size, 3), dtype=np.uint8)
    return a, np.clip(a + random.normal(0, 40, a.shape), 0, 255).astype(np.uint8)


def oracle(a: np.ndarray, b: np.ndarray, squeezenet: State, heads: State) -> np.ndarray:
    """By the definition: torchvision's network in the authors' slices, layer by layer, in NumPy from there."""
    network = torchvision.models.squeezenet1_1(weights=None)
    network.load_state_dict(squeezenet)
    slices, total = ((0, 2), (2, 5), (5, 8), (8, 10), (10, 11), (11, 12), (12, 13)), np.zeros(len(a))
    x, y = (SampleSimilarityLPIPS.normalize(torch.from_numpy(image).permute(0, 3, 1, 2)) for image in (a, b))
    for number, (start, end) in enumerate(slices):
        with torch.no_grad():
            x, y = network.features[start:end](x), network.features[start:end](y)
        squares = (normalize_tensor(x) - normalize_tensor(y)).numpy().astype(np.float64) ** 2
        head = heads[f"squeeze.lin{number}.model.1.weight"].numpy().reshape(1, -1, 1, 1)
        total += (squares * head).sum(1).mean((1, 2))
    return total


def test_equals_the_definition_computed_another_way(states: tuple[State, State]) -> None:
    a, b = two()
    found = lpips.distances(a, b, lpips.load(), batch=2)
    assert found.shape == (3,) and found.dtype == np.float64
    np.testing.assert_allclose(found, oracle(a, b, *states), rtol=1e-4)
    assert len(set(found.round(6))) == 3


def test_identical_images_are_at_0_and_the_distance_is_symmetric(states: tuple[State, State]) -> None:
    a, b = two()
    metric = lpips.load()
    assert lpips.distances(a, a, metric).tolist() == [0, 0, 0]
    np.testing.assert_allclose(lpips.distances(a, b, metric), lpips.distances(b, a, metric), rtol=1e-6)
    flat = np.zeros_like(a)
    assert np.isfinite(lpips.distances(a, flat, metric)).all(), "a black image has features of length 0 somewhere"


def test_origin_names_both_files_and_their_licences(states: tuple[State, State]) -> None:
    origin = lpips.load().origin
    assert origin["licence"] == "BSD-2-Clause; BSD-3-Clause"
    assert origin["source"].count("assets/weights/") == 2
    assert origin["sha256"] == lpips.HEADS.sha256 != origin["network_sha256"]


@pytest.mark.usefixtures("weight_folders")
def test_missing_weights_say_what_to_put_where(place_weights: Place) -> None:
    with pytest.raises(weights.MissingWeights, match=r"squeezenet1_1 not found: put squeezenet1_1\S+ or .* at "):
        lpips.load()
    place_weights("squeezenet1_1", torchvision.models.squeezenet1_1(weights=None).state_dict())
    with pytest.raises(weights.MissingWeights, match=r"LPIPS not found: put lpips_lin_v0\.1\.npz at (?!.*downloads)"):
        lpips.load(downloads=True)


def test_heads_of_another_network_are_refused(
    states: tuple[State, State], monkeypatch: pytest.MonkeyPatch, weight_folders: Path
) -> None:
    put_heads({key.replace("squeeze", "alex"): value for key, value in states[1].items()}, monkeypatch, weight_folders)
    with pytest.raises(UserError, match="no heads for SqueezeNet"):
        lpips.load()
    (weight_folders / "bring" / "weights" / lpips.HEADS.name).write_bytes(b"PK")
    with pytest.raises(UserError, match="damaged or another file"):
        lpips.load()


def test_table_has_a_row_a_method_and_draws_photographs(states: tuple[State, State]) -> None:
    photos, noisy = two(6)
    metric, groups = lpips.load(), ["p", "p", "q", "q", "r", "r"]
    found = lpips.measure_lpips({"photograph": photos, "noise": noisy}, photos, groups, metric).set_index("method")
    assert tuple(found.loc["photograph"]) == (0, 0, 0, 6, 3)
    row = found.loc["noise"]
    assert row["lpips"] == pytest.approx(lpips.distances(noisy, photos, metric).mean())
    by_photograph = lpips.distances(noisy, photos, metric).reshape(3, 2).mean(1)
    assert by_photograph.min() <= row["low"] < row["lpips"] < row["high"] <= by_photograph.max()


def test_other_types_shapes_and_sizes_are_refused(states: tuple[State, State]) -> None:
    metric, (a, b) = lpips.load(), two()
    for first, second in ((a, b[:2]), (a / 255, b), (a, b / 255), (a[0], b[0])):
        with pytest.raises(ValueError, match="two uint8"):
            lpips.distances(first, second, metric)
    with pytest.raises(ValueError, match="no images"):
        lpips.distances(a[:0], b[:0], metric)
