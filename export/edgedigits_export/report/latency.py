"""Say in words how `bench` measured the latency that a report shows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from edgedigits.measure.configuration import Configuration
from edgedigits.records import from_plain
from edgedigits_export.report.rows import first_measured


def machine_name(bench: dict[str, Any]) -> str:
    """Return the name of the machine that was measured: of the board, or else of its processor."""
    machine = bench["machine"]
    return str(machine["board"] or machine["cpu"] or machine["architecture"])


def describe_latency(bench: dict[str, Any]) -> str:
    """Return sentences about the machine, the engines, the protocol and its doubts; or why there are no times."""
    rows = first_measured(bench)
    if not rows:
        why = bench["withheld"] or "; ".join(sorted({row["error"] for row in bench["rows"] if row["error"]}))
        return f"Latency was not measured: {why or 'bench has no times'}."
    return " ".join([_what(rows), _where(bench), _how(bench, rows), *_doubts(bench, rows)])


def _what(rows: list[dict[str, Any]]) -> str:
    used = [from_plain(Configuration, row["configuration"], "bench") for row in rows]
    settings = sorted({one.setting.removeprefix(f"{one.engine}, ") for one in used})
    engines = sorted({f"{row['configuration']['engine']} {row['version'] or ''}".strip() for row in rows})
    pictures = any(one.images for one in used)
    what = "from a picture's file to its answer" if pictures else "with the time to set and get tensors"
    return f"Latency: one inference, {what}, {' or '.join(settings)}, in {', '.join(engines)}."


def _where(bench: dict[str, Any]) -> str:
    machine = bench["machine"]
    facts = [machine_name(bench), f"{machine['cores']} cores", machine["architecture"]]
    facts += [machine["system"]] if machine["system"] else []
    facts += ["a virtual machine"] if machine["virtual"] else []
    when = datetime.fromtimestamp(bench["started"], UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"Measured with edgedigits bench on {', '.join(facts)}, {when}; it holds for this machine alone."


def _how(bench: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    counts = sorted({row["summary"]["processes"] for row in rows})
    processes = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return (
        f"Each file and engine had {processes} fresh processes, one in each round, in which all take turns; after its "
        f"warm-up each measured for at least {bench['seconds']:g} s and {bench['runs']} inferences. p50 and p99 are "
        "the medians over the processes, with the 95 % interval of p50 by resampling processes."
    )


def _doubts(bench: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    doubts = [] if bench["complete"] else ["the measurement was interrupted"]
    doubts += bench["warnings"]
    doubts += [
        f"{row['configuration']['file']} in {row['configuration']['engine']}: {doubt}"
        for row in rows
        for doubt in row["doubts"]
    ]
    return [f"Doubtful: {'; '.join(doubts)}."] if doubts else []
