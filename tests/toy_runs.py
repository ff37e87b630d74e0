"""What tests ask of a run's folder."""

from __future__ import annotations

import torch

from wbclib import paths
from wbclib.profiles import Profile
from wbclib.train import checkpoints


def state_of(profile: Profile, name: str) -> dict[str, torch.Tensor]:
    found = checkpoints.newest(paths.run(profile.name, name))
    assert found is not None
    return found[0]
