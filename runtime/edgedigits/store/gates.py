"""The gates of a new bundle on a board: does it answer there as it should, and as fast as the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from edgedigits.bundle import Bundle
from edgedigits.engines import engine_version
from edgedigits.errors import BundleError, EdgeDigitsError
from edgedigits.input_shapes import resolve_shapes
from edgedigits.locating import find_locator
from edgedigits.manifest import SUFFIXES, ModelFile
from edgedigits.measure.compare import MIN_PROCESSES, compare_rows
from edgedigits.measure.configuration import Configuration, configuration_of
from edgedigits.measure.rounds import Plan, measure_rounds
from edgedigits.store.replay import Answer, replay
from edgedigits.verification.selftest import selftest
from edgedigits.verification.statistics import mcnemar_exact

Outcome = Literal["passed", "failed", "undecided", "skipped"]
NOTHING_BEFORE = "no bundle was active before"
NONE = "none"  # the folder of labelled pictures that have no digit
SIGNIFICANT = 0.05
_SECONDS = 0.05
_STRAY_MB = 2.0  # by which the peak of one file differs from process to process


@dataclass(frozen=True, slots=True)
class Runs:
    """One variant of a bundle in one engine."""

    bundle: Bundle
    file: ModelFile
    engine: str

    @property
    def variant(self) -> str:
        """The variant with the suffix of its format."""
        return self.file.precision + SUFFIXES[self.file.format]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a new bundle may do otherwise than the active one.

    Attributes
    ----------
    changed: how many stored pictures may get another answer, if nothing is known of what is right.
    slower, memory: by which share its latency and its peak of memory may be above.

    """

    changed: int
    slower: float
    memory: float


@dataclass(frozen=True, slots=True)
class GateResult:
    """A line of the report: what a gate found."""

    gate: str
    outcome: Outcome
    found: str


def run_gates(
    new: Runs, old: Runs | None, pictures: Path | None, limits: Limits, progress: Callable[[str], object]
) -> Iterator[GateResult]:
    """Yield the result of each gate, until one fails whose failure leaves nothing to compare."""
    for gate in (_requirements, _selftest):
        progress(gate.__name__.strip("_"))
        result = gate(new)
        yield result
        if result.outcome == "failed":
            return
    progress("parity")
    yield _parity(new, old, pictures, limits)
    progress("latency and memory")
    yield from _speed(new, old, limits)


def _requirements(new: Runs) -> GateResult:
    """Compare what this board has with what the manifest says: the smallest release of the engine, the locator."""
    gate, needs = "requirements", new.file.requirements.engines.get(new.engine)
    try:
        if new.bundle.manifest.preprocessing.id == "digit/2":
            find_locator(new.bundle.manifest.preprocessing.locator)
        version = engine_version(new.engine)
    except EdgeDigitsError as error:
        return GateResult(gate, "failed", str(error))
    if needs is None:
        return GateResult(
            gate, "undecided", f"{new.file.path}: nothing is known of {new.engine}; the self-test decides"
        )
    found = f"{new.file.path} needs {new.engine} {needs}, here is {version}"
    return GateResult(gate, "passed" if _numbers(version) >= _numbers(needs) else "failed", found)


def _numbers(release: str) -> tuple[int, ...]:
    """Return a release as numbers that compare as releases do: 1.7 is 1.7.0."""
    numbers = [int("0" + "".join(filter(str.isdigit, part))) for part in release.partition("+")[0].split(".")[:4]]
    return tuple(numbers + [0] * (4 - len(numbers)))


def _selftest(new: Runs) -> GateResult:
    (row,) = selftest(new.bundle, [new.file], [new.engine])
    if row.result is None:
        return GateResult("selftest", "failed", str(row.error))
    wrong, off = len(row.result.wrong), len(row.result.pictures_off)
    found = f"{row.result.count - wrong} of {row.result.count} golden inputs as recorded"
    found += f", {off} of {row.result.pictures} pictures prepared otherwise" if off else ""
    found += f", off by {row.result.mean_abs_difference:.2g} on average" if row.result.drifted else ""
    return GateResult("selftest", "passed" if row.result.passed else "failed", found)


def _parity(new: Runs, old: Runs | None, pictures: Path | None, limits: Limits) -> GateResult:
    """Compare the answers to this board's own pictures with those of the active bundle."""
    if old is None or pictures is None:
        return GateResult("parity", "skipped", NOTHING_BEFORE if old is None else "this board has no stored pictures")
    try:
        before, now = (replay(one.bundle.path, one.variant, one.engine, pictures) for one in (old, new))
    except EdgeDigitsError as error:
        return GateResult("parity", "failed", str(error))
    return judge_answers(before, now, new.bundle.manifest.labels, limits.changed, pictures)


def judge_answers(
    before: Sequence[Answer], now: Sequence[Answer], labels: Sequence[str], allowed: int, pictures: Path
) -> GateResult:
    """Judge changed answers: against the labels where sub-folders are named by them, else by how many there are."""
    if [one.picture for one in before] != [one.picture for one in now] or not before:
        return GateResult("parity", "skipped", f"{pictures}: no pictures, or others came in between")
    changed = [other for one, other in zip(before, now, strict=True) if one.said != other.said]
    refused = [sum(one.rejected is not None for one in answers) for answers in (before, now)]
    found = f"{len(changed)} of {len(now)} answers changed, {refused[0]} refused before, {refused[1]} now"
    meant = [Path(one.picture).parts[0] for one in now]
    if not set(meant) <= {*labels, NONE}:
        first = f": {changed[0].picture} first" if changed else ""
        return GateResult(
            "parity", "passed" if len(changed) <= allowed else "failed", f"{found}, at most {allowed}{first}"
        )
    pairs = list(zip(meant, before, now, strict=True))
    lost = sum(_right(label, one) and not _right(label, other) for label, one, other in pairs)
    gained = sum(_right(label, other) and not _right(label, one) for label, one, other in pairs)
    p = mcnemar_exact(lost, gained)
    failed = lost > gained and p < SIGNIFICANT
    found += f", {lost} right ones lost and {gained} gained (p = {p:.2g})"
    return GateResult("parity", "failed" if failed else "passed", found)


def _right(label: str, answer: Answer) -> bool:
    return answer.said == ("refused" if label == NONE else label)


def _speed(new: Runs, old: Runs | None, limits: Limits) -> Iterator[GateResult]:
    """Measure both in turns, round by round, as `bench` does."""
    if old is None:
        yield from (GateResult(gate, "skipped", NOTHING_BEFORE) for gate in ("latency", "memory"))
        return
    plan = Plan(processes=MIN_PROCESSES, seconds=_SECONDS)
    result, _ = measure_rounds([_configuration(one) for one in (old, new)], plan, lambda _: None)
    if result.withheld:
        yield from (GateResult(gate, "skipped", result.withheld) for gate in ("latency", "memory"))
        return
    first, last = result.rows
    if last.error is not None:
        yield GateResult("latency", "failed", last.error)
        return
    try:
        (change,) = compare_rows(result)
    except EdgeDigitsError as error:
        yield GateResult("latency", "undecided", str(error))
        return
    low, high = (end - 1 for end in change.ratio_ci99)
    outcome: Outcome = "failed" if low > limits.slower else "undecided" if high > limits.slower else "passed"
    found = f"{change.new_us:.1f} µs after {change.old_us:.1f} µs: {low:+.0%} to {high:+.0%}"
    yield GateResult("latency", outcome, f"{found}, at most {limits.slower:+.0%}")
    before, now = (row.summary and row.summary.peak_rss_mb for row in (first, last))
    if not before or not now:
        yield GateResult("memory", "skipped", "this system does not tell")
        return
    much = now > before * (1 + limits.memory) + _STRAY_MB
    found = f"{now:.0f} MB after {before:.0f} MB, at most {limits.memory:+.0%}"
    yield GateResult("memory", "failed" if much else "passed", found)


def _configuration(one: Runs) -> Configuration:
    shapes = resolve_shapes(one.file.path, (one.file.image,), {}, 1)
    return replace(configuration_of(one.bundle, one.file, one.engine), shapes=shapes)


def choose_runs(bundle: Bundle, variant: str | None, engine: str) -> Runs:
    """Return what a service would run of a bundle.

    Raises
    ------
    BundleError: the bundle has no such variant, or is no classifier's.
    EngineMissingError: no installed engine reads it.

    """
    from edgedigits.model_choice import choose_model

    if bundle.manifest.task != "classify":
        raise BundleError(
            f"{bundle.path}: expected a classifier, found a {bundle.manifest.name}, which works inside one"
        )
    model, chosen = choose_model(bundle, variant, engine)
    assert model.file is not None  # noqa: S101  a bundle's model has an entry
    return Runs(bundle, model.file, chosen)
