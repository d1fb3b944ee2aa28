"""The file of a network that was trained on its grid answers as the network did, with the ranges that it had."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray
from quantizable import NETWORKS
from trained import QuantizedRun

from edgedigits.datasets import Dataset
from edgedigits.errors import UsageError
from edgedigits.training_record import TrainedQuantization, read_training_record, trained_quantization
from edgedigits.verification.inference import infer_isolated
from edgedigits_export.convert.tflite import convert_tflite
from edgedigits_export.convert.trained_ranges import convert_trained
from edgedigits_export.keras_model.frozen import freeze
from edgedigits_export.keras_model.load import load_keras
from edgedigits_train.quantization.calibration import choose_ranges
from edgedigits_train.quantization.lowering import lower
from edgedigits_train.quantization.network import trace
from edgedigits_train.quantization.plan import plan_ranges
from edgedigits_train.quantization.twin import build_twin, finish_twin, twin_of
from edgedigits_train.training.evaluation import predict

pytestmark = pytest.mark.tensorflow

# The share of images with the same answer; see `approximate` for the exception.
AGREEMENT = {"convolutional": 0.999, "branching": 0.999, "nested": 0.999, "approximate": 0.98}


@pytest.fixture(scope="module")
def shifted(digits: Dataset) -> NDArray[np.uint8]:
    """2,500 images of digits that the networks have seen in another place."""
    shifts = [(down, right) for down in range(-2, 3) for right in range(-2, 3)]
    return np.concatenate([np.roll(digits.images, shift, axis=(1, 2)) for shift in shifts])


@pytest.fixture(scope="module")
def finished(quantized_run: QuantizedRun) -> tuple[Any, TrainedQuantization]:
    model = load_keras(quantized_run.folder / "model.keras")
    quantization = trained_quantization(
        read_training_record(quantized_run.folder / "model.keras", model.count_params())
    )
    assert quantization is not None
    return model, quantization


def agreement(data: bytes, outputs: NDArray[np.float32], images: NDArray[np.uint8], folder: Path) -> float:
    """Return the share of images that a file answers alike in LiteRT."""
    (folder / "int8.tflite").write_bytes(data)
    said = infer_isolated(folder / "int8.tflite", "litert", images).probabilities
    return float((said.argmax(axis=1) == outputs.argmax(axis=1)).mean())


def scales(data: bytes) -> set[tuple[float, int]]:
    """Return scale and zero point of all activations of a file, rounded to five digits."""
    graph = schema.ModelT.InitFromPackedBuf(data, 0).subgraphs[0]
    made = {index for operator in graph.operators for index in operator.outputs}
    tensors = [graph.tensors[index] for index in made if graph.tensors[index].type == schema.TensorType.INT8]
    return {(float(f"{t.quantization.scale[0]:.5g}"), int(t.quantization.zeroPoint[0])) for t in tensors}


def test_the_file_of_a_run_answers_as_was_trained(
    finished: tuple[Any, TrainedQuantization], shifted: NDArray[np.uint8], tmp_path: Path
) -> None:
    model, quantization = finished
    outputs = predict(twin_of(model, quantization), shifted)
    data = convert_trained(freeze(model), quantization, shifted[:4])
    assert agreement(data, outputs, shifted, tmp_path) >= 0.999
    expected = set()
    for low, high in quantization.ranges.values():
        scale = (high - low) / 255
        expected.add((float(f"{scale:.5g}"), round(-128 - low / scale)))
    assert scales(data) == expected
    # Other ranges, as images give them, are other answers.
    assert scales(convert_tflite(freeze(model), "int8", shifted[:500])) != expected


# Each network runs over 2,500 images twice, in Keras and in its file.
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_operator_rounds_as_in_training(
    name: str, quantizable: Callable[[str], Path], digits: Dataset, shifted: NDArray[np.uint8], tmp_path: Path
) -> None:
    network = lower(trace(load_keras(quantizable(name))))
    plan = plan_ranges(network)
    done = finish_twin(network, plan, build_twin(network, plan, choose_ranges(network, plan, digits.images)))
    data = convert_trained(freeze(done.model), done.quantization, digits.images[:4])
    assert agreement(data, predict(done.twin, shifted), shifted, tmp_path) >= AGREEMENT[name]


def test_layers_that_were_trained_in_float_stay_in_float(digits: Dataset) -> None:
    network = lower(trace(NETWORKS["nested"]()))
    plan = plan_ranges(network)
    done = finish_twin(network, plan, build_twin(network, plan, choose_ranges(network, plan, digits.images)))

    def kinds(quantization: TrainedQuantization) -> dict[str, int]:
        """Return the type of what each operator reads first."""
        model = schema.ModelT.InitFromPackedBuf(convert_trained(freeze(done.model), quantization, digits.images[:4]), 0)
        names = {value: name for name, value in vars(schema.BuiltinOperator).items()}
        graph = model.subgraphs[0]
        return {
            names[model.operatorCodes[operator.opcodeIndex].builtinCode]: graph.tensors[operator.inputs[0]].type
            for operator in graph.operators
        }

    assert done.quantization.float_layers == ("second_softplus",)
    float32, int8 = schema.TensorType.FLOAT32, schema.TensorType.INT8
    found = kinds(done.quantization)
    assert {found["EXP"], found["ADD"], found["LOG"]} == {float32}
    assert found["CONV_2D"] == found["FULLY_CONNECTED"] == int8
    assert kinds(replace(done.quantization, float_layers=()))["EXP"] == int8


def test_a_layer_that_the_file_does_not_have_is_named(
    finished: tuple[Any, TrainedQuantization], digits: Dataset
) -> None:
    model, quantization = finished
    other = replace(quantization, ranges={**quantization.ranges, "elsewhere": (0.0, 1.0)})
    with pytest.raises(UsageError, match="a tensor of each layer that has a trained range, found none of 'elsewhere'"):
        convert_trained(freeze(model), other, digits.images[:4])
