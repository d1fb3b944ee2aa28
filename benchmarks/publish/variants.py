"""The table of all variants in all engines: size, accuracy, cost; absolute times last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.boards.pi_tables import instructions
from benchmarks.harness.benchmark import Result
from benchmarks.harness.markdown import machine_phrase, markdown_table
from edgedigits_export.report.rows import ReportRow, join_rows

HEAD = (
    "file", "engine", "KB", "accuracy", "drop, pp", "at most", "changed answers", "ECE before → after",
    "instructions, thousand", "p50 ×", "p50 µs", "p99 µs",
)  # fmt: skip
BOARD = "pi4"


def variants_table(parity: Result, bench: Result, pi: Result) -> str:
    """Return the table of every variant in every engine, with the machine and versions that it was measured on.

    Times that `bench` itself calls doubtful are left out. ``p50 ×`` is the ratio to the fastest file.
    """
    measured = [row for row in bench["rows"] if row["configuration"]["threads"] == 1]
    sizes = {one["configuration"]["file"]: one["configuration"]["bytes"] for one in measured}
    sound = {_place(row) for row in measured if row["summary"] and not row["doubts"]}
    joined = join_rows(parity, bench, sizes)
    least = min((row.p50_us for row in joined if row.p50_us and (row.file, row.engine) in sound), default=0.0)
    counts = instructions(pi, BOARD)
    rows = [_cells(row, counts, least if (row.file, row.engine) in sound else 0.0) for row in joined]
    return markdown_table(HEAD, "llr", rows, _note(parity, bench, len(rows) - len(sound)))


def _place(row: Mapping[str, Any]) -> tuple[str, str]:
    asked = row["configuration"]
    return asked["file"], f"{asked['engine']} {row['version']}"


def _cells(row: ReportRow, counts: Mapping[tuple[str, str], float], least: float) -> tuple[object, ...]:
    counted = counts.get((row.file, row.engine))
    times = (
        (f"{row.p50_us / least:.2f}", f"{row.p50_us:.1f}", f"{row.p99_us:.1f}")
        if least and row.p50_us
        else ("–", "–", "–")
    )
    return (
        f"`{row.file}`", row.engine, f"{row.kilobytes:.1f}", f"{row.accuracy:.2%}".replace("%", " %"),
        f"{row.drop:+.2f}", f"{row.drop_at_most:+.2f}", row.flips, f"{row.ece_before:.4f} → {row.ece:.4f}",
        "–" if counted is None else f"{counted / 1e3:,.0f}", *times,
    )  # fmt: skip


def _note(parity: Result, bench: Result, doubtful: int) -> str:
    keras = parity["keras"]
    low, high = keras["ci95"]
    left_out = f" {doubtful} rows have no times, for `bench` itself calls them doubtful." if doubtful else ""
    return (
        f"Accuracy over the {parity['count']:,} images of {parity['data']}, where Keras itself has "
        f"{100 * keras['top1']:.2f} % (95 % interval {100 * low:.2f} to {100 * high:.2f}); drop against Keras with the "
        "upper 95 % bound of Tango's score interval, changed answers, and expected calibration error without the "
        "model's temperature and with it. Instructions of one inference are counted on an emulated Pi 4. Latency is of "
        f"one inference, tensors set and got, one thread, median over {bench['processes']} processes; p50 × is the "
        f"ratio to the fastest.{left_out} {machine_phrase(bench['machine'])}: a shared virtual machine, not a "
        f"Raspberry Pi. Bundle `{parity['bundle'][:12]}`; measured by `make figures`, written by `make readme`."
    )
