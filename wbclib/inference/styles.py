"""Which generator draws: a run of this study, the authors' released weights, or a file of weights."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor, nn

from wbclib import paths, profiles
from wbclib.files import UserError, sha256
from wbclib.networks import adapters, weights
from wbclib.networks.generators import UNet
from wbclib.networks.official import load_whitebox
from wbclib.networks.residual import ResidualGenerator
from wbclib.options import CorpusSpec, OutputFilter, RunConfig, run_config
from wbclib.train import kept
from wbclib.train.kept import SHIPPED

LOG = logging.getLogger(__name__)
DEFAULT = "inked"
OFFICIAL = "official-whitebox"
OFFICIAL_FILE = "whitebox_generator_official_fp16.npz"
OFFICIAL_SHA256 = "d2971f48b7525c8e108278cb448ffc50f7be7db8ec8244e9108650abb98dcf6d"
LICENCE = "MIT"  # of the styles that come with the package: that of the code, as their cards say
OFFICIAL_LICENCE = "CC BY-NC-SA 4.0, Xinrui Wang: no commercial use, name the author, share alike"
FILES = (".safetensors", ".npz")
NO_FILTER = OutputFilter(radius=0)  # a guided filter of radius 0 gives its input back
KNOWN = f"one of these, PROFILE/RUN such as lab/whitebox, {OFFICIAL}, or a .safetensors or .npz file"
# Pixels by which a picture is continued before one of this study's U-Nets draws it, more than it reads to a side: from
# its zero padding a network knows the border, and those that learnt from comics draw a frame there, on dark skies above
# all. With 16 a faint one was left.
MARGIN = 64
MIXED = re.compile(r"[\w-]+(=\d*\.?\d+)?(,[\w-]+(=\d*\.?\d+)?)*")  # STYLE or STYLE=SHARE,STYLE=SHARE


@dataclass(frozen=True)
class Style:
    """A generator and what belongs to it.

    Attributes:
        name: ``peppercarrot``, ``lab/whitebox``, ``official-whitebox``, or the name of a file.
        network: eval mode, float32, (N, 3, H, W) -> (N, 3, H, W); RGB in [-1, 1], unclamped, H and W multiples of 4.
        output: the guided filter after the network (radius 0: none), with ``infer_eps``.
        licence: one line; empty where the weights do not come with one.
        source: where the weights came from, without a machine's folders.
        whole: the network looks at the whole picture (its normalisation does), so that it cannot draw in tiles.
        learnt: the corpora of the run that made it, as its ``config.yaml`` names them; empty where there is none.
        margin: pixels, a multiple of 4, by which a picture is continued on all sides before the network, and cut after.
    """

    name: str
    network: nn.Module
    output: OutputFilter
    licence: str
    source: str
    whole: bool = False
    learnt: Mapping[str, CorpusSpec] = field(default_factory=dict)
    margin: int = 0


def load_style(name: str | None = None) -> Style:
    """Load a style; which one, and a licence that forbids something, is said in the log.

    Args:
        name: a shipped style (:func:`shipped`), ``PROFILE/RUN`` (a finished run of this study), ``official-whitebox``
            (the authors' weights below the assets folder), or the path of a ``.safetensors`` or ``.npz`` file with the
            arrays of :class:`wbclib.networks.generators.UNet` or :class:`wbclib.networks.residual.ResidualGenerator`.
            Of a network of several styles one is named after a colon, ``quick/styles:linocut``, or several with their
            shares, ``quick/styles:duotone=0.5,linocut=0.5``. None: :data:`DEFAULT`.

    The output filter is that of the run's ``config.yaml`` (also where a file is named that has one beside it):
    none after a ``pretrain`` run. A file without one gets the released filter, radius 1 and eps 5e-3.

    Raises:
        UserError: an unknown name, missing or damaged weights; says what to do.
    """
    name = name or DEFAULT
    path, (base, mix) = weights_file(name), split(name)
    mark = sha256(path)
    official = base == OFFICIAL or mark == OFFICIAL_SHA256  # whatever its name: read as RGB its colours are false
    network = load_whitebox(path) if official else _own(path)
    config = _config_of(base, path) if isinstance(network, UNet) and not official else None
    _check_finite(network, path)
    _choose(network, name, mix)
    LOG.info("style %s (%s, sha256 %s...)", name, paths.shown(path), mark[:12])
    licence = OFFICIAL_LICENCE if official else LICENCE if SHIPPED.resolve() in path.resolve().parents else ""
    if official:
        LOG.warning("licence of style %s: %s", name, licence)
    whole, learnt = not isinstance(network, UNet), config.corpora() if config else {}
    output = NO_FILTER if whole else _output_filter(config)
    margin = 0 if whole or official else MARGIN  # the released program has none
    return Style(name, network, output, licence, f"{paths.shown(path)}, sha256 {mark}", whole, learnt, margin)


def split(name: str) -> tuple[str, dict[str, float]]:
    """A style's name without what follows its colon, and the shares that are asked for there (one name alone: 1)."""
    base, colon, asked = name.rpartition(":")
    if not colon or set("/\\") & set(asked):
        return name, {}
    if not MIXED.fullmatch(asked):
        raise UserError(f"style {name!r}: after the colon say STYLE, or STYLE=SHARE,STYLE=SHARE")
    return base, {style: float(share or 1) for style, _, share in (part.partition("=") for part in asked.split(","))}


def _choose(network: nn.Module, name: str, mix: dict[str, float]) -> None:
    known = adapters.styles(network)
    if known and not mix:
        raise UserError(f"{name} draws several styles ({', '.join(known)}): say which, {name}:{known[0]}")
    if mix and not known:
        raise UserError(f"{split(name)[0]} draws one style: leave out what follows the colon")
    if mix:
        try:
            adapters.select(network, mix)
        except ValueError as error:
            raise UserError(f"style {name}: {error}") from error


def shipped() -> list[str]:
    """Names of the styles that come with the package."""
    return sorted(path.parent.name for path in SHIPPED.glob("*/generator.safetensors"))


def weights_file(name: str) -> Path:
    """File of a style's weights.

    Raises:
        UserError: it is not there, or ``name`` is no style.
    """
    name, _ = split(name)
    if name == OFFICIAL:
        path = paths.assets() / "weights" / OFFICIAL_FILE
        hint = f"put {OFFICIAL_FILE} at {weights.PLACE}; wbclib/networks/official.py says how to make it"
    elif Path(name).suffix in FILES:
        path, hint = Path(name), "check the name"
    elif name in shipped():
        path, hint = SHIPPED / name / "generator.safetensors", "reinstall the package"
    elif re.fullmatch(r"[\w.-]+/[\w.-]+", name) and ".." not in name:
        profile, run = name.split("/")
        path = paths.run(profile, run) / "generator.safetensors"
        path = path if os.path.isfile(path) else kept.find(profile, run) or path
        if profile in profiles.NAMES and not os.path.isfile(path):
            profiles.load(profile).run(run)  # says so where there is no such run
        hint = f"train it with `{_brief(f'wbc train {run} --profile {profile}')}`"
        hint += " (`make reproduce` trains all of quick)" if profile == "quick" else ""
    else:
        raise UserError(f"unknown style {_brief(name)!r}; shipped are {', '.join(shipped())}; say {KNOWN}")
    if not os.path.isfile(path):  # Path.is_file raises where a name is too long for a file
        raise UserError(f"the weights of style {_brief(name)} are not here: {hint}")
    return path


def _brief(name: str) -> str:
    return name if len(name) <= 120 else f"{name[:80]}...{name[-30:]}"


def _own(path: Path) -> nn.Module:
    """Our U-Net, or CartoonGAN's generator with its styles, with the arrays of ``path``, strictly."""
    state = weights.read(path)
    network = _residual(state) if "down1_1.weight" in state else UNet()
    wanted, found = _shapes(network.state_dict()), _shapes(state)
    if wanted != found:
        odd = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        raise UserError(
            f"{path.name} does not hold the generator ({len(odd)} names or shapes differ, first {odd[0]}); "
            "name a generator.safetensors of this study"
        )
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


def _residual(state: Mapping[str, Tensor]) -> nn.Module:
    """CartoonGAN's generator as its arrays say it was made: width, normalisation, adapters and their kind."""
    width, norm = len(state["conv.weight"]), "batch" if "norm_0.running_mean" in state else "instance"
    network = ResidualGenerator(width, norm, affine="norm_0.weight" in state)
    first = {adapters.style_of(name): value for name, value in state.items() if name.startswith("down1_1.adapters.")}
    if not first:
        return network
    # Of the first convolution that widens, a series adapter reads what comes out, a parallel one what goes in.
    kind = "series" if next(iter(first.values())).shape[1] == 2 * width else "parallel"
    return adapters.adapt(network, [style for style in first if style], kind)


def _shapes(state: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in state.items()}


def _config_of(name: str, path: Path) -> RunConfig | None:
    """Configuration of the run that made ``path``; None for a file of no known run."""
    beside = path.parent / "config.yaml"
    if beside.is_file():
        return run_config(_configuration(beside), paths.shown(beside))
    if Path(name).suffix in FILES:
        return None
    profile, run = name.split("/")
    return profiles.load(profile).run(run)


def _output_filter(config: RunConfig | None) -> OutputFilter:
    """Guided filter of a run; the released one where the run is not known."""
    if config is None:
        return OutputFilter()
    return config.output if config.method == "whitebox" else NO_FILTER


def _configuration(path: Path) -> dict[str, Any]:
    try:
        return dict(yaml.safe_load(path.read_text(encoding="utf-8"))["config"])
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise UserError(f"cannot read {paths.shown(path)}: it is damaged; move it away or restore it") from error


def _check_finite(network: nn.Module, path: Path) -> None:
    for name, value in network.state_dict().items():
        if not bool(torch.isfinite(value).all()):
            raise UserError(f"{path.name}: {name} is not finite, the training has failed; train this run again")
