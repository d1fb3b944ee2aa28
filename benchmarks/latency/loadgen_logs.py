"""Read LoadGen's logs: the lines of a summary, and the outputs logged in accuracy mode."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SUMMARY, ACCURACY = "mlperf_log_summary.txt", "mlperf_log_accuracy.json"
_LINE = re.compile(r"[ *]*(?P<name>[^:]+?)\s*:\s*(?P<value>\S+)")
_QUERIES = re.compile(r"\((\d+)\)\.$", re.MULTILINE)
_PARAMETERS = "Test Parameters Used"
# Of all parameters these decide what a figure means.
_KEPT_PARAMETERS = {"samples_per_query", "min_duration (ms)", "min_query_count", "target_qps"}


def summary_lines(text: str) -> dict[str, str]:
    """Return the ``name : value`` lines of a summary in their order, with those of the parameters that matter."""
    results, _, parameters = text.partition(_PARAMETERS)
    kept = dict(_pairs(results))
    if queries := _QUERIES.search(results):
        kept["Processed queries"] = queries[1]
    return kept | {name: value for name, value in _pairs(parameters) if name in _KEPT_PARAMETERS}


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(found["name"], found["value"]) for line in text.splitlines() if (found := _LINE.fullmatch(line))]


def logged_outputs(text: str, samples: int, classes: int) -> NDArray[np.float32]:
    """Return probabilities float32 ``[samples, classes]`` out of an accuracy log; NaN where nothing was inferred.

    LoadGen writes each output's bytes in hexadecimal, in the order in which the queries came.

    Raises
    ------
    ValueError: the log has not exactly one output for every sample of the library.

    """
    entries = json.loads(text)
    if sorted(entry["qsl_idx"] for entry in entries) != list(range(samples)):
        raise ValueError(f"expected one output for each of {samples} samples, found {len(entries)} outputs")
    outputs = np.full((samples, classes), np.nan, np.float32)
    for entry in entries:
        values = np.frombuffer(bytes.fromhex(entry["data"]), "<f4")
        if len(values):
            outputs[entry["qsl_idx"]] = values
    return outputs


def right_outputs(outputs: NDArray[np.float32], labels: NDArray[np.int64]) -> int:
    """Count the right ones; a sample without an output is not."""
    there = ~np.isnan(outputs).any(axis=1)
    return int((outputs[there].argmax(axis=1) == labels[there]).sum())


def read_summary(folder: Path) -> dict[str, str]:
    """Return `summary_lines` of the log in a folder."""
    return summary_lines((folder / SUMMARY).read_text())
