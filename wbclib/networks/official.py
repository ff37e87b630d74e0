"""The authors' released white-box weights (CC BY-NC-SA 4.0, no commercial use), converted to an ``.npz`` of arrays."""

from __future__ import annotations

from pathlib import Path

import torch

from wbclib.files import UserError
from wbclib.networks import weights
from wbclib.networks.generators import UNet


def load_whitebox(path: Path) -> UNet:
    """The released generator, ready for our own image convention.

    The weights see BGR; both ends are reordered here, so the network takes and gives RGB in [-1, 1]. It has
    TensorFlow's SAME padding and legacy upsampling. The released look needs the guided filter of the output
    by the photograph (radius 1, eps 5e-3) afterwards.

    Args:
        path: ``.npz`` or ``.safetensors`` with arrays ``conv.weight`` ... ``conv_9.bias`` and ``block_i.convj.*``
            (OIHW).

    Raises:
        UserError: if the file cannot be read, or a name or a shape is not what the network needs.
    """
    state = weights.read(Path(path))
    network = UNet(padding="same", upsample="legacy")
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in state.items()}
    if wanted != found:
        odd = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        raise UserError(
            f"{Path(path).name} does not hold the white-box generator ({len(odd)} names or shapes differ, "
            f"first {odd[0]}); convert the released weights again"
        )
    swap = torch.tensor([2, 1, 0])
    state["conv.weight"] = state["conv.weight"][:, swap]
    state["conv_9.weight"] = state["conv_9.weight"][swap]
    state["conv_9.bias"] = state["conv_9.bias"][swap]
    network.load_state_dict(state)
    return network.eval()
