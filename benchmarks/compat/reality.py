"""What really happened to a model on a release: it runs, cannot run, or computes wrongly."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

RUNS, CANNOT, WRONG = "runs", "cannot run", "computes wrongly"

# How far answers may be from those of the engine's newest release for the same file: half the sum of absolute
# differences between two probability vectors (the share of probability that sits elsewhere), mean over the digits.
# Another rounding stays five times below, wrong answers twice above; the result says how near either came.
FAR = 0.05
# The newest release is believed where it gives Keras' class for most of the digits that Keras is clear about: the
# coarsest quantization of the zoo kept nine in ten, an engine that misreads a file gets about one in ten right.
AGREEMENT = 0.8
CLEAR = 0.5
# Where in their sources, and where on this machine, engines say that they failed.
_PLACES = re.compile(
    r"""\S*/(?=FILE)
    | /onnxruntime_src/\S+\ .*?\)\ (?=[A-Z])
    | (?:/?tensorflow)?(?:/[\w.+-]+)+\.(?:cc|h):\d+\ """,
    re.VERBOSE,
)
_LONGEST = 200

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reality:
    """What happened, what the engine told or how far the answers were off, and that distance if there is one."""

    answer: str
    told: str
    distance: float | None = None


def distance(answers: NDArray[np.float64], reference: NDArray[np.float64]) -> float:
    """Mean share of probability that sits elsewhere: 0 equal, 1 disjoint or no numbers."""
    if not np.isfinite(answers).all():
        return 1.0
    return float(np.abs(answers - reference).sum(axis=1).mean() / 2)


def reference(newest: Line, keras: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a file should answer: as its engine's newest release does, if that agrees with Keras; else as Keras."""
    if "error" in newest:
        return keras
    answers = np.array(newest["answers"])
    second, first = np.sort(keras, axis=1)[:, -2:].T
    clear = first - second > CLEAR
    same = answers.argmax(axis=1) == keras.argmax(axis=1)
    return answers if same[clear].mean() >= AGREEMENT else keras


def judge_line(line: Line, expected: NDArray[np.float64]) -> Reality:
    """Judge what ``probe.py`` said of a model on one release."""
    if "error" in line:
        return Reality(CANNOT, _PLACES.sub("", line["error"].replace(line["file"], "FILE"))[:_LONGEST])
    off = distance(np.array(line["answers"]), expected)
    return Reality(RUNS if off <= FAR else WRONG, f"{off:.2f} of the probability elsewhere", round(off, 4))


def realities(
    zoo: Path, models: Sequence[Mapping[str, str]], lines: Mapping[str, Mapping[str, Line]]
) -> dict[str, dict[str, Reality]]:
    """Judge ``lines``, by release (``package==version``, a package's from old to new) and model file.

    Returned by file and release.
    """
    found = {}
    for model in models:
        file = model["file"]
        keras = np.load(zoo / f"{model['net']}-keras.npy").astype(np.float64)
        own = {release: said[file] for release, said in lines.items() if file in said}
        expected = reference(list(own.values())[-1], keras)
        found[file] = {release: judge_line(line, expected) for release, line in own.items()}
    return found
