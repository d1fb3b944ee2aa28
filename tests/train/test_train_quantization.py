"""Training on the grid of an int8 file: its layers, what is folded and shares a range, and whole runs."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from quantizable import NETWORKS, SCORES
from trained import QuantizedRun, start_training

from edgedigits.datasets import Dataset, Splits
from edgedigits.errors import InputError, UsageError
from edgedigits.training_record import TrainedQuantization, read_training_record, trained_quantization
from edgedigits_train.config import QUANTIZED, resolve
from edgedigits_train.data.training_set import TrainingSet
from edgedigits_train.quantization.begin import compare_start, new_twin
from edgedigits_train.quantization.calibration import best_range
from edgedigits_train.quantization.kinds import WEIGHTED
from edgedigits_train.quantization.layers import FakeQuantize, QuantizedWeights
from edgedigits_train.quantization.lowering import lower
from edgedigits_train.quantization.network import trace
from edgedigits_train.quantization.plan import plan_ranges
from edgedigits_train.quantization.source import read_source
from edgedigits_train.quantization.twin import build_twin, finish_twin, twin_of
from edgedigits_train.start import find_start
from edgedigits_train.training import backend
from edgedigits_train.training.evaluation import predict
from edgedigits_train.training.loop import train_epochs

pytestmark = pytest.mark.tensorflow


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow is in use in this process already."""
    monkeypatch.setattr(backend, "set_up", lambda threads: None)


def softmax(scores: Any) -> Any:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def saved(tmp_path: Path, model: Any, name: str = "net.keras") -> str:
    model.save(tmp_path / name)
    return str(tmp_path / name)


def classifier(*stack: Any, end: str = "softmax") -> Any:
    return keras.Sequential([keras.Input((28, 28, 1)), *stack, layers.Flatten(), layers.Dense(10, activation=end)])


def test_values_have_256_levels_and_zero_is_one_of_them() -> None:
    values = np.linspace(-3, 9, 5001, dtype=np.float32)
    rounded = np.asarray(FakeQuantize(-1.3, 6.1)(values))
    levels = np.unique(rounded)
    assert len(levels) == 256
    assert 0 in levels
    np.testing.assert_allclose(np.diff(levels), 7.4 / 255, rtol=1e-4)
    inside = (values > levels[0]) & (values < levels[-1])
    assert np.abs(rounded - values)[inside].max() <= 7.4 / 255 / 2 + 1e-6
    assert (rounded[~inside] == np.where(values[~inside] < 0, levels[0], levels[-1])).all()


def test_means_of_integers_are_rounded_away_from_zero() -> None:
    halves = np.arange(-20, 21, dtype=np.float32) / 2
    shifted = halves + 1e-6 * np.where(np.arange(len(halves)) % 2, 1, -1).astype(np.float32)
    rounded = np.asarray(FakeQuantize(-128.0, 127.0)(shifted, half_away=True))
    np.testing.assert_array_equal(rounded, np.trunc(halves + np.copysign(0.5, halves)))


def test_gradients_pass_the_rounding_and_what_is_outside_moves_the_range() -> None:
    layer = FakeQuantize(-1.0, 2.0)
    values = tf.constant([-5.0, -0.5, 0.3, 7.0])
    layer(values)
    with tf.GradientTape() as tape:
        tape.watch(values)
        outputs = layer(values)
    to_values, to_range = tape.gradient(outputs, [values, layer.stretch.value])
    np.testing.assert_array_equal(to_values, [0, 1, 1, 0])
    assert to_range[1] > 0  # a higher end would let the 7 through
    fixed = FakeQuantize(-1.0, 2.0, fixed=True)
    fixed(values)
    assert fixed.trainable_variables == []


@pytest.mark.parametrize(
    ("layer", "shape", "scales"),
    [
        (layers.Conv2D(5, 3), (1, 6, 6, 4), 5),
        (layers.DepthwiseConv2D(3, depth_multiplier=2), (1, 6, 6, 4), 8),
        (layers.Dense(7), (1, 20), 1),
    ],
)
def test_weights_are_symmetric_with_the_scales_of_a_file(layer: Any, shape: tuple[int, ...], scales: int) -> None:
    rng = np.random.default_rng(0)
    layer.build(shape)
    weights = tuple(rng.normal(0, 0.1, value.shape).astype(np.float32) for value in layer.weights)
    wrapper = QuantizedWeights(type(layer).from_config(layer.get_config()))
    wrapper.build(shape)
    wrapper.set_folded(weights)
    kernel, bias = wrapper.folded((-1.0, 4.0))
    rows = kernel.reshape(-1, scales) if scales > 1 else kernel.reshape(-1, 1)
    steps = rows / (np.abs(weights[0].reshape(rows.shape)).max(axis=0) / 127)
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)
    assert np.abs(steps).max() == pytest.approx(127)
    assert np.abs(kernel - weights[0]).max() <= np.abs(weights[0]).max() / 127 / 2 * 1.001
    unit = 5 / 255 * np.abs(rows).max(axis=0) / 127
    np.testing.assert_allclose(bias / unit, np.round(bias / unit), atol=1e-2)
    assert np.abs(bias - weights[1]).max() <= unit.max() / 2 * 1.001
    inputs = rng.normal(size=shape).astype(np.float32)
    layer.set_weights([kernel, weights[1]])
    np.testing.assert_allclose(wrapper(inputs), layer(inputs), atol=1e-5)


def test_a_channel_of_zeros_stays_one() -> None:
    wrapper = QuantizedWeights(layers.Conv2D(2, 1))
    wrapper.build((1, 4, 4, 1))
    wrapper.set_folded((np.array([[[[0.0, 2.0]]]], np.float32), np.array([0.5, 0], np.float32)))
    kernel, bias = wrapper.folded((0.0, 1.0))
    np.testing.assert_allclose(kernel.ravel(), [0, 2])
    np.testing.assert_allclose(bias, [0.5, 0], atol=1e-4)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_a_lowered_network_computes_the_same_with_one_operator_a_layer(
    name: str, quantizable: Callable[[str], Path], digits: Dataset
) -> None:
    model = keras.saving.load_model(quantizable(name))
    network = lower(trace(model))
    expected = predict(model, digits.images)
    np.testing.assert_allclose(
        predict(network.to_model(), digits.images), softmax(expected) if name in SCORES else expected, atol=1e-5
    )
    left = {node.kind for node in network.nodes.values()}
    assert not left & {"BatchNormalization", "SeparableConv2D", "Dropout", "TrueDivide"}
    assert all(
        node.layer.get_config()["activation"] == "linear" for node in network.nodes.values() if node.kind in WEIGHTED
    )


@pytest.mark.parametrize(
    ("stack", "kinds"),
    [
        ([layers.Normalization(mean=33.0, variance=9.0), layers.Conv2D(2, 3)], ["DepthwiseConv2D", "Conv2D"]),
        ([layers.Rescaling(1 / 255), layers.ZeroPadding2D(1), layers.Conv2D(2, 3)], ["ZeroPadding2D", "Conv2D"]),
        ([layers.Conv2D(2, 3), layers.BatchNormalization(scale=False, center=False)], ["Conv2D"]),
        ([layers.Conv2D(2, 3, activation="relu"), layers.BatchNormalization(), layers.RandomFlip(),
          layers.Reshape((26, 26, 2))], ["Conv2D", "Activation", "DepthwiseConv2D"]),
        ([layers.Flatten(), layers.Dense(9), layers.ReLU(), layers.BatchNormalization(), layers.Dropout(0.5)],
         ["Flatten", "Dense", "ReLU"]),
    ],
)  # fmt: skip
def test_what_scales_and_shifts_is_folded_where_it_can_be(stack: list[Any], kinds: list[str], digits: Dataset) -> None:
    model = classifier(*stack)
    rng = np.random.default_rng(3)
    model.set_weights([rng.uniform(0.5, 1.5, values.shape) for values in model.get_weights()])
    network = lower(trace(model))
    found = [node.kind for node in network.nodes.values()]
    assert found == [*kinds, *(["Flatten"] if "Flatten" not in kinds else []), "Dense", "Activation"]
    images = digits.images[:20]
    scores = [keras.Model(one.inputs, one.layers[-1].output) for one in (model, network.to_model())]
    np.testing.assert_allclose(predict(scores[0], images), predict(scores[1], images), atol=1e-4)


def test_ranges_follow_the_operators_of_a_file() -> None:
    plan = plan_ranges(lower(trace(NETWORKS["branching"]())))
    groups = plan.groups
    assert "first" in groups  # another layer than the normalisation reads it too
    assert "norm" not in groups  # the ReLU after it is a part of its operator
    assert groups["separable_silu"] == groups["beside"] == groups["joined"] == groups["averaged"]
    assert groups["greatest"] == groups["all"] == groups["h_relu6"] == groups["flat"]
    assert plan.fixed == {"image": (0.0, 255.0), "separable_silu_sigmoid": (0.0, 255 / 256)}
    assert plan.in_float == ()
    assert "softmax" not in groups
    plan = plan_ranges(lower(trace(NETWORKS["approximate"]())))
    assert plan.groups["set_tanh"] != plan.groups["joined"] == plan.groups["hard_hard_silu"]
    assert plan.fixed["set_tanh"] == (-1.0, 127 / 128)  # it is brought to the others' scale
    assert [node.name for node in plan_ranges(lower(trace(NETWORKS["nested"]()))).in_float] == ["second_softplus"]


def test_a_few_values_far_away_do_not_make_a_range() -> None:
    values = np.random.default_rng(0).normal(size=500_000).astype(np.float32)
    low, high = best_range(np.append(values, np.float32(20)))
    assert 4 < high < 15
    assert low > values.min()
    assert best_range(np.zeros(9, np.float32)) == (0.0, 1.0)
    low, high = best_range(np.abs(values))
    assert low == 0
    assert high > 3


# 25 epochs, which TensorFlow compiles for longer than they take.
def test_training_on_the_grid_wins_back_what_the_grid_lost(quantizable: Callable[[str], Path], splits: Splits) -> None:
    """Ranges so narrow that nothing is left to tell digits apart by are widened by their own gradients."""
    source = read_source(str(quantizable("convolutional")))
    training_set = TrainingSet.of(splits.train)
    config = resolve({
        **source.options, "quantize": "int8", "from_model": "net.keras", "data": "digits.npz", "epochs": 25,
        "batch_size": 16, "augment": False, "learning_rate": 2e-2, "threads": 1,
    })  # fmt: skip
    twin = new_twin(source, config, training_set)
    for layer in twin.layers:
        if isinstance(layer, FakeQuantize) and not layer.fixed:
            layer.stretch.assign([-2.0, -2.0])

    def right() -> float:
        return float((predict(twin, splits.train.images).argmax(axis=1) == splits.train.labels).mean())

    assert right() < 0.5
    narrow = twin.get_layer("scores__range").ends()[1]
    list(train_epochs(twin, training_set, splits.validation, config, 0))
    assert right() > 0.9
    done = finish_twin(source.network, source.plan, twin)
    assert done.quantization.ranges["scores"][1] > 1.1 * narrow
    again = twin_of(done.model, done.quantization)
    np.testing.assert_array_equal(predict(again, splits.train.images), predict(done.twin, splits.train.images))


def test_a_run_leaves_an_ordinary_model_and_its_ranges(quantized_run: QuantizedRun) -> None:
    with zipfile.ZipFile(quantized_run.folder / "model.keras") as archive:
        assert b"edgedigits" not in archive.read("config.json")
    model = keras.saving.load_model(quantized_run.folder / "model.keras", custom_objects={})
    record = json.loads((quantized_run.folder / "train.json").read_text())
    assert record["parameters"] == model.count_params() < keras.saving.load_model(quantized_run.source).count_params()
    assert (record["config"]["quantize"], record["config"]["from_model"]) == ("int8", str(quantized_run.source))
    assert (record["config"]["model"], record["config"]["size"]) == ("source", "28x28")
    assert len(record["from_sha256"]) == 64
    quantization = trained_quantization(
        read_training_record(quantized_run.folder / "model.keras", model.count_params())
    )
    assert quantization is not None
    assert (quantization.precision, quantization.float_layers) == ("int8", ())
    (first, pixels), *others = quantization.ranges.items()
    assert (first, pixels) == ("image", (0.0, 255.0))
    assert [name for name, _ in others] == [f"conv{n}_relu" for n in range(1, 6)] + ["probabilities"]
    assert all(low <= 0 < high for _, (low, high) in others)
    assert "before training: validation " in quantized_run.err
    assert "WARNING" not in quantized_run.err


def test_recorded_figures_are_those_of_the_file(quantized_run: QuantizedRun, splits: Splits) -> None:
    record = json.loads((quantized_run.folder / "train.json").read_text())
    model = keras.saving.load_model(quantized_run.folder / "model.keras")
    twin = twin_of(model, trained_quantization(record))  # type: ignore[arg-type]
    for part in ("validation", "test"):
        data = getattr(splits, part)
        outputs = predict(twin, data.images)
        assert record[part]["correct"] == int((outputs.argmax(axis=1) == data.labels).sum())
        assert record[part]["loss"] == pytest.approx(
            -np.log(outputs[np.arange(len(data)), data.labels]).mean(), rel=1e-3
        )


# A run in a process of its own, and the shared one to compare it with.
def test_a_killed_run_goes_on_to_the_same_weights_and_ranges(quantized_run: QuantizedRun, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(quantized_run.killed, folder)
    process = start_training(["-o", folder, "--resume"])
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "before training" not in err
    resumed, whole = (json.loads((place / "train.json").read_text()) for place in (folder, quantized_run.folder))
    assert resumed["quantization"] == whole["quantization"]
    models = [keras.saving.load_model(place / "model.keras") for place in (folder, quantized_run.folder)]
    for own, expected in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(own, expected)


def test_the_record_beside_the_source_gives_defaults(tmp_path: Path) -> None:
    model = NETWORKS["convolutional"]()
    path = saved(tmp_path, model, "model.keras")
    recorded = {"model": "mine", "data": "mnist", "augment": False, "elastic": 0.02, "paper": True, "paper_share": 0.5}
    (tmp_path / "train.json").write_text(json.dumps({"parameters": model.count_params(), "config": recorded}))
    given = {"quantize": "int8", "from_model": path}
    config = find_start(tmp_path / "run", given, resume=False, overwrite=False).config
    assert {name: config.to_dict()[name] for name in recorded} == recorded
    assert (config.size, config.epochs) == ("28x28", QUANTIZED["quick"].epochs)
    config = find_start(tmp_path / "run", {**given, "paper": False}, resume=False, overwrite=False).config
    assert not config.paper
    (tmp_path / "train.json").write_text(json.dumps({"parameters": 1, "config": recorded}))
    config = find_start(tmp_path / "run", given, resume=False, overwrite=False).config
    assert (config.model, config.paper) == (tmp_path.name, False)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"quantize": "int8"}, "--quantize: expected --quantize int8 and --from MODEL.keras together; add the other"),
        ({"from_model": "a.keras"}, "--from: expected --quantize int8 and --from MODEL.keras together; add the other"),
        (
            {"quantize": "int8", "from_model": "a", "model": "tiny"},
            "--model: is decided by the model that --from names",
        ),
        ({"quantize": "int8", "from_model": "a", "size": "32x32"}, "--size: is decided by the model that --from names"),
        ({"quantize": "int8", "from_model": "a", "temperature": 2.0}, "--temperature: is not for --quantize"),
        ({"quantize": "int8", "from_model": "a", "epochs": 0}, "--epochs: expected at least 1, found 0"),
    ],
)
def test_options_that_do_not_go_together_are_refused(given: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_start(tmp_path / "run", given, resume=False, overwrite=False)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: classifier(end="sigmoid"), "ends in a softmax or in its scores, found the activation sigmoid"),
        (lambda: keras.Model(*shared()), "is called more than once"),
        (lambda: keras.Model(*two_inputs()), r"with one input and one output, found 2 and 1"),
        (lambda: keras.Model(*operation()), r"found the operation 'exp\w*' \(Exp\), which has no name in a file"),
        (lambda: keras.Sequential([keras.Input((784,)), layers.Dense(10)]), r"takes images \[H, W, C\], found \[784\]"),
        (lambda: quantized(classifier()), "was quantized by Keras, expected a model in float"),
    ],
    ids=["sigmoid", "shared", "two inputs", "operation", "vector", "quantized"],
)
def test_models_that_cannot_be_trained_are_refused(model: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        read_source(saved(tmp_path, model()))


def two_inputs() -> tuple[Any, Any]:
    images = [keras.Input((8, 8, 1)), keras.Input((8, 8, 1))]
    return images, layers.Dense(3)(layers.Flatten()(layers.Add()(images)))


def shared() -> tuple[Any, Any]:
    image, layer = keras.Input((8, 8, 1)), layers.Conv2D(1, 3, padding="same")
    return image, layers.Dense(3)(layers.Flatten()(layer(layer(image))))


def operation() -> tuple[Any, Any]:
    image = keras.Input((8, 8, 1))
    return image, layers.Dense(3)(layers.Flatten()(keras.ops.exp(image)))


def quantized(model: Any) -> Any:
    model.layers[-1].quantize("int8")
    return model


def test_data_that_the_source_does_not_know_are_refused(tmp_path: Path, digits: Dataset, splits: Splits) -> None:
    source = read_source(saved(tmp_path, classifier(layers.Rescaling(1 / 255))))
    config = resolve({**source.options, "quantize": "int8", "from_model": "net.keras"})
    half = Dataset(digits.images[:, ::2, ::2], digits.labels, digits.names, digits.source)
    with pytest.raises(
        UsageError, match=r"--from: expected images and classes \[14, 14, 1, 10\], found \[28, 28, 1, 10\]"
    ):
        new_twin(source, config, TrainingSet.of(half))
    twin = new_twin(source, config, TrainingSet.of(splits.train))
    with pytest.raises(UsageError, match="expected a classifier of these images as raw pixels, found"):
        compare_start(source, twin, splits.validation)
    with pytest.raises(InputError, match=r"--from: expected a .keras file"):
        read_source(str(tmp_path / "none.keras"))


def test_layers_of_transfer_learning_are_trained_too(tmp_path: Path) -> None:
    model = classifier(layers.Conv2D(2, 3, kernel_regularizer="l2", kernel_constraint="max_norm"))
    model.layers[0].trainable = False
    source = read_source(saved(tmp_path, model))
    twin = build_twin(source.network, source.plan, dict.fromkeys(source.plan.groups.values(), (0.0, 255.0)))
    assert any("conv2d" in variable.path for variable in twin.trainable_variables)
    assert twin.losses == []


def test_a_record_of_another_release_is_told() -> None:
    assert trained_quantization(None) is None
    assert trained_quantization({"parameters": 3}) is None
    entry = {"precision": "int8", "ranges": {"image": [0, 255]}, "float_layers": []}
    assert trained_quantization({"quantization": entry}) == TrainedQuantization("int8", {"image": (0.0, 255.0)}, ())
