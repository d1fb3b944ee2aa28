"""The family's table: what each member costs and how accurate it is, mean and spread over its seeds."""

from __future__ import annotations

import statistics
from itertools import groupby
from typing import Any

from benchmarks.harness.benchmark import Result
from benchmarks.harness.markdown import markdown_table

HEAD = (
    "member", "int8 file, bytes", "of them weights", "parameters", "MACs, million", "validation", "test", "Keras, test",
    "minutes a run",
)  # fmt: skip
SHORT = ("network", "int8 file, KB", "million multiplications", "test digits right")


def short_table(result: Result) -> str:
    """Return in a row a member what it costs and how accurate it is; the cheapest first."""
    rows = [
        (f"`{member}`", f"{runs[0]['bytes'] / 1e3:.0f}", f"{runs[0]['macs'] / 1e6:.2f}",
         _spread([run["test"] for run in runs]))
        for member, runs in sorted(_members(result).items(), key=lambda item: item[1][0]["bytes"])
    ]  # fmt: skip
    return markdown_table(SHORT, "lr", rows)


def family_table(result: Result) -> str:
    """Return a row a member, in the order in which they are made."""
    members = _members(result)
    rows = [
        (
            f"`{member}`", *(f"{runs[0][name]:,}" for name in ("bytes", "weight_bytes", "parameters")),
            f"{runs[0]['macs'] / 1e6:.2f}",
            *(_spread([run[name] for run in runs]) for name in ("validation", "test", "keras_test")), _minutes(runs),
        )
        for member, runs in members.items()
    ]  # fmt: skip
    seeds = max(map(len, members.values()))
    note = (
        f"The int8 TFLite files in LiteRT: mean ± standard deviation over {seeds} seeds where a spread is given; "
        "5,000 validation digits, by which all was chosen, and 10,000 test digits, by which nothing was. Minutes are "
        "of training: with TensorFlow on one processor core each, with JAX on one H100. "
        f"{_verifications(result['proofs'])} Made by `make models`, written by `make readme`."
    )
    return markdown_table(HEAD, "lr", rows, note)


def _members(result: Result) -> dict[str, list[dict[str, Any]]]:
    return {name: list(runs) for name, runs in groupby(result["runs"], key=lambda run: run["member"])}


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
