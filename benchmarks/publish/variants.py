"""The table of all variants in all engines: size, accuracy, latency."""

from __future__ import annotations

from benchmarks.harness.benchmark import Result
from benchmarks.harness.markdown import markdown_table
from edgedigits_export.report.rows import join_rows

HEAD = (
    "file", "engine", "KB", "accuracy", "drop, pp", "at most", "changed answers", "ECE before → after", "p50 µs",
    "p99 µs",
)  # fmt: skip


def variants_table(parity: Result, bench: Result) -> str:
    """Return the table of every variant in every engine, with the machine and versions that it was measured on."""
    measured = (row["configuration"] for row in bench["rows"])
    sizes = {one["file"]: one["bytes"] for one in measured}
    rows = [
        (
            f"`{row.file}`", row.engine, f"{row.kilobytes:.1f}", f"{row.accuracy:.2%}".replace("%", " %"),
            f"{row.drop:+.2f}", f"{row.drop_at_most:+.2f}", row.flips, f"{row.ece_before:.4f} → {row.ece:.4f}",
            f"{row.p50_us:.1f}", f"{row.p99_us:.1f}",
        )
        for row in join_rows(parity, bench, sizes)
    ]  # fmt: skip
    machine, keras = bench["machine"], parity["keras"]
    low, high = keras["ci95"]
    note = (
        f"Accuracy over the {parity['count']:,} images of {parity['data']}, where Keras itself has "
        f"{100 * keras['top1']:.2f} % (95 % interval {100 * low:.2f} to {100 * high:.2f}); drop against Keras with the "
        "upper 95 % bound of Tango's score interval, changed answers, and expected calibration error without the "
        "model's temperature and with it. Latency of one inference, tensors set and got, one thread, "
        f"median over {bench['processes']} processes, "
        f"on {machine['board'] or machine['cpu']} ({machine['cores']} cores, {machine['architecture']}), "
        f"Python {machine['python']}: a shared virtual machine, not a Raspberry Pi. "
        f"Bundle `{parity['bundle'][:12]}`; measured by `make bench`, written by `make readme`."
    )
    return markdown_table(HEAD, "llr", rows, note)
