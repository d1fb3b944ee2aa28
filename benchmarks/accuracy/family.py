"""The family's table: what each member costs and how well it reads, mean and spread over its seeds."""

from __future__ import annotations

import statistics
from itertools import groupby
from typing import Any


def family_table(result: dict[str, Any], latency: dict[str, Any]) -> str:
    """A line a member, in the order they are made."""
    times = {row["configuration"]["file"]: row["summary"]["p50_us"] for row in latency["rows"]}
    lines = [
        "| member | int8 file, bytes | of them weights | parameters | MACs, million | p50 µs | validation | test "
        "| Keras, test | minutes a run |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    seeds = set()
    for member, group in groupby(result["runs"], key=lambda run: run["member"]):
        runs = list(group)
        seeds.add(len(runs))
        first = runs[0]
        spreads = (_spread([run[name] for run in runs]) for name in ("validation", "test", "keras_test"))
        lines.append(
            f"| `{member}` | {first['bytes']:,} | {first['weight_bytes']:,} | {first['parameters']:,} "
            f"| {first['macs'] / 1e6:.2f} | {times[f'{member}-int8.tflite']:.1f} | {' | '.join(spreads)} "
            f"| {_minutes(runs)} |"
        )
    machine = latency["machine"]
    place = f"{machine['board'] or machine['cpu']} ({machine['cores']} cores, {machine['architecture']})"
    lines += [
        "",
        f"The int8 TFLite files in LiteRT: mean ± standard deviation over {max(seeds)} seeds where a spread is given; "
        "5,000 validation digits, by which all was chosen, and 10,000 test digits, by which nothing was. Latency of "
        f"one inference, one thread, median over {latency['processes']} processes, on {place}: a shared virtual "
        "machine, not a Raspberry Pi. Minutes are of training: with TensorFlow on one processor core each, with JAX on "
        "what [models/README.md](models/README.md) names. "
        f"{_proofs(result['proofs'])} Made by `make models`, written by `make readme`.",
    ]
    return "\n".join(lines)


def _proofs(proofs: dict[str, dict[str, Any]]) -> str:
    """Which members passed all of the verbs that prove a bundle."""
    verbs = ("selftest", "check", "parity")
    failed = [f"`{verb}` of `{member}`" for member, proof in proofs.items() for verb in verbs if proof[verb]]
    asked = "`selftest`, `check` for Pi 3, 4 and 5, and `parity` over the test digits"
    if failed:
        return f"Of {asked} these did not pass: {', '.join(failed)}."
    return f"All variants of every member pass {asked}."


def _minutes(runs: list[dict[str, Any]]) -> str:
    """Mean of the runs, and whether they ran with JAX: a record does not tell on which device."""
    minutes = f"{statistics.mean(run['seconds'] for run in runs) / 60:.0f}"
    return f"{minutes} (JAX)" if any("jax" in run["versions"] for run in runs) else minutes


def _spread(shares: list[float]) -> str:
    mean = f"{100 * statistics.mean(shares):.2f}"
    return f"{mean} ± {100 * statistics.stdev(shares):.2f} %" if len(shares) > 1 else f"{mean} %"
