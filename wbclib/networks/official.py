"""Weights that the authors of both papers released, in our networks.

Both are kept as an ``.npz`` of arrays. The white box (CC BY-NC-SA 4.0, no commercial use), for a reader who has the
original TensorFlow 1 checkpoint (``model-33999``): 36 arrays, 1 467 075 numbers, float16 or float32, under the names of
:class:`wbclib.networks.generators.UNet`.

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
from torch import Tensor, nn

from wbclib.files import UserError
from wbclib.networks import weights
from wbclib.networks.generators import UNet
from wbclib.networks.residual import BLOCKS, ResidualGenerator


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
    network = UNet(padding="same", upsample="legacy")
    _fill(network, weights.read(Path(path)), Path(path).name)
    _swap_ends(network.conv, network.conv_9)
    return network.eval()


def load_cartoongan(path: Path) -> ResidualGenerator:
    """A generator that the authors of CartoonGAN released, ready for our own image convention.

    The weights see and give BGR; both ends are reordered here. Instance normalisation has a scale and a shift and
    divides by (standard deviation + 1e-9), which is the square root of (variance + 1e-18) but for flat planes.

    Args:
        path: ``.npz`` or ``.safetensors`` with the 94 arrays ``conv01_1.weight`` ... ``in13_1.shift`` (OIHW; transposed
            convolutions IOHW) under the names of the authors' layers.

    Raises:
        UserError: if the file cannot be read, or a name or a shape is not what the network needs.
    """
    network = ResidualGenerator(norm="instance", affine=True, eps=1e-18)
    _fill(network, weights.read(Path(path)), Path(path).name, cartoongan_names())
    _swap_ends(network.conv, network.out)
    return network.eval()


def cartoongan_names() -> dict[str, str]:
    """The authors' name of every array -> that of :class:`wbclib.networks.residual.ResidualGenerator`."""
    layers = {
        "conv01_1": "conv", "conv02_1": "down1_1", "conv02_2": "down1_2", "conv03_1": "down2_1", "conv03_2": "down2_2",
        "deconv01_1": "up1_1", "deconv01_2": "up1_2", "deconv02_1": "up2_1", "deconv02_2": "up2_2", "deconv03_1": "out",
    }  # fmt: skip
    norms = {"in01_1": "norm_0", "in02_1": "norm_1", "in03_1": "norm_2", "in12_1": "norm_3", "in13_1": "norm_4"}
    for i in range(BLOCKS):
        for j in (1, 2):
            layers[f"conv{i + 4:02d}_{j}"] = f"blocks.{i}.conv_{j}"
            norms[f"in{i + 4:02d}_{j}"] = f"blocks.{i}.norm_{j}"
    names = {f"{old}.{kind}": f"{new}.{kind}" for old, new in layers.items() for kind in ("weight", "bias")}
    for old, new in norms.items():
        names |= {f"{old}.scale": f"{new}.weight", f"{old}.shift": f"{new}.bias"}
    return names


@torch.no_grad()
def _swap_ends(first: nn.Conv2d, last: nn.Conv2d) -> None:
    """Make weights that see and give BGR see and give RGB."""
    for value in (first.weight.transpose(0, 1), last.weight, last.bias):
        value.copy_(value[torch.tensor([2, 1, 0])])  # type: ignore[index, union-attr]


def _fill(network: nn.Module, state: dict[str, Tensor], file: str, names: dict[str, str] | None = None) -> None:
    """Load ``state`` under our names, strictly; UserError that names the first array that does not fit."""
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    theirs = {new: old for old, new in (names or {}).items()}
    wanted = {theirs.get(name, name): shape for name, shape in wanted.items()}
    found = {name: tuple(value.shape) for name, value in state.items()}
    if wanted != found:
        odd = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        raise UserError(
            f"{file} does not hold this generator ({len(odd)} names or shapes differ, first {odd[0]}); "
            "convert the released weights again"
        )
    network.load_state_dict({(names or {}).get(name, name): value for name, value in state.items()})
