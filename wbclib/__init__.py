"""White-box cartoonization, studied: the reusable code behind the notebooks.

The rooms, bottom to top (nothing imports upwards)::

    files, paths, formats, cicp, colours, images, values, strict_yaml,   the ground: one image convention, one place
        presets, options, precision, variants, profiles                  for options
    represent, networks   the white box's representations; generators, discriminators, frozen feature networks
    losses, corpora       one function a term; where images come from
    train, pack           the only loop, methods, records, checkpoints; folders that move
    baselines             comparators that nothing of ours trains
    inference             a picture, a folder, a film through a style
    measure               how far and how sure: knows no run and no notebook
    show                  figures, small multiples, tables, sliders: knows arrays and frames
    studies, bench        one room a notebook, what several share in studies/common; everything with a stopwatch
    report                execution, pages, claims, model cards
    cli                   wbc train | cartoonize | export | ship | report | bench ...

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
