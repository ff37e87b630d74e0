"""Numbers that papers and a later port print, and whether a number of this study can be held against them."""

from __future__ import annotations

import pandas as pd

COLUMNS = ["quantity", "theirs", "source", "measured on", "ours", "comparable"]
OTHER_IMAGES = "no: other images, unknown N and resize filter"
ROWS = (
    (
        "FID to photographs, white-box",
        "28.79",
        "README of a later port (secondary)",
        "images not named",
        "table above, to photographs",
        OTHER_IMAGES,
    ),
    (
        "FID to cartoons, white-box",
        "101.31",
        "README of a later port (secondary)",
        "images not named",
        "table above, to cartoons",
        OTHER_IMAGES,
    ),
    (
        "milliseconds for 720 x 1280, white-box",
        "17.23",
        "white-box paper (secondary)",
        "a GPU",
        "reports/bench, inference_720p",
        "on a GPU only",
    ),
    (
        "seconds an epoch, CartoonGAN",
        "1 517.69",
        "CartoonGAN paper",
        "Titan Xp; 5 402 photographs",
        "table above",
        "as a ratio on one machine only",
    ),
    (
        "seconds an epoch, CycleGAN without identity loss",
        "2 291.77",
        "CartoonGAN paper",
        "Titan Xp",
        "not trained here",
        "no",
    ),
    (
        "parameters, CartoonGAN's generator",
        "11 120 195",
        "2018 layout",
        "counted in its convolutions",
        "table above",
        "yes: equal",
    ),
)


def list_printed() -> pd.DataFrame:
    """Columns :data:`COLUMNS`; ``theirs`` as printed, never mixed into a table of ours."""
    return pd.DataFrame(ROWS, columns=COLUMNS)
