"""White-box cartoonization, studied: the reusable code behind the notebooks.

The rooms, bottom to top (nothing imports upwards)::

    files, paths, formats, colours, images, values, strict_yaml, presets, options, precision, variants,
        profiles -> represent, networks, baselines -> losses, corpora -> train -> inference -> evaluate -> report -> cli

``from wbclib import cartoonize`` gives the function that draws: ``cartoonize(photo)``.
"""

from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """``wbclib.cartoonize``, imported when it is asked for, so that importing wbclib stays light."""
    if name == "cartoonize":
        from wbclib.inference import cartoonize

        return cartoonize
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
