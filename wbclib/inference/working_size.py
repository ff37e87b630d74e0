"""The working size of :mod:`wbclib.inference.drawing` as nodes of an ONNX graph, around the graph of a network.

The same as :func:`wbclib.images.fit` and :func:`wbclib.represent.enlarge.enlarge`, in float32 and without rounding to 8
bits in between. Both are weighted sums along one side and then the other: products with matrices that the graph makes
from the sizes it meets, so that there is no branch and no loop, which not every runtime has. Such a matrix is a narrow
band. Only the band is made, for :data:`BLOCK` rows of a result at a time: a panorama costs no more than any picture
with as many pixels. Weights come from whole numbers, exact at any size. A picture that is not shrunk is multiplied by
ones and zeros, and stays what it is.

Functions with the decorator ``script`` are read by onnxscript, which makes nodes of their operators; ``/`` of whole
numbers rounds towards 0.
"""

# mypy: ignore-errors
# The types that onnxscript reads are none to mypy.
from __future__ import annotations

import numpy as np
from onnx import ModelProto, compose, inliner, numpy_helper
from onnxscript import BOOL, DOUBLE, FLOAT, INT64, OnnxFunction, optimizer, script
from onnxscript import opset20 as op
from onnxscript.values import Opset

from wbclib.represent.enlarge import KEYS, SHADE, STEP

BLOCK = 32  # rows of a result that share one window of rows of what they are made from
LEVELS = 127.5  # grey levels in 1
LEAST = SHADE / LEVELS  # contrast of what is drawn as a step at all
RISE, START = LEVELS / (STEP - SHADE), -SHADE / (STEP - SHADE)  # the line from there to STEP, 0 to 1
NEAR, NEARER = KEYS + 2, KEYS + 3  # coefficients of Keys' inner piece
LARGEST = 2**62  # detail beyond which nothing is, and which ONNX's whole numbers hold
HERE = Opset("wbclib", 1)  # of the functions, until they are written out


@script(HERE, default_opset=op)
def _first(pair: INT64):
    return op.Squeeze(op.Slice(pair, [0], [1]))


@script(HERE, default_opset=op)
def _second(pair: INT64):
    return op.Squeeze(op.Slice(pair, [1], [2]))


@script(HERE, default_opset=op)
def _turned(x: FLOAT):
    return op.Transpose(x, perm=[0, 1, 3, 2])


@script(HERE, default_opset=op)
def _cut(x: FLOAT, size: INT64):
    """Without the rest of the last blocks."""
    return op.Slice(x, [0, 0], size, [2, 3])


@script(HERE, default_opset=op)
def _numbers(length: INT64):
    """(blocks, BLOCK, 1): numbers of a result's rows, up to the end of its last block."""
    blocks = (length + (BLOCK - 1)) / BLOCK
    return op.Reshape(op.Range(0, blocks * BLOCK, 1), op.Constant(value_ints=[-1, BLOCK, 1]))


@script(HERE, default_opset=op)
def _area(large: INT64, small: INT64):
    """Weights (blocks, BLOCK, rows) of an area average, and windows (blocks, 1, rows): numbers of the rows they are of.

    In units of which a row that is read has ``small`` and one of the result ``large``.
    """
    i = _numbers(small)
    start, end = i * large, (i + 1) * large
    window = op.Slice(start, [0], [1], [1]) / small + op.Range(0, large * BLOCK / small + 2, 1)
    covered = op.Max(op.Min(end, (window + 1) * small) - op.Max(start, window * small), 0)
    return op.Cast(covered, to=FLOAT.dtype) / op.Cast(large, to=FLOAT.dtype), window


@script(HERE, default_opset=op)
def _cubic(small: INT64, large: INT64):
    """Weights by Keys, by the uniform cubic B-spline and bilinear, and windows, as of :func:`_area`, to enlarge with.

    In units of which a row that is read has 2 ``large``. The first place lies less than a row before row 0, and a
    window begins a row before its block.
    """
    row = large * 2
    at = (_numbers(large) * 2 + 1) * small - large
    window = (op.Slice(at, [0], [1], [1]) + row) / row - 2 + op.Range(0, small * (BLOCK - 1) / large + 5, 1)
    d = op.Min(op.Cast(op.Abs(at - window * row), to=FLOAT.dtype) / op.Cast(row, to=FLOAT.dtype), 2.0)
    near = (NEAR * d - NEARER) * d * d + 1.0
    far = (((d - 5.0) * d + 8.0) * d - 4.0) * KEYS
    outer, linear = 2.0 - d, op.Relu(1.0 - d)
    spline = (outer * outer * outer - 4.0 * linear * linear * linear) / 6.0
    return op.Where(d <= 1.0, near, far), spline, linear, window


@script(HERE, default_opset=op)
def _sums(x: FLOAT, weights: FLOAT, window: INT64):
    """Weighted sums of the rows of (N, 3, H, W), in whole blocks; rows outside are copies of the border's."""
    last = op.Squeeze(op.Shape(x, start=2, end=3)) - 1
    read = op.Gather(x, op.Clip(op.Squeeze(window, [1]), 0, last), axis=2)
    sums = op.MatMul(weights, read)  # (N, 3, blocks, BLOCK, W)
    return op.Reshape(sums, op.Concat(op.Shape(x, end=2), [-1], op.Shape(x, start=3), axis=0))


@script(HERE, default_opset=op)
def _both(x: FLOAT, across: FLOAT, columns: INT64, down: FLOAT, rows: INT64):
    """Weighted sums along both sides; the columns first, which are turned while the picture is small."""
    return _sums(_turned(_sums(_turned(x), across, columns)), down, rows)


@script(HERE, default_opset=op)
def _before(photo: FLOAT[None, 3, None, None], detail: INT64):
    """Area average of a photograph whose short side is larger than ``detail``, and the photograph's size.

    The new size is found in float64 and in the order of :func:`wbclib.images.fit`: halves are rounded as there.
    """
    size = op.Shape(photo, start=2)
    short = op.ReduceMin(size, keepdims=0)
    scale = op.Cast(op.Min(short, detail), to=DOUBLE.dtype) / op.Cast(short, to=DOUBLE.dtype)
    small = op.Cast(op.Round(op.Cast(size, to=DOUBLE.dtype) * scale), to=INT64.dtype)
    down, rows = _area(_first(size), _first(small))
    across, columns = _area(_second(size), _second(small))
    less = _sums(photo, down, rows)  # rows first: most of them are gone by then
    shrunk = _cut(_turned(_sums(_turned(less), across, columns)), small)
    return shrunk, size


@script(HERE, default_opset=op)
def _after(drawn: FLOAT[None, 3, None, None], wanted: INT64[2]):
    """A cartoon in its wanted size with crisp steps; one that has it already has no contrast, and stays."""
    size = op.Shape(drawn, start=2)
    same = op.Cast(op.ReduceMin(op.Cast(op.Equal(size, wanted), to=INT64.dtype), keepdims=0), to=BOOL.dtype)
    darkest = op.Neg(op.MaxPool(op.Neg(drawn), kernel_shape=[3, 3], pads=[1, 1, 1, 1]))
    lightest = op.MaxPool(drawn, kernel_shape=[3, 3], pads=[1, 1, 1, 1])

    keys_y, spline_y, linear_y, rows = _cubic(_first(size), _first(wanted))
    keys_x, spline_x, linear_x, columns = _cubic(_second(size), _second(wanted))
    low = _both(op.Where(same, drawn, darkest), linear_x, columns, linear_y, rows)
    high = _both(op.Where(same, drawn, lightest), linear_x, columns, linear_y, rows)
    plain = op.Min(op.Max(_both(drawn, keys_x, columns, keys_y, rows), low), high)
    contrast = high - low

    gain = op.ReduceMax(op.Cast(wanted, to=FLOAT.dtype) / op.Cast(size, to=FLOAT.dtype), keepdims=0)
    place = (_both(drawn, spline_x, columns, spline_y, rows) - low) / op.Max(contrast, LEAST)
    t = op.HardSigmoid((place - 0.5) * gain, alpha=1.0, beta=0.5)
    crisp = low + contrast * (t * t * (3.0 - 2.0 * t))
    cartoon = _cut(plain + op.HardSigmoid(contrast, alpha=RISE, beta=START) * (crisp - plain), wanted)
    return cartoon


def at_working_size(model: ModelProto, detail: int) -> ModelProto:
    """Around a graph that draws at any size, what lets it draw at a short side of at most ``detail`` pixels.

    Args:
        model: ``photo`` to ``cartoon``, float32 (N, 3, H, W) in [-1, 1] to the same, N, H and W free.
        detail: at least 1.

    Returns:
        The same inputs and outputs. ``cartoon`` is as large as ``photo``, and is what ``model`` makes of it where the
        short side is at most ``detail``.
    """
    before, inside, after = shrinking(detail), compose.add_prefix(model, "network/"), enlarging()
    before.ir_version = after.ir_version = model.ir_version
    whole = compose.merge_models(before, inside, [("shrunk", "network/photo")])
    whole = compose.merge_models(whole, after, [("network/cartoon", "drawn"), ("size", "wanted")])
    whole.graph.name = model.graph.name
    whole.graph.input[0].type.CopyFrom(model.graph.input[0].type)
    whole.graph.output[0].type.CopyFrom(model.graph.output[0].type)
    del whole.graph.value_info[:]  # the network's names of sides are those of the photograph's now
    opsets = {each.domain: each for each in whole.opset_import}  # merging repeats them
    del whole.opset_import[:]
    whole.opset_import.extend(opsets.values())
    return whole


def shrinking(detail: int) -> ModelProto:
    """``photo`` (N, 3, H, W) to ``shrunk``, its area average, and ``size``, (H, W).

    The short side of ``shrunk`` is at most ``detail``, and the other follows as in :func:`wbclib.images.fit`.
    """
    model = _written_out(_before, "before/")
    model.graph.initializer.append(numpy_helper.from_array(np.array(min(detail, LARGEST)), "detail"))
    del model.graph.input[1]
    return model


def enlarging() -> ModelProto:
    """``drawn`` (N, 3, h, w) and ``wanted``, (H, W), to ``cartoon`` (N, 3, H, W): H at least h, W at least w."""
    return _written_out(_after, "after/")


def _written_out(function: OnnxFunction, prefix: str) -> ModelProto:
    """Without functions, which not every runtime has, and with constants in place of their casts."""
    model = optimizer.optimize(inliner.inline_local_functions(function.to_model_proto()))
    return compose.add_prefix(model, prefix, rename_inputs=False, rename_outputs=False)
