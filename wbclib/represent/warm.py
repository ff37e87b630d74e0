"""Compile the kernels of this folder once (``python -m wbclib.represent.warm``), so that no notebook waits for it.

numba keeps what it has compiled beside the sources; ``make setup`` runs this.
"""

from __future__ import annotations

import torch

from wbclib import images
from wbclib.options import Flow, Structure
from wbclib.represent.enlarge import enlarge
from wbclib.represent.flow import abstraction
from wbclib.represent.structure import structure
from wbclib.represent.surface import guided_filter


def main() -> None:
    """Call every kernel on a small image, in both precisions."""
    x = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(0)) * 2 - 1
    structure(x, Structure(regions=3))
    enlarge(images.to_uint8(x)[0], (48, 50))
    for image in (x, x.double()):
        guided_filter(image, image, 1, 0.1)
        abstraction(image, Flow())


if __name__ == "__main__":
    main()
