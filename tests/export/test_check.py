"""`edgedigits check`: verdicts on small files for engine releases, compared with the engine where it is installed."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from small_files import onnx_file, tflite

from edgedigits.doctor.wheels import WHEELS
from edgedigits.engines import installed_engines
from edgedigits.errors import UsageError
from edgedigits.manifest import Requirements
from edgedigits_export.compat.check import judge_release, numpy_clash, parse_release
from edgedigits_export.compat.requirements import read_requirements
from edgedigits_export.compat.tflite_tables import tflite_tables
from edgedigits_export.compat.verdict import EngineRelease

OLD, NEW = EngineRelease("tflite-runtime", "2.14.0"), EngineRelease("litert", "2.3.0")
ORT = EngineRelease("onnxruntime", "1.32.0")


def verdict_on(data: bytes, fmt: Any, target: EngineRelease) -> tuple[str, str, str]:
    found = judge_release(read_requirements(data, fmt), fmt, target)
    assert bool(found.cure) == (found.answer != "runs")
    return found.answer, found.why, found.cure


def test_fully_connected_12_is_refused_by_name_and_the_cure_names_the_export_option() -> None:
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
    assert verdict_on(data, "tflite", EngineRelease("tflite-runtime", release))[0] == answer


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
        if target.engine in installed_engines() and version(target.distribution) == target.version:
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
    module = pytest.importorskip(
        {"litert": "ai_edge_litert", "tflite-runtime": "tflite_runtime"}[engine] + ".interpreter"
    )
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
    assert answer == "runs" or (f"{operator} has no kernel for" in why and "int8 in onnxruntime 1.32.0" in why)
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
    found = judge_release(needs, "onnx", EngineRelease("onnxruntime", release))
    assert found.answer == answer
    assert told in found.why


def test_a_square_of_one_dequantized_value_is_known_to_break_onnxruntime_1_9_to_1_14() -> None:
    model = onnx.load_model_from_string(onnx_file("QuantizeLinear"))
    model.graph.node.append(helper.make_node("DequantizeLinear", ["y", "scale", "zero"], ["d"]))
    model.graph.node.append(helper.make_node("Mul", ["d", "d"], ["square"]))
    data = bytes(model.SerializeToString())
    assert verdict_on(data, "onnx", EngineRelease("onnxruntime", "1.14.1"))[0] == "cannot run"
    assert verdict_on(data, "onnx", ORT)[0] == "runs"


def test_what_was_never_tried_is_unknown_and_named() -> None:
    answer, why, _ = verdict_on(tflite("RELU", "INT4"), "tflite", NEW)
    assert (answer, why) == ("unknown", "never tried: RELU INT4")
    answer, why, _ = verdict_on(tflite("SKIP_GRAM", "FLOAT32"), "tflite", NEW)
    assert (answer, why) == ("unknown", "never tried: SKIP_GRAM")


@pytest.mark.parametrize(
    "target",
    ["tflite-runtime==2.6.0", "tflite-runtime==2.15.0", "tflite-runtime==2.14.1", "litert==2.4.0", "litert==0.9"],
)
def test_a_release_outside_the_table_is_unknown(target: str) -> None:
    assert verdict_on(tflite("RELU", "FLOAT32"), "tflite", parse_release(target))[0] == "unknown"


@pytest.mark.parametrize("release", ["2.7", "2.7.0", "2.14.0", "2.14"])
def test_a_release_inside_the_table_is_judged_however_its_zeros_are_written(release: str) -> None:
    needs = Requirements({"RELU": 1}, {"RELU": 1}, (), None, None, {})
    assert judge_release(needs, "tflite", EngineRelease("tflite-runtime", release)).answer == "runs"


RELEASES = [
    (engine, text)
    for engine in ("tflite-runtime", "litert")
    for block in WHEELS
    if block.engine == engine
    for text in block.releases
]
USES = [
    (operator, kind, version)
    for operator, row in tflite_tables().kernels.items()
    for kinds in row.values()
    for kind in kinds
    for version in range(1, len(tflite_tables().operators[operator]) + 1)
]


@given(st.lists(st.sampled_from(USES), min_size=1, max_size=3), st.data())
def test_a_later_release_never_turns_runs_into_cannot_run(uses: list[Any], data: st.DataObject) -> None:
    operators = {name: version for operator, kind, version in uses for name in (operator, f"{operator} {kind}")}
    needs = Requirements(operators, operators, (), None, None, {})
    first, second = sorted(data.draw(st.tuples(*[st.integers(0, len(RELEASES) - 1)] * 2)))
    early, late = (judge_release(needs, "tflite", EngineRelease(*RELEASES[index])).answer for index in (first, second))
    assert early != "runs" or late == "runs"


@pytest.mark.parametrize(
    "text", ["tflite-runtime", "tflite-runtime==", "tflite-runtime==new", "torch==2.1", "==", "litert==2..1", "pi9", ""]
)
def test_a_target_that_names_no_release_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"expected ENGINE==VERSION .* or a board: zero, zero2w"):
        parse_release(text)


def test_an_engine_is_named_by_its_own_name_or_its_package() -> None:
    assert parse_release("tflite-runtime==2.14.0") == OLD
    assert parse_release("ai-edge-litert==2.3.0") == parse_release("litert==2.3.0") == NEW


def test_numpy_2_beside_tflite_runtime_is_named() -> None:
    clash = numpy_clash(OLD, "2.4.1")
    assert clash is not None
    assert (clash.answer, clash.cure) == ("cannot run", "pip install 'numpy<2'")
    assert "numpy 2" in clash.why
    assert numpy_clash(OLD, "1.26.4") is numpy_clash(NEW, "2.4.1") is numpy_clash(ORT, "2.4.1") is None
    assert "numpy <2" in verdict_on(tflite("RELU", "FLOAT32"), "tflite", OLD)[1]
