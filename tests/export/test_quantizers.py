"""The quantizers of both formats: one conversion, and as many files as there are recipes."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from edgedigits.engines import load_engine
from edgedigits.errors import UsageError
from edgedigits.model import lone_model
from edgedigits.tensors import pixel_inference
from edgedigits_export.convert.harm import on_disk, weigh_operators
from edgedigits_export.convert.onnx_int8 import OnnxQuantizer
from edgedigits_export.convert.recipe import WHOLE, Quantizer, Recipe
from edgedigits_export.convert.tflite_int8 import TfliteQuantizer

pytestmark = pytest.mark.tensorflow
ENGINES = {"tflite": "litert", "onnx": "onnxruntime"}


@pytest.fixture(scope="module", params=["tflite", "onnx"])
def format_(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def quantizer(format_: str, cases: dict[str, Any]) -> Iterator[Quantizer]:
    case = cases["cnn"]
    with ExitStack() as stack:
        if format_ == "tflite":
            yield TfliteQuantizer(case.frozen, case.images)
        else:
            yield stack.enter_context(OnnxQuantizer(case.files["float32.onnx"], case.images))


def outputs(data: bytes, format_: str, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    with on_disk(data, f".{format_}") as path:
        return pixel_inference(load_engine(ENGINES[format_], lone_model(Path(path)), 1), None)(images)


def integers(data: bytes, format_: str) -> int:
    """How many values inside a file are integers of 8 bits."""
    if format_ == "onnx":
        return sum(node.op_type == "QuantizeLinear" for node in onnx.load_model_from_string(data).graph.node)
    graph = schema.ModelT.InitFromPackedBuf(data, 0).subgraphs[0]
    return sum(tensor.type == schema.TensorType.INT8 for tensor in graph.tensors)


def test_a_recipe_always_gives_the_same_bytes(quantizer: Quantizer, format_: str, cases: dict[str, Any]) -> None:
    first = quantizer.quantize(WHOLE)
    quantizer.quantize(Recipe("mse"))
    assert quantizer.quantize(WHOLE) == first
    if format_ == "tflite":
        assert first == cases["cnn"].files["int8.tflite"]
    else:
        assert first == cases["cnn"].files["int8.onnx"]


def test_operators_in_float_are_not_quantized(quantizer: Quantizer, format_: str, cases: dict[str, Any]) -> None:
    case, names = cases["cnn"], tuple(operator.name for operator in quantizer.operators)
    counts = [integers(quantizer.quantize(Recipe(in_float=names[:k])), format_) for k in (0, 1, len(names))]
    assert counts[0] > counts[1] > counts[2] == 0
    exact = outputs(case.files[f"float32.{format_}"], format_, case.images)
    everything = outputs(quantizer.quantize(Recipe(in_float=names)), format_, case.images)
    np.testing.assert_allclose(everything, exact, atol=1e-6)


@pytest.mark.parametrize("method", ["percentile", "mse"])
def test_other_ranges_give_another_file_that_is_no_larger_and_nearly_the_same(
    quantizer: Quantizer, format_: str, cases: dict[str, Any], method: Any
) -> None:
    case, whole = cases["cnn"], quantizer.quantize(WHOLE)
    narrow = quantizer.quantize(Recipe(method))
    assert narrow != whole
    assert abs(len(narrow) - len(whole)) < 100
    exact = outputs(case.files[f"float32.{format_}"], format_, case.images)
    assert np.abs(outputs(narrow, format_, case.images) - exact).mean() < 0.05


def test_operators_with_constants_tell_how_many(quantizer: Quantizer, cases: dict[str, Any]) -> None:
    model = cases["cnn"].frozen.model
    weights = sum(int(np.prod(weight.shape)) for weight in model.weights)
    assert weights * 0.9 < sum(operator.constants for operator in quantizer.operators) < weights * 1.2


def test_every_operator_is_weighed_alone(quantizer: Quantizer, format_: str, cases: dict[str, Any]) -> None:
    said: list[str] = []
    weighed = weigh_operators(quantizer, "min-max", f".{format_}", ENGINES[format_], cases["cnn"].images, said.append)
    assert [one.operator for one in weighed] == list(quantizer.operators)
    assert said[-1] == f"weighed {len(weighed)} of {len(weighed)} operators"
    assert all(one.harm >= 0 for one in weighed)
    assert max(one.harm for one in weighed) > 0
    assert any(one.operator.constants for one in weighed)


def test_images_are_needed(cases: dict[str, Any]) -> None:
    case = cases["cnn"]
    with pytest.raises(UsageError, match="int8 needs calibration images, found none"):
        TfliteQuantizer(case.frozen, case.images[:0])
