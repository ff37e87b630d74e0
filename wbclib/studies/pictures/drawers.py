"""Everybody who draws whole pictures: nobody, looks without a network, this study's generators, the authors' own."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np

from wbclib.files import UserError
from wbclib.inference import classical, drawing, styles
from wbclib.inference.stylist import Stylist
from wbclib.options import Surface
from wbclib.profiles import Profile
from wbclib.represent.surface import surface
from wbclib.studies.common import comparators
from wbclib.train import kept, records, trained
from wbclib.train.loop import stylise

LOG = logging.getLogger(__name__)
PHOTOGRAPH, THEIRS = "photograph", styles.OFFICIAL
# What came with the package before; copies are kept beside the records of these runs.
BEFORE = {"peppercarrot 0.1": "lab/peppercarrot", "storybook 0.1": "lab/storybook"}
Draw = Callable[[np.ndarray], np.ndarray]


def drawers(profile: Profile) -> dict[str, Draw]:
    """Everybody who draws: nobody, controls, looks, the profile's runs, what is shipped and was, theirs.

    A shipped style that is a copy of one of these runs stands under the run's name.
    """
    found: dict[str, Draw] = {PHOTOGRAPH: lambda photo: photo, **controls()}
    for look in classical.LOOKS:
        found[look] = drawing.open_drawing(look, detail=0)
    compared = profile.compared()
    for run, config in profile.runs.items():
        if config.method in ("pretrain", "whitebox") and (run in compared or _tried(profile, run)):
            found[f"{profile.name}/{run}"] = _run(run, profile)
    for style in styles.shipped():
        made_by = kept.origin(styles.weights_file(style))
        if f"{made_by.get('profile')}/{made_by.get('name')}" not in found:  # the same generator, but for rounding
            found[style] = drawing.open_drawing(style, detail=0)
    return found | before() | theirs()


def controls() -> dict[str, Draw]:
    """What nobody calls a cartoon (:func:`comparators.controls`), and the guided filter (the surface)."""
    settings = Surface()

    def guided(photo: np.ndarray) -> np.ndarray:
        return np.asarray(stylise(lambda x: surface(x, settings), photo[None])[0])

    return {"guided": guided, **comparators.control_draws()}


def trials(profile: Profile) -> set[str]:
    """Those of the drawers that are runs which nothing needs, trained all the same."""
    names = {run: f"{profile.name}/{run}" for run in profile.runs if run not in profile.compared()}
    return {name for run, name in names.items() if _tried(profile, run)}


def _tried(profile: Profile, run: str) -> bool:
    """Whether a run that nothing needs was trained all the same: a trial."""
    return run not in profile.ablated() and records.finished(profile, run) is not None


def _run(run: str, profile: Profile) -> Draw:
    """A run's generator on a whole picture; its record is made first where it is not there."""
    trained(run, profile)
    return drawing.open_drawing(f"{profile.name}/{run}", detail=0)


def before() -> dict[str, Draw]:
    """Generators that were shipped before; those whose copies are not here are left out, which the log says."""
    found: dict[str, Draw] = {}
    for name, run in BEFORE.items():
        try:
            found[name] = drawing.open_drawing(run, detail=0)
        except UserError as error:
            LOG.warning("%s is left out: %s", name, error)
    return found


def theirs() -> dict[str, Draw]:
    """The authors' released generators whose weights are here, as fast as this machine draws with them faithfully."""
    from wbclib.inference.engine import placed  # loads ONNX

    found: dict[str, Draw] = {}
    for name, style in comparators.released_styles().items():
        network, device = placed(style)
        found[name] = Stylist(style, device=device, engine=network)
    for name, note in comparators.absent().items():
        LOG.warning("%s is left out: %s", name, note)
    return found
