"""Tables of how well single digits are read, out of reading.json."""

from __future__ import annotations

from typing import Any

from benchmarks.harness.benchmark import Result
from benchmarks.harness.markdown import machine_phrase, markdown_table, versions_phrase


def short_table(result: Result) -> str:
    """Return a row a set, for the README; sets that were not had are left out."""
    variants = next(iter(result["sets"].values()))["variants"]
    digits = markdown_table(
        ("pictures of digits", "n", f"read rightly, {', '.join(variants)}", "goal"), "lr", _short(result, "top1")
    )
    none = markdown_table(
        ("pictures of no digit", "n", f"refused, {', '.join(variants)}", "goal"), "lr", _short(result, "refused"),
        _origin(result),
    )  # fmt: skip
    return f"{digits}\n\n{none}"


def _short(result: Result, figure: str) -> list[tuple[object, ...]]:
    """Return rows of the sets that have ``figure``."""
    rows: list[tuple[object, ...]] = []
    for told in result["sets"].values():
        found = [one for one in told.get("variants", {}).values() if figure in one]
        if found:
            shares = ", ".join(percent(one[figure]) for one in found)
            rows.append((told["title"], f"{found[0]['n']:,}", shares, _goal(told)))
    return rows


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


def negatives_table(result: Result) -> str:
    """Return a row a kind of what is no digit, a column a variant."""
    by_variant = {name: found["kinds"] for name, found in result["sets"]["negatives"]["variants"].items()}
    first = next(iter(by_variant.values()))
    rows: list[tuple[str, ...]] = [
        (
            kind.replace("_", " "), f"{told['n']:,}",
            *(percent(kinds[kind]["right"], 1) for kinds in by_variant.values()), reasons_phrase(told["reasons"]),
        )
        for kind, told in first.items()
    ]  # fmt: skip
    means = (sum(one["right"] for one in kinds.values()) / len(kinds) for kinds in by_variant.values())
    rows.append(("mean", "", *map(percent, means), ""))
    return markdown_table(("generated", "n", *by_variant, "reasons"), f"lr{'r' * len(by_variant)}l", rows)


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
