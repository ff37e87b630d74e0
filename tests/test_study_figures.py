"""Figures of the studies of corpora, surface and texture: the right panels, curves and words."""

from __future__ import annotations

import numpy as np
import pandas as pd

from wbclib.show import figures
from wbclib.show.figures import Figure
from wbclib.studies.corpora import plots as corpora_plots
from wbclib.studies.surface import plots as surface_plots
from wbclib.studies.texture import plots as texture_plots


def checked(drawn: Figure) -> Figure:
    assert drawn.png().startswith(b"\x89PNG") and drawn.text_alternative() != "figure"
    return drawn


def test_intervals_draw_a_panel_a_measure() -> None:
    rows = [
        {"measure": m, "corpus": c, "value": v, "low": v - 1, "high": v + 1}
        for m in "abcd"
        for c, v in (("x", 1), ("y", 5))
    ]
    drawn = checked(corpora_plots.intervals(pd.DataFrame(rows)))
    shown = [axes for axes in drawn.axes if axes.get_visible()]
    assert [axes.get_title() for axes in shown] == list("abcd")
    assert [text.get_text() for text in shown[0].get_yticklabels()] == ["x", "y"]
    assert shown[0].lines[0].get_xdata()[0] == 1


def test_families_draw_a_curve_a_group() -> None:
    frame = pd.DataFrame({"x": [1, 10, 1, 10], "u": [1, 2, 3, 4], "v": [4, 3, 2, 1], "r": [1, 1, 2, 2]})
    drawn = checked(figures.families(frame, "x", {"u": "first", "v": "second"}, "r", log_x=True))
    assert [axes.get_ylabel() for axes in drawn.axes] == ["first", "second"]
    assert [list(line.get_ydata()) for line in drawn.axes[1].lines] == [[4, 3], [2, 1]]
    assert drawn.axes[0].get_xscale() == "log"


def test_edge_shows_only_the_neighbourhood() -> None:
    x = np.arange(-30, 31)
    columns = {"x": x, "input": x} | {f"f {kind}": x * 2 for kind in ("smooth", "detail", "enhanced")}
    drawn = checked(surface_plots.edge(pd.DataFrame(columns), ["f"], within=10))
    assert [len(axes.lines) for axes in drawn.axes] == [2, 1, 2]
    assert len(drawn.axes[0].lines[0].get_xdata()) == 21


def test_maps_share_one_scale() -> None:
    drawn = checked(surface_plots.maps([np.zeros((8, 9)), np.ones((8, 9))], ["a", "b"], "slope"))
    assert all(axes.images[0].get_clim() == (0, 1) for axes in drawn.axes[:2])


def test_weights_and_density_and_swatches() -> None:
    draws = np.random.default_rng(0).uniform(size=(500, 3))
    drawn = checked(texture_plots.weights({"paper": draws, "official": draws / 2}))
    assert [axes.get_title() for axes in drawn.axes] == ["paper", "official"]
    x = np.linspace(0, 1, 50)
    drawn = checked(texture_plots.density(draws[:, 0], x, np.ones(50), xlabel="gain", mark=(1, "luma")))
    assert [text.get_text() for text in drawn.axes[0].get_legend().get_texts()] == ["drawn", "exact", "luma"]
    row = {"a": "#ff0000", "b": "#00ff00", "difference": 86.6, "grey_a": 80.0, "grey_b": 300.0}
    drawn = checked(texture_plots.swatches(pd.DataFrame([row])))
    faces = [tuple(np.round(patch.get_facecolor()[:3], 2)) for patch in drawn.axes[0].patches]
    assert faces[0] == (1, 0, 0) and faces[3] == (1, 1, 1)  # a grey above 255 is shown as white
