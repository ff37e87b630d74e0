"""The network of a style on the CPU, as fast as this machine computes it without a visible difference.

Four ways, measured by :mod:`wbclib.bench.inference`, and one that chooses:

``torch``     PyTorch in float32, channels last.
``bfloat16``  PyTorch in bfloat16; pays on processors that multiply it (AMX, AVX512-BF16), slow where it is emulated.
``onnx``      onnxruntime in float32: another order of the same sums.
``int8``      onnxruntime in 8 bits; pays on processors with 8-bit dot products (VNNI on x86, dotprod on ARM).
``auto``      ``bfloat16`` where the processor has it and the style stays what it is, else ``torch``.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import logging
from collections.abc import Callable
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from wbclib import images, paths
from wbclib.corpora import bundled
from wbclib.files import UserError, sha256, write_bytes
from wbclib.inference import export, quantise
from wbclib.inference.styles import Style
from wbclib.networks.generators import UNet
from wbclib.precision import NAMES, asked
from wbclib.represent.surface import output_filter
from wbclib.train.device import precision

LOG = logging.getLogger(__name__)
AUTO = "auto"
KINDS = ("torch", "bfloat16", "onnx", "int8")
VERSION = 1  # of the graphs: raise it when they change, and cached ones are built again
# dB, below which a style counts as broken. JPEG of quality 95 as input costs 38 to 53 dB. bfloat16 is chosen unasked,
# so more is asked of it: 50 dB are an error of 0.8 grey levels (root mean square). Shipped styles reach 65 to 70.
FAITHFUL = {"int8": 35.0, "bfloat16": 50.0}
DIGITS = 16  # of a hash in a file name
PROBE = 192  # pixels: side of the photograph on which that is measured

Network = Callable[[Tensor], Tensor]


def engine(style: Style, kind: str = "int8") -> Network:
    """The network of ``style``, without its filter: float32 (N, 3, H, W) to the same on the CPU, unclamped.

    RGB in [-1, 1], H and W multiples of 4. Graphs are built once and kept below ``data/cache/onnx`` under a hash of the
    weights. onnxruntime uses as many threads as PyTorch does when the engine is made. The log says which engine it is.

    Args:
        kind: one of :data:`KINDS`, or ``auto``: :func:`wbclib.train.device.precision` decides, as for training
            (``WBC_PRECISION`` overrules it).

    Raises:
        UserError: unknown ``kind``, or ``int8`` or ``bfloat16`` change this style too much on this processor (measured
            on a photograph each time: processors without 8-bit dot products may saturate).
    """
    if kind == AUTO:
        return _automatic(style)
    if kind not in KINDS:
        raise UserError(f"unknown engine {kind!r}; choose one of: {', '.join((AUTO, *KINDS))}")
    if kind in ("torch", "bfloat16"):
        run = eager(style.network, torch.float32 if kind == "torch" else torch.bfloat16)
    else:
        export.refuse_whole(style)
        run = _session(cached(style.network, kind))
    if kind not in FAITHFUL:
        LOG.info("engine %s, in float32", kind)
        return run
    reached = faithfulness(style, run)
    LOG.info("engine %s: %.1f dB of the float32 output of style %s", kind, reached, style.name)
    if not reached >= FAITHFUL[kind]:  # NaN is no better
        raise UserError(
            f"style {style.name} in {kind} is off by too much here ({reached:.1f} dB, at least {FAITHFUL[kind]:.0f} "
            f"are wanted); use the engine {'onnx' if kind == 'int8' else 'torch'}"
        )
    return run


def placed(style: Style, kind: str = AUTO) -> tuple[Network | None, str]:
    """Engine and device as :class:`wbclib.inference.stylist.Stylist` takes them.

    On a GPU, where there is one, ``auto`` and ``torch`` are the style's own network (None), in float32 unless
    ``WBC_PRECISION`` asks ``auto`` for bfloat16.
    """
    if kind in (AUTO, "torch") and torch.cuda.is_available():
        half = kind == AUTO and asked(AUTO) == NAMES["bfloat16"]
        LOG.info("engine torch on the GPU, in %s", "bfloat16" if half else "float32")
        return (eager(style.network, torch.bfloat16, "cuda") if half else None), "cuda"
    return engine(style, kind), "cpu"


def _automatic(style: Style) -> Network:
    """bfloat16 where :func:`precision` says so and the style stays what it is; otherwise float32, and the log says why.

    What ``WBC_PRECISION`` forces is refused rather than replaced when it is too far off.
    """
    if precision(AUTO, "cpu") == "32-true":
        return engine(style, "torch")
    try:
        return engine(style, "bfloat16")
    except UserError as error:
        if asked(AUTO):
            raise
        LOG.warning("%s: taken instead", error)
        return engine(style, "torch")


def eager(network: nn.Module, dtype: torch.dtype, device: str = "cpu") -> Network:
    """A copy of the network in PyTorch, weights and activations in ``dtype``, channels last; float32 in and out."""
    quick = copy.deepcopy(network).to(device, dtype).eval().to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def run(photo: Tensor) -> Tensor:
        drawn = quick(photo.to(device, dtype, memory_format=torch.channels_last))
        return drawn.to(torch.float32, memory_format=torch.contiguous_format)

    return run


def cached(network: nn.Module, kind: str) -> Path:
    """File of the network's graph (``onnx`` or ``int8``), built where it is not there yet.

    Its name ends in the beginning of its bytes' sha256: a damaged file is noticed, and built again.
    """
    print_of = fingerprint(network)
    for path in sorted(paths.cache("onnx").glob(f"{print_of}-{kind}-*.onnx")):
        if path.stem.endswith(f"-{sha256(path)[:DIGITS]}"):
            return path
        LOG.warning("%s is damaged and is built again", paths.shown(path))
        with contextlib.suppress(OSError):  # on a read-only disk it stays, and is passed over
            path.unlink()
    LOG.info("building the graph of the engine %s, once for these weights", kind)
    model = export.graph(network) if kind == "onnx" else quantise.quantise(onnx.load(str(cached(network, "onnx"))))
    data = model.SerializeToString()
    path = paths.cache("onnx", f"{print_of}-{kind}-{hashlib.sha256(data).hexdigest()[:DIGITS]}.onnx")
    write_bytes(path, data)
    return path


def fingerprint(network: nn.Module) -> str:
    """16 hex digits over everything that the graph is made from."""
    about = [VERSION, export.OPSET, quantise.CALIBRATION, quantise.PERCENTILE, type(network).__name__]
    about += [network.padding, network.upsampling] if isinstance(network, UNet) else []
    mark = hashlib.sha256(repr(about).encode())
    for name, value in network.state_dict().items():
        mark.update(f"{name} {tuple(value.shape)}".encode())
        mark.update(value.detach().to("cpu", torch.float32).contiguous().numpy().tobytes())
    return mark.hexdigest()[:DIGITS]


def _session(path: Path) -> Network:
    """onnxruntime over ``path``; a file that it cannot use is named."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = torch.get_num_threads(), 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a class of its own for every way to be damaged
        raise UserError(
            f"cannot use {paths.shown(path)}: this onnxruntime does not read it; delete it, or use the engine torch"
        ) from error

    def run(photo: Tensor) -> Tensor:
        values = photo.detach().to("cpu", torch.float32).contiguous().numpy()
        return torch.from_numpy(session.run(["cartoon"], {"photo": values})[0])

    return run


@torch.inference_mode()
def faithfulness(style: Style, run: Network) -> float:
    """PSNR in dB of ``run`` against the float32 network, both filtered and clamped, on one photograph (peak 2)."""
    photo = images.to_tensor(images.square(bundled.photographs().image(2), PROBE))[None]
    wanted, found = (_shown(style, photo, draw(photo)) for draw in (eager(style.network, torch.float32), run))
    return float(10 * torch.log10(4 / (wanted - found).square().mean().clamp(min=1e-12)))


def _shown(style: Style, photo: Tensor, drawn: Tensor) -> Tensor:
    if style.output.radius:
        drawn = output_filter(photo, drawn, style.output)
    return drawn.clamp(-1.0, 1.0)
