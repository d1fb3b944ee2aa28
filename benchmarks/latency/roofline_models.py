"""Write matrix products as the files that engines read, and count the multiplications of the reference model.

`python -m benchmarks.latency.roofline_models FOLDER SHAPES` needs TensorFlow, so it has a process of its own. A shape
is rows, depth, columns; the second matrix is a constant, as weights are. Prints the model's multiplications as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.child import ROOT
from benchmarks.latency.roofline_probe import OPERATORS
from edgedigits_export.keras_model.load import load_keras
from edgedigits_export.lazy_imports import load, quiet

REFERENCE = ROOT / "models" / "small.keras"
_OPSET, _IR_VERSION = 13, 7


def tflite_product(shape: list[int], precision: str) -> bytes:
    """Return one FULLY_CONNECTED; in int8 with int8 in and out, so that nothing but the product is computed."""
    tf = load("tensorflow")
    rows, depth, columns = shape
    weights = tf.constant(_values((depth, columns)))
    function = tf.function(lambda given: tf.matmul(given, weights))
    concrete = function.get_concrete_function(tf.TensorSpec((rows, depth), tf.float32))
    with quiet():
        converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
        if precision == "int8":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: _samples((rows, depth))
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = tf.int8
        return bytes(converter.convert())


def onnx_product(shape: list[int], operator: str) -> bytes:
    """Return one MatMul, MatMulInteger (int32 out) or QLinearMatMul (uint8 out).

    Integers are uint8 by int8, which processors multiply fastest.
    """
    onnx = load("onnx")
    make, kinds = onnx.helper, onnx.TensorProto
    rows, depth, columns = shape
    given, answer = {
        "MatMul": (kinds.FLOAT, kinds.FLOAT),
        "MatMulInteger": (kinds.UINT8, kinds.INT32),
        "QLinearMatMul": (kinds.UINT8, kinds.UINT8),
    }[operator]
    float32 = _values((depth, columns))
    constants: dict[str, Any] = {"w": float32 if operator == "MatMul" else _quantized(float32)}
    inputs = ["a", "w"]
    if operator == "QLinearMatMul":
        scales = {name: np.float32(0.05) for name in ("a_scale", "w_scale", "y_scale")}
        constants |= scales | {"a_zero": np.uint8(128), "w_zero": np.int8(0), "y_zero": np.uint8(128)}
        inputs = ["a", "a_scale", "a_zero", "w", "w_scale", "w_zero", "y_scale", "y_zero"]
    graph = make.make_graph(
        [make.make_node(operator, inputs, ["y"])],
        "product",
        [make.make_tensor_value_info("a", given, [rows, depth])],
        [make.make_tensor_value_info("y", answer, [rows, columns])],
        [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _values(shape: tuple[int, int], seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def _quantized(values: NDArray[np.float32]) -> NDArray[np.int8]:
    quantized: NDArray[np.int8] = np.clip(np.rint(32 * values), -127, 127).astype(np.int8)
    return quantized


def _samples(shape: tuple[int, int]) -> Iterator[list[NDArray[np.float32]]]:
    """Yield what the converter takes the range of the first matrix from."""
    for seed in range(3):
        yield [_values(shape, seed)]


def main(folder: Path, shapes: list[list[int]]) -> int:
    """Write every product in every form; returns the reference model's multiplications with addition an image."""
    for shape in shapes:
        name = "x".join(map(str, shape))
        for precision in ("float32", "int8"):
            (folder / f"{name}-{precision}.tflite").write_bytes(tflite_product(shape, precision))
        for operator in OPERATORS:
            (folder / f"{name}-{operator}.onnx").write_bytes(onnx_product(shape, operator))
    model: Any = load_keras(REFERENCE)
    from edgedigits_train.models.build import count_macs  # which imports TensorFlow loudly unless it is there already

    return count_macs(model)


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), json.loads(sys.argv[2]))))
