"""`edgedigits check`: verdicts on real files, among them one that tflite-runtime 2.14 loads and answers wrongly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgedigits.cli.main import main
from edgedigits.errors import UsageError
from edgedigits.manifest import Requirements
from edgedigits_export.check import Target, judge, parse_target
from edgedigits_export.releases import onnxruntime_releases


def needs(operators: dict[str, int], declared: dict[str, int] | None = None, *underived: str) -> Requirements:
    return Requirements(operators, operators if declared is None else declared, underived, None, None, {})


OLD, NEW = Target("tflite", "2.14.0"), Target("litert", "2.3.0")


@pytest.mark.parametrize(
    ("requirements", "on_old", "on_new"),
    [
        (needs({"CONV_2D": 3, "FULLY_CONNECTED": 4}), "runs", "runs"),
        (needs({"FULLY_CONNECTED": 12}), "cannot run", "runs"),
        (needs({"FULLY_CONNECTED": 12}, {"FULLY_CONNECTED": 1}), "computes wrongly", "runs"),
        (needs({"FULLY_CONNECTED": 10}, {"FULLY_CONNECTED": 10}), "runs", "runs"),
        (needs({"CUSTOM": 1}, None, "CUSTOM"), "unknown", "unknown"),
    ],
)
def test_verdicts_follow_from_what_a_file_needs_and_what_it_says(
    requirements: Requirements, on_old: str, on_new: str
) -> None:
    for target, answer in ((OLD, on_old), (NEW, on_new)):
        verdict = judge(requirements, "tflite", target)
        assert verdict.answer == answer
        assert bool(verdict.cure) == (answer != "runs")


@pytest.mark.parametrize("version", ["2.6.0", "2.15.0", "2.14.1"])
def test_a_release_outside_the_table_is_unknown(version: str) -> None:
    assert judge(needs({"CONV_2D": 3}), "tflite", Target("tflite", version)).answer == "unknown"


@pytest.mark.parametrize("version", ["2.7", "2.7.0", "2.14.0", "2.14"])
def test_a_release_inside_the_table_is_judged(version: str) -> None:
    assert judge(needs({"CONV_2D": 3}), "tflite", Target("tflite", version)).answer == "runs"


@pytest.mark.parametrize(
    ("opset", "ir_version", "version", "answer"),
    [
        (13, 7, "1.6.0", "runs"), (17, 8, "1.11.0", "cannot run"), (17, 8, "1.12.0", "runs"),
        (13, 10, "1.17.0", "cannot run"), (99, 7, "1.32.0", "unknown"), (13, 99, "1.32.0", "unknown"),
    ],
)  # fmt: skip
def test_onnx_runs_from_the_release_that_knows_its_opset_and_ir(
    opset: int, ir_version: int, version: str, answer: str
) -> None:
    engines = onnxruntime_releases(opset, ir_version)
    requirements = Requirements({"Conv": 11}, {"ai.onnx": opset}, (), opset, ir_version, engines)
    assert judge(requirements, "onnx", Target("onnxruntime", version)).answer == answer


@pytest.mark.parametrize("text", ["tflite-runtime", "tflite-runtime==", "tflite-runtime==new", "torch==2.1", "=="])
def test_a_target_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected ENGINE==VERSION"):
        parse_target(text)


def test_an_engine_goes_by_its_own_name_or_its_package() -> None:
    assert parse_target("tflite==2.14.0") == parse_target("tflite-runtime==2.14.0") == OLD


def test_the_command_judges_own_variants_as_running_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["check", "--json", "--target", "tflite-runtime==2.14.0", "--target", "onnxruntime==1.32.0"]
    assert main(words) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {row["answer"] for row in rows} == {"runs"}
    assert {row["target"] for row in rows} == {"tflite-runtime 2.14.0", "onnxruntime 1.32.0"}


def test_the_command_catches_a_file_that_would_answer_wrongly(
    tmp_path: Path, cases: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    from ai_edge_litert import schema_py_generated as schema
    from flatbuffers import Builder

    # What Google's stand-alone quantizer wrote: per-channel Dense weights under FULLY_CONNECTED version 1.
    model = schema.ModelT.InitFromPackedBuf(cases["cnn"].files["dynamic-int8.tflite"], 0)
    graph = model.subgraphs[0]
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        weights = graph.tensors[operator.inputs[1]] if len(operator.inputs) > 1 else None
        if code.builtinCode == schema.BuiltinOperator.FULLY_CONNECTED:
            code.version = 1
            if weights.type == schema.TensorType.INT8:
                weights.quantization.scale = np.full(weights.shape[0], 0.01, np.float32)
    builder = Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    file = tmp_path / "silent.tflite"
    file.write_bytes(bytes(builder.Output()))
    assert main(["check", str(file), "--target", "tflite-runtime==2.14.0"]) == 3
    told = capsys.readouterr().out
    assert "computes wrongly" in told
    assert "FULLY_CONNECTED says version 1 but its tensors need 12" in told
