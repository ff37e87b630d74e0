"""Size and speed of the two papers' generators side by side, and what an epoch of training costs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import torch
from torch import nn

from wbclib.bench.roofline import counted
from wbclib.bench.timing import paired, row
from wbclib.files import read_json
from wbclib.networks.generators import UNet
from wbclib.networks.residual import ResidualGenerator
from wbclib.paths import record
from wbclib.profiles import Profile
from wbclib.train.method import GENERATORS

SIZES = {"256": (256, 256), "512": (512, 512), "720p": (720, 1280)}  # height, width
WHITEBOX, CARTOONGAN = "white-box U-Net", "CartoonGAN, residual"
OTHER = "the white-box U-Net on the same image, both float32 eager"


def generators(width: int = 64, device: str | torch.device = "cpu") -> dict[str, nn.Module]:
    """Both papers' generators with seeded weights: what they cost does not depend on what they have learnt."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        networks = {WHITEBOX: UNet(), CARTOONGAN: ResidualGenerator(width)}
    return {name: network.to(device).eval() for name, network in networks.items()}


def sizes(width: int = 64) -> pd.DataFrame:
    """What each generator holds and computes.

    Returns:
        network, parameters, megabytes_float32 and megabytes_float16 (of a file of weights), gflop_256 (operations for
        one image of 256 x 256, two for a multiplication with its addition).
    """
    rows = []
    for name, network in generators(width).items():
        count = sum(p.numel() for p in network.parameters())
        with torch.inference_mode():
            operations, _ = counted(functools.partial(network, torch.zeros(1, 3, 256, 256)))
        rows.append((name, count, 4 * count / 1e6, 2 * count / 1e6, operations / 1e9))
    return pd.DataFrame(rows, columns=["network", "parameters", "megabytes_float32", "megabytes_float16", "gflop_256"])


def times(names: Sequence[str] = ("256", "512"), rounds: int = 3) -> pd.DataFrame:
    """Seconds for an image through both generators, on the GPU where there is one, called in turn.

    Args:
        names: keys of :data:`SIZES`.
        rounds: pairs of calls.

    Returns:
        size, device, whitebox_s, cartoongan_s (medians), ratio (CartoonGAN's time over the white box's).
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    rows = []
    for name in names:
        first, second, ratio = _pair(SIZES[name], device, rounds)
        rows.append((name, device.type, first, second, ratio))
    return pd.DataFrame(rows, columns=["size", "device", "whitebox_s", "cartoongan_s", "ratio"])


@torch.inference_mode()
def _pair(size: tuple[int, int], device: torch.device, rounds: int) -> tuple[float, float, float]:
    photo = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)).to(device) * 2 - 1
    whitebox, cartoongan = (functools.partial(network, photo) for network in generators(device=device).values())
    return paired(whitebox, cartoongan, rounds)


def training(profile: Profile) -> pd.DataFrame:
    """How the runs of a comparison were trained: what may and what may not be compared.

    Returns:
        run, generator, parameters, size, batch, initial_steps (of the runs it starts from), steps, seed, features.
    """
    rows = []
    for name in profile.compared():
        config = profile.run(name)
        parameters = sum(p.numel() for p in GENERATORS[config.generator](config).parameters())
        initial = sum(profile.run(before).steps for before in profile.chain(name)[:-1])
        rows.append((name, config.generator, parameters, config.size, config.batch, initial, config.steps, config.seed,
                     config.features))  # fmt: skip
    names = ["run", "generator", "parameters", "size", "batch", "initial_steps", "steps", "seed", "features"]
    return pd.DataFrame(rows, columns=names)


def epochs(profile: Profile) -> pd.DataFrame:
    """What an epoch (as many photographs as the corpus has) cost in the finished runs of a comparison.

    Returns:
        run, method, size, batch, photographs, seconds_per_step, seconds_per_epoch, precision, device, threads.
    """
    rows = []
    for name in profile.compared():
        path = record(profile.name, name)
        if not path.is_file():
            continue
        found, config = read_json(path), profile.run(name)
        step, photos = found["wall_time_s"] / found["steps"], found["data"]["photos"]["n"]
        device = found["device"]
        rows.append((name, config.method, config.size, config.batch, photos, step, step * photos / config.batch,
                     device["precision"], device["name"], device["threads"]))  # fmt: skip
    names = ["run", "method", "size", "batch", "photographs", "seconds_per_step", "seconds_per_epoch", "precision",
             "device", "threads"]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def _against_whitebox(size: str) -> Callable[[], dict[str, Any]]:
    """A row of the bench; ratio: how many times the white box's time CartoonGAN takes."""

    def measure() -> dict[str, Any]:
        whitebox, cartoongan, ratio = _pair(SIZES[size], torch.device("cpu"), 2 if size == "720p" else 3)
        return row(f"cartoongan_{size}_vs_whitebox", cartoongan, whitebox, ratio, OTHER)

    return measure


ROWS = tuple(_against_whitebox(size) for size in SIZES)
