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

from edgedigits.bundle import Bundle
from edgedigits.cli.main import main
from edgedigits.datasets import Dataset
from edgedigits.errors import UsageError
from edgedigits.training_record import TrainedQuantization, read_training_record, trained_quantization
from edgedigits.verification.inference import infer_isolated
from edgedigits_export.convert.recipe import WHOLE
from edgedigits_export.convert.tflite import convert_tflite
from edgedigits_export.convert.tflite_int8 import TfliteQuantizer
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


def convert_trained(model: Any, quantization: TrainedQuantization, images: NDArray[np.uint8]) -> bytes:
    return TfliteQuantizer(freeze(model), images, quantization).quantize(WHOLE)


def agreement(data: bytes, outputs: NDArray[np.float32], images: NDArray[np.uint8], folder: Path) -> float:
    """Return the share of images that a file answers alike in LiteRT."""
    (folder / "int8.tflite").write_bytes(data)
    said = infer_isolated(folder / "int8.tflite", "litert", images).probabilities
    return float((said.argmax(axis=1) == outputs.argmax(axis=1)).mean())


def scale_of(layer: tuple[float, float]) -> tuple[float, int]:
    """Return the scale and the zero point of a range, as `scales` does."""
    scale = (layer[1] - layer[0]) / 255
    return float(f"{scale:.5g}"), round(-128 - layer[0] / scale)


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
    data = convert_trained(model, quantization, shifted[:4])
    assert agreement(data, outputs, shifted, tmp_path) >= 0.999
    expected = {scale_of(layer) for layer in quantization.ranges.values()}
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
    data = convert_trained(done.model, done.quantization, digits.images[:4])
    assert agreement(data, predict(done.twin, shifted), shifted, tmp_path) >= AGREEMENT[name]


def test_layers_that_were_trained_in_float_stay_in_float(digits: Dataset) -> None:
    network = lower(trace(NETWORKS["nested"]()))
    plan = plan_ranges(network)
    done = finish_twin(network, plan, build_twin(network, plan, choose_ranges(network, plan, digits.images)))

    def kinds(quantization: TrainedQuantization) -> dict[str, int]:
        """Return the type of what each operator reads first."""
        model = schema.ModelT.InitFromPackedBuf(convert_trained(done.model, quantization, digits.images[:4]), 0)
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
        convert_trained(model, other, digits.images[:4])


def test_export_makes_the_file_that_was_trained(
    quantized_run: QuantizedRun,
    finished: tuple[Any, TrainedQuantization],
    digits: Dataset,
    shifted: NDArray[np.uint8],
    tmp_path: Path,
) -> None:
    """The temperature divides the scores, and with them the end of their range."""
    turned = np.rot90(shifted[::3], axes=(1, 2))  # what the network is often wrong about
    images, labels = np.concatenate([shifted[::3], turned]), np.tile(digits.labels, 25)[::3]
    np.savez(tmp_path / "data.npz", images=images, labels=np.tile(labels, 2))
    words = ["export", str(quantized_run.folder / "model.keras"), "--calibration", str(tmp_path / "data.npz")]
    assert main([*words, "--variants", "int8.tflite", "--no-repair", "-o", str(tmp_path / "bundle")]) in (0, 1)
    manifest = Bundle.load(tmp_path / "bundle").manifest
    temperature = manifest.confidence.temperature
    assert temperature > 1.1
    *layers, scores = finished[1].ranges.values()
    expected = {scale_of(layer) for layer in (*layers, (scores[0] / temperature, scores[1] / temperature))}
    assert scales((tmp_path / "bundle" / manifest.files[0].path).read_bytes()) == expected
