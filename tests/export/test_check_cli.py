"""`edgedigits check` as a command: what it prints and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_files import tflite

from edgedigits.bundle import SHIPPED
from edgedigits.cli.main import main


def test_the_command_judges_own_variants_as_running_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["check", "--json", "--target", "tflite-runtime==2.14.0", "--target", "onnxruntime==1.32.0"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert {row["answer"] for row in told["rows"]} == {"runs"}
    assert {row["target"] for row in told["rows"]} == {"tflite-runtime 2.14.0", "onnxruntime 1.32.0"}
    (int8,) = [file for file in told["files"] if file["file"] == "small-int8.tflite"]
    assert int8["operators"]["CONV_2D"] == {"declared": 3, "derived": 3}
    assert set(int8["engines"]) == {"tflite-runtime", "litert"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--target", "pi4"], 0),
        (["--target", "pi4", "--os", "trixie"], 0),
        # 32-bit: no engine for the .onnx file, but the .tflite file of the same variant runs.
        (["--target", "pi3", "--arch", "armhf"], 0),
        (["--target", "pi5", "--os", "trixie", "--arch", "armhf"], 3),
        (["--target", "zero"], 3),
        (["--target", "pi4", "--target", "tflite-runtime==2.6.0"], 3),
        ([str(SHIPPED / "small" / "small-int8.onnx"), "--target", "pi3", "--arch", "armhf"], 3),
        ([str(SHIPPED / "small" / "small-int8.onnx"), "--target", "pi3"], 0),
    ],
)
def test_a_board_is_served_when_each_variant_runs_in_one_engine(
    words: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *words]) == code
    told = capsys.readouterr().out
    boards_served = code == 0 or "tflite-runtime==2.6.0" in words
    assert ("\ninstall\n" in told) == boards_served
    said = told.splitlines()[-1]
    assert said.startswith("all passed: each variant runs on each board" if code == 0 else ("FAILED: ", "UNDECIDED: "))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--os", "trixie"], "--os and --arch belong to a board"),
        (["--target", "tflite-runtime==2.14.0", "--arch", "armhf"], "--os and --arch belong to a board"),
        (["--target", "pi9"], "or a board: zero"),
        (["--target", "pi4", "--os", "jessie"], "expected bookworm or trixie"),
        (
            [str(SHIPPED / "small" / "small-int8.onnx"), "--target", "tflite-runtime==2.14.0"],
            "an engine that reads .onnx files",
        ),
    ],
)
def test_a_beginners_mistake_is_answered_in_one_line(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *words]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


def test_the_command_catches_a_lone_file_that_would_answer_wrongly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "silent.tflite"
    file.write_bytes(tflite("FULLY_CONNECTED", "FLOAT32", 1, "INT8", 4))
    assert main(["check", str(file), "--target", "tflite-runtime==2.14.0"]) == 3
    told = capsys.readouterr().out
    assert "computes wrongly" in told
    assert "FULLY_CONNECTED says version 1, its tensors need 12" in told
