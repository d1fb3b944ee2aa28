"""Tables of how well single digits are read, out of reading.json."""

from __future__ import annotations

from typing import Any

from benchmarks.harness.benchmark import Result
from benchmarks.harness.markdown import machine_phrase, markdown_table, versions_phrase


def sets_table(result: Result) -> str:
    """Return a row a set and variant."""
    rows = []
    for told in result["sets"].values():
        if "skipped" in told:
            rows.append((told["title"], *6 * ("",), f"not had: {told['skipped']}", ""))
        for variant, found in told.get("variants", {}).items():
            figure, interval = ("top1", "ci95") if "top1" in found else ("refused", "refused_ci95")
            low, high = found[interval]
            bare = f" (model alone {percent(found['bare'])})" if "bare" in found else ""
            rows.append((
                told["title"], variant, f"{found['n']:,}", percent(found[figure]),
                f"{percent(low)} to {percent(high)}",
                percent(found["top1_unrejected"]) + bare if "top1_unrejected" in found else "",
                f"{found['rejected']:,}", reasons_phrase(found["reasons"]), _goal(told),
            ))  # fmt: skip
    head = ("set", "model", "n", "right", "95 % interval", "without refusals", "refused", "reasons", "goal")
    return markdown_table(head, "llrrlrrlr", rows, _origin(result))


def _origin(result: Result) -> str:
    return (
        f"Bundle `{result['bundle'][:12]}`, MNIST's {result['split']} digits, seed {result['seed']}; "
        f"{versions_phrase(result['versions'])}; {machine_phrase(result['machine'])}. Measured by `make reading`, "
        "written by `make readme`."
    )


def _goal(told: dict[str, Any]) -> str:
    return percent(told["goal"], 1) if told["goal"] else ""


def percent(share: float, digits: int = 2) -> str:
    """Return a share in per cent."""
    return f"{100 * share:.{digits}f} %"


def reasons_phrase(counts: dict[str, int]) -> str:
    """Return the reasons of refusals with their counts."""
    return ", ".join(f"{reason} {count:,}" for reason, count in counts.items())
