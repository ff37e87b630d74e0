"""A style as one ONNX file for any size: working size, network, guided filter by the photograph, clamp, enlarging.

Also where the fast CPU path gets its graphs (:mod:`wbclib.inference.engine`): they differ from ``style.network`` by two
rewritings, both exact. The last layer draws 4 x 4 pixels at once (:func:`blockwise`), and TensorFlow's bilinear grid is
one Resize node.
"""

from __future__ import annotations

import contextlib
import copy
import os
import tempfile
from pathlib import Path
from typing import Any

import onnx
import torch
import torch.nn.functional as F
from onnx import ModelProto
from torch import Tensor, nn

from wbclib.files import UserError, atomic
from wbclib.inference.drawing import DETAIL, check_detail
from wbclib.inference.quantise import quantise, quiet
from wbclib.inference.styles import LICENCE, OFFICIAL_LICENCE, Style
from wbclib.networks.generators import UNet
from wbclib.options import CorpusSpec, OutputFilter

OPSET = 20
STRIDE = 4  # sides of what the network sees are multiples of it
SPDX = {LICENCE: "MIT", OFFICIAL_LICENCE: "CC-BY-NC-SA-4.0"}
UNSTATED = "not stated by its file"
BLOCK = 4  # side of the square of pixels that the rewritten last layer draws at once


def export(style: Style, out: Path, int8: bool = False, force: bool = False, detail: int = DETAIL) -> Path:
    """Write a style as ONNX.

    Input ``photo`` and output ``cartoon``: float32 (N, 3, H, W), RGB in [-1, 1]; N, H and W are free, from 1. The file
    draws as :class:`wbclib.inference.drawing.Drawing` does, without rounding to 8 bits: at the working size
    (:mod:`wbclib.inference.working_size`) the graph pads and crops as :class:`wbclib.inference.stylist.Stylist` does,
    filters by the photograph (``style.output``) and clamps. Name, licence and source of the weights are in the file's
    metadata (:func:`told`).

    Args:
        out: a name that ends in ``.onnx``; written atomically.
        int8: static quantisation (:func:`quantise`), which pays on processors with 8-bit dot products (VNNI).
        force: replace ``out`` where it exists.
        detail: short side in pixels at which larger photographs are drawn; 0: at their own pixels, with no more nodes
            than that takes.

    Returns:
        ``out``.

    Raises:
        UserError: another suffix, ``out`` exists or cannot be written, a detail that nothing is drawn at, or a style
            that cannot be exported; all found before the graph is made, which takes half a minute.
    """
    out = Path(out)
    check_detail(detail)
    check_target(out, force)
    refuse_whole(style)
    model = graph(style.network, style.output, style.margin)
    if int8:
        model = quantise(model)
    if detail:
        from wbclib.inference.working_size import at_working_size  # takes seconds, and engines do without

        with quiet():
            model = at_working_size(model, detail)
    onnx.helper.set_model_props(model, told(style, detail))
    onnx.checker.check_model(model, full_check=True)
    with atomic(out) as temporary:
        onnx.save(model, str(temporary))
    return out


def check_target(out: Path, force: bool) -> None:
    """Refuse what :func:`export` could not write, or must not replace."""
    if out.suffix != ".onnx":
        raise UserError(f"cannot write {out}: choose a name that ends in .onnx")
    if os.path.isdir(out):
        raise UserError(f"cannot write {out}: it is a folder; choose another name")
    if os.path.lexists(out) and not force:
        raise UserError(f"{out} is there already; --force (force=True) replaces it")
    try:
        with contextlib.suppress(FileNotFoundError):
            out.lstat()  # a name that is too long, a file in place of a folder
        folder = next(path for path in out.absolute().parents if os.path.lexists(path))
        with tempfile.TemporaryFile(prefix=".part-", dir=folder):
            pass  # the one sure way to know: permissions say nothing of a read-only disk
    except OSError as error:
        raise UserError(
            f"cannot write {out}: {error.strerror or error}; choose another folder or check its permissions"
        ) from error


def told(style: Style, detail: int = DETAIL) -> dict[str, str]:
    """What a file says of itself: ``licence`` and ``learnt_from`` for people, ``spdx`` (SPDX identifier) for programs.

    ``detail`` is the short side in pixels at which larger photographs are drawn; 0: their own pixels.

    ``NOASSERTION`` is what SPDX calls a licence that nobody states. The licence of a reader's own run is for the reader
    to choose, within what the pictures allow that it learnt from: those are named.
    """
    learnt = "; ".join(f"{kind}: {named(spec)}" for kind, spec in style.learnt.items())
    return {
        "name": style.name,
        "licence": style.licence or UNSTATED,
        "spdx": SPDX.get(style.licence, "NOASSERTION"),
        "source": style.source,
        "learnt_from": learnt or UNSTATED,
        "range": "RGB in [-1, 1]",
        "sides": "any, from 1",
        "detail": str(detail),
    }


def named(spec: CorpusSpec) -> str:
    """A corpus without a machine's folders: ``folder cartoons/peppercarrot``, ``toon``."""
    shown = "+".join(Path(part).name if Path(part).is_absolute() else part for part in spec.path.split("+"))
    return " ".join(filter(None, (spec.kind, shown, spec.look and f"redrawn as {spec.look}")))


def refuse_whole(style: Style) -> None:
    """Refuse a style whose network looks at the whole picture: graphs are made and checked for those that do not."""
    if style.whole:
        raise UserError(f"style {style.name} looks at the whole picture: draw it with the engine torch")


def graph(network: nn.Module, output: OutputFilter | None = None, margin: int = 0) -> ModelProto:
    """The network for sides that are multiples of 4, or with ``output`` all of a style for any size; float32."""
    whole = Photo2Cartoon(network, output, margin).eval()
    batch, height, width = (torch.export.Dim(name, min=1) for name in ("batch", "rows", "columns"))
    free = {0: batch, 2: 4 * height, 3: 4 * width} if output is None else {0: batch, 2: height, 3: width}
    with quiet():
        program = torch.onnx.export(
            whole,
            (torch.zeros(2, 3, *((64, 96) if output is None else (66, 97))),),
            dynamo=True,
            input_names=["photo"],
            output_names=["cartoon"],
            dynamic_shapes=(free,),
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    model: ModelProto = program.model_proto
    _forget_the_source(model)
    if whole.legacy:
        _onto_the_legacy_grid(model)
    return model


class Photo2Cartoon(nn.Module):
    """What is exported: (N, 3, H, W) in [-1, 1] to the same; without ``output`` the raw network, unclamped.

    With ``output`` sides are continued by ``margin`` and to multiples of 4 and cut again, without they have to be
    multiples of 4.
    ``legacy`` says that its upsampling stands for TensorFlow's, which no PyTorch operator is.
    """

    def __init__(self, network: nn.Module, output: OutputFilter | None, margin: int = 0) -> None:
        super().__init__()
        self.network, self.output, self.margin = copy.deepcopy(network).cpu().float(), output, margin
        self.legacy = isinstance(network, UNet) and network.upsampling == "legacy"
        if isinstance(self.network, UNet):
            self.network.upsampling = "half_pixel"
            self.network.conv_9 = blockwise(self.network.conv_9)  # type: ignore[assignment]

    def forward(self, photo: Tensor) -> Tensor:
        if self.output is None:
            return self.network(photo)
        (height, width), m = photo.shape[2:], self.margin
        drawn = self.network(continued(continued(photo, 2, m), 3, m))[..., m : m + height, m : m + width]
        if self.output.radius:
            guide = photo if self.output.guide == "photo" else drawn
            drawn = box_filter(guide, drawn, self.output.radius, self.output.infer_eps)
        return drawn.clamp(-1.0, 1.0)


def continued(x: Tensor, dim: int, margin: int = 0) -> Tensor:
    """``x`` with its first and last slice along ``dim`` repeated ``margin`` times, the last up to a multiple of 4.

    As one Gather: exact, never quantised. The size is rounded up without negative numbers, whose quotients ONNX and
    Python round to other sides.
    """
    size = x.shape[dim]
    places = torch.arange((size + STRIDE - 1) // STRIDE * STRIDE + 2 * margin) - margin
    return x.index_select(dim, places.clamp(0, size - 1))


def blockwise(layer: nn.Conv2d) -> nn.Sequential:
    """The same "same"-padded convolution, ``BLOCK`` x ``BLOCK`` output pixels at a time; exact.

    A convolution with 3 output channels leaves 13 of a processor's 16 lanes idle. With stride 4 and a kernel of side
    k + 3 that holds the k x k one at each of 16 offsets, it has 48 output channels, which are then put side by side.
    It multiplies twice as often as before and takes half the time or less.
    """
    channels, inputs, k, _ = layer.weight.shape
    kernel = torch.zeros(channels, BLOCK, BLOCK, inputs, k + BLOCK - 1, k + BLOCK - 1)
    for i in range(BLOCK):
        for j in range(BLOCK):
            kernel[:, i, j, :, i : i + k, j : j + k] = layer.weight.detach()
    wide = nn.Conv2d(inputs, channels * BLOCK**2, k + BLOCK - 1, stride=BLOCK, padding=k // 2)
    with torch.no_grad():
        wide.weight.copy_(kernel.flatten(0, 2))
        assert layer.bias is not None and wide.bias is not None
        wide.bias.copy_(layer.bias.repeat_interleave(BLOCK**2))
    return nn.Sequential(wide, nn.PixelShuffle(BLOCK))


def box_filter(guide: Tensor, source: Tensor, radius: int, eps: float) -> Tensor:
    """:func:`wbclib.represent.surface.guided_filter` from average pooling, which every ONNX runtime has.

    Pooling that leaves padding out of the count is the mean over the pixels inside the image. Its cost grows with the
    radius squared, which is nothing at an output filter's few pixels.
    """

    def mean(x: Tensor) -> Tensor:
        return F.avg_pool2d(x, 2 * radius + 1, stride=1, padding=radius, count_include_pad=False)

    mean_i, mean_p = mean(guide), mean(source)
    a = (mean(guide * source) - mean_i * mean_p) / (mean(guide * guide) - mean_i * mean_i + eps)
    return mean(a) * guide + mean(mean_p - a * mean_i)


def _onto_the_legacy_grid(model: ModelProto) -> None:
    """Bilinear x2 with out[2i] = x[i]: ONNX calls this grid asymmetric."""
    for node in model.graph.node:
        for attribute in node.attribute:
            if node.op_type == "Resize" and attribute.name == "coordinate_transformation_mode":
                attribute.s = b"asymmetric"


def _forget_the_source(model: ModelProto) -> None:
    """Drop the exporter's notes: they name the files and folders of this machine."""
    holders: list[Any] = [model.graph, *model.graph.node, *model.graph.input, *model.graph.output]
    for holder in [*holders, *model.graph.value_info, *model.graph.initializer]:
        holder.ClearField("metadata_props")
        holder.ClearField("doc_string")
    model.ClearField("metadata_props")
