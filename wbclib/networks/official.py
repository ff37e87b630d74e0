"""The authors' released white-box weights (CC BY-NC-SA 4.0, no commercial use), converted to an ``.npz`` of arrays.

Layout of the file, for a reader who has the original TensorFlow 1 checkpoint (``model-33999``): 36 arrays, 1 467 075
numbers, float16 or float32, under the names of :class:`wbclib.networks.generators.UNet`.

========================  ==========================  =============================================
array                     shape (OIHW)                in the checkpoint, scope ``generator/``
========================  ==========================  =============================================
``conv.weight``           (32, 3, 7, 7)               ``Conv/weights`` (7, 7, 3, 32), inputs B, G, R
``conv_1.weight``         (32, 32, 3, 3), stride 2    ``Conv_1/weights`` (3, 3, 32, 32)
``conv_2`` ... ``conv_8``  as ``UNet`` has them        ``Conv_2`` ... ``Conv_8``
``conv_9.weight``         (3, 32, 7, 7)               ``Conv_9/weights`` (7, 7, 32, 3), outputs B, G, R
``block_i.convj.weight``  (128, 128, 3, 3)            ``block_i/convj/weights``, i = 0...3, j = 1, 2
``*.bias``                (O,)                        ``*/biases``
========================  ==========================  =============================================

TensorFlow keeps kernels as HWIO: ``array = value.transpose(3, 2, 0, 1)`` makes them OIHW. Nothing is flipped, since
both compute cross-correlations. The order of the channels stays B, G, R in the file; :func:`load_whitebox` reorders
both ends. ``tf.train.list_variables(prefix)`` shows the names of a checkpoint and
``tf.train.load_checkpoint(prefix).get_tensor(name)`` gives an array; write all of them by
``numpy.savez_compressed("whitebox_generator_official_fp16.npz", **arrays)``.
"""

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
