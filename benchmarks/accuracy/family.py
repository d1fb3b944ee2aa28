"""The family's table: what each member costs and how accurate it is, mean and spread over its seeds."""

from __future__ import annotations

import statistics
from itertools import groupby
from typing import Any

from benchmarks.harness.benchmark import Result
from benchmarks.harness.markdown import markdown_table

HEAD = (
    "member", "int8 file, bytes", "of them weights", "parameters", "MACs, million", "p50 µs", "validation", "test",
    "Keras, test", "minutes a run",
)  # fmt: skip


def family_table(result: Result, latency: Result) -> str:
    """Return a row a member, in the order in which they are made."""
    times = {row["configuration"]["file"]: row["summary"]["p50_us"] for row in latency["rows"]}
    members = {name: list(runs) for name, runs in groupby(result["runs"], key=lambda run: run["member"])}
    rows = [
        (
            f"`{member}`", *(f"{runs[0][name]:,}" for name in ("bytes", "weight_bytes", "parameters")),
            f"{runs[0]['macs'] / 1e6:.2f}", f"{times[f'{member}-int8.tflite']:.1f}",
            *(_spread([run[name] for run in runs]) for name in ("validation", "test", "keras_test")), _minutes(runs),
        )
        for member, runs in members.items()
    ]  # fmt: skip
    machine = latency["machine"]
    place = f"{machine['board'] or machine['cpu']} ({machine['cores']} cores, {machine['architecture']})"
    seeds = max(map(len, members.values()))
    note = (
        f"The int8 TFLite files in LiteRT: mean ± standard deviation over {seeds} seeds where a spread is given; "
        "5,000 validation digits, by which all was chosen, and 10,000 test digits, by which nothing was. Latency of "
        f"one inference, one thread, median over {latency['processes']} processes, on {place}: a shared virtual "
        "machine, not a Raspberry Pi. Minutes are of training: with TensorFlow on one processor core each, with JAX on "
        "what [models/README.md](models/README.md) names. "
        f"{_verifications(result['proofs'])} Made by `make models`, written by `make readme`."
    )
    return markdown_table(HEAD, "lr", rows, note)


def _verifications(proofs: dict[str, dict[str, Any]]) -> str:
    """Return which members passed all commands that verify a bundle."""
    commands = ("selftest", "check", "parity")
    failed = [f"`{name}` of `{member}`" for member, codes in proofs.items() for name in commands if codes[name]]
    asked = "`selftest`, `check` for Pi 3, 4 and 5, and `parity` over the test digits"
    if failed:
        return f"Of {asked} these did not pass: {', '.join(failed)}."
    return f"All variants of every member pass {asked}."


def _minutes(runs: list[dict[str, Any]]) -> str:
    """Return the mean of the runs, and whether they ran with JAX: a record does not tell on which device."""
    minutes = f"{statistics.mean(run['seconds'] for run in runs) / 60:.0f}"
    return f"{minutes} (JAX)" if any("jax" in run["versions"] for run in runs) else minutes


def _spread(shares: list[float]) -> str:
    mean = f"{100 * statistics.mean(shares):.2f}"
    return f"{mean} ± {100 * statistics.stdev(shares):.2f} %" if len(shares) > 1 else f"{mean} %"
