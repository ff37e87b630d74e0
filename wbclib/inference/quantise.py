"""A graph's convolutions in 8 bits, calibrated on images that come with the package."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto

from wbclib import images
from wbclib.corpora import bundled, toon

PERCENTILE = 99.999  # of a layer's calibration values lie inside its 8 bits; the few others are cut
CALIBRATION = (7, 4, 256)  # bundled photographs, toon drawings, side in pixels
HELD = ("Conv", "LeakyRelu", "Add", "Resize", "DepthToSpace")  # operators that int8 graphs compute in 8 bits


def quantise(model: ModelProto) -> ModelProto:
    """8-bit weights (one scale a channel) and activations (one scale a tensor), calibrated on bundled images.

    The first layer stays in float32: it costs little and sees the photograph itself. So does the filter.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder, quiet():
        ready, done = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        quant_pre_process(model, str(ready), skip_symbolic_shape=True, skip_optimization=True)
        nodes = list(onnx.load(str(ready)).graph.node)
        drawing = [i for i, node in enumerate(nodes) if node.op_type in ("Conv", "DepthToSpace")]
        quantize_static(
            str(ready),
            str(done),
            Calibration(),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            op_types_to_quantize=list(HELD),
            nodes_to_exclude=[nodes[drawing[0]].name, *(node.name for node in nodes[drawing[-1] + 1 :])],
            calibrate_method=CalibrationMethod.Percentile,
            extra_options={"CalibPercentile": PERCENTILE},
        )
        return onnx.load(str(done))


class Calibration:
    """Feeds the calibration images, one by one; what onnxruntime calls a CalibrationDataReader."""

    def __init__(self) -> None:
        self.left = iter(calibration_images())

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next input, None at the end."""
        image = next(self.left, None)
        return None if image is None else {"photo": images.to_tensor(image)[None].numpy()}


def calibration_images() -> list[np.ndarray]:
    """uint8 squares of bundled photographs and toon drawings."""
    photographs, drawings, side = CALIBRATION
    chosen = [images.square(bundled.photographs().image(i), side) for i in range(photographs)]
    return chosen + [toon.draw(seed, side) for seed in range(drawings)]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silences exporter and quantiser, which write to standard output and to the root log."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)
