"""Tables of the emulated boards: outputs against the host's, and instructions per inference."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from benchmarks.boards.pi_read import COLUMNS, ROWS
from benchmarks.harness.benchmark import Result
from benchmarks.harness.markdown import markdown_table
from edgedigits.bundle import DEFAULT_PRECISION
from edgedigits.manifest import PRECISIONS

BITS = {"arm64": "64-bit", "armhf": "32-bit"}
# What every command takes where LiteRT is there.
DEFAULT = (f"{DEFAULT_PRECISION}.tflite", "litert")
Row = dict[str, Any]
# What an instruction a cycle is taken for, where nothing was measured on a board.
IPC = 1.0
GHZ = {"pi3": 1.4, "pi4": 1.8, "pi5": 2.4}
FEW = 1e8


def boards_phrase(pi: Result) -> str:
    """Return what the boards answered, beside the same engine on the host: sentences, and a table of what differed."""
    main, members = _main(pi), [row for row in _rows(pi) if row["model"] in pi["members"]]
    odd = [row for row in (*main, *members) if row["agreement"] < 1 or row["flips"] or not row["passed"]]
    rows = [_board_row(same, f"`{same[0]['file']}`") for same in _grouped(odd, "system", "release", "file")]
    head = ("boards", "Raspberry Pi OS", "engine", "file", "agreement", "changed answers", "self-test")
    verdict = "All of them pass the self-test and give the same answers" if not odd else "All but these do"
    names = ", ".join(f"`{name}`" for name in dict.fromkeys(row["model"] for row in (*main, *members)))
    sentences = (
        f"Emulated {_pis(main)} run "
        f"{len({row['file'] for row in main})} files of each of {names} in {_joined(_different(main, 'release'))}, "
        f"the real wheels of each platform. {verdict} to {pi['digits']:,} digits of {pi['data']}"
        f"{_fewer(pi)} as the same engine on the host (where it has none, as LiteRT). No probability differs by more "
        f"than {_furthest(main + members, dynamic=False)}, with dynamic-int8 by no more than "
        f"{_furthest(main + members, dynamic=True)}. {_wrong_phrase(pi)} This shows compatibility and numerics, never "
        f"speed. Bundle `{pi['bundle'][:12]}`, the built wheel `{pi['wheel']}`; run by `make figures`."
    )
    return markdown_table(head, "llllrrl", rows, sentences) if odd else sentences


def boards_line(pi: Result) -> str:
    """Return the same in one sentence."""
    rows = _rows(pi)
    wrong = sum(row["flips"] > 0 or not row["passed"] for row in rows)
    answered = "gave the same answers" if not wrong else f"gave the same answers in all but {wrong} cases"
    return (
        f"On emulated {_pis(rows)} the boards' own wheels of {_joined(_different(rows, 'release'))} {answered} to "
        f"{pi['digits']:,} digits as the same engines on a PC, with every variant of "
        f"`{'`, `'.join(_different(rows, 'model'))}`. {_wrong_phrase(pi)}"
    )


def instructions_table(pi: Result) -> str:
    """Return guest instructions of the main bundle per inference, which are no measure of time."""
    rows = _counted(_main(pi))
    boards = _different(rows, "board")
    cells = []
    for same in _grouped(rows, "release", "file"):
        counts = {row["board"]: f"{row['instructions'] / 1e3:,.0f}" for row in same}
        cells.append((same[0]["release"], f"`{same[0]['file']}`", *(counts[board] for board in boards)))
    note = f"Thousands of instructions per inference, one thread. {_sentence(pi['note'])}"
    return markdown_table(("engine", "file", *_processors(pi, boards)), "llr", cells, note)


def instructions(pi: Result, board: str) -> dict[tuple[str, str], float]:
    """Return guest instructions per inference of the main bundle on a board, by file and engine with its release."""
    return {(row["file"], row["release"]): row["instructions"] for row in _counted(_main(pi)) if row["board"] == board}


def read_table(pi: Result) -> str:
    """Return the guest instructions of `classify` and `read`, and what they may mean in seconds."""
    machines = [one for one in pi["machines"] if (one["os"], one["arch"]) == ("bookworm", "arm64")]
    counts = {
        (task, f"{row['engine']} {row['version']}", one["board"]): count
        for one in machines
        for row in one["read"]
        for task, count in row["instructions"].items()
    }
    boards = [one["board"] for one in machines]
    cells = [
        (f"`{task}`", engine, *(_millions(counts.get((task, engine, board))) for board in boards))
        for task, engine in dict.fromkeys(key[:2] for key in sorted(counts))
    ]
    note = (
        "Millions of instructions, one thread: `classify` of a PNG of 112×112 pixels with a digit, `read` of "
        f"one of 640×480 with {ROWS * COLUMNS} digits, from the file to the answer. At {IPC:g} instruction a cycle, "
        "which is an estimate and no measurement, a thousand millions take "
        f"{_seconds(1e9, 'pi3'):.1f} s on a Pi 3's 1.4 GHz, {_seconds(1e9, 'pi4'):.1f} s on a Pi 4's 1.8 GHz and "
        f"{_seconds(1e9, 'pi5'):.1f} s on a Pi 5's 2.4 GHz. "
        f"{_sentence(pi['note'])}"
    )
    return markdown_table(("what", "engine", *_processors(pi, boards)), "llr", cells, note)


def a_day(pi: Result, task: str, board: str = "pi5", engine: str = "litert") -> float | None:
    """Return about how many pictures a day one core of a board answers, at `IPC`; None where nothing was counted."""
    counts = [
        row["instructions"].get(task)
        for one in pi["machines"]
        if (one["board"], one["os"], one["arch"]) == (board, "bookworm", "arm64")
        for row in one["read"]
        if row["engine"] == engine
    ]
    return 86_400 / _seconds(counts[0], board) if counts and counts[0] else None


def _seconds(instructions: float, board: str) -> float:
    return instructions / IPC / GHZ[board] / 1e9


def _millions(count: float | None) -> str:
    return "–" if count is None else f"{count / 1e6:,.1f}" if count < FEW else f"{count / 1e6:,.0f}"


def cheapest_table(pi: Result) -> str:
    """Return the file and engine with the fewest instructions for every model and board; the cheapest model first."""
    rows = _counted(_rows(pi))
    boards = _different(rows, "board")
    cells = [
        (f"`{same[0]['model']}`", *(_cheapest([row for row in same if row["board"] == board]) for board in boards))
        for same in sorted(_grouped(rows, "model"), key=lambda same: min(row["instructions"] for row in same))
    ]
    engines = ", ".join(_different(rows, "release"))
    note = (
        f"Thousands of instructions per inference, one thread, 64-bit bookworm; {engines}. "
        f"In brackets, how many more the default takes where it is another, `{DEFAULT[0]}` in {DEFAULT[1]}. "
        f"{_sentence(pi['note'])}"
    )
    return markdown_table(("model", *_processors(pi, boards)), "l", cells, note)


def model_and_variant(file: str) -> tuple[str, str]:
    """Split a file's name in a bundle: ``small-int8.tflite`` is ``int8.tflite`` of ``small``."""
    found = re.fullmatch(rf"(.+?)-((?:{'|'.join(PRECISIONS)})\.\w+)", file)
    if not found:
        raise ValueError(f"expected a file named MODEL-PRECISION.FORMAT, found {file}")
    return found[1], found[2]


def _rows(pi: Result) -> list[Row]:
    """Return all rows of all boards, each with its board, system, model and self-test."""
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


def _main(pi: Result) -> list[Row]:
    return [row for row in _rows(pi) if row["model"] not in pi["members"]]


def _counted(rows: list[Row]) -> list[Row]:
    """Return the rows with instructions, of the one system that all boards and engines have."""
    return [row for row in rows if row["instructions"] is not None and row["system"] == "bookworm 64-bit"]


def _grouped(rows: list[Row], *names: str) -> list[list[Row]]:
    """Group rows that are alike in these fields, in the order of the fields."""
    key = itemgetter(*names)
    return [list(same) for _, same in groupby(sorted(rows, key=key), key=key)]


def _different(rows: list[Row], name: str) -> list[str]:
    return sorted({row[name] for row in rows})


def _board_row(same: list[Row], file: str) -> Sequence[object]:
    """Return the worst of rows of one system."""
    return (
        ", ".join(dict.fromkeys(row["board"] for row in same)), same[0]["system"],
        ", ".join(_different(same, "release")), file, f"{100 * min(row['agreement'] for row in same):.2f} %",
        max(row["flips"] for row in same), "passed" if all(row["passed"] for row in same) else "FAILED",
    )  # fmt: skip


def _pis(rows: list[Row]) -> str:
    boards = [board.removeprefix("pi") for board in _different(rows, "board")]
    return f"Raspberry Pis {_joined(boards)} with Raspberry Pi OS {_joined(_different(rows, 'system'))}"


def _joined(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def _furthest(rows: list[Row], *, dynamic: bool) -> str:
    """Return the largest difference of a probability, of the files with or without dynamic ranges."""
    apart = [row["max_abs_difference"] for row in rows if row["variant"].startswith("dynamic") == dynamic]
    return f"{max(apart, default=0):.1e}"


def _fewer(pi: Result) -> str:
    return f" (`{'`, `'.join(pi['members'])}`: {pi['member_digits']:,})" if pi["members"] else ""


def _processors(pi: Result, boards: list[str]) -> list[str]:
    processors = {machine["board"]: machine["processor"] for machine in pi["machines"]}
    return [f"{board} ({processors[board]})" for board in boards]


def _cheapest(rows: list[Row]) -> str:
    """Return the cheapest of a model's files on a board, and what the default takes beside it."""
    if not rows:
        return "–"
    best = min(rows, key=itemgetter("instructions"))
    told = f"`{best['variant']}` in {best['engine']}: {best['instructions'] / 1e3:,.0f}"
    for row in rows:
        if (row["variant"], row["engine"]) == DEFAULT and row is not best:
            told += f" ({100 * (row['instructions'] / best['instructions'] - 1):+.0f} %)"
    return told


def _wrong_phrase(pi: Result) -> str:
    """Return whether every board noticed the bundle that loads there and computes wrongly."""
    caught = {
        (machine["board"], machine["os"], machine["arch"]): not any(row["passed"] for row in wrong["selftest"])
        for machine in pi["machines"]
        for wrong in machine["lies"]
    }
    if not caught:
        return ""
    missed = [" ".join(place) for place, found in caught.items() if not found]
    told = f"MISSED on {', '.join(missed)}" if missed else f"caught by the self-test on each of {len(caught)} systems"
    return f"A file that tflite-runtime loads without an error and computes wrongly was {told}."


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
