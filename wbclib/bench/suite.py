"""What ``make bench`` measures and writes to ``reports/bench``: every row a ratio inside one run.

``bench.csv`` holds what has a stated speed, ``changes.csv`` what each change to the training step brings.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch
from tqdm import tqdm

from wbclib import paths
from wbclib.bench import flow, generators, inference, removals, steps, structure
from wbclib.files import atomic, make_folder
from wbclib.options import RunConfig
from wbclib.train import records

PLACE = ["size", "batch", "threads", "device"]
COLUMNS = ["name", "ours", "other", "unit", "ratio", "threads", "device", "other_is"]
ROWS = (*structure.ROWS, *flow.ROWS, *inference.ROWS, *generators.ROWS, *steps.ROWS)


def path(name: str = "bench") -> Path:
    """Where a table of the bench is: ``bench`` or ``changes``."""
    return paths.root() / "reports" / "bench" / f"{name}.csv"


def read() -> pd.DataFrame:
    """The last bench, or an empty table of the same columns where none has been run."""
    return pd.read_csv(path()) if path().is_file() else pd.DataFrame(columns=COLUMNS)


def changes() -> pd.DataFrame:
    """What the changes brought in the last bench (see :mod:`wbclib.bench.removals`), with size and device."""
    columns = [*removals.COLUMNS, *PLACE]
    return pd.read_csv(path("changes")) if path("changes").is_file() else pd.DataFrame(columns=columns)


def bench() -> pd.DataFrame:
    """Measure every row and write the table; columns :data:`COLUMNS`, in milliseconds where ``unit`` says no other."""
    make_folder(path().parent)  # what cannot be written is said before the hour of work
    device = records.device_entry(torch.device("cpu"), "32-true")
    everywhere = {"unit": "ms", "threads": device["threads"], "device": device["name"]}
    asked = (*ROWS, *(steps.GPU_ROWS if torch.cuda.is_available() else ()))
    frame = pd.DataFrame([everywhere | measure() for measure in tqdm(asked, "bench", unit="row")])[COLUMNS]
    _write(frame, "bench")
    configs = {"cpu": steps.configured()}
    if torch.cuda.is_available():
        configs["cuda"] = steps.configured_gpu()
    _write(pd.concat([_changes(config, device) for device, config in configs.items()]), "changes")
    return frame


def _changes(config: RunConfig, kind: str) -> pd.DataFrame:
    device = records.device_entry(torch.device(kind), "auto")
    found = removals.time_removals(config, kind, downloads=True)
    return found.assign(size=config.size, batch=config.batch, threads=device["threads"], device=device["name"])


def _write(frame: pd.DataFrame, name: str) -> None:
    with atomic(path(name)) as temporary:
        frame.to_csv(temporary, index=False, float_format="%.4g")
