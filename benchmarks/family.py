"""The family's table: what each member costs and how well it reads, mean and spread over its seeds."""

from __future__ import annotations

import statistics
from itertools import groupby
from typing import Any


def family_table(result: dict[str, Any]) -> str:
    """A line a member, in the order they are made."""
    lines = [
        "| member | int8 file, bytes | of them weights | parameters | MACs, million | validation | test "
        "| digits on paper | minutes a run |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for member, group in groupby(result["runs"], key=lambda run: run["member"]):
        runs = list(group)
        first = runs[0]
        paper = [run["paper"]["accuracy"] for run in runs if run["paper"]]
        minutes = statistics.mean(run["seconds"] for run in runs) / 60
        lines.append(
            f"| `{member}` | {first['bytes']:,} | {first['weight_bytes']:,} | {first['parameters']:,} "
            f"| {first['macs'] / 1e6:.2f} | {_spread([run['validation'] for run in runs])} "
            f"| {_spread([run['test'] for run in runs])} | {_spread(paper) if paper else '–'} | {minutes:.0f} |"
        )
    seeds = {member: len(list(group)) for member, group in groupby(result["runs"], key=lambda run: run["member"])}
    several = sorted({count for count in seeds.values() if count > 1})
    lines += [
        "",
        f"The int8 TFLite files in LiteRT: mean ± standard deviation over {' or '.join(map(str, several)) or 'one'} "
        "seeds where there are several; 5,000 validation digits, by which all was chosen, and 10,000 test digits. "
        "Made by `make models`, written by `make readme`.",
    ]
    return "\n".join(lines)


def _spread(shares: list[float]) -> str:
    mean = f"{100 * statistics.mean(shares):.2f}"
    return f"{mean} ± {100 * statistics.stdev(shares):.2f} %" if len(shares) > 1 else f"{mean} %"
