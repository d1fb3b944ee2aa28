"""`edgedigits check --target tflite-micro`: verdicts on small files and on the shipped ones."""

from __future__ import annotations

import json

import pytest
from small_files import tflite

from edgedigits.bundle import SHIPPED
from edgedigits.cli.main import main
from edgedigits_export.compat.check_micro import judge_micro, micro_tables
from edgedigits_export.compat.tflite_tables import tflite_tables


@pytest.mark.parametrize(
    ("data", "answer", "why"),
    [
        (tflite("RELU", "INT8"), "runs", "tflite-micro"),
        (tflite("FULLY_CONNECTED", "INT8", 4, "INT8"), "runs", "tflite-micro"),
        (tflite("FULLY_CONNECTED", "FLOAT32", 9, "INT8"), "cannot run", "no kernel for FLOAT32*INT8"),
        (tflite("SIGN", "FLOAT32"), "cannot run", "tflite-micro has no SIGN"),
        (tflite("RELU", "INT4"), "unknown", "never tried: RELU INT4"),
    ],
)
def test_a_file_is_judged_by_its_operators_and_types(data: bytes, answer: str, why: str) -> None:
    found = judge_micro(data)
    assert found.answer == answer
    assert why in found.why
    assert bool(found.cure) == (answer != "runs")


def test_the_shipped_files_do_not_run_because_their_input_is_uint8(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--json", "--target", "tflite-micro"]) == 3
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {row["answer"] for row in rows} == {"cannot run"}
    assert all("CAST has no kernel for UINT8>FLOAT32" in row["why"] for row in rows)
    assert all(row["file"].endswith(".tflite") for row in rows)


def test_an_onnx_file_is_none_for_a_microcontroller(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(SHIPPED / "small" / "small-int8.onnx"), "--target", "tflite-micro"]) == 2
    assert "expected an engine that reads .onnx files, found tflite-micro" in capsys.readouterr().err


def test_no_type_is_said_both_to_run_and_not_to() -> None:
    tables = micro_tables()
    for name, runs in tables.runs.items():
        assert name in tflite_tables().operators
        assert not set(runs) & {*tables.wrong.get(name, ()), *tables.never.get(name, ())}, name
