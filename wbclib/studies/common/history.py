"""What a run left behind, as frames and pictures: its record, its curves, its samples, its terms and switches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from wbclib import images, paths
from wbclib.losses import TERMS
from wbclib.options import RunConfig, run_config
from wbclib.train.records import read_metrics

GAP = 4  # pixels between the pictures of a sample strip (the default of images.grid)


def metrics(profile: str, name: str) -> pd.DataFrame:
    """Everything that was logged, one row a logged step; without rows where the run folder has no metrics."""
    path = paths.run(profile, name) / "metrics.jsonl"
    return pd.DataFrame(read_metrics(profile, name) if path.is_file() else {"step": [], "total": []})


def tail_change(frame: pd.DataFrame, column: str = "total", share: float = 0.25) -> float:
    """Relative change of a logged value over the last ``share`` of a run; NaN with fewer than 8 rows.

    The mean of the second half of that part over the mean of its first half, minus 1: -0.1 is "still falling by
    a tenth". Means, because a single step's loss depends on the step's images.
    """
    rows = frame[column].to_numpy()[-round(share * len(frame)) :] if len(frame) >= 8 else np.empty(0)
    half = len(rows) // 2
    return float(rows[half:].mean() / rows[:half].mean() - 1) if half else float("nan")


def tail_sentence(frame: pd.DataFrame) -> str:
    """What :func:`tail_change` of the weighted sum says, in words."""
    change = tail_change(frame)
    if np.isnan(change):
        return "Too few steps were logged to say whether the loss still falls."
    return f"Within the last quarter of the run the loss changed by {change:+.0%}."


def samples(profile: str, name: str, count: int = 6) -> list[tuple[int, np.ndarray]]:
    """(step, pictures) of at most ``count`` sample strips, spread over the run, first and last included.

    Returns:
        Pictures are the lower row of a strip, the bundled photographs as the generator rendered them at that step:
        uint8 (N, side, side, 3). An empty list where the run folder has no samples.
    """
    found = sorted((paths.run(profile, name) / "samples").glob("step-*.png"))
    if not found:
        return []
    chosen = np.unique(np.linspace(0, len(found) - 1, min(count, len(found))).round().astype(int))
    return [(int(found[i].stem.removeprefix("step-")), lower_row(images.read(found[i]))) for i in chosen]


def lower_row(strip: np.ndarray) -> np.ndarray:
    """The pictures of the lower of a strip's two rows: uint8 (N, side, side, 3)."""
    side = (strip.shape[0] - GAP) // 2
    count = (strip.shape[1] + GAP) // (side + GAP)
    if strip.shape[:2] != (2 * side + GAP, count * (side + GAP) - GAP):
        raise ValueError(f"a picture of {strip.shape[:2]} is not two rows of squares")
    return np.stack([strip[side + GAP :, i * (side + GAP) : i * (side + GAP) + side] for i in range(count)])


def record_table(record: Mapping[str, Any]) -> pd.DataFrame:
    """A run's record for readers: columns item, value. Times and device are in it: show it, never save it."""
    config, device, features = record["config"], record["device"], record["features"]
    data = {kind: f"{d['name']}, {d['n']} images (digest {d['digest'][:12]})" for kind, d in record["data"].items()}
    network = {} if features is None else {key: features[key] for key in ("network", "layer", "source")}
    seconds, steps, batch = record["wall_time_s"], record["steps"], config["batch"]
    rows = {
        "method": config["method"] + (f", from the generator of {config['init']}" if config["init"] else ""),
        "steps": f"{steps}, batch {batch}, crops of {config['size']} px ({steps * batch} crops seen)",
        **data,
        "perceptual network": network.get("network", "none"),
        "its layer": network.get("layer", "none"),
        "its weights": network.get("source", "none"),
        "optimiser": f"Adam, lr {config['lr']:g}, betas {config['beta1']:g} and {config['beta2']:g}",
        "device": f"{device['name']}, {device['threads']} threads, {device['precision']}",
        "time": f"{seconds:.0f} s, {seconds / steps:.2f} s a step",
        "peak memory": f"{record['peak_memory_mb']} MB",
        "seed": str(record["seed"]),
        "commit": f"{(record['commit'] or 'none')[:12]}{', with uncommitted changes' if record['dirty'] else ''}",
        "configuration": record["config_hash"][:12],
    }
    return pd.DataFrame({"item": list(rows), "value": list(rows.values())})


def terms(config: RunConfig, final: Mapping[str, float]) -> pd.DataFrame:
    """The objective of a run: term, symbol, weight, final value, its share of the weighted sum, what it asks for.

    Args:
        final: mean of every logged value over the end of the run (``final_losses`` of the record).
    """
    weights = asdict(config.weights)
    weighted = {name: weights[name] * final[name] for name in TERMS if name in final}
    total = sum(weighted.values()) or float("nan")
    rows = [
        {
            "term": name,
            "symbol": term.symbol,
            "weight": weights[name],
            "value": final.get(name, float("nan")),
            "share": weighted.get(name, float("nan")) / total,
            "asks": term.asks,
        }
        for name, term in TERMS.items()
    ]
    return pd.DataFrame(rows)


def terms_markdown(frame: pd.DataFrame) -> str:
    """The frame of :func:`terms` as a Markdown table with its symbols as formulas, and the terms without weight."""
    lines = ["| term | symbol | weight | value at the end | share of the sum | asks for |", "|---|---|--:|--:|--:|---|"]
    for row in frame[frame["weight"] > 0].to_dict("records"):
        numbers = f"{row['value']:.4f} | {row['share']:.0%}"
        lines.append(f"| {row['term']} | ${row['symbol']}$ | {row['weight']:g} | {numbers} | {row['asks']} |")
    others = ", ".join(frame.loc[frame["weight"] == 0, "term"])
    return "\n".join(lines) + (
        f"\n\nTerms that this run gives no weight, and does not compute: {others}." if others else ""
    )


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, with dotted names."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return found


def switches(config: RunConfig, paper: str = "paper", official: str = "official") -> pd.DataFrame:
    """Every point where paper and official code part, and what this run does: switch, paper, official, run, follows.

    Args:
        paper, official: names of the two presets; the white box's by default.
    """
    names = {"paper": paper, "official": official}
    presets = {name: flat(asdict(run_config({"preset": preset}))) for name, preset in names.items()}
    own = flat(asdict(config))
    rows = []
    for key, first in presets["paper"].items():
        if first != (second := presets["official"][key]):
            follows = {first: "paper", second: "official code"}.get(own[key], "neither")
            values = {"paper": first, "official": second, "run": own[key]}
            rows.append(
                {"switch": key} | {name: _plain(value) for name, value in values.items()} | {"follows": follows}
            )
    return pd.DataFrame(rows)


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
