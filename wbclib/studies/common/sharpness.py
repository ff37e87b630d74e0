"""The control of sharpness: between the filtered and the raw output of a trained generator."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from wbclib import images
from wbclib.represent.surface import sharpen
from wbclib.train.loop import Trained


@torch.inference_mode()
def sharpened(model: Trained, photos: np.ndarray, amounts: Sequence[float]) -> dict[float, np.ndarray]:
    """Outputs between the filtered (0) and the raw network output (1), uint8 (N, H, W, 3) for each amount."""
    method = model.method
    x = images.to_tensor(photos).to(method.fabric.device)
    raw = method.modules["generator"](x).float()
    return {amount: images.to_uint8(sharpen(x, raw, amount, method.config.output)) for amount in amounts}
