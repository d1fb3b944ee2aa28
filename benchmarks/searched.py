"""What was tried before the family was settled: the logs of models/search.py and models/cost.py as a table."""

from __future__ import annotations

import json
import statistics
from itertools import groupby
from pathlib import Path
from typing import Any

MODELS = Path(__file__).parent.parent / "models"
# What a row of the table has in common, besides its body.
_SAME = ("macs", "body", "epochs", "batch_size", "bend", "paper", "label_smoothing", "average", "temperature")


def read_log(name: str) -> list[dict[str, Any]]:
    """The lines of ``models/{name}.jsonl``."""
    return [json.loads(line) for line in (MODELS / f"{name}.jsonl").read_text().splitlines()]


def search_table(searched: list[dict[str, Any]], costs: list[dict[str, Any]]) -> str:
    """A line a body and recipe, the cheapest body first: what it costs, and how its seeds did on validation digits."""
    cost = {entry["body"]: entry for entry in costs}
    lines = [
        "| body | int8 file, bytes | MACs, million | p50, 53k net's = 1 | epochs | batch | bend | paper "
        "| smoothing | average | teacher, T | seeds | validation | loss |",
        "|---|---:|---:|---:|---:|---:|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    for same, group in groupby(sorted(searched, key=_key), key=_key):
        entries, told = list(group), dict(zip(_SAME, same, strict=True))
        known = cost.get(told["body"])
        size, ratio = (f"{known['bytes']:,}", f"{known['ratio']:.2f}") if known else ("–", "–")
        recipe = [told["epochs"], told["batch_size"], f"{told['bend']:g}", "yes" if told["paper"] else "no"]
        recipe += [f"{told['label_smoothing']:g}", f"{told['average']:g}", told["temperature"] or "–", len(entries)]
        lines.append(
            f"| `{told['body']}` | {size} | {told['macs'] / 1e6:.2f} | {ratio} | {' | '.join(map(str, recipe))} "
            f"| {100 * statistics.mean(entry['validation'] for entry in entries):.2f} % "
            f"| {statistics.mean(entry['validation_loss'] for entry in entries):.4f} |"
        )
    return "\n".join(lines)


def _key(entry: dict[str, Any]) -> tuple[Any, ...]:
    """How it was trained; a temperature of 0 stands for no teacher."""
    temperature = entry["temperature"] if entry["teacher"] else 0.0
    return tuple({**entry, "temperature": temperature}[name] for name in _SAME)
