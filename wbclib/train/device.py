"""The device that is there, and the precision that it computes in: decided here and nowhere else."""

from __future__ import annotations

from typing import Any

import torch

from wbclib.files import UserError
from wbclib.options import RunConfig
from wbclib.precision import NAMES, asked


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


def precision(configured: str, device: str) -> Any:
    """Fabric's name of the precision that a configuration asks for.

    ``auto`` is what the environment variable ``WBC_PRECISION`` says. Without it, it is bfloat16 autocast where the
    device computes it natively and float32 elsewhere: on a CPU without AMX or AVX-512-BF16 bfloat16 is emulated and
    slower than float32.

    Args:
        configured: ``auto``, ``float32`` or ``bfloat16``.
        device: ``cpu`` or ``cuda``.

    Returns:
        ``32-true`` or ``bf16-mixed``.

    Raises:
        UserError: another word, here or in ``WBC_PRECISION``.
    """
    return asked(configured) or NAMES[native(device)]


def native(device: str) -> str:
    """``bfloat16`` where ``cpu`` or ``cuda`` computes it natively, else ``float32``."""
    if device == "cuda":
        found = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        found = bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))
    return "bfloat16" if found else "float32"
