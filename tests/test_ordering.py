"""Reading a distance table: verdicts by hand, ranks by hand, the bias of a small N on equal Gaussians."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from wbclib.evaluate import fid, kid, ordering


def table(values: dict[str, dict[str, float]], half: float = 1.0) -> pd.DataFrame:
    """metric -> method -> value to cartoons, with intervals of +- ``half``."""
    rows = [
        {"method": m, "to": "cartoons", "metric": metric, "network": "n", "value": v, "low": v - half, "high": v + half}
        for metric, by_method in values.items()
        for m, v in by_method.items()
    ]
    return pd.DataFrame(rows)


def test_verdicts_need_intervals_that_do_not_overlap() -> None:
    frame = table({"kid": {"a": 10.0, "b": 12.5, "c": 11.9}})
    assert ordering.verdict(frame, "a", "b", "cartoons", "kid", "n") == "nearer"
    assert ordering.verdict(frame, "b", "a", "cartoons", "kid", "n") == "farther"
    assert ordering.verdict(frame, "a", "c", "cartoons", "kid", "n") == "cannot tell"
    found = ordering.verdicts(frame, "a", ["b", "c"], "cartoons")
    assert found["verdict"].tolist() == ["nearer", "cannot tell"] and found["a"].tolist() == [10, 10]


def test_a_row_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match="0 rows"):
        ordering.at(table({"kid": {"a": 1.0}}), "a", "photographs", "kid", "n")


def test_agreement_is_spearmans_rank_correlation() -> None:
    frame = table({"x": {"a": 1, "b": 2, "c": 3, "d": 4}, "y": {"a": 4, "b": 3, "c": 2, "d": 1},
                   "z": {"a": 10, "b": 30, "c": 20, "d": 400}})  # fmt: skip
    found = {(r.first, r.second): r.rank_correlation for r in ordering.agreement(frame).itertuples()}
    assert found[("x, n", "y, n")] == pytest.approx(-1)
    assert found[("x, n", "z, n")] == pytest.approx(1 - 6 * 2 / (4 * 15)), "two neighbours exchanged"


def test_over_n_shows_the_bias_of_frechet_and_none_of_the_kernel() -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(size=(200, 12)), random.normal(size=(200, 12))
    found = ordering.over_n({"same": a}, b, [20, 60, 200], repeats=12).set_index("n")
    assert found.loc[20, "frechet"] > 2 * found.loc[60, "frechet"] > 2 * found.loc[200, "frechet"]
    assert found.loc[200, "frechet"] == pytest.approx(fid.frechet(a, b))
    assert found.loc[200, "kid"] == pytest.approx(kid.mmd2(a, b))
    assert found.loc[20, "kid_low"] < 0 < found.loc[20, "kid_high"]
