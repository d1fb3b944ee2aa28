"""What `reading` found, out of reading.json: the headline, and tables of single pictures and of generated pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.accuracy.grid_counts import summed
from benchmarks.accuracy.photograph_tables import (
    cells_table,
    misplaced_phrase,
    page_counts,
    pages_table,
    readers_table,
    worst_table,
)
from benchmarks.accuracy.photographs import HALVES, TITLES
from benchmarks.harness.benchmark import Result
from benchmarks.harness.markdown import machine_phrase, markdown_table, versions_phrase

MODEL = "int8"


def reading_tables(result: Result) -> str:
    """Return all that was found, real pictures first."""
    parts = (
        headline, cells_table, pages_table, worst_table, misplaced_phrase, readers_table, real_table, generated_table,
        corrupted_table, print_table, numbers_table, origin,
    )  # fmt: skip
    return "\n\n".join(make(result) for make in parts)


def headline(result: Result) -> str:
    """Return in a sentence how the worst real set is read."""
    share, what, how = min(_real_shares(result))
    others = [one for one in _real_shares(result) if one[2] != how]
    smallest = "A smallest run, which shows that everything works and measures nothing. " if result["smallest"] else ""
    text = f"{smallest}**On the worst real set, {what}, `{how}` gets {100 * share:.1f} % right.**"
    if others:
        share, what, how = min(others)
        text += f" `{how}` is worst on {what}: {100 * share:.1f} %."
    return text


def _real_shares(result: Result) -> Iterator[tuple[float, str, str]]:
    """Yield the share of right digits in every real set, what they are, and what reads them."""
    for name, halves in result["photographs"].items():
        for cut in result["margins"]:
            counts = summed(told["cells"][MODEL][cut] for told in halves.values())
            what = f"{counts['digits']:,} digits *{TITLES[name]}*, cut out of photographs {cut}"
            yield counts["right"] / counts["digits"], what, "classify"
    for name, reader, way, parts in page_counts(result):
        if (reader, way) == ("edgedigits", MODEL):
            counts = summed(parts.values())
            what = f"{counts['digits']:,} digits *{TITLES[name]}*, in whole photographs"
            yield counts["right"] / counts["digits"], what, "read"
    for told in result["real"].values():
        if "variants" in told:
            found = told["variants"][MODEL]
            yield found["top1"], f"{found['n']:,} single digits *{told['title']}*", "classify"


def real_table(result: Result) -> str:
    """Return a row for each set of single digits that people wrote and each model."""
    return _sets_table(result["real"], "real set")


def generated_table(result: Result) -> str:
    """Return a row for each generated set of single pictures and each model."""
    return _sets_table(result["generated"], "generated set")


def _sets_table(sets: Result, title: str) -> str:
    rows = []
    for told in sets.values():
        if "skipped" in told:
            rows.append((told["title"], *5 * ("",), f"not had: {told['skipped']}"))
        for variant, found in told.get("variants", {}).items():
            figure, interval = ("top1", "ci95") if "top1" in found else ("refused", "refused_ci95")
            low, high = found[interval]
            bare = f" (model alone {percent(found['bare'])})" if "bare" in found else ""
            rows.append((
                told["title"], variant, f"{found['n']:,}", percent(found[figure]),
                f"{percent(low)} to {percent(high)}",
                percent(found["top1_unrejected"]) + bare if "top1_unrejected" in found else "",
                reasons_phrase(found["reasons"]),
            ))  # fmt: skip
    head = (title, "model", "n", "right", "95 % interval", "without refusals", "refused")
    return markdown_table(head, "llrrlrl", rows)


def corrupted_table(result: Result) -> str:
    """Return a row for each kind of corruption, with what is right and what is refused at each severity."""
    rows = []
    totals: dict[str, list[float]] = {}
    for kind, levels in result["corrupted"].items():
        cells = []
        for level, told in levels.items():
            found = told["variants"][MODEL]
            cells.append(f"{percent(found['top1'], 1)} ({percent(found['rejected'] / found['n'], 1)})")
            totals.setdefault(level, []).append(found["top1"])
        rows.append((kind, *cells))
    rows.append(("mean", *(percent(sum(shares) / len(shares), 1) for shares in totals.values())))
    head = ("corrupted MNIST: right (refused)", *(f"severity {level}" for level in totals))
    return markdown_table(head, "lr", rows)


def print_table(result: Result) -> str:
    """Return how many false digits `read` reports in ordinary print."""
    pages = result["pages"]
    if "skipped" in pages:
        return f"No pages were drawn: {pages['skipped']}"
    rows = [
        (variant, found["pages"], f"{found['letters']:,}", found["false"], found["refused"],
         f"{1000 * found['false'] / found['letters']:.2f}")
        for variant, found in pages["print"].items()
    ]  # fmt: skip
    head = ("ordinary print: model", "pages", "letters", "false digits", "refused ones", "false a 1,000 letters")
    return markdown_table(head, "lr", rows)


def numbers_table(result: Result) -> str:
    """Return the character error rate of `read` on pages of numbers."""
    pages = result["pages"]
    if "skipped" in pages:
        return f"No pages were drawn: {pages['skipped']}"
    rows = [
        (kind, variant, found["pages"], f"{found['characters']:,}", found["edits"],
         percent(found["edits"] / found["characters"]), found["faultless"])
        for kind, variants in pages["numbers"].items()
        for variant, found in variants.items()
    ]  # fmt: skip
    head = ("pages of numbers", "model", "pages", "characters", "edits", "character error rate", "pages without fault")
    return markdown_table(head, "llr", rows)


def origin(result: Result) -> str:
    """Return what was measured, with what, and how the result came about."""
    half = f"Of the photographs only those with {result['half']} numbers. " if result["half"] in HALVES else ""
    return (
        f"{half}Bundle `{result['bundle'][:12]}`, MNIST's {result['split']} digits, seed {result['seed']}; "
        f"{versions_phrase(result['versions'])}; {machine_phrase(result['machine'])}. Measured by `make reading`, "
        "written by `make readme`."
    )


def percent(share: float, places: int = 2) -> str:
    """Return a share in per cent."""
    return f"{100 * share:.{places}f} %"


def reasons_phrase(counts: dict[str, Any]) -> str:
    """Return the reasons of refusals with their counts."""
    return ", ".join(f"{reason} {count:,}" for reason, count in counts.items())
