"""The tables of quantizers side by side, and the goals that they are held to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from benchmarks.harness.benchmark import Result
from benchmarks.harness.markdown import machine_phrase, markdown_table, versions_phrase

Row = dict[str, Any]
# How much slower than a peer's file ours may be, and on how many of six networks it has to be the cheapest.
AS_SLOW, CHEAPEST_ON = 1.05, 5
SCOPES = {".tflite alone": ("tflite",), ".onnx alone": ("onnx",), "both formats together": ("tflite", "onnx")}
OLDER = "in tflite-runtime 2.14"
HEAD = ("quantizer", "format", "loses, points (95 % interval)", "KB", "p50, µs", "found in, s", OLDER)
COUNTS = ("inside", "undecided", "outside", "no file")
OVERALL = ("quantizer", "format", *COUNTS, "size × ours", "p50 × ours", "found in, s", OLDER)


def quantizers_table(result: Result) -> str:
    """Return the table over all networks, the goals, a table for each network, and why files are missing."""
    rows = result["rows"]
    parts = [
        markdown_table(OVERALL, "llr", _overall(rows), _overall_note(result)),
        "\n".join(f"- {sentence}" for sentence in goals(result)),
        *(_of_network(row) for row in rows),
        _reasons(rows),
        _note(result),
    ]
    return "\n\n".join(filter(None, parts))


def inside(file: Row) -> bool:
    """Return whether a file was made and the upper end of its loss is within the margin."""
    return file.get("outcome") == "passed" and file["p50_us"] is not None


def is_cheapest(row: Row, formats: Sequence[str]) -> bool:
    """Return whether one of our files inside the margin is as cheap as any peer's in these formats.

    It must not be larger than any of them, and take at most `AS_SLOW` times as long as any of them.
    """
    files = [file for file in row["files"] if file["format"] in formats and inside(file)]
    peers = [file for file in files if not file["ours"]]
    return any(
        all(ours["bytes"] <= peer["bytes"] and ours["p50_us"] <= AS_SLOW * peer["p50_us"] for peer in peers)
        for ours in files
        if ours["ours"]
    )


def goals(result: Result) -> list[str]:
    """Return a sentence for each goal: how far it is reached."""
    rows = result["rows"]
    ours = [file for row in rows for file in row["files"] if file["ours"]]
    within = f"{sum(map(inside, ours))} of our {len(ours)} files are inside the margin (goal: all)"
    return [within, *(_cheapest_sentence(rows, scope) for scope in SCOPES)]


def goals_missed(result: Result) -> list[str]:
    """Return the sentences of the goals that are not reached."""
    rows, (within, *cheapest) = result["rows"], goals(result)
    missed = [] if all(inside(file) for row in rows for file in row["files"] if file["ours"]) else [within]
    counts = [sum(is_cheapest(row, formats) for row in rows) for formats in SCOPES.values()]
    return missed + [told for told, count in zip(cheapest, counts, strict=True) if count < CHEAPEST_ON]


def _cheapest_sentence(rows: Sequence[Row], scope: str) -> str:
    others = [row["network"] for row in rows if not is_cheapest(row, SCOPES[scope])]
    told = (
        f"{scope}: on {len(rows) - len(others)} of {len(rows)} networks a file of ours is inside the margin, no larger "
        f"than any peer's inside it, and at most {AS_SLOW:g} times as slow as any (goal: {CHEAPEST_ON})"
    )
    return f"{told}; not on {', '.join(others)}" if others else told


def _overall(rows: Sequence[Row]) -> Iterator[list[object]]:
    """Yield a row a quantizer; ratios and seconds are medians over networks, ratios of files inside the margin."""
    for first in rows[0]["files"]:
        mine = [(row, _same(row, first)) for row in rows]
        outcomes = [file.get("outcome") for _, file in mine]
        ratios = [(file, ours) for row, file in mine if inside(file) and inside(ours := _ours(row, file["format"]))]
        yield [
            _name(first), f".{first['format']}",
            *(outcomes.count(outcome) for outcome in ("passed", "undecided", "failed", None)),
            *(_ratio([file[figure] / ours[figure] for file, ours in ratios]) for figure in ("bytes", "p50_us")),
            f"{median(file['seconds'] for _, file in mine):,.0f}", _older_overall([file for _, file in mine]),
        ]  # fmt: skip


def _same(row: Row, first: Row) -> Row:
    """Return the file that the same quantizer made in the same format of another network."""
    file: Row
    (file,) = (one for one in row["files"] if (one["name"], one["format"]) == (first["name"], first["format"]))
    return file


def _ours(row: Row, format_: str) -> Row:
    file: Row
    (file,) = (one for one in row["files"] if one["ours"] and one["format"] == format_)
    return file


def _ratio(values: Sequence[float]) -> str:
    return f"{median(values):.2f}" if values else "–"


def _older_overall(files: Sequence[Row]) -> str:
    asked = [file["older"] for file in files if file.get("older")]
    if not asked:
        return "–"
    worked = [older["agreement"] for older in asked if older["agreement"] is not None]
    least = f", {min(worked):.1%} of answers the same at least" if worked else ""
    return f"{len(worked)} of {len(asked)}{least}"


def _of_network(row: Row) -> str:
    head = (
        f"**{row['network']}**: {row['parameters']:,} parameters, {row['epochs']} epochs, {row['keras']:.2%} in Keras"
    )
    return f"{head}\n\n{markdown_table(HEAD, 'llr', map(_cells, row['files']))}"


def _cells(file: Row) -> list[str]:
    start, seconds = [_name(file), f".{file['format']}"], f"{file['seconds']:,.0f}"
    if "outcome" not in file:
        return [*start, "no file", "–", "–", seconds, "–"]
    low, high = file["drop_ci95"]
    loss = f"{file['drop']:+.2f} ({low:+.2f} to {high:+.2f})"
    time = "–" if file["p50_us"] is None else f"{file['p50_us']:,.0f}"
    shown = loss if inside(file) else f"**{loss}**"
    return [*start, shown, f"{file['bytes'] / 1000:,.0f}", time, seconds, _older(file["older"])]


def _older(older: Row | None) -> str:
    if older is None:
        return "–"
    return "refused" if older["agreement"] is None else f"{older['agreement']:.1%}"


def _name(file: Row) -> str:
    return f"**{file['name']}**" if file["ours"] else str(file["name"])


def _reasons(rows: Sequence[Row]) -> str:
    """Return why files are missing and why the older engine refuses some, each reason once."""
    said: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for file in row["files"]:
            for what, reason in _said(file):
                said.setdefault((what, reason), []).append(row["network"])
    lines = [f"- {what}, {', '.join(networks)}: `{reason}`" for (what, reason), networks in said.items()]
    return "\n".join(["In their own words:", "", *lines]) if lines else ""


def _said(file: Row) -> Iterator[tuple[str, str]]:
    who = f"{file['name']}, .{file['format']}"
    if file["reason"]:
        yield who, file["reason"]
    if (older := file.get("older")) and older["reason"]:
        yield f"tflite-runtime on {who}", older["reason"]


def _overall_note(result: Result) -> str:
    return (
        f"On how many of {len(result['rows'])} networks the upper end of the loss is inside the margin of "
        f"{result['gate']['margin']:g} points, on how many the lower end is outside, and on how many the margin lies "
        "between (undecided). Ratios to our file of the same format, where both are inside, and seconds are medians "
        "over networks."
    )


def _note(result: Result) -> str:
    return (
        f"Trained here on 50,000 images of Fashion-MNIST. Of the other 10,000, {result['calibrated']} set ranges and "
        f"{result['chosen']:,} chose for quantizers that choose; the {result['images']:,} test images, which none of "
        "them saw, judge against Keras: points of accuracy lost, with Tango's 95 % interval, bold where its upper end "
        "is outside the margin. Each quantizer worked in an environment of its own, from the float file of its format; "
        "the seconds are those of its whole process, ours with loading from Keras and all that `export` verifies. "
        "Latency is p50 of one thread, medians over fresh processes that take turns: .tflite in LiteRT, .onnx in "
        f"onnxruntime. The last column is the share of {result['for_older']:,} answers that tflite-runtime 2.14 shares "
        f"with LiteRT. {machine_phrase(result['machine'])}; {versions_phrase(result['versions'])}; in the other "
        f"environments {', '.join(result['peers']).replace('==', ' ')}. Measured by `make quantizers`, written by "
        "`make readme`."
    )
