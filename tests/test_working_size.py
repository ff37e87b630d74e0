"""The nodes around an exported network, without the network: OpenCV's area average, and the study's own enlarging."""

from __future__ import annotations

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import ModelProto, helper
from onnx.reference import ReferenceEvaluator

from wbclib import images
from wbclib.corpora import bundled
from wbclib.inference.working_size import BLOCK, at_working_size, enlarging, shrinking
from wbclib.represent.enlarge import enlarge

DETAIL = 64
ROUNDING = 0.51  # grey levels: what rounding to 8 bits changes, and a little for float32


def session(model: ModelProto) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def identity() -> ModelProto:
    """A network that draws what it sees."""
    ends = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", 3, "h", "w"]) for name in ("photo", "cartoon")
    ]
    graph = helper.make_graph([helper.make_node("Identity", ["photo"], ["cartoon"])], "identity", ends[:1], ends[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


@pytest.fixture(scope="module")
def whole() -> ModelProto:
    return at_working_size(identity(), DETAIL)


@pytest.fixture(scope="module")
def shrunk() -> onnxruntime.InferenceSession:
    return session(shrinking(DETAIL))


@pytest.fixture(scope="module")
def enlarged() -> onnxruntime.InferenceSession:
    return session(enlarging())


def noise(size: tuple[int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def batch(*pictures: np.ndarray) -> np.ndarray:
    return images.to_tensor(np.stack(pictures)).numpy()


def grey_levels(found: np.ndarray, wanted: np.ndarray) -> float:
    """Largest difference of (1, 3, H, W) in [-1, 1] from a uint8 picture."""
    return float(np.abs((found[0].transpose(1, 2, 0) + 1) * 127.5 - wanted).max())


@pytest.mark.parametrize("size", [(65, 65), (128, 193), (251, 90), (97, 800), (1000, 65)])
def test_shrinking_is_the_area_average(shrunk: onnxruntime.InferenceSession, size: tuple[int, int]) -> None:
    given = batch(noise(size))
    found, told = shrunk.run(None, {"photo": given})
    height, width = images.fit(noise(size), DETAIL).shape[:2]
    wanted = cv2.resize(given[0].transpose(1, 2, 0), (width, height), interpolation=cv2.INTER_AREA)
    assert found.shape == (1, 3, height, width) and tuple(told) == size
    np.testing.assert_allclose(found[0].transpose(1, 2, 0), wanted, atol=1e-5)


def test_sides_are_rounded_as_they_are_for_the_command(shrunk: onnxruntime.InferenceSession) -> None:
    sides = [(128, 2 * k + 1) for k in range(64, 70)]  # halves
    sides += [tuple(pair) for pair in np.random.default_rng(1).integers(1, 400, (40, 2))]
    for height, width in sides:
        found, _ = shrunk.run(None, {"photo": np.zeros((1, 3, height, width), np.float32)})
        blank = np.zeros((height, width, 3), np.uint8)
        assert found.shape[2:] == (blank if min(height, width) <= DETAIL else images.fit(blank, DETAIL)).shape[:2]


@pytest.mark.parametrize("small", [(64, 85), (110, 64), (1, 1), (1, 9), (2, BLOCK), (BLOCK + 1, 3)])
@pytest.mark.parametrize("times", [1.02, 2, 4.7])
def test_enlarging_is_that_of_the_study(
    enlarged: onnxruntime.InferenceSession, small: tuple[int, int], times: float
) -> None:
    """Of noise, and of a photograph, where shading and steps meet."""
    size = tuple(int(np.ceil(side * times)) for side in small)
    for picture in (noise(small), images.resize(bundled.photographs().image(1), small)):
        found = enlarged.run(None, {"drawn": batch(picture), "wanted": np.array(size)})[0]
        assert grey_levels(found, enlarge(picture, size)) < ROUNDING


def test_no_side_is_too_long_for_exact_places(enlarged: onnxruntime.InferenceSession) -> None:
    """In float32 the place of column 30000 would be off by a few thousandths, times the gain."""
    strip = noise((2, 20000))
    found = enlarged.run(None, {"drawn": batch(strip), "wanted": np.array((5, 30001))})[0]
    assert grey_levels(found, enlarge(strip, (5, 30001))) < ROUNDING


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (64, 64), (64, 500), (90, 33)])
def test_what_is_not_larger_stays_to_the_last_bit(whole: ModelProto, size: tuple[int, int]) -> None:
    given = np.random.default_rng(2).random((2, 3, *size), np.float32) * 2 - 1
    np.testing.assert_array_equal(session(whole).run(None, {"photo": given})[0], given)


def test_pictures_of_one_colour_stay_and_do_not_touch_each_other(whole: ModelProto) -> None:
    colours = ((3, 100, 255), (0, 0, 0), (255, 255, 255))
    given = batch(*(np.full((150, 201, 3), colour, np.uint8) for colour in colours))
    np.testing.assert_allclose(session(whole).run(None, {"photo": given})[0], given, atol=1e-6)


def test_another_runtime_computes_the_same(whole: ModelProto) -> None:
    """ONNX's own reference, in NumPy."""
    given = np.random.default_rng(3).random((2, 3, 70, 101), np.float32) * 2 - 1
    found = ReferenceEvaluator(whole).run(None, {"photo": given})[0]
    np.testing.assert_allclose(session(whole).run(None, {"photo": given})[0], found, atol=1e-5)
    assert np.abs(found - given).max() > 0.1


def test_the_graph_is_plain(whole: ModelProto) -> None:
    onnx.checker.check_model(whole, full_check=True)
    kinds = {node.op_type for node in whole.graph.node}
    assert not whole.functions and not kinds & {"If", "Loop", "Scan", "CastLike"}
    assert [(each.domain, each.version) for each in whole.opset_import] == [("", 20)]
    for end in (whole.graph.input, whole.graph.output):
        assert [[side.dim_param or side.dim_value for side in each.type.tensor_type.shape.dim] for each in end] == [
            ["n", 3, "h", "w"]
        ]
