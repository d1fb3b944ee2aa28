"""`edgedigits check`: verdicts on small files, for engines' releases and boards; proved where the engine is here."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import Builder
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from edgedigits.bundle import SHIPPED
from edgedigits.cli.main import main
from edgedigits.engines import installed_engines
from edgedigits.errors import UsageError
from edgedigits.manifest import Requirements
from edgedigits_export import check_board
from edgedigits_export.check import Target, judge, numpy_clash, package, parse_target
from edgedigits_export.check_board import BoardTarget, judge_board, parse_board
from edgedigits_export.requirements import read_requirements
from edgedigits_export.targets import System, known

OLD, NEW, ORT = Target("tflite", "2.14.0"), Target("litert", "2.3.0"), Target("onnxruntime", "1.32.0")
_SHAPE = [1, 4]


def tflite(operator: str, kind: str, declared: int = 1, weights: str = "", scales: int = 1) -> bytes:
    """A file with one operator on [1, 4], or a Dense layer from 4 to 4 with weights of a type."""
    model, graph, code, use = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT(), schema.OperatorT()
    model.version, model.buffers, graph.tensors = 3, [schema.BufferT()], []

    def tensor(kind: str, shape: list[int], values: Any = None, scales: int = 1) -> int:
        made = schema.TensorT()
        made.type, made.shape, made.name = getattr(schema.TensorType, kind), shape, b"tensor"
        made.quantization, made.buffer = schema.QuantizationParametersT(), 0
        if kind.startswith(("INT", "UINT")) and "32" not in kind:
            made.quantization.scale = np.linspace(0.01, 0.02, scales).astype(np.float32)
            made.quantization.zeroPoint = np.zeros(scales, np.int64)
        if values is not None:
            model.buffers.append(schema.BufferT())
            model.buffers[-1].data = np.frombuffer(values.tobytes(), np.uint8)
            made.buffer = len(model.buffers) - 1
        graph.tensors.append(made)
        return len(graph.tensors) - 1

    code.builtinCode = getattr(schema.BuiltinOperator, operator)
    code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), declared
    use.inputs = [tensor(kind, _SHAPE)]
    if weights:
        bias = "FLOAT32" if kind == "FLOAT32" else "INT32"
        use.inputs += [tensor(weights, [4, 4], np.arange(16, dtype=np.int8), scales)]
        use.inputs += [tensor(bias, [4], np.zeros(4, np.float32))]
        use.builtinOptionsType, use.builtinOptions = schema.BuiltinOptions.FullyConnectedOptions, (
            schema.FullyConnectedOptionsT()
        )  # fmt: skip
        use.builtinOptions.asymmetricQuantizeInputs = kind == "FLOAT32"
    elif operator in {"DIV", "SQUARED_DIFFERENCE"}:
        use.inputs.append(tensor(kind, _SHAPE))
    use.outputs = [tensor(kind, _SHAPE)]
    graph.inputs = [index for index in use.inputs if graph.tensors[index].buffer == 0]
    graph.outputs, graph.operators = use.outputs, [use]
    model.operatorCodes, model.subgraphs = [code], [graph]
    builder = Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def onnx_file(operator: str, kind: int = TensorProto.FLOAT, opset: int = 13, ir_version: int = 7) -> bytes:
    """A file with one operator on [1, 4]; quantizing ones go to int8 or come from it."""
    inputs, initializers, result = ["x"], [], kind
    if operator == "QuantizeLinear":
        inputs += ["scale", "zero"]
        initializers = [
            helper.make_tensor("scale", TensorProto.FLOAT, [], [0.5]),
            helper.make_tensor("zero", TensorProto.INT8, [], [0]),
        ]
        result = TensorProto.INT8
    graph = helper.make_graph(
        [helper.make_node(operator, inputs, ["y"])], "graph",
        [helper.make_tensor_value_info("x", kind, _SHAPE)], [helper.make_tensor_value_info("y", result, _SHAPE)],
        initializers,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = ir_version
    return bytes(model.SerializeToString())


def verdict_on(data: bytes, fmt: Any, target: Target) -> tuple[str, str, str]:
    found = judge(read_requirements(data, fmt), fmt, target)
    assert bool(found.cure) == (found.answer != "runs")
    return found.answer, found.why, found.cure


def test_fully_connected_12_is_refused_by_name_and_the_export_option_is_told() -> None:
    data = tflite("FULLY_CONNECTED", "FLOAT32", 12, "INT8", 4)
    answer, why, cure = verdict_on(data, "tflite", OLD)
    assert (answer, why) == ("cannot run", "FULLY_CONNECTED says version 12, which tflite-runtime 2.14.0 does not have")
    assert "ai-edge-litert>=1.0.0" in cure
    assert "_experimental_disable_per_channel_quantization_for_dense_layers" in cure
    assert verdict_on(data, "tflite", NEW)[0] == "runs"


def test_per_channel_dense_under_a_small_version_computes_wrongly() -> None:
    data = tflite("FULLY_CONNECTED", "FLOAT32", 1, "INT8", 4)
    assert verdict_on(data, "tflite", OLD)[0] == "computes wrongly"
    assert verdict_on(data, "tflite", NEW)[0] == "runs"
    assert verdict_on(tflite("FULLY_CONNECTED", "FLOAT32", 9, "INT8"), "tflite", OLD)[0] == "runs"


@pytest.mark.parametrize(("release", "answer"), [("2.9.1", "computes wrongly"), ("2.10.0", "runs")])
def test_int8_dense_with_a_scale_a_row_computes_wrongly_before_2_10(release: str, answer: str) -> None:
    data = tflite("FULLY_CONNECTED", "INT8", 5, "INT8", 4)
    assert verdict_on(data, "tflite", Target("tflite", release))[0] == answer


@pytest.mark.parametrize(
    ("operator", "kind", "declared", "on_old", "on_new"),
    [
        ("DIV", "INT8", 1, "cannot run", "runs"),
        ("EXP", "INT8", 2, "runs", "runs"),
        ("GELU", "INT16", 1, "cannot run", "runs"),
        ("SQUARED_DIFFERENCE", "INT16", 2, "cannot run", "cannot run"),
        ("SQRT", "INT8", 1, "cannot run", "runs"),
        ("LOGISTIC", "FLOAT32", 1, "runs", "runs"),
    ],
)
def test_an_operator_without_a_kernel_is_named_with_its_type_and_the_engines_agree(
    operator: str, kind: str, declared: int, on_old: str, on_new: str
) -> None:
    data = tflite(operator, kind, declared)
    for target, expected in ((OLD, on_old), (NEW, on_new)):
        answer, why, cure = verdict_on(data, "tflite", target)
        assert answer == expected
        assert answer == "runs" or (f"{operator} has no kernel for {kind} in" in why and "float32" in cure)
        if target.engine in installed_engines() and version(package(target.engine)) == target.version:
            assert really_runs(data, target.engine) == (expected == "runs")


def really_runs(data: bytes, engine: str) -> bool:
    if engine == "onnxruntime":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        try:
            onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception:  # noqa: BLE001  # its types are many
            return False
        return True
    module = pytest.importorskip({"litert": "ai_edge_litert", "tflite": "tflite_runtime"}[engine] + ".interpreter")
    try:
        interpreter = module.Interpreter(model_content=data)
        interpreter.allocate_tensors()
        for entry in interpreter.get_input_details():
            interpreter.set_tensor(entry["index"], np.ones(entry["shape"], entry["dtype"]))
        interpreter.invoke()
    except (RuntimeError, ValueError):
        return False
    return True


@pytest.mark.parametrize(
    ("operator", "kind", "opset", "ir_version", "answer"),
    [
        ("Relu", TensorProto.FLOAT, 13, 7, "runs"),
        ("Relu", TensorProto.FLOAT16, 13, 7, "runs"),
        ("Relu", TensorProto.INT8, 14, 7, "runs"),
        ("Sigmoid", TensorProto.INT8, 13, 7, "cannot run"),
        ("QuantizeLinear", TensorProto.FLOAT, 13, 7, "runs"),
        ("QuantizeLinear", TensorProto.FLOAT, 28, 7, "cannot run"),
    ],
)
def test_onnxruntime_agrees_on_operators_and_types(
    operator: str, kind: int, opset: int, ir_version: int, answer: str
) -> None:
    data = onnx_file(operator, kind, opset, ir_version)
    found, why, _ = verdict_on(data, "onnx", ORT)
    assert found == answer
    assert answer == "runs" or f"{operator} has no kernel for int8 in onnxruntime 1.32.0" in why
    if version("onnxruntime") == ORT.version:
        assert really_runs(data, "onnxruntime") == (answer == "runs")


@pytest.mark.parametrize(
    ("opset", "ir_version", "release", "answer", "told"),
    [
        (13, 7, "1.6.0", "runs", ""),
        (17, 8, "1.11.0", "cannot run", "opset 17 came with onnxruntime 1.12"),
        (17, 8, "1.12.0", "runs", ""),
        (13, 10, "1.17.0", "cannot run", "IR version 10 came with onnxruntime 1.18"),
        (13, 14, "1.31.1", "cannot run", "IR version 14 came with onnxruntime 1.32"),
        (99, 7, "1.32.0", "unknown", "opset 99 is not in the table"),
        (13, 99, "1.32.0", "unknown", "IR version 99 is not in the table"),
        (13, 7, "1.33.0", "unknown", "known from 1.6.0 to 1.32.0"),
        (13, 7, "1.5.2", "unknown", "known from 1.6.0 to 1.32.0"),
    ],
)
def test_onnx_runs_from_the_release_that_knows_its_opset_and_its_file_format(
    opset: int, ir_version: int, release: str, answer: str, told: str
) -> None:
    needs = Requirements({"Relu": min(opset, 14)}, {"ai.onnx": opset}, (), opset, ir_version, {})
    found = judge(needs, "onnx", Target("onnxruntime", release))
    assert found.answer == answer
    assert told in found.why


def test_a_square_of_one_dequantized_value_is_known_to_break_onnxruntime_1_9_to_1_14() -> None:
    model = onnx.load_model_from_string(onnx_file("QuantizeLinear"))
    model.graph.node.append(helper.make_node("DequantizeLinear", ["y", "scale", "zero"], ["d"]))
    model.graph.node.append(helper.make_node("Mul", ["d", "d"], ["square"]))
    data = bytes(model.SerializeToString())
    assert verdict_on(data, "onnx", Target("onnxruntime", "1.14.1"))[0] == "cannot run"
    assert verdict_on(data, "onnx", ORT)[0] == "runs"


def test_what_was_never_tried_is_unknown_and_named() -> None:
    answer, why, _ = verdict_on(onnx_file("Relu", TensorProto.UINT16), "onnx", ORT)
    assert (answer, why) == ("unknown", "never tried: Relu uint16")
    answer, why, _ = verdict_on(tflite("SVDF", "FLOAT32"), "tflite", NEW)
    assert (answer, why) == ("unknown", "never tried: SVDF")


@pytest.mark.parametrize(
    "target", ["tflite==2.6.0", "tflite==2.15.0", "tflite==2.14.1", "litert==2.4.0", "litert==0.9"]
)
def test_a_release_outside_the_table_is_unknown(target: str) -> None:
    assert verdict_on(tflite("RELU", "FLOAT32"), "tflite", parse_target(target))[0] == "unknown"


@pytest.mark.parametrize("release", ["2.7", "2.7.0", "2.14.0", "2.14"])
def test_a_release_inside_the_table_is_judged_however_its_zeros_are_written(release: str) -> None:
    needs = Requirements({"RELU": 1}, {"RELU": 1}, (), None, None, {})
    assert judge(needs, "tflite", Target("tflite", release)).answer == "runs"


RELEASES = [("tflite", text) for block in known().wheels if block.engine == "tflite" for text in block.releases]
RELEASES += [("litert", text) for block in known().wheels if block.engine == "litert" for text in block.releases]
USES = [
    (operator, kind, version)
    for operator, row in known().kernels.items()
    for kinds in row.values()
    for kind in kinds
    for version in range(1, len(known().operators[operator]) + 1)
]


@given(st.lists(st.sampled_from(USES), min_size=1, max_size=3), st.data())
def test_a_later_release_never_turns_runs_into_cannot_run(uses: list[Any], data: st.DataObject) -> None:
    operators = {name: version for operator, kind, version in uses for name in (operator, f"{operator} {kind}")}
    needs = Requirements(operators, operators, (), None, None, {})
    first, second = sorted(data.draw(st.tuples(*[st.integers(0, len(RELEASES) - 1)] * 2)))
    early, late = (judge(needs, "tflite", Target(*RELEASES[index])).answer for index in (first, second))
    assert early != "runs" or late == "runs"


@pytest.mark.parametrize(
    "text", ["tflite-runtime", "tflite-runtime==", "tflite-runtime==new", "torch==2.1", "==", "litert==2..1", "pi9", ""]
)
def test_a_target_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"expected ENGINE==VERSION .* or a board: zero, zero2w"):
        parse_target(text)


def test_an_engine_goes_by_its_own_name_or_its_package() -> None:
    assert parse_target("tflite==2.14.0") == parse_target("tflite-runtime==2.14.0") == OLD


def test_numpy_2_beside_tflite_runtime_is_named() -> None:
    clash = numpy_clash(OLD, "2.4.1")
    assert clash is not None
    assert (clash.answer, clash.cure) == ("cannot run", "pip install 'numpy<2'")
    assert "numpy 2" in clash.why
    assert numpy_clash(OLD, "1.26.4") is numpy_clash(NEW, "2.4.1") is numpy_clash(ORT, "2.4.1") is None
    assert "numpy <2" in verdict_on(tflite("RELU", "FLOAT32"), "tflite", OLD)[1]


def on_board(board: str, system: str, arch: str) -> dict[str, Any]:
    needs = {
        "tflite": read_requirements(tflite("RELU", "FLOAT32"), "tflite"),
        "onnx": read_requirements(onnx_file("Relu"), "onnx"),
    }
    target = BoardTarget(board, system, arch)
    return {row.engine: row for fmt, need in needs.items() for row in judge_board(need, fmt, target)}


@pytest.mark.parametrize(
    ("place", "runs"),
    [
        ("pi4 bookworm arm64", {"litert": "2.3.0", "tflite": "2.14.0", "onnxruntime": "1.32.0"}),
        ("pi5 trixie arm64", {"litert": "2.3.0", "onnxruntime": "1.32.0"}),
        ("pi3 bookworm armhf", {"tflite": "2.14.0"}),
        ("zero2w bookworm armhf", {"tflite": "2.14.0"}),
        ("pi5 trixie armhf", {}),
        ("pi2 trixie armhf", {}),
        ("zero bookworm armhf", {}),
    ],
)
def test_a_board_runs_what_has_a_wheel_for_its_python_and_machine(place: str, runs: dict[str, str]) -> None:
    rows = on_board(*place.split())
    assert {engine: row.version for engine, row in rows.items() if row.verdict.answer == "runs"} == runs
    for row in rows.values():
        assert bool(row.install) == (row.version is not None) == (row.verdict.cure == "")


def test_why_there_is_no_wheel_is_told_by_python_machine_and_c_library(monkeypatch: pytest.MonkeyPatch) -> None:
    trixie, narrow = on_board("pi4", "trixie", "arm64"), on_board("pi4", "trixie", "armhf")
    assert "for Python 3.13 (trixie): they end at Python 3.11" in trixie["tflite"].verdict.why
    assert trixie["tflite"].verdict.cure == "take ai-edge-litert"
    assert "no wheel of onnxruntime for armv7l" in narrow["onnxruntime"].verdict.why
    assert "--os bookworm --arch arm64" in narrow["tflite"].verdict.cure
    assert "ARMv6" in on_board("zero", "bookworm", "armhf")["tflite"].verdict.why
    old = replace(known(), systems={"old": System("3.11", "2.28", "1.24")})
    monkeypatch.setattr(check_board, "known", lambda: old)
    assert check_board._missing("tflite", BoardTarget("pi4", "old", "arm64")) == (
        "tflite-runtime needs glibc 2.34 or later, old has 2.28"
    )
    assert check_board.newest_wheels("tflite", BoardTarget("pi4", "old", "arm64")) is None


def test_the_pip_line_keeps_numpy_below_2_where_the_engine_or_picamera2_needs_it() -> None:
    bookworm, trixie = on_board("pi4", "bookworm", "arm64"), on_board("pi4", "trixie", "arm64")
    assert bookworm["tflite"].install.startswith(
        "pip install 'tflite-runtime==2.14.0' 'numpy<2'  # tflite-runtime 2.14.0"
    )
    assert bookworm["litert"].install.startswith("pip install 'ai-edge-litert==2.3.0' 'numpy<2'  # apt's picamera2")
    assert trixie["litert"].install == "pip install 'ai-edge-litert==2.3.0'"
    assert "python3-numpy" in on_board("pi3", "bookworm", "armhf")["tflite"].install


def test_a_board_is_64_bit_bookworm_unless_told_or_unable() -> None:
    assert str(parse_board("pi4", None, None)) == "pi4 bookworm arm64"
    assert str(parse_board("pi2", None, None)) == "pi2 bookworm armhf"
    with pytest.raises(UsageError, match="--os buster: expected bookworm or trixie"):
        parse_board("pi4", "buster", None)
    with pytest.raises(UsageError, match=r"--arch arm64: a Raspberry Pi Zero \(ARM1176 \(ARMv6\)\) runs armhf only"):
        parse_board("zero", None, "arm64")


def test_the_command_judges_own_variants_as_running_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["check", "--json", "--target", "tflite-runtime==2.14.0", "--target", "onnxruntime==1.32.0"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert {row["answer"] for row in told["rows"]} == {"runs"}
    assert {row["target"] for row in told["rows"]} == {"tflite-runtime 2.14.0", "onnxruntime 1.32.0"}
    (int8,) = [file for file in told["files"] if file["file"] == "cnn-int8.tflite"]
    assert int8["operators"]["CONV_2D"] == {"declared": 3, "derived": 3}
    assert set(int8["engines"]) == {"tflite", "litert"}


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
        ([str(SHIPPED / "cnn" / "cnn-int8.onnx"), "--target", "pi3", "--arch", "armhf"], 3),
        ([str(SHIPPED / "cnn" / "cnn-int8.onnx"), "--target", "pi3"], 0),
    ],
)
def test_a_board_is_served_when_each_variant_runs_in_one_engine(
    words: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *words]) == code
    told = capsys.readouterr().out
    boards_served = code == 0 or "tflite-runtime==2.6.0" in words
    assert ("\ninstall\n" in told) == boards_served


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--os", "trixie"], "--os and --arch belong to a board"),
        (["--target", "tflite==2.14.0", "--arch", "armhf"], "--os and --arch belong to a board"),
        (["--target", "pi9"], "or a board: zero"),
        (["--target", "pi4", "--os", "jessie"], "expected bookworm or trixie"),
        ([str(SHIPPED / "cnn" / "cnn-int8.onnx"), "--target", "tflite==2.14.0"], "an engine that reads .onnx files"),
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
