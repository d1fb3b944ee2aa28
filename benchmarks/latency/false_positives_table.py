"""How far `compare` can be believed, in Markdown."""

from __future__ import annotations

from typing import Any

_HOW = {"in_turns": "in turns, in one run", "apart": "one run after the other"}


def alarms_table(result: dict[str, Any]) -> str:
    """False alarms and planted slowdowns, with their intervals."""
    lines = [
        "| measured | files | comparisons | called a change | 95 % interval | called slower | ratio | interval |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for key, how in _HOW.items():
        for which, title in (("same", "the same"), ("slowed", f"a wait of {result['planted']:.0%} planted")):
            found = result[key][which]
            low, high = (100 * share for share in found["called_ci95"])
            half = 100 * found["median_half_width"]
            cells = [
                how, title, str(found["count"]), str(found["called_a_change"]), f"{low:.1f}-{high:.1f} %",
                str(found["called_slower"]), f"{found['median_ratio']:.3f}", f"±{half:.1f} %",
            ]  # fmt: skip
            lines.append(f"| {' | '.join(cells)} |")
    machine = result["machine"]
    lines += [
        "",
        f"Level {1 - result['level']:.0%}; {result['processes']} processes of {result['seconds_a_process']:g} s each, "
        f"{result['seconds_a_comparison']:.1f} s a comparison with all its measuring; ratio and interval are medians. "
        f"{result['engine']}, edgedigits {result['edgedigits']}; {machine['board'] or machine['cpu']}, "
        f"{machine['cores']} cores, a shared virtual machine.",
    ]
    return "\n".join(lines)
