"""Tables of how well photographs are read, out of reading.json."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.accuracy.grid_counts import summed
from benchmarks.accuracy.photographs import HALVES, MARGINS, MISPLACED, TITLES
from benchmarks.harness.benchmark import Result
from benchmarks.harness.markdown import markdown_table
from edgedigits.verification.statistics import wilson

# How many photographs of each set are listed as its worst.
WORST = 10
NOT_MEASURED = "No photographs were measured: name their folder with `--photographs`."


def cells_table(result: Result) -> str:
    """Return a row for each set, way to cut cells and model."""
    sets = result["photographs"]
    if not sets:
        return NOT_MEASURED
    rows = []
    for name, halves in sets.items():
        for cut in result["margins"]:
            for variant in next(iter(halves.values()))["cells"]:
                parts = {half: told["cells"][variant][cut] for half, told in halves.items()}
                counts = summed(parts.values())
                rows.append((
                    TITLES[name], cut, variant, f"{counts['digits']:,}", *right_cells(counts), *_half_cells(parts),
                    f"{counts['wrong']:,}", f"{counts['refused']:,}", _of(counts["empty_answered"], counts["empty"]),
                    f"{counts['grids']} of {counts['photographs']}",
                ))  # fmt: skip
    head = (
        "`classify`, cells", "cut", "model", "digits", "right", "95 % interval", "odd half", "even half", "wrong",
        "refused", "empty answered", "whole grids",
    )  # fmt: skip
    return markdown_table(head, "lllr", rows)


def pages_table(result: Result) -> str:
    """Return a row for each set and program that read its photographs."""
    if not result["photographs"]:
        return NOT_MEASURED
    rows = []
    for name, reader, way, parts in page_counts(result):
        counts = summed(parts.values())
        rows.append((
            TITLES[name], f"{reader}, {way}", counts["photographs"], f"{counts['digits']:,}", *right_cells(counts),
            *_half_cells(parts), f"{counts['found']:,}", _of(counts["false"], counts["empty"]),
            f"{counts['grids']} of {counts['photographs']}",
        ))  # fmt: skip
    head = (
        "whole photographs", "read by", "count", "digits", "right", "95 % interval", "odd half", "even half", "found",
        "false in empty cells", "whole grids",
    )  # fmt: skip
    return markdown_table(head, "llr", rows)


def beside_table(result: Result) -> str:
    """Return edgedigits beside each other program on the set of photographs that edgedigits reads worst."""
    if not result["photographs"]:
        return NOT_MEASURED
    counted = {(name, reader, way): summed(parts.values()) for name, reader, way, parts in page_counts(result)}
    ours = {name: counts for (name, *by), counts in counted.items() if by == ["edgedigits", "int8"]}
    worst = min(ours, key=lambda name: ours[name]["right"] / ours[name]["digits"])
    cells = [
        (f"**{reader}**" if counts is ours[worst] else reader, *right_cells(counts),
         _megabytes(result["readers"][reader]), f"{counts['seconds'] / counts['photographs']:.2f}")
        for (name, reader, _), counts in counted.items()
        if name == worst and (reader != "edgedigits" or counts is ours[worst])
    ]  # fmt: skip
    digits = f"{ours[worst]['digits']:,} digits *{TITLES[worst]}* in {ours[worst]['photographs']} photographs"
    return markdown_table((digits, "right", "95 % interval", "MB installed", "seconds a photograph"), "lr", cells)


def readers_table(result: Result) -> str:
    """Return what each program that read the photographs takes on the disk, and how long a photograph takes it."""
    if not result["photographs"]:
        return NOT_MEASURED
    rows = []
    for name, reader in result["readers"].items():
        if "skipped" in reader:
            rows.append((name, "", "", f"not had: {reader['skipped']}"))
            continue
        ways: dict[str, list[Result]] = {}
        for halves in result["photographs"].values():
            for told in halves.values():
                for way, counts in told["pages"][name].items():
                    ways.setdefault(way, []).append(counts)
        totals = {way: summed(parts) for way, parts in ways.items()}
        seconds = (f"{way} {total['seconds'] / total['photographs']:.2f}" for way, total in totals.items())
        rows.append((name, reader["version"], _megabytes(reader), ", ".join(seconds)))
    return markdown_table(("program", "version", "MB installed", "seconds a photograph"), "llrl", rows)


def _megabytes(reader: Result) -> str:
    return "–" if reader["megabytes"] is None else f"{reader['megabytes']:,.0f}"


def worst_table(result: Result) -> str:
    """Return the photographs of each set in which most cells are wrong."""
    if not result["photographs"]:
        return NOT_MEASURED
    rows = []
    for name in result["photographs"]:
        cells, pages = _each(result, name)
        faulty = sorted(cells, key=lambda one: (-cells[one]["faults"] - pages[one]["faults"], one))[:WORST]
        rows += [
            (TITLES[name], one, cells[one]["digits"], cells[one]["faults"], pages[one]["faults"])
            for one in faulty
            if cells[one]["faults"] + pages[one]["faults"]
        ]
    head = ("set", "photograph", "digits", "cells that `classify` gets wrong", "cells that `read` gets wrong")
    return markdown_table(head, "llr", rows)


def misplaced_phrase(result: Result) -> str:
    """Return what photographs cost whose corners lie beside their grids."""
    sentences = []
    for name in result["photographs"]:
        cells, pages = _each(result, name)
        if misplaced := [one for one in MISPLACED if one in cells]:
            sentences.append(
                f"Without {', '.join(misplaced)}, whose corners are given beside their grids, {_share(cells)} "
                f"digits *{TITLES[name]}* are right in cells with lines, {_share(pages)} in whole photographs."
            )
    return " ".join(sentences)


def _each(result: Result, name: str) -> tuple[Result, Result]:
    """Return the counts of each photograph of a set: of `classify` with lines and of `read`, with the int8 file."""
    halves = result["photographs"][name].values()
    cut = next(iter(MARGINS))
    cells = summed(told["cells"]["int8"][cut]["each"] for told in halves)
    return cells, summed(told["pages"]["edgedigits"]["int8"]["each"] for told in halves)


def _share(each: Result) -> str:
    """Return the share of right digits in the photographs whose corners are right."""
    total = summed(counts for name, counts in each.items() if name not in MISPLACED)
    return f"{100 * total['right'] / total['digits']:.1f} % of {total['digits']:,}"


def page_counts(result: Result) -> Iterator[tuple[str, str, str, dict[str, Result]]]:
    """Yield set, program, its setting and the counts of each half; of a peer, the setting that reads most digits."""
    for name, halves in result["photographs"].items():
        for reader, about in result["readers"].items():
            if "skipped" in about:
                continue
            ways = next(iter(halves.values()))["pages"][reader]
            parts = {way: {half: told["pages"][reader][way] for half, told in halves.items()} for way in ways}
            best = max(parts, key=lambda way: summed(parts[way].values())["right"])
            for way in parts if reader == "edgedigits" else (best,):
                yield name, reader, way, parts[way]


def right_cells(counts: Result) -> tuple[str, str]:
    """Return the share of right digits and its 95 % interval."""
    low, high = wilson(counts["right"], counts["digits"])
    return f"{100 * counts['right'] / counts['digits']:.1f} %", f"{100 * low:.1f} to {100 * high:.1f} %"


def _half_cells(parts: dict[str, Result]) -> Iterator[str]:
    for half in HALVES:
        yield right_cells(parts[half])[0] if half in parts else "–"


def _of(part: int, total: int) -> str:
    return f"{part} of {total:,}" if total else "none there"
