"""Tables out of committed results, in Markdown: one function a table."""

from __future__ import annotations

import re
from itertools import groupby
from operator import itemgetter
from typing import Any

from edgedigits.bundle import DEFAULT_PRECISION
from edgedigits.manifest import PRECISIONS
from edgedigits_export.report.rows import join_rows

BITS = {"arm64": "64-bit", "armhf": "32-bit"}
# What every command takes where LiteRT is there.
DEFAULT = (f"{DEFAULT_PRECISION}.tflite", "litert")


def variants_table(parity: dict[str, Any], bench: dict[str, Any]) -> str:
    """Every variant in every engine: size, accuracy, latency, with the machine and versions it was measured on."""
    lines = [
        "| file | engine | KB | accuracy | drop, pp | at most | changed answers | ECE before → after "
        "| p50 µs | p99 µs |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| `{row.file}` | {row.engine} | {row.kilobytes:.1f} | {100 * row.accuracy:.2f} % | {row.drop:+.2f} "
        f"| {row.drop_at_most:+.2f} | {row.flips} | {row.ece_before:.4f} → {row.ece:.4f} "
        f"| {row.p50_us:.1f} | {row.p99_us:.1f} |"
        for row in join_rows(parity, bench)
    ]
    machine, keras = bench["machine"], parity["keras"]
    low, high = keras["ci95"]
    lines += [
        "",
        f"Accuracy over the {parity['count']:,} images of {parity['data']}, where Keras itself has "
        f"{100 * keras['top1']:.2f} % (95 % interval {100 * low:.2f} to {100 * high:.2f}); drop against Keras with the "
        "upper 95 % bound of Tango's score interval, changed answers, and expected calibration error without the "
        "model's temperature and with it. Latency of one inference, tensors set and got, one thread, "
        f"median over {bench['processes']} processes, "
        f"on {machine['board'] or machine['cpu']} ({machine['cores']} cores, {machine['architecture']}), "
        f"Python {machine['python']}: a shared virtual machine, not a Raspberry Pi. "
        f"Bundle `{parity['bundle'][:12]}`; measured by `make bench`, written by `make readme`.",
    ]
    return "\n".join(lines)


def boards_table(pi: dict[str, Any]) -> str:
    """Boards × system × engine × file against this engine on the desk; boards share a row, and so does all of a member.

    What stands in a shared row is the worst of it.
    """
    lines = [
        "| boards | Raspberry Pi OS | engine | file | agreement | changed answers | max \\|Δ\\| | self-test |",
        "|---|---|---|---|---:|---:|---:|---|",
    ]
    lines += [_board_row(same, f"`{same[0]['file']}`") for same in _grouped(_main(pi), "system", "release", "file")]
    for name in pi["members"]:
        rows = [row for row in _rows(pi) if row["model"] == name]
        lines += [
            _board_row(same, f"`{name}`, {len({row['file'] for row in same})} files")
            for same in _grouped(rows, "system")
        ]
    return "\n".join([*lines, *_lies(pi), "", _boards_note(pi)])


def instructions_table(pi: dict[str, Any]) -> str:
    """Guest instructions of the main bundle per inference: what a processor is asked to do, not how long it takes."""
    rows = _counted(_main(pi))
    boards = sorted({row["board"] for row in rows})
    lines = [f"| engine | file | {_processors(pi, boards)} |", f"|---|---|{'---:|' * len(boards)}"]
    for same in _grouped(rows, "release", "file"):
        counts = {row["board"]: row["instructions"] for row in same}
        cells = " | ".join(f"{counts[board] / 1e3:,.0f}" for board in boards)
        lines.append(f"| {same[0]['release']} | `{same[0]['file']}` | {cells} |")
    return "\n".join([*lines, "", "Thousands of instructions per inference, one thread. " + _sentence(pi["note"])])


def cheapest_table(pi: dict[str, Any]) -> str:
    """Of every model the file and engine with the fewest instructions on each board; the cheapest model first."""
    rows = _counted(_rows(pi))
    boards = sorted({row["board"] for row in rows})
    lines = [f"| model | {_processors(pi, boards)} |", f"|---|{'---|' * len(boards)}"]
    for same in sorted(_grouped(rows, "model"), key=lambda same: min(row["instructions"] for row in same)):
        cells = " | ".join(_cheapest([row for row in same if row["board"] == board]) for board in boards)
        lines.append(f"| `{same[0]['model']}` | {cells} |")
    engines = ", ".join(_different(rows, "release"))
    note = (
        f"Thousands of instructions per inference, one thread, 64-bit bookworm; {engines}. In brackets, how many more "
        f"the default takes where it is another, `{DEFAULT[0]}` in {DEFAULT[1]}. {_sentence(pi['note'])}"
    )
    return "\n".join([*lines, "", note])


def model_and_variant(file: str) -> tuple[str, str]:
    """The two parts of a file's name in a bundle: ``small-int8.tflite`` is ``int8.tflite`` of ``small``."""
    found = re.fullmatch(rf"(.+?)-((?:{'|'.join(PRECISIONS)})\.\w+)", file)
    if not found:
        raise ValueError(f"expected a file named MODEL-PRECISION.FORMAT, found {file}")
    return found[1], found[2]


def compat_line(compat: dict[str, Any]) -> str:
    """How often `check` was right, in one sentence."""
    counts = compat["totals"]
    return (
        f"`check` against reality, over {len(compat['models'])} models and {len(compat['releases'])} releases of the "
        f'engines ({counts["pairs"]:,} pairs): {counts["false_runs"]} times "runs" where it does not, '
        f'{counts["false_cannot_run"]} times "cannot run" or "computes wrongly" where it runs '
        f"({100 * counts['false_cannot_run_share']:.2f} %); {counts['reality']['computes wrongly']} pairs load without "
        "an error and answer wrongly. [docs/compatibility.md](docs/compatibility.md) has them all."
    )


def flips_table(flips: dict[str, Any]) -> str:
    """How many single-bit errors the self-test notices."""
    names = {"all": "any bit", "top": "the top bit", "harmful": "changes an answer among the validation digits"}
    lines = [
        "| flipped weight bit | of | noticed by the release whose answers were recorded | by another release |",
        "|---|---:|---:|---:|",
    ]
    for key, name in names.items():
        told = flips["noticed"][key]
        shares = (f"{told[how]} ({100 * told[how] / told['count']:.1f} %)" for how in ("exactly", "up_to_rounding"))
        lines.append(f"| {name} | {told['count']} | {' | '.join(shares)} |")
    lines += [
        "",
        f"Of `{flips['file']}`, bundle `{flips['bundle'][:12]}`: {flips['golden']} golden inputs, "
        f"{flips['digits']:,} validation digits, seed {flips['seed']}; measured by `make bit-flips`.",
    ]
    return "\n".join(lines)


def _rows(pi: dict[str, Any]) -> list[dict[str, Any]]:
    """All rows of all boards, each with where it ran, what of, and what the self-test said."""
    found = []
    for machine in pi["machines"]:
        passed = {(row["file"], row["engine"]): row["passed"] for row in machine["selftest"]}
        for row in machine["rows"]:
            model, variant = model_and_variant(row["file"])
            found.append(row | {
                "board": machine["board"], "system": f"{machine['os']} {BITS[machine['arch']]}",
                "release": f"{row['engine']} {row['version']}", "model": model, "variant": variant,
                "passed": passed.get((row["file"], row["engine"]), False),
            })  # fmt: skip
    return found


def _main(pi: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in _rows(pi) if row["model"] not in pi["members"]]


def _counted(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those with instructions, of the one system that all boards and engines have."""
    return [row for row in rows if row["instructions"] is not None and row["system"] == "bookworm 64-bit"]


def _grouped(rows: list[dict[str, Any]], *names: str) -> list[list[dict[str, Any]]]:
    """Rows that are alike in these fields, in their order."""
    key = itemgetter(*names)
    return [list(same) for _, same in groupby(sorted(rows, key=key), key=key)]


def _different(rows: list[dict[str, Any]], name: str) -> list[str]:
    return sorted({row[name] for row in rows})


def _board_row(same: list[dict[str, Any]], file: str) -> str:
    """The worst of rows of one system."""
    return (
        f"| {', '.join(dict.fromkeys(row['board'] for row in same))} | {same[0]['system']} "
        f"| {', '.join(_different(same, 'release'))} | {file} "
        f"| {100 * min(row['agreement'] for row in same):.2f} % | {max(row['flips'] for row in same)} "
        f"| {max(row['max_abs_difference'] for row in same):.1e} "
        f"| {'passed' if all(row['passed'] for row in same) else 'FAILED'} |"
    )


def _processors(pi: dict[str, Any], boards: list[str]) -> str:
    processors = {machine["board"]: machine["processor"] for machine in pi["machines"]}
    return " | ".join(f"{board} ({processors[board]})" for board in boards)


def _cheapest(rows: list[dict[str, Any]]) -> str:
    """A cell: the cheapest of a model's files on a board, and what the default takes beside it."""
    if not rows:
        return "–"
    best = min(rows, key=itemgetter("instructions"))
    told = f"`{best['variant']}` in {best['engine']}: {best['instructions'] / 1e3:,.0f}"
    for row in rows:
        if (row["variant"], row["engine"]) == DEFAULT and row is not best:
            told += f" ({100 * (row['instructions'] / best['instructions'] - 1):+.0f} %)"
    return told


def _lies(pi: dict[str, Any]) -> list[str]:
    """A row for each bundle that loads and answers wrongly, if every board with its engine caught it."""
    told = [
        (lie["bundle"], machine, row)
        for machine in pi["machines"] for lie in machine["lies"] for row in lie["selftest"]
    ]  # fmt: skip
    lines = []
    for name in dict.fromkeys(name for name, _, _ in told):
        rows = [(machine, row) for other, machine, row in told if other == name]
        boards = ", ".join(dict.fromkeys(machine["board"] for machine, _ in rows))
        systems = ", ".join(dict.fromkeys(f"{machine['os']} {BITS[machine['arch']]}" for machine, _ in rows))
        version = next(row["version"] for row in rows[0][0]["rows"] if row["engine"] == "tflite")
        caught = "**caught**" if not any(row["passed"] for _, row in rows) else "MISSED"
        lines.append(f"| {boards} | {systems} | tflite {version} | `{name}` | – | – | – | {caught} |")
    return lines


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _boards_note(pi: dict[str, Any]) -> str:
    command, shared = "make pi", ""
    if pi["members"]:
        command, shared = (
            "make pi-family",
            f" A row of several files ({pi['member_digits']} digits) has the worst of them.",
        )
    return (
        f"{pi['digits']:,} digits of {pi['data']} on emulated boards with the real wheels of each platform, against "
        f"the same engine on the desk (where it has none, against LiteRT).{shared} This proves compatibility and "
        f"numerics, never speed. Bundle `{pi['bundle'][:12]}`, the built wheel `{pi['wheel']}`; run by `{command}`."
    )
