"""Join size, accuracy and latency of each variant in each engine into one row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from edgedigits.errors import InputError
from edgedigits.manifest import Judgement, Manifest

Standing = Literal["passed", "failed", "undecided", "not judged", "error"]
# For each file and engine, the summary that `bench` has of it.
Times = Mapping[tuple[str, str], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One variant in one engine; None where it was not measured.

    Attributes
    ----------
    engine: the engine's name and release.
    drop, drop_at_most: the drop of accuracy against the reference, in percentage points, and its upper 95 % bound.
    ece_before, ece: expected calibration error without the temperature of the model, and with it.
    outcome: the gate's; ``error`` where the engine did not run the file, ``not judged`` where nothing was compared.
    reasons: why the outcome is not ``passed``; empty when it is.
    needed: about how many images would decide; None where it is decided, or where no number would.
    judged_on: how many images ``drop`` and ``outcome`` are about.
    p50_us, p50_ci95_us, p99_us: latency in microseconds, and the 95 % interval of its median.

    """

    file: str
    engine: str
    kilobytes: float
    accuracy: float | None
    ci95: tuple[float, float] | None
    drop: float | None
    drop_at_most: float | None
    flips: int | None
    ece_before: float | None
    ece: float | None
    outcome: Standing
    reasons: str
    needed: int | None
    judged_on: int | None
    p50_us: float | None
    p50_ci95_us: tuple[float, float] | None
    p99_us: float | None


def join_rows(parity: dict[str, Any], bench: dict[str, Any], sizes: Mapping[str, int]) -> list[ReportRow]:
    """Join the JSON of `parity --json` and `bench --json` by file and engine; ``sizes`` are bytes by file.

    Raises
    ------
    InputError: the figures are those of another version.

    """
    try:
        times = _times(bench)
        return [_row(row, sizes[row["file"]], times.get((row["file"], row["engine"]), {})) for row in parity["rows"]]
    except (KeyError, TypeError) as error:
        raise InputError(
            f"expected figures of parity and bench of this version, found others ({error!r}); measure anew"
        ) from error


def settled(rows: Sequence[ReportRow], manifest: Manifest) -> list[ReportRow]:
    """Put the export's verdict in the place of one that saw too few images: the export had more of them."""
    files = {(file.path, f"{file.parity.engine} {file.parity.version}"): file.judgement for file in manifest.files}
    return [
        _judged(row, judgement)
        if (judgement := files.get((row.file, row.engine))) and row.outcome == "undecided"
        else row
        for row in rows
    ]


def _judged(row: ReportRow, judgement: Judgement) -> ReportRow:
    low, high = judgement.drop_ci95
    return replace(
        row,
        outcome=judgement.outcome,
        reasons="" if judgement.outcome == "passed" else f"accuracy falls by {low:.2f} to {high:.2f} points",
        needed=None,
        drop=judgement.drop,
        drop_at_most=high,
        judged_on=judgement.count,
    )


def exported_rows(manifest: Manifest, bench: dict[str, Any]) -> list[ReportRow]:
    """Return the figures that `export` left in the manifest, for a bundle that has no reference to compare with.

    Raises
    ------
    InputError: the figures of ``bench`` are those of another version.

    """
    times = _times(bench)
    return [
        _judged(
            ReportRow(
                file=file.path,
                engine=f"{file.parity.engine} {file.parity.version}",
                kilobytes=file.bytes / 1e3,
                accuracy=file.accuracy.top1,
                ci95=file.accuracy.ci95,
                drop=None,
                drop_at_most=None,
                flips=file.parity.flips,
                ece_before=None,
                ece=None,
                outcome="not judged",
                reasons="",
                needed=None,
                judged_on=None,
                **_latency(times.get((file.path, file.parity.engine), {})),
            ),
            file.judgement,
        )
        for file in manifest.files
    ]


def first_measured(bench: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of `bench --json` that have times, of several settings of a file in an engine the first.

    Raises
    ------
    InputError: the figures are those of another version.

    """
    try:
        found = [row for row in bench["rows"] if row["summary"]]
        first = {(row["configuration"]["file"], row["configuration"]["engine"]): row for row in reversed(found)}
    except (KeyError, TypeError) as error:
        raise InputError(
            f"expected figures of bench of this version, found others ({error!r}); measure anew"
        ) from error
    return list(reversed(first.values()))


def _times(bench: dict[str, Any]) -> Times:
    rows = [(row["configuration"], row["summary"]) for row in first_measured(bench)]
    return {(one["file"], one["engine"]): summary for one, summary in rows}


def _row(row: dict[str, Any], size: int, time: Mapping[str, Any]) -> ReportRow:
    figures, verdict = row["comparison"], row["verdict"]
    return ReportRow(
        file=row["file"],
        engine=f"{row['engine']} {row['version'] or ''}".strip(),
        kilobytes=size / 1e3,
        accuracy=figures and figures["accuracy"]["top1"],
        ci95=figures and tuple(figures["accuracy"]["ci95"]),
        drop=figures and figures["drop"],
        drop_at_most=figures and figures["drop_ci95"][1],
        flips=figures and len(figures["flips"]),
        ece_before=figures and figures["ece_before"],
        ece=figures and figures["ece"],
        outcome=verdict["outcome"] if verdict else "error" if row["error"] else "not judged",
        reasons="; ".join(verdict["reasons"]) if verdict else row["error"] or "its outputs were stored, not compared",
        needed=verdict and verdict.get("needed"),
        judged_on=figures and figures["accuracy"]["count"],
        **_latency(time),
    )


def _latency(time: Mapping[str, Any]) -> dict[str, Any]:
    interval = time.get("p50_ci95_us")
    return {
        "p50_us": time.get("p50_us"),
        "p50_ci95_us": interval and (interval[0], interval[1]),
        "p99_us": time.get("p99_us"),
    }
