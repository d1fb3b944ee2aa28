"""What LoadGen leaves behind: the summary's lines, and the answers that it logged in accuracy mode."""

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
    """The ``name : value`` lines of a summary in their order; of the test's parameters only those that matter."""
    results, _, parameters = text.partition(_PARAMETERS)
    kept = dict(_pairs(results))
    if queries := _QUERIES.search(results):
        kept["Processed queries"] = queries[1]
    return kept | {name: value for name, value in _pairs(parameters) if name in _KEPT_PARAMETERS}


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(found["name"], found["value"]) for line in text.splitlines() if (found := _LINE.fullmatch(line))]


def logged_answers(text: str, samples: int, classes: int) -> NDArray[np.float32]:
    """Probabilities float32 ``[samples, classes]`` out of an accuracy log; NaN where nothing was inferred.

    LoadGen writes each answer's bytes in hexadecimal, in the order in which the queries came.

    Raises
    ------
    ValueError: not every sample of the library was answered exactly once.

    """
    entries = json.loads(text)
    if sorted(entry["qsl_idx"] for entry in entries) != list(range(samples)):
        raise ValueError(f"expected one answer to each of {samples} samples, found {len(entries)} answers")
    answers = np.full((samples, classes), np.nan, np.float32)
    for entry in entries:
        values = np.frombuffer(bytes.fromhex(entry["data"]), "<f4")
        if len(values):
            answers[entry["qsl_idx"]] = values
    return answers


def right_answers(answers: NDArray[np.float32], labels: NDArray[np.int64]) -> int:
    """How many are right; a sample without an answer is not."""
    answered = ~np.isnan(answers).any(axis=1)
    return int((answers[answered].argmax(axis=1) == labels[answered]).sum())


def read_summary(folder: Path) -> dict[str, str]:
    """`summary_lines` of the log in a folder."""
    return summary_lines((folder / SUMMARY).read_text())
