"""What really happens to each model on each release, beside the verdict of `edgedigits check` about it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.manifest import SUFFIXES, Format
from edgedigits_export.compat.check import judge_release, parse_release
from edgedigits_export.compat.requirements import read_requirements

RUNS, CANNOT, WRONG = "runs", "cannot run", "computes wrongly"
UNKNOWN = "unknown"
FALSE_RUNS, FALSE_CANNOT, OTHER = "false runs", "false cannot run", "refused, but for another reason"

# How far outputs may be from those of the engine's newest release for the same file: half the sum of absolute
# differences between two probability vectors (total variation distance), mean over the digits. Another rounding stays
# five times below, wrong outputs are twice above; the result says how near either came.
FAR = 0.05
# The newest release is the reference if it gives Keras' class for most of the digits of which Keras is sure: the
# coarsest quantization of the zoo kept nine in ten, an engine that misreads a file gets about one in ten right.
AGREEMENT = 0.8
# For files whose case tells the right outputs: the largest relative error, by the Euclidean norm. Roundings were seen
# up to 0.0001, the smallest wrong answer was 0.07.
FAR_OFF = 0.01
SURE = 0.5  # by this much the most probable class is ahead of the second
# Places in engines' sources and on this machine that their messages name.
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
    """What happened, the engine's message or how far the outputs were off, and that distance if there is one."""

    outcome: str
    told: str
    distance: float | None = None


def distance(outputs: NDArray[np.float64], reference: NDArray[np.float64]) -> float:
    """Return the mean total variation distance: 0 for equal outputs, 1 for disjoint ones or no numbers."""
    if not np.isfinite(outputs).all():
        return 1.0
    return float(np.abs(outputs - reference).sum(axis=1).mean() / 2)


def reference(newest: Line, keras: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what a file should compute: the newest release's outputs if they agree with Keras, else those of Keras."""
    if "error" in newest:
        return keras
    outputs = np.array(newest["outputs"])
    second, first = np.sort(keras, axis=1)[:, -2:].T
    sure = first - second > SURE
    same = outputs.argmax(axis=1) == keras.argmax(axis=1)
    return outputs if same[sure].mean() >= AGREEMENT else keras


def compare_line(line: Line, expected: NDArray[np.float64]) -> Reality:
    """Compare a line of ``compat_probe.py`` with the outputs expected of the model."""
    if "error" in line:
        return _refused(line)
    off = distance(np.array(line["outputs"]), expected)
    return Reality(RUNS if off <= FAR else WRONG, f"{off:.2f} of the probability elsewhere", round(off, 4))


def compare_case(line: Line) -> Reality:
    """Return what a line of ``compat_probe.py`` about a file with a case tells."""
    if "error" in line:
        return _refused(line)
    off = line["off"]
    if off is None:
        return Reality(RUNS, "what is right is not known")
    return Reality(RUNS if off <= FAR_OFF else WRONG, f"a relative error of {off:.2g}", off)


def _refused(line: Line) -> Reality:
    return Reality(CANNOT, _PLACES.sub("", line["error"].replace(line["file"], "FILE"))[:_LONGEST])


def case_realities(
    models: Sequence[Mapping[str, str]], lines: Mapping[str, Mapping[str, Line]]
) -> dict[str, dict[str, Reality]]:
    """Return what happened by file and release, for files with cases."""
    return {
        file: {release: compare_case(by_file[file]) for release, by_file in lines.items() if file in by_file}
        for file in (model["file"] for model in models)
    }


def realities(
    zoo: Path, models: Sequence[Mapping[str, str]], lines: Mapping[str, Mapping[str, Line]]
) -> dict[str, dict[str, Reality]]:
    """Evaluate ``lines``, by release (``package==version``, a package's from old to new) and model file.

    Returns what happened by file and release.
    """
    found = {}
    for model in models:
        file = model["file"]
        keras = np.load(zoo / f"{model['net']}-keras.npy").astype(np.float64)
        own = {release: by_file[file] for release, by_file in lines.items() if file in by_file}
        expected = reference(list(own.values())[-1], keras)
        found[file] = {release: compare_line(line, expected) for release, line in own.items()}
    return found


@dataclass(frozen=True, slots=True)
class Pair:
    """One model on one release: verdict and why, reality and the engine's message."""

    model: str
    release: str
    verdict: str
    why: str
    reality: str
    told: str

    @property
    def fault(self) -> str:
        """What is wrong with the verdict; empty where it is right or unknown."""
        if self.verdict in {self.reality, UNKNOWN}:
            return ""
        if self.verdict == RUNS:
            return FALSE_RUNS
        return FALSE_CANNOT if self.reality == RUNS else OTHER


def pairs(zoo: Path, realities: Mapping[str, Mapping[str, Reality]]) -> Iterator[Pair]:
    """Yield every model with every release that was tried with it."""
    formats: dict[str, Format] = {suffix: name for name, suffix in SUFFIXES.items()}
    for file, by_release in realities.items():
        found = formats[Path(file).suffix]
        requirements = read_requirements((zoo / file).read_bytes(), found)
        for release, reality in by_release.items():
            verdict = judge_release(requirements, found, parse_release(release))
            yield Pair(file, release, verdict.answer, verdict.why, reality.outcome, reality.told)


def totals(compared: Sequence[Pair]) -> dict[str, Any]:
    """Return counts; shares are of the pairs that really run."""
    faults = Counter(pair.fault for pair in compared)
    running = sum(pair.reality == RUNS for pair in compared)
    unknown = sum(pair.verdict == UNKNOWN and pair.reality == RUNS for pair in compared)
    return {
        "pairs": len(compared),
        "reality": dict(sorted(Counter(pair.reality for pair in compared).items())),
        "verdict": dict(sorted(Counter(pair.verdict for pair in compared).items())),
        "false_runs": faults[FALSE_RUNS],
        "false_cannot_run": faults[FALSE_CANNOT],
        "false_cannot_run_share": round(faults[FALSE_CANNOT] / running, 5) if running else None,
        "other_reason": faults[OTHER],
        "unknown": sum(pair.verdict == UNKNOWN for pair in compared),
        "unknown_but_runs": unknown,
        "unknown_share": round(unknown / running, 5) if running else None,
    }
