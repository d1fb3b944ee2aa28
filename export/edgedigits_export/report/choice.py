"""Choose the file to ship from its gates, its latency and its size, and say why in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgedigits.manifest import Manifest
from edgedigits_export.report.rows import ReportRow, Standing

RULE = (
    "The rule: of the files that passed the gate in an engine and failed in none, the fastest where latency was "
    "measured; of those whose intervals overlap with the fastest's, or of all where it was not, the smallest."
)

# One engine that fails decides about a file; one that did not run it, or saw too few images, says nothing against it.
_DECIDES_FIRST: tuple[Standing, ...] = ("failed", "passed", "undecided", "not judged")
_BEST_FIRST: tuple[Standing, ...] = ("passed", "undecided", "not judged", "failed")


@dataclass(frozen=True, slots=True)
class Choice:
    """The file that the rule chooses.

    Attributes
    ----------
    row: the file in its fastest engine; None where no engine ran any.
    sentence: whether to ship it, and why, as text for people.

    """

    row: ReportRow | None
    sentence: str


def choose_file(rows: Sequence[ReportRow], manifest: Manifest, machine: str, count: int) -> Choice:
    """Choose by `RULE`; where no file passed, name the one that comes nearest, and say that it is not proved.

    ``machine`` is the one on which latency was measured, ``count`` the number of images that were compared.
    """
    judged: dict[Standing, list[ReportRow]] = {}
    for file in {row.file: None for row in rows}:
        ran = [row for row in rows if row.file == file and row.outcome != "error"]
        if ran:
            outcome = min((row.outcome for row in ran), key=_DECIDES_FIRST.index)
            judged.setdefault(outcome, []).append(_fastest(ran))
    for outcome in _BEST_FIRST:
        if outcome in judged:
            return _choice(outcome, judged[outcome], rows, manifest, machine, count)
    return Choice(None, "Ship none of these files: no engine here ran one")


def _choice(
    outcome: Standing,
    candidates: list[ReportRow],
    rows: Sequence[ReportRow],
    manifest: Manifest,
    machine: str,
    count: int,
) -> Choice:
    if outcome == "failed":
        best = min(candidates, key=lambda row: row.drop or 0)
        reasons = next(row.reasons for row in rows if row.file == best.file and row.outcome == "failed")
        return Choice(best, f"Ship none of these files: all that ran failed. {best.file} loses least: {reasons}")
    best = _best(candidates)
    why = ", ".join([_size(best, rows), _loss(best, manifest, count), _speed(best, candidates, machine)])
    if outcome == "passed":
        return Choice(best, f"Ship {best.file}: {why}")
    doubt = "no outputs were compared"
    if outcome == "undecided":
        needed = max((row.needed or 0 for row in rows if row.file == best.file), default=0)
        doubt = f"{count:,} images are too few to tell" + (f", about {needed:,} would do" if needed else "")
    return Choice(best, f"No file is proved here: {doubt}. By the rule it would be {best.file}: {why}")


def _fastest(rows: Sequence[ReportRow]) -> ReportRow:
    timed = [row for row in rows if row.p50_us is not None]
    return min(timed, key=_time) if timed else rows[0]


def _best(candidates: Sequence[ReportRow]) -> ReportRow:
    return min(_equally_fast(candidates), key=lambda row: (row.kilobytes, row.drop or 0))


def _equally_fast(candidates: Sequence[ReportRow]) -> Sequence[ReportRow]:
    """Return the candidates whose interval overlaps with that of the fastest; all of them where none was measured."""
    timed = [row for row in candidates if row.p50_ci95_us]
    if not timed:
        return candidates
    limit = min(timed, key=_time).p50_ci95_us
    return [row for row in timed if limit and row.p50_ci95_us and row.p50_ci95_us[0] <= limit[1]]


def _time(row: ReportRow) -> float:
    return row.p50_us or 0.0


def _size(best: ReportRow, rows: Sequence[ReportRow]) -> str:
    largest = max(row.kilobytes for row in rows)
    if largest == best.kilobytes:
        return f"{best.kilobytes:.1f} KB"
    return f"{best.kilobytes:.1f} KB, {best.kilobytes / largest:.0%} of the largest file".replace("%", " %")


def _loss(best: ReportRow, manifest: Manifest, count: int) -> str:
    if manifest.reference.of != "Keras":  # its own answers on another machine, which tell nothing of accuracy
        right = f"{100 * (best.accuracy or 0):.2f} % of {count:,} images right"
        return f"{right}, {best.flips or 'no'} answers other than {manifest.reference.of}'s at the export"
    drop = f"{best.drop or 0:.2f}"
    return "no accuracy lost" if float(drop) <= 0 else f"{drop} points of accuracy lost"


def _speed(best: ReportRow, candidates: Sequence[ReportRow], machine: str) -> str:
    if best.p50_us is None:
        return "latency not measured"
    # Without its release: the machine that was measured may have another than the one that compared.
    time = f"{best.p50_us:.1f} µs in {best.engine.split()[0]} on {machine}"
    fastest = _fastest(candidates)
    if fastest.file != best.file:
        return f"{time}, which is not measurably slower than {fastest.file}"
    passed = "that passed" if best.outcome == "passed" else "of them"
    return f"{time}, the fastest {passed}" if len(candidates) > 1 else time
