"""Reading a distance table: ranks by hand, the bias of a small N on equal Gaussians."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from wbclib.measure import fid, kid, ordering


def table(values: dict[str, dict[str, float]]) -> pd.DataFrame:
    """metric -> method -> value to cartoons."""
    rows = [
        {"style": "toon", "method": m, "to": "cartoons", "metric": metric, "network": "n", "value": v}
        for metric, by_method in values.items()
        for m, v in by_method.items()
    ]
    return pd.DataFrame(rows)


def test_agreement_is_spearmans_rank_correlation() -> None:
    frame = table({"x": {"a": 1, "b": 2, "c": 3, "d": 4}, "y": {"a": 4, "b": 3, "c": 2, "d": 1},
                   "z": {"a": 10, "b": 30, "c": 20, "d": 400}})  # fmt: skip
    found = {(r.first, r.second): r.rank_correlation for r in ordering.agreement(frame).itertuples()}
    assert found[("x, n", "y, n")] == pytest.approx(-1)
    frame = pd.concat([frame, frame.assign(style="other", value=-frame["value"])])
    assert len(ordering.agreement(frame)) == 6, "style by style"
    assert found[("x, n", "z, n")] == pytest.approx(1 - 6 * 2 / (4 * 15)), "two neighbours exchanged"


def test_over_n_shows_the_bias_of_frechet_and_none_of_the_kernel() -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(size=(200, 12)), random.normal(size=(200, 12))
    found = ordering.over_n({"same": a}, b, [20, 60, 200], repeats=12).set_index("n")
    assert found.loc[20, "frechet"] > 2 * found.loc[60, "frechet"] > 2 * found.loc[200, "frechet"]
    assert found.loc[200, "frechet"] == pytest.approx(fid.frechet(a, b))
    assert found.loc[200, "kid"] == pytest.approx(kid.mmd2(a, b))
    assert found.loc[20, "kid_low"] < 0 < found.loc[20, "kid_high"]
