"""Tables of emulated boards: the main bundle file by file, a member in a row a system, and what is cheapest where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.boards import pi_tables

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"

A53, A76 = ("pi3", "cortex-a53"), ("pi5", "cortex-a76")
RELEASES = {"litert": "2.3.0", "tflite-runtime": "2.14.0"}


def row(file: str, instructions: float | None, engine: str = "litert", **changes: Any) -> dict[str, Any]:
    same = {"version": RELEASES[engine], "agreement": 1.0, "flips": 0, "max_abs_difference": 2e-7}
    return {"file": file, "engine": engine, "instructions": instructions, **same, **changes}


def machine(board: tuple[str, str], *rows: dict[str, Any], arch: str = "arm64", failed: str = "") -> dict[str, Any]:
    verdicts = [{"file": one["file"], "engine": one["engine"], "passed": one["file"] != failed} for one in rows]
    name, processor = board
    told = {"board": name, "processor": processor, "os": "bookworm", "arch": arch}
    return {**told, "selftest": verdicts, "rows": list(rows), "lies": []}


def result(*machines: dict[str, Any], members: tuple[str, ...] = ("nano",)) -> dict[str, Any]:
    told = {
        "note": "emulated: never speed",
        "wheel": "a.whl",
        "bundle": "ab" * 32,
        "digits": 1000,
        "member_digits": 100,
        "data": "mnist:test",
    }
    return {**told, "members": dict.fromkeys(members, "an id"), "machines": list(machines)}


def family() -> dict[str, Any]:
    return result(
        machine(
            A53,
            row("small-int8.tflite", 720_000.0), row("small-dynamic-int8.tflite", 600_000.0),
            row("small-int8.tflite", 736_000.0, "tflite-runtime"),
            row("nano-int8.tflite", 90_000.0), row("nano-float32.tflite", 120_000.0, max_abs_difference=4e-7),
            row("nano-int8.tflite", 80_000.0, "tflite-runtime", agreement=0.999, flips=1, max_abs_difference=3e-3),
        ),
        machine(
            A76,
            row("small-int8.tflite", 275_000.0), row("small-dynamic-int8.tflite", 317_000.0),
            row("nano-int8.tflite", 70_000.0), row("nano-float32.tflite", 99_000.0, agreement=0.998, flips=2),
        ),
        machine(
            A53,
            *(row(f"{name}.tflite", 1.0, "tflite-runtime") for name in ("small-int8", "nano-int8", "nano-float32")),
            arch="armhf",
        ),
    )  # fmt: skip


def rows_of(table: str) -> list[str]:
    return [line for line in table.splitlines()[2:] if line.startswith("|")]


def test_boards_that_answer_alike_are_told_in_a_sentence():
    same = row("small-int8.tflite", 1.0), row("small-dynamic-int8.tflite", 1.0, max_abs_difference=3e-4)
    told = pi_tables.boards_phrase(result(machine(A53, *same), machine(A76, *same)))
    assert "\n" not in told
    for words in (
        "Pis 3 and 5 ",
        "2 files of each of `small`",
        "All of them pass",
        "more than 2.0e-07",
        "than 3.0e-04",
    ):
        assert words in told
    line = pi_tables.boards_line(result(machine(A53, *same), machine(A76, *same)))
    assert "2.3.0 gave the same answers to 1,000 digits" in line


def test_what_answers_otherwise_has_a_row_with_the_worst_of_its_boards():
    told = pi_tables.boards_phrase(family())
    assert rows_of(told) == [
        "| pi5 | bookworm 64-bit | litert 2.3.0 | `nano-float32.tflite` | 99.80 % | 2 | passed |",
        "| pi3 | bookworm 64-bit | tflite-runtime 2.14.0 | `nano-int8.tflite` | 99.90 % | 1 | passed |",
    ]
    assert "All but these do" in told
    assert "in all but 2 cases" in pi_tables.boards_line(family())


def test_a_file_that_fails_its_self_test_has_a_row():
    rows = row("nano-float32.tflite", 1.0), row("nano-int8.tflite", 1.0)
    (line,) = rows_of(pi_tables.boards_phrase(result(machine(A53, *rows, failed="nano-int8.tflite"))))
    assert "`nano-int8.tflite`" in line
    assert line.endswith("| FAILED |")


@pytest.mark.parametrize(("passed", "words"), [(False, "caught by the self-test on each"), (True, "MISSED on pi3")])
def test_a_file_that_is_wrong_in_silence_is_told_to_be_caught_or_missed(passed, words):
    board = machine(A53, row("small-int8.tflite", 1.0))
    verdict = {"file": "wrong.tflite", "engine": "tflite-runtime", "passed": passed}
    board["lies"] = [{"bundle": "silently-wrong", "engine": "tflite-runtime", "selftest": [verdict]}]
    assert words in pi_tables.boards_phrase(result(board))


def test_instructions_are_told_of_the_main_bundle_file_by_file():
    table = pi_tables.instructions_table(
        result(machine(A53, row("small-int8.tflite", 723_400.0), row("nano-int8.tflite", 9.0)))
    )
    assert rows_of(table) == ["| litert 2.3.0 | `small-int8.tflite` | 723 |"]


def test_the_cheapest_file_and_engine_of_each_model_on_each_board_and_how_much_dearer_the_default_is():
    table = pi_tables.cheapest_table(family())
    assert table.splitlines()[0] == "| model | pi3 (cortex-a53) | pi5 (cortex-a76) |"
    assert rows_of(table) == [
        "| `nano` | `int8.tflite` in tflite-runtime: 80 (+12 %) | `int8.tflite` in litert: 70 |",
        "| `small` | `dynamic-int8.tflite` in litert: 600 (+20 %) | `int8.tflite` in litert: 275 |",
    ]
    assert table.endswith("Emulated: never speed.")


def test_what_was_not_counted_is_no_candidate():
    counted = machine(A53, row("small-int8.tflite", None), row("small-float32.tflite", 5000.0))
    table = pi_tables.cheapest_table(result(counted, machine(A76, row("nano-int8.tflite", 4000.0))))
    assert rows_of(table) == [
        "| `nano` | – | `int8.tflite` in litert: 4 |",
        "| `small` | `float32.tflite` in litert: 5 | – |",
    ]


@pytest.mark.parametrize(
    ("file", "parts"),
    [
        ("small-int8.tflite", ("small", "int8.tflite")),
        ("small-dynamic-int8.tflite", ("small", "dynamic-int8.tflite")),
        ("my-own-net-float32.onnx", ("my-own-net", "float32.onnx")),
    ],
)
def test_a_files_name_is_its_models_and_its_variants(file, parts):
    assert pi_tables.model_and_variant(file) == parts


def test_a_name_of_another_form_belongs_to_no_model():
    with pytest.raises(ValueError, match=r"found model\.tflite"):
        pi_tables.model_and_variant("model.tflite")


def test_what_ships_passed_on_the_boards():
    committed = json.loads((RESULTS / "pi.json").read_text())
    figures = json.loads((RESULTS / "figures.json").read_text())
    assert {**committed["members"], "small": committed["bundle"]} == figures["exported"]
    assert not [machine["failed"] for machine in committed["machines"] if machine["failed"]]
    assert all(one["passed"] and one["agreement"] == 1 for one in pi_tables._rows(committed))


def pages() -> dict[str, Any]:
    found = result(machine(A53), machine(A76), machine(A53, arch="armhf"))
    for one, read, classify in zip(found["machines"], (826_523_090.5, 600e6, 1e9), (9.87e6, 4.8e6, 1e7), strict=True):
        counts = {"read": read, "classify": classify}
        one["read"] = [{"engine": "litert", "version": "2.3.0", "same": True, "instructions": counts}]
    return found


def test_instructions_of_a_picture_and_a_page_are_told_in_millions_with_the_assumption_behind_seconds():
    table = pi_tables.read_table(pages())
    assert rows_of(table) == ["| `classify` | litert 2.3.0 | 9.9 | 4.8 |", "| `read` | litert 2.3.0 | 827 | 600 |"]
    assert "an estimate and no measurement, a thousand millions take 0.7 s on a Pi 3" in table


def test_pictures_a_day_follow_from_instructions_and_are_not_told_without():
    assert pi_tables.a_day(pages(), "classify") == pytest.approx(86_400 * 2.4e9 / 4.8e6)
    assert pi_tables.a_day(pages(), "read", "pi4") is None
    assert pi_tables.a_day(pages(), "read", engine="onnxruntime") is None
