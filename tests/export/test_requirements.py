from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema
from cases import Case
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgedigits.errors import BundleError
from edgedigits.manifest import PRECISIONS, Requirements
from edgedigits_export.compat.op_signature import Operand, OpSignature
from edgedigits_export.compat.op_versions import RULES
from edgedigits_export.compat.requirements import read_requirements
from edgedigits_export.compat.tflite_kernels import tflite_kernel_types
from edgedigits_export.compat.tflite_tables import tflite_tables
from edgedigits_export.convert.tflite_flatbuffer import pack


@pytest.mark.parametrize(
    ("precision", "operators", "runtime"),
    [
        ("float32", {"CONV_2D": 1, "FULLY_CONNECTED": 1, "MAX_POOL_2D": 1}, "1.5.0"),
        ("float16", {"CONV_2D": 1, "DEQUANTIZE": 3, "FULLY_CONNECTED": 1, "MAX_POOL_2D": 1}, "1.15.0"),
        ("dynamic-int8", {"CONV_2D": 5, "FULLY_CONNECTED": 9, "MAX_POOL_2D": 1, "RESHAPE": 1}, "2.4.0"),
        ("int8", {"CONV_2D": 3, "DEQUANTIZE": 2, "FULLY_CONNECTED": 4, "MAX_POOL_2D": 2, "QUANTIZE": 1}, "1.14.0"),
        ("int16x8", {"CONV_2D": 4, "DEQUANTIZE": 3, "FULLY_CONNECTED": 7, "MAX_POOL_2D": 3, "QUANTIZE": 2}, "2.3.0"),
    ],
)
def test_operator_versions_follow_from_types(
    cases: dict[str, Case], precision: str, operators: dict[str, int], runtime: str
) -> None:
    found = read_requirements(cases["cnn"].files[f"{precision}.tflite"], "tflite")
    versions = {name: version for name, version in found.operators.items() if " " not in name}
    assert versions == {"CAST": 1, "SOFTMAX": 1, **operators}
    assert found.engines == {"tflite-runtime": runtime, "litert": "1.0.0"}
    assert (found.opset, found.ir_version) == (None, None)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_our_own_files_declare_what_they_need(case: Case, precision: str) -> None:
    found = read_requirements(case.files[f"{precision}.tflite"], "tflite")
    assert found.underived == ()
    assert all(found.declared[name] >= version for name, version in found.operators.items())
    model = schema.ModelT.InitFromPackedBuf(case.files[f"{precision}.tflite"], 0)
    (entry,) = [entry for entry in model.metadata if entry.name == b"min_runtime_version"]
    release = bytes(model.buffers[entry.buffer].data).rstrip(b"\0").decode()
    assert found.engines["tflite-runtime"] == release


def test_a_file_that_understates_its_operators_is_seen_through(cases: dict[str, Case]) -> None:
    model = schema.ModelT.InitFromPackedBuf(cases["cnn"].files["dynamic-int8.tflite"], 0)
    graph = model.subgraphs[0]
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        if code.builtinCode == schema.BuiltinOperator.FULLY_CONNECTED:
            code.version = 1
            weights = graph.tensors[operator.inputs[1]]
            if weights.type == schema.TensorType.INT8:
                weights.quantization.scale = np.full(weights.shape[0], 0.01, np.float32)
    found = read_requirements(pack(schema, model), "tflite")
    assert (found.declared["FULLY_CONNECTED"], found.operators["FULLY_CONNECTED"]) == (1, 12)
    assert found.operators["FULLY_CONNECTED FLOAT32*INT8/axis"] == 12
    assert found.engines == {"litert": "1.0.0"}


def operand(dtype: str, shape: tuple[int, ...] = (4, 3, 3, 2), scales: int = 1) -> Operand:
    return Operand(dtype, shape, (0.5,) * scales)


def signature(name: str, dtypes: str, scales: int = 1, **options: object) -> OpSignature:
    left, right = dtypes.split("->")
    inputs = tuple(operand(dtype, scales=scales if index == 1 else 1) for index, dtype in enumerate(left.split(",")))
    return OpSignature(name, inputs, (operand(right),), type("Options", (), options)())


# The cases of op_version_test.cc for the operators listed, and the int16 ones explained in op_versions_weighted.
@pytest.mark.parametrize(
    ("use", "version"),
    [
        (signature("CONV_2D", "FLOAT32,FLOAT32->FLOAT32"), 1),
        (signature("CONV_2D", "FLOAT32,INT8->FLOAT32"), 2),
        (signature("CONV_2D", "FLOAT32,INT8->FLOAT32", scales=4), 5),
        (signature("CONV_2D", "INT8,INT8->INT8"), 3),
        (signature("CONV_2D", "INT8,INT4->INT8"), 7),
        (signature("CONV_2D", "INT16,INT8,INT64->INT16"), 4),
        (signature("CONV_2D", "INT16,INT8,INT32->INT16"), 8),
        (OpSignature("CONV_2D", (operand("INT8", (1, 8, 8, 8)), operand("INT8")), (operand("INT8"),)), 6),
        (signature("DEPTHWISE_CONV_2D", "FLOAT32,FLOAT32->FLOAT32", dilationWFactor=1, dilationHFactor=1), 1),
        (signature("DEPTHWISE_CONV_2D", "FLOAT32,FLOAT32->FLOAT32", dilationWFactor=2, dilationHFactor=1), 2),
        (signature("DEPTHWISE_CONV_2D", "INT8,INT8->INT8"), 3),
        (signature("DEPTHWISE_CONV_2D", "FLOAT32,INT8->FLOAT32"), 4),
        (signature("DEPTHWISE_CONV_2D", "INT16,INT8->INT16"), 5),
        (signature("DEPTHWISE_CONV_2D", "FLOAT32,INT8->FLOAT32", scales=2), 6),
        (signature("DEPTHWISE_CONV_2D", "INT8,INT4->INT8"), 7),
        (signature("FULLY_CONNECTED", "FLOAT32,FLOAT32,FLOAT32->FLOAT32"), 1),
        (signature("FULLY_CONNECTED", "UINT8,UINT8,INT32->UINT8", weightsFormat=1), 2),
        (signature("FULLY_CONNECTED", "FLOAT32,INT8,FLOAT32->FLOAT32"), 3),
        (signature("FULLY_CONNECTED", "INT8,INT8,INT32->INT8"), 4),
        (signature("FULLY_CONNECTED", "FLOAT32,FLOAT32,FLOAT32->FLOAT32", keepNumDims=True), 5),
        (signature("FULLY_CONNECTED", "FLOAT32,FLOAT32->FLOAT32"), 6),
        (signature("FULLY_CONNECTED", "INT16,INT8,INT64->INT16"), 7),
        (signature("FULLY_CONNECTED", "FLOAT32,INT8,FLOAT32->FLOAT32", asymmetricQuantizeInputs=True), 9),
        (signature("FULLY_CONNECTED", "INT8,INT4,INT32->INT8"), 10),
        (signature("FULLY_CONNECTED", "INT16,INT8,INT32->INT16"), 11),
        (signature("FULLY_CONNECTED", "FLOAT32,INT8,FLOAT32->FLOAT32", scales=4), 12),
        (signature("FULLY_CONNECTED", "INT16,INT4,INT32->INT16"), 13),
        (signature("ADD", "FLOAT32,FLOAT32->FLOAT32"), 1),
        (signature("ADD", "INT8,INT8->INT8"), 2),
        (signature("ADD", "INT16,INT16->INT16"), 3),
        (signature("ADD", "INT64,INT64->INT64", scales=0), 4),
        (signature("MUL", "FLOAT32,FLOAT32->FLOAT32"), 1),
        (OpSignature("MUL", (operand("INT8"), operand("INT8")), (Operand("INT8", (), (0.5,)),)), 2),
        (OpSignature("MUL", (operand("INT8"), operand("INT8")), (Operand("INT8", (), (0.25,)),)), 3),
        (signature("MUL", "INT16,INT16->INT16"), 4),
        (signature("SUB", "INT8,INT8->INT8"), 2),
        (signature("SUB", "INT16,INT16->INT16"), 5),
        (OpSignature("SUB", (operand("INT8", (1,) * 5), operand("INT8")), (operand("INT8"),)), 3),
        (OpSignature("DIV", (operand("FLOAT32", (1,) * 5), operand("FLOAT32")), (operand("FLOAT32"),)), 2),
        (signature("DIV", "FLOAT32,FLOAT32->FLOAT32"), 1),
        (signature("CAST", "UINT8->FLOAT32"), 1),
        (signature("CAST", "UINT32->FLOAT32"), 2),
        (signature("CAST", "INT8->FLOAT32"), 3),
        (signature("CAST", "FLOAT16->FLOAT32"), 5),
        (signature("QUANTIZE", "FLOAT32->INT8"), 1),
        (signature("QUANTIZE", "FLOAT32->INT16"), 2),
        (OpSignature("QUANTIZE", (operand("FLOAT32"),), (operand("INT8", scales=4),)), 3),
        (signature("DEQUANTIZE", "UINT8->FLOAT32"), 1),
        (signature("DEQUANTIZE", "FLOAT16->FLOAT32"), 3),
        (OpSignature("DEQUANTIZE", (operand("INT8", scales=4),), (operand("FLOAT32"),)), 5),
        (signature("PAD", "INT8,INT32->INT8"), 2),
        (OpSignature("PAD", (operand("INT8", (1,) * 5),), (operand("INT8"),)), 4),
        (signature("TRANSPOSE", "INT16,INT32->INT16"), 5),
        (OpSignature("TRANSPOSE", (operand("FLOAT32", (1,) * 6),), (operand("FLOAT32"),)), 6),
        (signature("MAXIMUM", "INT8,INT8->INT8"), 2),
        (signature("MEAN", "INT16,INT32->INT16"), 3),
        (signature("RELU", "UINT8->UINT8"), 2),
        (signature("CONCATENATION", "INT16,INT16->INT16"), 3),
        (signature("ABS", "INT16->INT16"), 3),
        (signature("ABS", "INT32->INT32", scales=0), 5),
        (signature("ARG_MAX", "INT8,INT32->INT32"), 2),
        (signature("BATCH_MATMUL", "FLOAT32,INT8->FLOAT32", asymmetricQuantizeInputs=True), 4),
        (signature("BATCH_MATMUL", "FLOAT32,FLOAT32->FLOAT32"), 1),
        (signature("BATCH_MATMUL", "INT16,INT16->INT16"), 3),
        (signature("BROADCAST_TO", "FLOAT32,INT32->FLOAT32"), 2),
        (signature("BROADCAST_TO", "INT8,INT32->INT8"), 3),
        (signature("FILL", "INT32,BOOL->BOOL"), 2),
        (signature("GATHER", "INT16,INT32->INT16"), 4),
        (signature("GATHER", "FLOAT32,INT32->FLOAT32", batchDims=1), 5),
        (signature("GATHER", "FLOAT32,INT16->FLOAT32"), 6),
        (signature("GELU", "INT8->INT8"), 2),
        (signature("LESS", "INT16,INT16->BOOL"), 3),
        (signature("PACK", "INT16,INT16->INT16"), 3),
        (signature("RESIZE_BILINEAR", "INT8,INT32->INT8"), 2),
        (signature("RESIZE_BILINEAR", "FLOAT32,INT32->FLOAT32", alignCorners=True), 1),
        (signature("RESIZE_BILINEAR", "FLOAT32,INT32->FLOAT32", halfPixelCenters=True), 3),
        (signature("RESIZE_NEAREST_NEIGHBOR", "FLOAT32,INT32->FLOAT32", alignCorners=True), 3),
        (signature("RESIZE_NEAREST_NEIGHBOR", "INT16,INT32->INT16"), 4),
        (OpSignature("SELECT", (operand("BOOL", (1,) * 5), operand("FLOAT32"), operand("FLOAT32")), ()), 3),
        (OpSignature("SLICE", (operand("FLOAT32", (1,) * 5),), ()), 5),
        (signature("SPACE_TO_BATCH_ND", "INT8,INT32,INT32->INT8"), 2),
        (signature("SPLIT", "INT32,INT8->INT8"), 2),
        (signature("SPLIT", "INT32,INT16->INT16"), 4),
        (signature("STRIDED_SLICE", "FLOAT32,INT32,INT32,INT32->FLOAT32", ellipsisMask=1), 6),
        (signature("STRIDED_SLICE", "FLOAT32,INT32,INT32,INT32->FLOAT32", offset=True), 8),
        (signature("STRIDED_SLICE", "INT8,INT32,INT32,INT32->INT8"), 2),
        (signature("TILE", "INT8,INT32->INT8"), 3),
        (signature("TRANSPOSE_CONV", "INT32,INT8,INT8->INT8"), 2),
        (signature("TRANSPOSE_CONV", "INT32,FLOAT32,FLOAT32,FLOAT32->FLOAT32"), 3),
        (signature("TRANSPOSE_CONV", "INT32,FLOAT32,FLOAT32->FLOAT32", fusedActivationFunction=1), 4),
        (signature("TRANSPOSE_CONV", "INT32,INT8,INT16,INT32->INT16"), 5),
        (signature("UNPACK", "BOOL->BOOL"), 3),
    ],
)
def test_the_rules_are_those_of_tensorflow_lite(use: OpSignature, version: int) -> None:
    assert RULES[use.name](use) == version


def test_every_operator_with_a_rule_has_its_releases_and_kernels() -> None:
    assert set(RULES) <= set(tflite_tables().operators) == set(tflite_tables().kernels)


@pytest.mark.parametrize(
    ("op", "types"),
    [
        (signature("CONV_2D", "INT8,INT8,INT32->INT8", scales=4), "INT8*INT8/axis"),
        (OpSignature("CONV_2D", (operand("INT8", (1, 8, 8, 8)), operand("INT8")), ()), "INT8*INT8:grouped"),
        (signature("CONV_2D", "INT16,INT8,INT32->INT16"), "INT16*INT8:INT32"),
        (signature("TRANSPOSE_CONV", "INT32,INT8,INT16,INT32->INT16"), "INT16*INT8:INT32"),
        (signature("FULLY_CONNECTED", "INT16,INT8->INT16", scales=4, keepNumDims=True), "INT16*INT8/axis:kept"),
        (signature("FULLY_CONNECTED", "INT8,INT8->INT8", scales=4, keepNumDims=True), "INT8*INT8/axis"),
        (signature("CAST", "UINT8->FLOAT32"), "UINT8>FLOAT32"),
        (OpSignature("DEQUANTIZE", (operand("INT8", scales=4),), ()), "INT8/axis"),
        (signature("SPLIT", "INT32,INT16->INT16"), "INT16"),
        (signature("SELECT_V2", "BOOL,FLOAT32,FLOAT32->FLOAT32"), "FLOAT32"),
        (OpSignature("CONV_2D", (operand("INT8"),), ()), ""),
        (OpSignature("RELU", (), ()), ""),
    ],
)
def test_a_kernel_is_chosen_by_the_types_that_carry_data(op: OpSignature, types: str) -> None:
    assert tflite_kernel_types(op) == types


@pytest.mark.parametrize("cut", [0, 7, 8, 40, 400, 4000, -1000, -100])
def test_a_truncated_tflite_file_is_an_error_of_one_line(cases: dict[str, Case], cut: int) -> None:
    with pytest.raises(BundleError, match="expected a"):
        read_requirements(cases["cnn"].files["int8.tflite"][:cut], "tflite")


@pytest.mark.parametrize("cut", [0, 5, 50, -1000, -1])
def test_a_truncated_onnx_file_is_an_error_of_one_line(cases: dict[str, Case], cut: int) -> None:
    with pytest.raises(BundleError, match="expected a whole ONNX file"):
        read_requirements(cases["cnn"].files["int8.onnx"][:cut], "onnx")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["int8.tflite", "int8.onnx"]), st.data())
def test_flipped_bytes_are_read_or_refused_but_never_crash(
    cases: dict[str, Case], file: str, data: st.DataObject
) -> None:
    content = bytearray(cases["vector"].files[file])
    ends = st.one_of(st.integers(0, 399), st.integers(len(content) - 3000, len(content) - 1))
    for place in data.draw(st.lists(ends, min_size=1, max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    try:
        found = read_requirements(bytes(content), "tflite" if file.endswith("tflite") else "onnx")
    except BundleError as error:
        assert "\n" not in str(error)  # noqa: PT017  # either way is right
    else:
        assert isinstance(found, Requirements)


def test_an_operator_without_a_rule_is_named_and_no_engine_promised(cases: dict[str, Case]) -> None:
    model = schema.ModelT.InitFromPackedBuf(cases["vector"].files["float32.tflite"], 0)
    code = model.operatorCodes[model.subgraphs[0].operators[-1].opcodeIndex]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.SKIP_GRAM
    found = read_requirements(pack(schema, model), "tflite")
    assert found.underived == ("SKIP_GRAM",)
    assert found.engines == {}


@pytest.mark.parametrize("file", ["float32.onnx", "int8.onnx"])
def test_an_onnx_file_needs_the_release_that_brought_its_opset(case: Case, file: str) -> None:
    found = read_requirements(case.files[file], "onnx")
    assert (found.opset, found.ir_version, found.declared, found.underived) == (13, 7, {"ai.onnx": 13}, ())
    assert found.operators["Softmax"] == 13
    # int32 biases: DequantizeLinear took them from 1.7 on.
    assert found.engines == {"onnxruntime": "1.7" if "DequantizeLinear int32" in found.operators else "1.6"}


def changed(data: bytes, change: Any) -> bytes:
    model = onnx.load_model_from_string(data)
    change(model)
    return bytes(model.SerializeToString())


def test_weights_in_another_file_are_refused(cases: dict[str, Case]) -> None:
    def move(model: Any) -> None:
        onnx.external_data_helper.set_external_data(model.graph.initializer[0], "../../etc/passwd")

    with pytest.raises(BundleError, match="in another file"):
        read_requirements(changed(cases["vector"].files["float32.onnx"], move), "onnx")


def test_foreign_and_future_onnx_operators_promise_no_engine(cases: dict[str, Case]) -> None:
    def foreign(model: Any) -> None:
        model.graph.node[0].domain = "com.example"
        model.opset_import.add(domain="com.example", version=1)

    def future(model: Any) -> None:
        model.opset_import[0].version = 99

    data = cases["vector"].files["float32.onnx"]
    found = read_requirements(changed(data, foreign), "onnx")
    assert "custom:com.example.Cast" in found.operators
    assert (found.underived, found.engines) == ((), {})
    assert read_requirements(changed(data, future), "onnx").engines == {}


def test_tensorflow_is_not_needed(cases: dict[str, Case], tmp_path: Any) -> None:
    (tmp_path / "a.tflite").write_bytes(cases["vector"].files["int8.tflite"])
    (tmp_path / "a.onnx").write_bytes(cases["vector"].files["int8.onnx"])
    code = (
        "import sys, pathlib\n"
        "sys.modules['tensorflow'] = sys.modules['keras'] = None\n"
        "from edgedigits_export.compat.requirements import read_requirements\n"
        "for kind in ('tflite', 'onnx'):\n"
        "    read_requirements(pathlib.Path(sys.argv[1], 'a.' + kind).read_bytes(), kind)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
