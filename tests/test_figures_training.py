"""Figures of runs and comparisons: what is drawn is what was given, and what is missing is a sentence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from wbclib.show import multiples as pictures
from wbclib.show.figures import Figure
from wbclib.show.multiples import Missing
from wbclib.studies.common.discriminators import Seen
from wbclib.studies.whitebox import plots


def drawn(found: object) -> Figure:
    assert isinstance(found, Figure)
    assert found.png().startswith(b"\x89PNG")
    return found


def test_what_is_missing_is_a_sentence() -> None:
    empty = pd.DataFrame({"step": [], "total": []})
    found = [
        pictures.panels(empty, "step", {}),
        pictures.over_time([], np.zeros((1, 8, 8, 3), np.uint8)),
        plots.views({}, "surface", 0.5),
        plots.histograms({}, 0.5),
    ]
    for missing in found:
        assert isinstance(missing, Missing) and missing._repr_markdown_().startswith(
            "*No" if missing.text[0] == "N" else "*The"
        )


def test_panels_draw_a_running_mean_for_every_column() -> None:
    frame = pd.DataFrame({"step": range(20), "a": [0.0, 2.0] * 10, "b": 1.0, "c": 2.0, "d": 3.0})
    figure = drawn(pictures.panels(frame, "step", dict(zip("abcd", "ABCD", strict=True)), smooth=2, log_y=False))
    assert [axes.get_title() for axes in figure.axes[:4]] == list("ABCD")
    raw, mean = figure.axes[0].lines
    assert raw.get_ydata().tolist() == frame["a"].tolist() and set(mean.get_ydata()[1:]) == {1.0}
    assert not figure.axes[5].axison, "a place without a plot stays empty"


def test_over_time_has_a_row_for_the_photographs_and_one_a_moment() -> None:
    photos = np.zeros((2, 70, 70, 3), np.uint8)
    figure = drawn(pictures.over_time([(5, photos + 9), (10, photos + 99)], photos))
    labels = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert labels == ["photograph", "step 5", "step 10"] and len(figure.axes) == 6


def test_maps_share_one_colour_bar() -> None:
    photo, values = np.full((8, 8, 3), 7, np.uint8), np.linspace(0, 1, 64).reshape(8, 8)
    figure = drawn(
        pictures.maps([[photo, photo], [values, (photo, values)]], ["p", "m"], ["x", "y"], limits=(0, 2), label="L")
    )
    assert len(figure.axes) == 5 and figure.axes[-1].get_ylabel() == "L"
    assert figure.axes[2].images[0].get_clim() == (0, 2)
    np.testing.assert_allclose(np.asarray(figure.axes[2].images[0].get_array()), values)
    assert len(figure.axes[3].images) == 2, "the map lies over the picture"


def distances() -> pd.DataFrame:
    rows = [
        {"style": "s", "network": n, "metric": "kid", "method": m, "to": to, "value": i, "low": i - 0.5, "high": i + 1}
        for n in ("p", "q")
        for i, (m, to) in enumerate((m, to) for m in ("one", "two") for to in ("cartoons", "photographs"))
    ]
    return pd.DataFrame(rows)


def test_intervals_put_the_ends_where_the_table_says() -> None:
    figure = drawn(pictures.intervals(distances(), "network", "method", hue="to", titles={"q": "the other"}))
    assert [axes.get_title() for axes in figure.axes] == ["p", "the other"]
    bars = figure.axes[0].containers
    assert len(bars) == 2 and bars[1][0].get_xdata().tolist() == [1, 3]
    ends = bars[1][2][0].get_segments()[0][:, 0].tolist()
    assert ends == [0.5, 2.0]
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["one", "two"]


def test_differences_stand_about_zero_and_the_axis_ends_before_what_is_far() -> None:
    values = [1.0, -1.2, 0.5, 90.0]
    frame = pd.DataFrame({"measure": "m", "run": list("abcd"), "value": values})
    frame = frame.assign(low=frame["value"] - 0.5, high=frame["value"] + 0.5)
    panel = drawn(pictures.intervals(frame, "measure", "run", differences=True)).axes[0]
    assert panel.get_xlim() == pytest.approx((-3.2, 3.2))  # twice the median of 1.5, 1.7, 1.0 and 90.5
    assert [text.get_text() for text in panel.texts] == ["+90 ▸"]
    assert any(list(line.get_xdata()) == [0, 0] for line in panel.lines)
    near = drawn(pictures.intervals(frame.head(3), "measure", "run", differences=True)).axes[0]
    assert not near.texts and near.get_xlim()[0] < -1.7


def test_plane_puts_cartoons_across_and_photographs_up() -> None:
    table = distances()
    figure = drawn(pictures.plane(table[table["network"] == "p"]))
    axes = figure.axes[0]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["one", "two"]
    points = [(c[0].get_xdata()[0], c[0].get_ydata()[0]) for c in axes.containers]
    assert points == [(0, 1), (2, 3)] and axes.get_xlabel().endswith("cartoons")


def test_wide_has_a_row_a_method_and_a_column_a_reference() -> None:
    table = pictures.wide(distances())
    assert table.columns.tolist() == ["method", "cartoons", "photographs", "metric", "network"]
    assert table["method"].tolist() == ["one", "two"] * 2
    assert table["photographs"].tolist() == ["1.00 [0.500, 2.00]", "3.00 [2.50, 4.00]"] * 2
    both = pictures.wide(pd.concat([distances(), distances().assign(style="t")], ignore_index=True))
    assert both["style"].tolist() == ["s", "s", "t", "t"] * 2 and both["method"].tolist() == ["one", "two"] * 4


def test_a_note_stands_in_place_of_values_and_differences_are_one_text() -> None:
    noted = pd.concat([distances().assign(note=""), pd.DataFrame([{"method": "three", "note": "put it there"}])])
    shown = pictures.wide(noted)
    assert shown["method"].tolist() == ["one", "two", "one", "two", "three"]
    assert shown.iloc[-1].tolist() == ["three", "put it there", "", "", ""]
    pair = {"style": "s", "a": "x", "b": "y", "metric": "kid", "network": "n", "difference": -1.0, "diff_low": -2.0,
            "diff_high": -0.5, "verdict": "nearer"}  # fmt: skip
    assert pictures.differences(pd.DataFrame([pair])).iloc[0, 4:].tolist() == ["-1.00 [-2.00, -0.500]", "nearer"]


def test_bands_draw_every_set() -> None:
    frame = pd.DataFrame({"name": ["a", "a", "b", "b"], "n": [4, 8, 4, 8], "y": 1.0, "y_low": 0.5, "y_high": 2.0})
    figure = drawn(pictures.bands(frame, "n", ["y"]))
    assert len(figure.axes[0].lines) == 2 and [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["4", "8"]


def test_views_are_centred_on_the_undecided_logit() -> None:
    photo = np.full((4, 16, 16, 3), 50, np.uint8)
    seen = {
        name: {"surface": Seen(photo, np.full((4, 2, 2), v, np.float32))}
        for name, v in (("output", 0.2), ("cartoon", 1.1))
    }
    figure = drawn(plots.views(seen, "surface", 0.5, count=3))
    assert len(figure.axes) == 4 * 3 + 1
    low, high = figure.axes[3].images[-1].get_clim()
    assert abs(low + 0.1) < 1e-6 and abs(high - 1.1) < 1e-6
    both = drawn(plots.histograms(seen, 0.5))
    assert [axes.get_title() for axes in both.axes] == ["surface discriminator"]
