"""The self-test of a lone file: engines are compared with each other, since nobody knows what it ought to answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edgedigits.engines import ENGINES, installed_engines
from edgedigits.errors import TargetError
from edgedigits.extras import pip_line
from edgedigits.input_shapes import InputShape
from edgedigits.manifest import Format, TensorInfo
from edgedigits.model import Model
from edgedigits.verification.random_runs import RandomRun, Values, run_on_random_inputs

SEEDS = 5
# Engines round and sum differently: int8 files of this project differed by up to 3 % of an output's largest value,
# float files that others made by up to 0.01 %. A file that an engine misreads gives other values altogether. Where
# all values are small, probabilities of nothing in particular, a step or two of rounding is more than 5 % of them.
SHARE, LEAST, STEPS = 0.05, 1e-3, 2
TOLERANCE = (
    f"allowed: {SHARE:.0%} of the largest value, at least {LEAST:g} or {STEPS} steps of a quantized output: engines "
    "round differently, and one that misreads a file gives other values altogether; whole numbers have to be equal"
)


@dataclass(frozen=True, slots=True)
class EngineRun:
    """One engine: its release, or why it did not run the file."""

    engine: str
    version: str | None
    error: str | None
    exit_code: int


@dataclass(frozen=True, slots=True)
class OutputAgreement:
    """How an output in an engine agrees with the same output in the first engine.

    Attributes
    ----------
    max_abs_difference: over all inputs; None where the shapes differ, or only one of two values is a number.
    tolerance: the largest difference allowed.
    same_largest: on how many inputs the largest value is in the same place; None for what is no vector of scores.

    """

    output: str
    engine: str
    max_abs_difference: float | None
    tolerance: float
    same_largest: int | None
    passed: bool


@dataclass(frozen=True, slots=True)
class LoneSelftest:
    """The self-test of a lone file.

    Attributes
    ----------
    shapes: of the random inputs; empty where no engine runs the file.
    inputs: how many times each engine was given random inputs.
    outputs: every output in every engine but the first that runs the file.
    verdict, why: unknown where fewer than two engines run it.

    """

    file: str
    sha256: str
    shapes: tuple[InputShape, ...]
    inputs: int
    engines: tuple[EngineRun, ...]
    outputs: tuple[OutputAgreement, ...]
    verdict: Literal["passed", "failed", "unknown"]
    why: str

    @property
    def exit_code(self) -> int:
        """1 where engines differ, 3 where the verdict is unknown, since an engine to compare with is missing."""
        own = {"passed": 0, "failed": 1, "unknown": TargetError.exit_code}[self.verdict]
        return max(own, *(run.exit_code for run in self.engines))


def compare_engines(
    path: Path, model: Model, engines: Sequence[str], asked: Mapping[str, tuple[int, ...]], num_threads: int = 1
) -> LoneSelftest:
    """Run the file in each engine on the same random inputs, and compare each with the first that runs it.

    ``asked`` has the shapes of inputs with free dimensions.

    Raises
    ------
    InputError: the file cannot be read, or a shape is missing or does not fit.

    """
    runs: list[EngineRun] = []
    found: list[tuple[RandomRun, Values]] = []
    for engine in engines:
        try:
            found.append(run_on_random_inputs(path, engine, asked, SEEDS, num_threads))
            runs.append(EngineRun(engine, found[-1][0].version, None, 0))
        except TargetError as error:
            runs.append(EngineRun(engine, None, str(error), error.exit_code))
    rows = [row for other in found[1:] for row in _compare(found[0][1], *other)]
    verdict: Literal["passed", "failed", "unknown"] = "passed" if all(row.passed for row in rows) else "failed"
    shapes = found[0][0].shapes if found else ()
    if len(found) > 1:
        return LoneSelftest(path.name, model.sha256, shapes, SEEDS, tuple(runs), tuple(rows), verdict, TOLERANCE)
    why = _why_alone(model.format, engines)
    return LoneSelftest(path.name, model.sha256, shapes, SEEDS, tuple(runs), (), "unknown", why)


def _why_alone(format_: Format, engines: Sequence[str]) -> str:
    """Return why there is nothing to compare with, and what would help."""
    if len(engines) > 1:
        return f"nothing to compare: of {' and '.join(engines)} fewer than two run the file"
    others = [name for name, kind in ENGINES.items() if kind.format == format_ and name not in engines]
    if not others:
        return f"nothing to compare with: no other engine reads .{format_} files"
    if set(others) & set(installed_engines()):
        return "nothing to compare with: one engine was asked for; leave --engine out"
    return f"nothing to compare with: {others[0]} is not installed; {pip_line(ENGINES[others[0]].extra)}"


def _compare(first: Values, other: RandomRun, values: Values) -> list[OutputAgreement]:
    rows = []
    for info, ones, others in zip(other.outputs, first, values, strict=True):
        pairs = [(_real(one, info), _real(two, info)) for one, two in zip(ones, others, strict=True)]
        tolerance, difference = _tolerance(info, ones + others), _largest_difference(pairs)
        same = sum(int(one.argmax() == two.argmax()) for one, two in pairs) if _is_scores(info, pairs) else None
        passed = difference is not None and difference <= tolerance
        rows.append(OutputAgreement(info.name, other.engine, difference, tolerance, same, passed))
    return rows


def _real(values: NDArray[Any], info: TensorInfo) -> NDArray[Any]:
    """Return values as real numbers, dequantized where the file states scale and zero point."""
    real = values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)
    return real if info.scale is None or info.zero_point is None else (real - info.zero_point) * info.scale


def _largest_difference(pairs: list[tuple[NDArray[Any], NDArray[Any]]]) -> float | None:
    largest = 0.0
    for one, two in pairs:
        if one.shape != two.shape or not np.array_equal(np.isfinite(one), np.isfinite(two)):
            return None
        finite = np.isfinite(one)
        largest = max(largest, float(np.abs(one[finite] - two[finite]).max(initial=0)))
    return largest


def _tolerance(info: TensorInfo, values: list[NDArray[Any]]) -> float:
    if info.scale is None and values[0].dtype.kind in "biu":
        return 0.0
    real = (np.abs(_real(one, info)) for one in values)
    largest = max(float(one[np.isfinite(one)].max(initial=0)) for one in real)
    return max(SHARE * largest, LEAST if info.scale is None else STEPS * info.scale)


def _is_scores(info: TensorInfo, pairs: list[tuple[NDArray[Any], NDArray[Any]]]) -> bool:
    """Return whether an output is a vector of two numbers or more, in which the largest may be the answer."""
    if info.scale is None and not info.dtype.startswith("float"):
        return False
    shapes = {value.shape for pair in pairs for value in pair}
    return len(shapes) == 1 and all(max(shape[:-1], default=1) == 1 < max(shape[-1:], default=1) for shape in shapes)
