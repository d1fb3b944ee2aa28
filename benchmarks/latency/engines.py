"""How fast each variant is in each engine, with one thread and with two.

`python benchmarks/engines.py BUNDLE [--smallest] [-o FILE]` is `edgedigits bench` with all it can combine; the result
is what that stores.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edgedigits.cli.main import main as edgedigits

RESULT = Path(__file__).parent / "results" / "engines.json"
MATRIX = ["--threads", "1,2", "--processes", "10", "--seconds", "0.03"]  # more raw values would not fit a commit
SMALLEST = ["--threads", "1", "--processes", "5", "--seconds", "0", "--variant", "int8"]


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle")
    parser.add_argument("--smallest", action="store_true", help="one variant, one thread: does it work?")
    parser.add_argument("-o", type=Path, default=RESULT, dest="output", help="benchmarks/results/engines.json")
    args = parser.parse_args()
    matrix = SMALLEST if args.smallest else MATRIX
    return edgedigits(["bench", args.bundle, *matrix, "-o", str(args.output), "--overwrite"])


def engines_table(result: dict[str, Any]) -> str:
    """Load, first inference and steady state of each configuration."""
    lines = [
        "| file | engine | threads | load ms | first µs | p50 µs (95 % interval) | p90 µs | p99 µs | per s | peak MB |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in result["rows"]:
        asked, found = row["configuration"], row["summary"]
        if found is None:
            lines.append(f"| `{asked['file']}` | {asked['engine']} | {asked['threads']} | {row['error']} |{' – |' * 6}")
            continue
        low, high = found["p50_ci95_us"]
        lines.append(
            f"| `{asked['file']}` | {asked['engine']} {row['version']} | {asked['threads']} | {found['load_ms']:.2f} "
            f"| {found['first_us']:.0f} | {found['p50_us']:.1f} ({low:.1f}-{high:.1f}) | {found['p90_us']:.1f} "
            f"| {found['p99_us']:.1f} | {found['throughput']:,.0f} | {found['peak_rss_mb']:.0f} |"
        )
    machine = result["machine"]
    doubts = sum(bool(row["doubts"]) for row in result["rows"])
    lines += [
        "",
        f"Medians over {result['processes']} fresh processes each, in rounds; the interval by drawing processes anew. "
        f"{machine['board'] or machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, "
        f"edgedigits {result['edgedigits']}; {doubts} of {len(result['rows'])} rows are called doubtful by `bench` "
        f"itself (the result says why); not told by this machine: {', '.join(result['absent']) or 'nothing'}.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
