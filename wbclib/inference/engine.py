"""The network of a style on the CPU, as fast as this machine computes it without a visible difference.

Three ways, measured by :mod:`wbclib.evaluate.speed_inference`:

``torch``  PyTorch in float32, channels last.
``onnx``   onnxruntime in float32: another order of the same sums.
``int8``   onnxruntime in 8 bits; pays on processors with 8-bit dot products (AVX-512 VNNI, AVX-VNNI, ARM dot product).

Torch's own ways were slower (compiled code needs a compiler at the reader's place) or pay on newer processors only
(bfloat16 needs AMX or AVX512-BF16).
"""

from __future__ import annotations

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
from wbclib.files import UserError, atomic
from wbclib.inference import export
from wbclib.inference.styles import Style
from wbclib.networks.generators import UNet
from wbclib.represent.surface import output_filter

LOG = logging.getLogger(__name__)
KINDS = ("torch", "onnx", "int8")
VERSION = 1  # of the graphs: raise it when they change, and cached ones are built again
FAITHFUL = 35.0  # dB, below which 8 bits count as broken; JPEG of quality 95 as input costs 38 to 53 dB
PROBE = 192  # pixels: side of the photograph on which that is measured

Network = Callable[[Tensor], Tensor]


def engine(style: Style, kind: str = "int8") -> Network:
    """The network of ``style``, without its filter: float32 (N, 3, H, W) to the same on the CPU, unclamped.

    RGB in [-1, 1], H and W multiples of 4. Graphs are built once and kept below ``data/cache/onnx`` under a hash of the
    weights. It uses as many threads as PyTorch does when it is made.

    Args:
        kind: one of :data:`KINDS`.

    Raises:
        UserError: unknown ``kind``, or 8 bits change this style too much on this processor (measured on a photograph
            each time: processors without 8-bit dot products may saturate).
    """
    if kind not in KINDS:
        raise UserError(f"unknown engine {kind!r}; choose one of: {', '.join(KINDS)}")
    if kind == "torch":
        return _eager(style.network)
    export.refuse_whole(style)
    run = _session(cached(style.network, kind))
    if kind == "int8":
        reached = faithfulness(style, run)
        LOG.info("style %s in 8 bits: %.1f dB of its float32 output", style.name, reached)
        if reached < FAITHFUL:
            raise UserError(
                f"style {style.name} in 8 bits is off by too much here ({reached:.1f} dB, at least {FAITHFUL:.0f} are "
                "wanted); use the engine onnx"
            )
    return run


def _eager(network: nn.Module) -> Network:
    quick = copy.deepcopy(network).cpu().float().eval().to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def run(photo: Tensor) -> Tensor:
        return quick(photo.contiguous(memory_format=torch.channels_last)).contiguous()

    return run


def cached(network: nn.Module, kind: str) -> Path:
    """File of the network's graph (``onnx`` or ``int8``), built where it is not there yet."""
    path = paths.cache("onnx", f"{fingerprint(network)}-{kind}.onnx")
    if not path.is_file():
        LOG.info("building %s, once for these weights", paths.shown(path))
        model = export.graph(network) if kind == "onnx" else export.quantise(onnx.load(str(cached(network, "onnx"))))
        with atomic(path) as temporary:
            onnx.save(model, str(temporary))
    return path


def fingerprint(network: nn.Module) -> str:
    """16 hex digits over everything that the graph is made from."""
    about = [VERSION, export.OPSET, export.CALIBRATION, export.PERCENTILE, type(network).__name__]
    about += [network.padding, network.upsampling] if isinstance(network, UNet) else []
    mark = hashlib.sha256(repr(about).encode())
    for name, value in network.state_dict().items():
        mark.update(f"{name} {tuple(value.shape)}".encode())
        mark.update(value.detach().to("cpu", torch.float32).contiguous().numpy().tobytes())
    return mark.hexdigest()[:16]


def _session(path: Path) -> Network:
    """onnxruntime over ``path``; a damaged file is named."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = torch.get_num_threads(), 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a class of its own for every way to be damaged
        raise UserError(f"cannot use {paths.shown(path)}: it is damaged; delete it, and it is built again") from error

    def run(photo: Tensor) -> Tensor:
        values = photo.detach().to("cpu", torch.float32).contiguous().numpy()
        return torch.from_numpy(session.run(["cartoon"], {"photo": values})[0])

    return run


@torch.inference_mode()
def faithfulness(style: Style, run: Network) -> float:
    """PSNR in dB of ``run`` against the float32 network, both filtered and clamped, on one photograph (peak 2)."""
    photo = images.to_tensor(images.square(bundled.photographs().image(2), PROBE))[None]
    wanted, found = (_shown(style, photo, draw(photo)) for draw in (_eager(style.network), run))
    return float(10 * torch.log10(4 / (wanted - found).square().mean().clamp(min=1e-12)))


def _shown(style: Style, photo: Tensor, drawn: Tensor) -> Tensor:
    if style.output.radius:
        drawn = output_filter(photo, drawn, style.output.radius, style.output.infer_eps)
    return drawn.clamp(-1.0, 1.0)
