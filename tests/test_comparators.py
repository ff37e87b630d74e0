"""Rows that others trained: there where their weights are there, and named with what to do where they are not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from toy_images import noise

from wbclib import images
from wbclib.files import UserError, sha256
from wbclib.networks.official import cartoongan_names, load_cartoongan
from wbclib.networks.residual import ResidualGenerator
from wbclib.networks.weights import MissingWeights
from wbclib.show.multiples import wide
from wbclib.studies.common import comparators, comparison

NAME = "official-cartoongan-hayao"


@pytest.fixture
def weights(weight_folders: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-in weights of the released layout, at their place."""
    torch.manual_seed(0)
    state = ResidualGenerator(affine=True).state_dict()
    path = weight_folders / "bring" / "weights" / comparators.CARTOONGAN[NAME].name
    np.savez(path, **{old: state[new].numpy() for old, new in cartoongan_names().items()})
    file = dataclasses.replace(comparators.CARTOONGAN[NAME], sha256=sha256(path))
    monkeypatch.setitem(comparators.CARTOONGAN, NAME, file)
    return path


def test_released_generators_that_are_here_are_rows(weights: Path) -> None:
    rows = comparators.released()
    assert list(rows) == [NAME]
    photos = noise(16, 24)[None]
    with torch.no_grad():
        wanted = images.to_uint8(load_cartoongan(weights)(images.to_tensor(photos)))
    np.testing.assert_array_equal(rows[NAME](photos), wanted)
    assert set(comparators.absent()) == {"official-whitebox", "official-cartoongan-shinkai"}


def test_missing_and_damaged_weights_say_what_to_do(weights: Path) -> None:
    with pytest.raises(MissingWeights, match="put cartoongan_shinkai_official_fp16.npz at data/assets/weights"):
        comparators.cartoongan("official-cartoongan-shinkai")
    weights.write_bytes(weights.read_bytes()[:-9])
    with pytest.raises(UserError, match="is damaged or another file"):
        comparators.released()


def test_absent_rows_stand_in_the_table_with_their_note(weight_folders: Path) -> None:
    row = {"style": "toon", "method": "photograph", "to": "cartoons", "metric": "kid", "network": "n", "n_a": 2,
           "n_b": 2, "value": 1.0, "low": 0.5, "high": 1.5, "spread": 0.1}  # fmt: skip
    found = comparison.with_absent(pd.DataFrame([row]))
    assert list(found.columns) == [*comparison.COLUMNS, "note"] and len(found) == 4
    shown = wide(found).set_index("method")
    assert shown.loc["photograph", "cartoons"] == "1.00 [0.500, 1.50]"
    for name in ("official-whitebox", NAME, "official-cartoongan-shinkai"):
        assert shown.loc[name, "cartoons"].startswith("weights not found: put ")


def test_opencvs_looks_are_given_blue_first() -> None:
    photo = np.zeros((2, 48, 48, 3), np.uint8)
    photo[:, :, :24] = (220, 40, 10)
    photo[:, :, 24:] = (20, 60, 200)
    found = comparators.classical()
    ways = {"opencv-stylization": cv2.stylization, "opencv-pencilsketch": lambda x: cv2.pencilSketch(x)[1]}
    for name, draw in ways.items():
        blue_first = draw(cv2.cvtColor(photo[0], cv2.COLOR_RGB2BGR))
        np.testing.assert_array_equal(found[name](photo)[1], cv2.cvtColor(blue_first, cv2.COLOR_BGR2RGB))
