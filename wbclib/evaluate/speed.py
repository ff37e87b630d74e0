"""What ``make bench`` measures and writes to ``reports/bench/bench.csv``: every row a ratio inside one run."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch
from tqdm import tqdm

from wbclib import paths
from wbclib.evaluate import speed_inference, speed_methods, speed_step, speed_structure
from wbclib.files import atomic
from wbclib.train import records

COLUMNS = ["name", "ours", "other", "unit", "ratio", "threads", "device", "other_is"]
ROWS = (*speed_structure.ROWS, *speed_inference.ROWS, *speed_methods.ROWS, *speed_step.ROWS)


def path() -> Path:
    """Where the table of the bench is."""
    return paths.root() / "reports" / "bench" / "bench.csv"


def read() -> pd.DataFrame:
    """The last bench, or an empty table of the same columns where none has been run."""
    return pd.read_csv(path()) if path().is_file() else pd.DataFrame(columns=COLUMNS)


def bench() -> pd.DataFrame:
    """Measure every row and write the table; columns :data:`COLUMNS`, times in milliseconds."""
    device = records.device_entry(torch.device("cpu"), "32-true")
    rows = [measure() | {"unit": "ms"} for measure in tqdm(ROWS, "bench", unit="row")]
    frame = pd.DataFrame(rows).assign(threads=device["threads"], device=device["name"])[COLUMNS]
    with atomic(path()) as temporary:
        frame.to_csv(temporary, index=False, float_format="%.4g")
    return frame
