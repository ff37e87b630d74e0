"""Control: what follows a weight is found, what does not cannot be told; mixed weights are those between."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from torch import nn
from toy_notebooks import code, written

from wbclib import paths
from wbclib.measure import effect
from wbclib.options import OutputFilter, Structure, Texture
from wbclib.report import pages
from wbclib.report.execute import execute
from wbclib.represent.structure import structure
from wbclib.show import sliders
from wbclib.show.multiples import Missing
from wbclib.studies.control import knobs, plots
from wbclib.train.loop import Trained, stylise
from wbclib.variants import Variant

FACTORS = (0.1, 0.3, 1.0, 3.0, 10.0)
VARIANTS = [
    Variant("full", "full", "", "", ("full",)),
    *(
        Variant(f"structure-x{f:g}", "control", "structure", f"x{f:g}", (f"structure-x{f:g}",))
        for f in FACTORS
        if f != 1
    ),
]


def found(values: list[float], by_chance: float = 0.5, measure: str = "gradient_inside_regions") -> pd.DataFrame:
    """The ablation's table of a sweep of the structure weight, values by rising factor; the full run comes first."""
    rows = [("full" if f == 1 else f"structure-x{f:g}", v) for f, v in zip(FACTORS, values, strict=True)]
    rows.sort(key=lambda row: row[0] != "full")
    table = pd.DataFrame(rows, columns=["run", "value"]).assign(measure=measure, by_chance=by_chance, seeds=1)
    return table.assign(low=table["value"] - 0.1, high=table["value"] + 0.1)


def followed(seeds: list[list[float]]) -> pd.DataFrame:
    """What is said of sweeps of these values, a list a seed, of two measures alike."""
    measures = ["gradient_inside_regions", "number_of_colours"]  # what is expected of the structure term
    means = [float(np.mean(values)) for values in zip(*seeds, strict=True)]
    swept = knobs.sweeps(pd.concat([found(means, measure=measure) for measure in measures]), VARIANTS)
    rows = [
        ("full" if f == 1 else f"structure-x{f:g}", seed, measure, value)
        for measure in measures
        for seed, values in enumerate(seeds)
        for f, value in zip(FACTORS, values, strict=True)
    ]
    rows.append(("full", len(seeds), measures[0], 99.0))  # a seed that the sweep has not is left out
    return knobs.follows(swept, pd.DataFrame(rows, columns=["run", "seed", "measure", "value"]))


def follows(*seeds: list[float]) -> dict[str, Any]:
    rows = followed(list(seeds))
    assert rows["measure"].tolist() == ["gradient_inside_regions", "number_of_colours"]
    return {str(key): value for key, value in rows.iloc[0].items()}


def test_a_sweep_rises_with_the_factor_and_holds_the_full_run() -> None:
    swept = knobs.sweeps(found([5, 4, 3, 2, 1]), VARIANTS)
    assert swept["factor"].tolist() == list(FACTORS) and swept["value"].tolist() == [5, 4, 3, 2, 1]
    assert swept.loc[swept["run"] == "full", "factor"].tolist() == [1.0]


DOWN = ([5.0, 4.0, 3.0, 2.0, 1.0], [5.2, 4.1, 3.3, 2.2, 1.1], [4.9, 3.8, 3.0, 1.9, 1.0])


@pytest.mark.parametrize(
    ("seeds", "outcome", "monotonic"),
    [
        (DOWN, "as expected", "yes"),  # more structure, flatter regions
        ([values[::-1] for values in DOWN], "the opposite", "yes"),
        ([[5, 4, 3, 2, 1], [1, 4, 3, 2, 4], [3, 4, 3, 2, 3]], "cannot tell", "cannot tell"),  # the seeds part
        (DOWN[:1], "cannot tell", "cannot tell"),  # nothing says what another seed would change
        ([[5, 2, 4, 3, 1], [5.2, 2.1, 4.2, 3, 1], [5, 2, 3.9, 3, 0.9]], "as expected", "no"),  # they all go back once
        ([[5, 4, 4.2, 3, 1], [5, 4, 3.9, 3, 1], [5.2, 4, 4.1, 3, 1]], "as expected", "cannot tell"),
    ],
)
def test_what_follows_is_told_from_what_does_not(seeds: list[list[float]], outcome: str, monotonic: str) -> None:
    row = follows(*seeds)
    assert (row["outcome"], row["monotonic"]) == (outcome, monotonic)
    assert (row["lowest"], row["highest"], row["points"], row["n"]) == (0.1, 10.0, 5, len(seeds))
    ends = np.array([values[-1] - values[0] for values in seeds])
    assert row["change"] == pytest.approx(ends.mean())
    assert row["at_full"] == pytest.approx(np.mean([values[2] for values in seeds]))
    assert np.isnan(row["low"]) == (len(seeds) == 1)
    if len(seeds) == 3:
        wanted = stats.ttest_1samp(ends, 0).confidence_interval(0.90)
        assert (row["low"], row["high"]) == pytest.approx((wanted.low, wanted.high))
    assert (row["back_low"] > 0) == (monotonic == "no")


def test_the_page_has_a_change_with_its_interval_in_one_cell_and_no_interval_where_nothing_says_one() -> None:
    page = pages.follows(followed([[500, 400, 300, 200, 100], [510, 400, 300, 200, 100], [490, 400, 300, 200, 100]]))
    half = 2.919986 * 10 / 3**0.5  # Student's t, 2 degrees of freedom, 95 %
    assert page["change"].tolist() == [f"-400 [{-400 - half:.3g}, {-400 + half:.3g}]"] * 2
    assert pages.follows(followed([[500, 400, 300, 200, 100]]))["change"].tolist() == ["-400"] * 2
    assert page["weight"].tolist() == ["x0.1 to x10"] * 2 and page["expected"].tolist() == ["lower"] * 2
    assert page["measure"].tolist() == ["gradient inside regions", "number of colours"]


def test_tau_is_kendalls() -> None:
    """One discordant pair of ten: (9 - 1) / 10, with the sign of the way down."""
    assert follows([5, 3, 4, 2, 1])["tau"] == pytest.approx(-0.8)


def test_a_profile_that_sweeps_nothing_has_an_empty_table() -> None:
    swept = knobs.sweeps(found([5, 4, 3, 2, 1]).head(1), VARIANTS[:1])
    assert swept.empty and knobs.follows(swept, pd.DataFrame()).empty
    assert isinstance(plots.sweeps(swept, ["edge_strength"]), Missing)


def test_the_figure_has_a_line_a_term_and_a_panel_a_measure() -> None:
    drawn = plots.sweeps(knobs.sweeps(found([5, 4, 3, 2, 1], 0.5), VARIANTS), ["gradient_inside_regions"])
    assert not isinstance(drawn, Missing)
    panel = drawn.axes[0]
    assert panel.get_xscale() == "log" and panel.get_title() == "gradient inside regions"
    assert np.asarray(panel.lines[0].get_ydata()).tolist() == [5, 4, 3, 2, 1]


def test_the_band_is_that_of_single_runs_where_the_full_run_is_a_mean() -> None:
    table = found([5, 4, 3, 2, 1], 0.6)
    table.loc[table["run"] == "full", ["by_chance", "seeds"]] = [0.6 / np.sqrt(3), 3]
    drawn = plots.sweeps(knobs.sweeps(table, VARIANTS), ["gradient_inside_regions"])
    assert not isinstance(drawn, Missing)
    band = drawn.axes[0].patches[0]
    assert (band.get_y(), band.get_height()) == pytest.approx((3 - 0.6, 1.2))  # type: ignore[attr-defined]


def toy(weight: float, bias: float = 0.0, layers: int = 1) -> Trained:
    """A generator of 1x1 convolutions that multiplies every pixel by ``weight`` and adds ``bias``."""
    network = nn.Sequential(*(nn.Conv2d(3, 3, 1) for _ in range(layers)))
    with torch.no_grad():
        for layer in network:
            layer.weight.copy_(weight * torch.eye(3)[:, :, None, None])  # type: ignore[operator, union-attr]
            layer.bias.fill_(bias)  # type: ignore[operator, union-attr]

    class Method:
        def __init__(self) -> None:
            self.modules: dict[str, Any] = {"generator": network}
            self.config = SimpleNamespace(output=OutputFilter())
            self.fabric = SimpleNamespace(device="cpu")

        @torch.no_grad()
        def stylise(self, x: torch.Tensor) -> torch.Tensor:
            return self.modules["generator"](x).clamp(-1, 1)

    return Trained({}, Method())  # type: ignore[arg-type]


PHOTOS = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)


def test_mixed_weights_are_those_between_and_the_ends_are_the_generators_themselves() -> None:
    first, second = toy(1.0), toy(0.2, 0.4)
    for share, model in ((0.0, first), (1.0, second)):
        assert (knobs.interpolated(first, second, share)(PHOTOS) == model(PHOTOS)).all()
    x = PHOTOS / 127.5 - 1
    middle = np.clip((0.75 * 1.0 + 0.25 * 0.2) * x + 0.25 * 0.4, -1, 1)  # one layer: linear in its weights
    assert np.abs((knobs.interpolated(first, second, 0.25)(PHOTOS) / 127.5 - 1) - middle).max() <= 1 / 127.5
    assert (first(PHOTOS) == toy(1.0)(PHOTOS)).all()  # what it was mixed from is as before


def test_weights_of_two_layouts_cannot_be_mixed() -> None:
    with pytest.raises(ValueError, match="one layout"):
        knobs.interpolated(toy(1.0), toy(1.0, layers=2), 0.5)


def test_a_cross_fade_is_the_weighted_mean() -> None:
    assert knobs.crossfaded(np.uint8([0, 100]), np.uint8([200, 0]), 0.25).tolist() == [50, 75]


def test_without_the_filter_the_raw_output_comes_out_and_a_large_eps_smooths_it() -> None:
    """The guided filter's slope goes to 0 with a large eps: means of means, smoother than the photograph."""
    model = toy(1.0)
    assert (knobs.filtered(model, PHOTOS, 0.005, amount=1.0) == PHOTOS).all()
    fine, coarse = (knobs.filtered(model, PHOTOS, eps).astype(float) for eps in (1e-6, 1e3))
    assert np.abs(fine - PHOTOS).max() <= 1
    assert coarse.std() < 0.5 * PHOTOS.std()


def test_every_control_starts_and_ends_where_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    full, start = toy(0.5), toy(1.0)
    ways = knobs.without_training(full, start, PHOTOS, [0.0, 1.0], [1e-6, 1e3])
    assert list(ways) == ["mixed weights", "cross-fade", "sharpness", "guided filter"]
    assert (ways["mixed weights"][0.0] == PHOTOS).all() and (ways["cross-fade"][0.0] == PHOTOS).all()
    assert (ways["mixed weights"][1.0] == ways["cross-fade"][1.0]).all()
    assert "mixed weights" not in knobs.without_training(full, None, PHOTOS, [0.0, 1.0], [0.005])
    along = knobs.along({"cross-fade": ways["cross-fade"]}, PHOTOS, ["a", "b"])
    row = along[(along["measure"] == "edge_strength") & (along["setting"] == 1.0)].iloc[0]
    assert row["value"] == pytest.approx(effect.measured(full(PHOTOS), PHOTOS)["edge_strength"].mean())
    assert (row["way"], row["n"]) == ("cross-fade", 2)


def test_reach_is_the_change_and_its_largest_step() -> None:
    rows = [("fade", s, "edge_strength", v, v, v, 2) for s, v in ((0.0, 10.0), (0.5, 9.0), (1.0, 6.0))]
    along = pd.DataFrame(rows, columns=["way", "setting", "measure", "value", "low", "high", "n"])
    row = knobs.reach(along, ["edge_strength"]).iloc[0]
    assert (row["change"], row["monotonic"], row["largest_step"]) == (-4.0, "yes", 0.75)


def test_representations_take_other_parameters() -> None:
    options = Structure(min_size=2)
    seen = knobs.structured(PHOTOS[0], options, 3, 1.0)
    same = stylise(lambda x: structure(x, Structure(min_size=2, regions=3, mu=1.0)), PHOTOS[:1])[0]
    assert (seen == same).all() and len(np.unique(seen.reshape(-1, 3), axis=0)) <= 3
    shifts = [knobs.shifted(PHOTOS[0], Texture(), 1.0, seed) for seed in (0, 1)]  # alpha 1: the luma, whatever the seed
    assert (shifts[0] == shifts[1]).all() and (shifts[0][..., 0] == shifts[0][..., 2]).all()
    assert (knobs.shifted(PHOTOS[0], Texture(), 0.0, 0) != knobs.shifted(PHOTOS[0], Texture(), 0.0, 1)).any()


def test_sliders_are_widgets_where_somebody_can_move_them(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[dict[str, float]] = []

    def draw(**settings: float) -> np.ndarray:
        drawn.append(settings)
        return PHOTOS[0]

    monkeypatch.setenv(paths.STATIC, "1")
    assert sliders.explore(draw, {"share": (0.0, 1.0, 0.5)}) is sliders.NOT_ALIVE and not drawn
    monkeypatch.delenv(paths.STATIC)
    widget = sliders.explore(draw, {"share": (0.0, 1.0, 0.5), "regions": (10, 400, 200)}, PHOTOS[0])
    kinds = [type(child).__name__ for child in widget.children[:2]]
    assert kinds == ["FloatSlider", "IntSlider"]
    widget.update()
    assert drawn[-1] == {"share": 0.5, "regions": 200}


def test_a_page_is_executed_without_sliders(study: Path) -> None:
    """The runner says that nobody is there, and takes that back."""
    path = written(study, "one", code("p = 1", "parameters"), code("import os; print(os.environ['WBC_STATIC'])"))
    done = execute(path, study / "out.ipynb", {})
    assert done.cells[-1].outputs[0]["text"].strip() == "1" and "WBC_STATIC" not in os.environ


def test_strips_leave_a_place_empty_where_a_term_has_no_such_factor() -> None:
    white = np.full((64, 64, 3), 255, np.uint8)
    picture = np.zeros((64, 64, 3), np.uint8)
    drawn = plots.strips({"tv": {0.1: picture, 1.0: picture}, "structure": {1.0: picture, 10.0: picture}}, picture)
    assert not isinstance(drawn, Missing)
    shown = [np.asarray(axes.images[0].get_array()).mean() for axes in drawn.axes]
    assert [value > 0.5 * white.mean() for value in shown] == [False, False, False, True, False, True, False, False]
    assert [axes.get_title() for axes in drawn.axes[:4]] == ["photograph", "x0.1", "x1", "x10"]
    assert isinstance(plots.strips({}, picture), Missing)
