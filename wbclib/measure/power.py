"""What the rules of the verdicts can see: made-up records of known truth, through the function that judges claims.

A record is a difference of two trainings with one seed. Its spread over seeds is 1, so that an effect of 2 is two
standard deviations of a seed's difference.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from wbclib.measure.verdicts import CONTRADICTED, OPEN, SUPPORTED, UNKNOWN, Asked, decide, over

SEEDS, TRIALS, MARGIN, DEVICE = (3, 5, 10), 1000, 1.5, 1.0
KNOWN, LEFT_OUT, NOTHING_SAYS = "known", "left out", "unknown"


def simulated(
    truth: float, seeds: int, margin: float = 0.0, device: float = 0.0, chance: str = KNOWN, trials: int = TRIALS
) -> dict[str, float]:
    """Shares of the verdicts on the claim that a difference is above 0, or within a margin.

    Args:
        truth: the difference that is there.
        seeds: of each record, at least 2.
        margin: above 0: the claim is that two things do equally well.
        device: standard deviation of what the device adds to all seeds of a record alike.
        chance: whether the rules are told of it: ``known``, ``left out``, or ``unknown`` (infinite).
        trials: records, drawn by the number of seeds.
    """
    random = np.random.default_rng(seeds)
    shared = random.normal(0, device, (trials, 1)) if device else np.zeros((trials, 1))
    told = {KNOWN: device, LEFT_OUT: 0.0, NOTHING_SAYS: UNKNOWN}[chance]
    counts = dict.fromkeys((SUPPORTED, CONTRADICTED, OPEN), 0)
    for values in truth + shared + random.normal(0, 1, (trials, seeds)):
        effect = over(values, "made up", "seeds", told)
        (found,) = decide([Asked((effect,), "none", (margin,)) if margin else Asked((effect,))])
        counts[found.verdict] += 1
    return {name: count / trials for name, count in counts.items()}


def simulate_verdicts(seeds: Sequence[int] = SEEDS, trials: int = TRIALS) -> pd.DataFrame:
    """Shares of the verdicts over made-up records.

    Returns:
        claim, truth, device_adds, seeds, supported, contradicted, cannot_tell.
    """
    cases = [
        ("above 0", "no effect", 0.0, 0.0, 0.0, KNOWN),
        ("above 0", "small: 0.5", 0.5, 0.0, 0.0, KNOWN),
        ("above 0", "large: 2", 2.0, 0.0, 0.0, KNOWN),
        ("above 0", "no effect", 0.0, 0.0, DEVICE, KNOWN),
        ("above 0", "large: 2", 2.0, 0.0, DEVICE, KNOWN),
        ("above 0", "no effect", 0.0, 0.0, DEVICE, LEFT_OUT),
        ("above 0", "large: 2", 2.0, 0.0, DEVICE, NOTHING_SAYS),
        (f"equally well, margin {MARGIN:g}", "no effect", 0.0, MARGIN, 0.0, KNOWN),
        (f"equally well, margin {MARGIN:g}", f"at the margin: {MARGIN:g}", MARGIN, MARGIN, 0.0, KNOWN),
        (f"equally well, margin {MARGIN:g}", f"beyond it: {2 * MARGIN:g}", 2 * MARGIN, MARGIN, 0.0, KNOWN),
        (f"equally well, margin {MARGIN:g}", "no effect", 0.0, MARGIN, DEVICE, KNOWN),
    ]
    rows = []
    for claim, named, truth, margin, device, chance in cases:
        for count in seeds:
            shares = simulated(truth, count, margin, device, chance, trials)
            adds = f"{device:g}, {chance}" if device else "nothing"
            rows.append((claim, named, adds, count, *shares.values()))
    return pd.DataFrame(
        rows, columns=["claim", "truth", "device_adds", "seeds", "supported", "contradicted", "cannot_tell"]
    )
