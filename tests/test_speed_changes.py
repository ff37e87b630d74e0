"""The changes to the training step make it faster, not different: each variant takes the same first step."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from wbclib.bench import removals
from wbclib.bench.removals import CHANGES
from wbclib.options import RunConfig
from wbclib.profiles import load
from wbclib.train.methods import WhiteBox


@pytest.fixture
def config(study: object, precision: str) -> RunConfig:
    small = load("smoke").run("whitebox")
    assert small.kept, "features of photographs are kept"
    return dataclasses.replace(small, size=32, precision="auto")


def logged(kind: type[WhiteBox], config: RunConfig) -> dict[str, float]:
    """The terms of the first step; those of the generator follow the updates of the discriminators."""
    torch.manual_seed(0)
    _, step = removals.step_of(kind, config)
    return {name: float(value) for name, value in step().items()}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_step_without_a_change_is_the_same_step(change: removals.Change, config: RunConfig, precision: str) -> None:
    ours, other = logged(WhiteBox, config), logged(change.without, config)
    assert ours.keys() == other.keys() and {"structure", "d_surface", "content"} <= ours.keys()
    # Half-precision features, and spectral norms that are a power iteration apart, leave traces in the third digit.
    bytes_only = issubclass(change.without, removals.Uncompiled)  # the reference colours with whole bytes
    # bfloat16 rounds to 8 bits: sums in another order, or in float32 where the change is bfloat16 itself, part by 1 %,
    # and by 3 % on some processors. The change itself is held to by float32.
    loose = 0.06 if precision == "bfloat16" else 0.0
    assert ours.pop("structure") == pytest.approx(other.pop("structure"), rel=loose or (0.02 if bytes_only else 1e-5))
    assert ours.pop("total") == pytest.approx(other.pop("total"), rel=loose or 0.01)
    assert ours == pytest.approx(other, rel=loose or 5e-3)


def test_the_straightforward_step_has_none_of_the_changes() -> None:
    without = removals.Straightforward
    for change in CHANGES:
        if change.without is not removals.Waiting:  # the plain reference makes everything wait by itself
            assert issubclass(without, change.without)


def test_the_table_says_what_was_predicted_and_measured(config: RunConfig) -> None:
    found = removals.time_removals(config, rounds=1, slow=False)
    assert found.columns.tolist() == removals.COLUMNS
    quick = [c.name for c in CHANGES if not issubclass(c.without, removals.Uncompiled)]
    assert found["change"].tolist() == quick
    assert (found[["measured", "ms", "ms_without"]] > 0).all(axis=None)
