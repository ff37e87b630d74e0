"""Figures of what the two discriminators see and say; a sentence where they are not at hand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from wbclib.show import figures
from wbclib.show.figures import COLOURS, FULL, Figure
from wbclib.show.multiples import NO_DISCRIMINATORS, Cell, Missing, maps
from wbclib.studies.common.discriminators import Seen

Views = Mapping[str, Mapping[str, Seen]]


def views(seen: Views, role: str, undecided: float, count: int = 4) -> Figure | Missing:
    """Two rows a set: the representation that a discriminator sees, and its logits laid over it.

    Args:
        seen: name of a set -> discriminator -> its view.
        role: surface or texture.
        undecided: logit in the middle of the colour bar.
        count: pictures of each set.
    """
    if not seen:
        return NO_DISCRIMINATORS
    reach = max(float(np.abs(part[role].logits[:count] - undecided).max()) for part in seen.values()) or 1.0
    grid: list[list[Cell]] = []
    for part in seen.values():
        chosen = part[role].pictures[:count]
        grid += [list(chosen), list(zip(chosen, part[role].maps[:count], strict=True))]
    labels = [f"{name}{what}" for name in seen for what in (", seen", ", judged")]
    limits = (undecided - reach, undecided + reach)
    alt = f"What the {role} discriminator sees of {', '.join(seen)}, and its logits over the pictures"
    return maps(grid, labels, limits=limits, colours="PuOr", label="logit (low: not a cartoon, high: cartoon)", alt=alt)


def histograms(seen: Views, undecided: float, bins: int = 40) -> Figure | Missing:
    """Density of the patch logits of every set, one panel a discriminator; the undecided logit is dashed."""
    if not seen:
        return NO_DISCRIMINATORS
    roles = list(next(iter(seen.values())))
    drawn, axes = figures.figure(FULL, 2.4, 1, len(roles), squeeze=False)
    for place, role in zip(axes.flat, roles, strict=True):
        logits = {name: part[role].logits.ravel() for name, part in seen.items()}
        edges = np.histogram_bin_edges(np.concatenate(list(logits.values())), bins)
        for colour, style, (name, values) in zip(COLOURS, ("-", "--", "-.", ":", "-"), logits.items(), strict=False):
            place.stairs(np.histogram(values, edges, density=True)[0], edges, label=name, color=colour, linestyle=style)
        place.axvline(undecided, color="#333333", linestyle="--", linewidth=0.8)
        place.set(title=f"{role} discriminator", xlabel="patch logit", ylabel="density")
    axes.flat[-1].legend()
    return figures.embed(drawn, f"Logits of the {' and '.join(roles)} discriminators for {', '.join(seen)}")
