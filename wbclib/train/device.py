"""The device that is there, and the precision that it computes natively."""

from __future__ import annotations

from typing import Any

import torch

from wbclib.files import UserError
from wbclib.options import RunConfig


def open_fabric(config: RunConfig, device: str = "auto") -> Any:
    """Lightning Fabric on the device that is there, with the precision that it computes natively."""
    try:
        from lightning_fabric import Fabric
    except ImportError:  # the `lightning` package carries it too
        from lightning.fabric import Fabric  # type: ignore[no-redef]
    kind = device if device != "auto" else ("cuda" if torch.cuda.is_available() else "cpu")
    if kind == "cuda" and not torch.cuda.is_available():
        raise UserError("device cuda was asked for, but this torch sees no GPU: say device: auto or cpu")
    fabric = Fabric(accelerator=kind, devices=1, precision=precision(config.precision, kind))
    fabric.launch()
    return fabric


def precision(asked: str, device: str) -> Any:
    """Fabric's name of the precision; ``auto`` is bfloat16 autocast only where the device computes it natively.

    On a CPU without AMX or AVX-512-BF16 bfloat16 is emulated and slower than float32.
    """
    if asked == "float32":
        return "32-true"
    if asked == "bfloat16":
        return "bf16-mixed"
    if asked != "auto":
        raise UserError(f"precision {asked!r}: say auto, float32 or bfloat16")
    if device == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        native = bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))
    return "bf16-mixed" if native else "32-true"
