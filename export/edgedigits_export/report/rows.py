"""Join size, accuracy and latency of each variant in each engine into one row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgedigits.errors import InputError


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One variant in one engine; None where it was not measured.

    Attributes
    ----------
    drop, drop_at_most: the drop of accuracy against Keras, in percentage points, and its upper 95 % bound.
    ece_before, ece: expected calibration error without the temperature of the model, and with it.
    verdict: ``passed``, or the reasons against it.

    """

    file: str
    engine: str
    kilobytes: float | None
    accuracy: float | None
    ci95: tuple[float, float] | None
    drop: float | None
    drop_at_most: float | None
    flips: int | None
    ece_before: float | None
    ece: float | None
    verdict: str
    p50_us: float | None
    p99_us: float | None


def join_rows(parity: dict[str, Any], bench: dict[str, Any]) -> list[ReportRow]:
    """Join the JSON of `parity --json` and `bench --json` by file and engine.

    Raises
    ------
    InputError: the figures are those of another version.

    """
    try:
        measured = [(row["configuration"], row["summary"]) for row in bench["rows"]]
        sizes = {one["file"]: one["bytes"] for one, _ in measured}
        times = {(one["file"], one["engine"]): summary for one, summary in reversed(measured) if summary}
        return [
            _row(row, sizes.get(row["file"]), times.get((row["file"], row["engine"]), {})) for row in parity["rows"]
        ]
    except (KeyError, TypeError) as error:
        raise InputError(
            f"expected figures of parity and bench of this version, found others ({error!r}); measure anew"
        ) from error


def _row(row: dict[str, Any], size: int | None, time: dict[str, Any]) -> ReportRow:
    figures = row["comparison"]
    return ReportRow(
        file=row["file"],
        engine=f"{row['engine']} {row['version'] or ''}".strip(),
        kilobytes=None if size is None else size / 1e3,
        accuracy=figures and figures["accuracy"]["top1"],
        ci95=figures and tuple(figures["accuracy"]["ci95"]),
        drop=figures and figures["drop"],
        drop_at_most=figures and figures["drop_ci95"][1],
        flips=figures and len(figures["flips"]),
        ece_before=figures and figures["ece_before"],
        ece=figures and figures["ece"],
        verdict=_verdict(row),
        p50_us=time.get("p50_us"),
        p99_us=time.get("p99_us"),
    )


def _verdict(row: dict[str, Any]) -> str:
    if row["verdict"] is None:
        return str(row["error"] or "not compared")
    return "; ".join(row["verdict"]["reasons"]) or str(row["verdict"]["outcome"])
