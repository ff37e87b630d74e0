"""Which precision the networks are to compute in, as far as somebody has said so."""

from __future__ import annotations

import os

from wbclib.files import UserError

OVERRIDE = "WBC_PRECISION"  # environment variable: float32 or bfloat16 in place of precision: auto, for everything
NAMES = {"float32": "32-true", "bfloat16": "bf16-mixed"}  # ours -> Lightning Fabric's, which records hold


def asked(configured: str = "auto") -> str:
    """Fabric's name of the precision that a configuration, or for ``auto`` the environment, asks for.

    Args:
        configured: ``auto``, ``float32`` or ``bfloat16``.

    Returns:
        ``32-true``, ``bf16-mixed``, or nothing where the choice is left to the device
        (:func:`wbclib.train.device.precision`).

    Raises:
        UserError: another word, here or in ``WBC_PRECISION``.
    """
    override = os.environ.get(OVERRIDE, "")
    if override and override not in NAMES:
        raise UserError(f"{OVERRIDE}={override}: say float32 or bfloat16, or unset it to let the device decide")
    if configured != "auto" and configured not in NAMES:
        raise UserError(f"precision {configured!r}: say auto, float32 or bfloat16")
    return NAMES.get(override if configured == "auto" else configured, "")
