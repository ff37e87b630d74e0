"""What is counted in a drawing of the flow: pictures whose lines, regions and edges are known."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest

from wbclib import images
from wbclib.corpora import bundled
from wbclib.files import UserError
from wbclib.inference.classical import INK
from wbclib.options import Flow
from wbclib.represent import flow
from wbclib.studies.flow import plots, selection

NOTHING = replace(INK, rho=0.0)  # the centre alone is nowhere below 0, so that no line is found


def discs(size: int = 128) -> np.ndarray:
    """Two dark discs on a light ground: three regions, two outlines."""
    photo = np.full((size, size, 3), 230, np.uint8)
    for x, y in ((0.3, 0.3), (0.7, 0.7)):
        cv2.circle(photo, (round(x * size), round(y * size)), round(0.17 * size), (90, 40, 40), -1)
    return photo


def test_one_factor_at_a_time_around_what_was_chosen() -> None:
    found = selection.candidates(INK, {"rho": (0.96, INK.rho), "bins": (8, INK.bins)})
    assert list(found) == ["papers", "papers, scaled", "chosen", "rho 0.96", "bins 8"]
    assert found["papers"] == Flow() and found["papers, scaled"] == Flow(side=INK.side) and found["chosen"] == INK
    assert found["rho 0.96"] == replace(INK, rho=0.96) and found["bins 8"] == replace(INK, bins=8)


def test_no_photograph_is_enlarged() -> None:
    corpus = bundled.photographs()
    assert selection.squares(corpus, [0, 2], 300).shape == (2, 300, 300, 3)
    found = selection.squares(corpus, [0, 2], 301)  # the cat has 300 lines
    assert np.array_equal(found, images.square(corpus.image(0), 301)[None])
    with pytest.raises(UserError, match="no photograph has 700 x 700 pixels; ask for smaller pictures"):
        selection.squares(corpus, [0, 2], 700)


def test_what_settings_share_changes_none_of_them() -> None:
    photo = images.fit(bundled.photographs().image(1), 72)
    settings = selection.candidates(INK, {"rho": (0.96,), "sigma_c": (2.0,), "smoothings": (1,), "bins": (8,)})
    settings |= {"radius": replace(INK, radius=20), "spread": replace(INK, r_g=60.0)}
    x, names = images.to_tensor(photo)[None], []
    for name, ink, drawn in selection.drawings(photo, settings):
        options = flow.scaled(settings[name], 72)
        assert np.array_equal(drawn, images.to_uint8(flow.abstraction(x, settings[name]))[0]), name
        assert np.array_equal(ink, flow.lines(x, flow.tangents(x, options), options)[0, 0].numpy() < 0), name
        names.append(name)
    assert names == list(settings)


def test_lines_are_counted_and_specks_are_not() -> None:
    ink = np.zeros((100, 150), bool)
    assert selection.pieces(ink) == 0
    ink[10, 10:60] = True
    ink[np.arange(30, 60), np.arange(30, 60)] = True  # one line, though its pixels touch at corners only
    assert selection.pieces(ink) == 2
    ink[80, 80] = True  # 1 % of the short side
    assert selection.pieces(ink) == 2
    ink[80, 81] = True  # 2 %
    assert selection.pieces(ink) == 3
    assert selection.pieces(ink.repeat(2, 0).repeat(2, 1)) == 3
    ink[80, 81] = False
    assert selection.pieces(ink.repeat(4, 0).repeat(4, 1)) == 2  # four pixels of 400


def test_edges_are_found_where_ink_is_near() -> None:
    photo = np.full((100, 100, 3), 40, np.uint8)
    photo[:, 50:] = 220  # 2 % of the pixels have a gradient, columns 49 and 50
    photo[:, :2], photo[:, 98:] = 220, 40  # two more such edges: 6 % in all
    ink = np.zeros((100, 100), bool)
    assert selection.edges_inked(photo, ink) == 0
    ink[:, 50] = True  # a pixel from column 49
    assert selection.edges_inked(photo, ink) == pytest.approx(1 / 3)
    ink[:] = False
    ink[:50, 52] = True  # two pixels from column 50, three from 49
    assert selection.edges_inked(photo, ink) == 0
    assert selection.edges_inked(photo, np.ones_like(ink)) == 1
    photo[:, :98] = 220  # one edge, 2 % of the pixels: where there is no gradient there is none to be found
    ink[:50, 98] = True
    assert selection.edges_inked(photo, ink) == pytest.approx(101 / 200)
    assert selection.edges_inked(np.full_like(photo, 9), ink) == 0


def test_what_is_near_grows_with_the_picture() -> None:
    photo = np.full((512, 512, 3), 40, np.uint8)
    for edge in (*range(20, 260, 20), 256):  # 13 edges, two columns wide: 5 % of the pixels
        photo[:, edge:] = 220 if photo[0, -1, 0] == 40 else 40
    ink = np.zeros((512, 512), bool)
    ink[:, 258] = True  # two pixels from column 256, three from 255
    assert selection.edges_inked(photo, ink) == pytest.approx(1 / 26)


def test_flatness_is_that_between_lines() -> None:
    drawn = np.full((40, 40, 3), 200, np.uint8)
    ink = np.zeros((40, 40), bool)
    ink[:, 20] = True
    drawn[ink] = 0
    assert selection.flat_between(drawn, ink) == 1  # the line's own gradient counts nowhere
    drawn[:, :10] = (5 * np.arange(10, dtype=np.uint8))[:, None]  # a slope of 5 grey levels a pixel, then a jump
    assert selection.flat_between(drawn, ink) == pytest.approx((40 - 3 - 11) / (40 - 3))
    assert selection.flat_between(drawn, np.ones_like(ink)) == 0


def test_two_discs_have_two_outlines_and_three_regions() -> None:
    settings = {"chosen": INK, "nothing": NOTHING}
    found = selection.measured(discs(256)[None], settings, (128, 256), counted=32).set_index(["setting", "size"])
    assert (found["regions"] == 3).all()
    for size in (128, 256):
        row, empty = found.loc[("chosen", size)], found.loc[("nothing", size)]
        assert row["lines"] == 2 and row["lines_per_region"] == pytest.approx(2 / 3)
        assert 0 < row["ink"] < 0.25 and row["edges_inked"] > 0.7 and row["flat"] > 0.9
        assert row["score"] == pytest.approx(row["edges_inked"] - row["ink"])
        assert (empty[["lines", "lines_per_region", "ink", "edges_inked", "score"]] == 0).all()
    assert (found["apart"].xs(128, level="size") == 0).all()
    assert 0 < found.loc[("nothing", 256), "apart"] < found.loc[("chosen", 256), "apart"]


def test_photographs_must_have_the_pixels() -> None:
    for sizes, counted in (((32, 65), 32), ((32, 64), 65)):
        with pytest.raises(ValueError, match="need photographs as large"):
            selection.measured(discs(64)[None], {"chosen": INK}, sizes, counted)


def test_the_best_is_best_over_all_sizes() -> None:
    scores = {"a": (0.9, 0.1, 0.8, 0.0), "b": (0.5, 0.7, 0.6, 0.4), "left out": (1.0, 1.0, 1.0, 1.0)}
    places = [(0, 96), (0, 192), (1, 96), (1, 192)]
    rows = [(name, *place, score) for name, all_ in scores.items() for place, score in zip(places, all_, strict=True)]
    frame = pd.DataFrame(rows, columns=["setting", "photo", "size", "score"])
    found = selection.ranked(frame, ["a", "b"]).set_index("setting")
    assert list(found.index) == ["b", "a"]
    assert found.loc["b"].tolist() == pytest.approx([0.55, 0, 0, 0])
    assert found.loc["a"].tolist() == pytest.approx([0.45, -0.1, -0.1, -0.1])


def test_the_figure_shows_the_numbers() -> None:
    rows = [("rho 0.9", 8, 1.0, 0.5), ("chosen", 8, 2.0, 0.6), ("papers", 8, 5.0, 0.9)]
    rows += [("rho 0.9", 16, 1.5, 0.4), ("chosen", 16, 2.5, 0.7), ("papers", 16, 6.0, 0.8)]
    means = pd.DataFrame(rows, columns=["setting", "size", "lines_per_region", "edges_inked"])
    drawn = plots.choice(means, {"chosen": 0.95, "rho 0.9": 0.9}, ["papers", "chosen"])
    left, right = drawn.axes
    curve, ring = left.lines[2:]
    assert curve.get_xydata().tolist() == [[0.4, 1.5], [0.7, 2.5]] and ring.get_xydata().tolist() == [[0.7, 2.5]]
    assert [text.get_text() for text in left.texts] == ["0.9", "0.95"]
    assert [line.get_xydata().tolist() for line in right.lines] == [[[8, 5], [16, 6]], [[8, 2], [16, 2.5]]]
    assert drawn.alt
