"""The configuration of a model that Keras 2 wrote, in the words of Keras 3.

Keras 3 takes most of it as it is. What it refuses, though it means nothing else, is translated; what it would
compute in another way is given as Keras 2 computed it. The differences were found by loading files of Keras 2.15.
"""

from __future__ import annotations

from typing import Any

from edgedigits_export.lazy_imports import load

# Arguments that say what is so anyway; the depthwise kernel has its own.
_KERNEL = {"groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint"}
_SILENT = {
    "DepthwiseConv1D": _KERNEL,
    "DepthwiseConv2D": _KERNEL,
    "SeparableConv1D": _KERNEL,
    "SeparableConv2D": _KERNEL,
    "Conv1DTranspose": {"groups"},
    "Conv2DTranspose": {"groups"},
    "SpatialDropout1D": {"trainable", "noise_shape"},
    "SpatialDropout2D": {"trainable", "noise_shape"},
    "LSTM": {"time_major"},
    "GRU": {"time_major"},
    "SimpleRNN": {"time_major"},
}
# Of these the only value that means nothing is the default; any other stays, and Keras 3 refuses it.
_DEFAULTS = {"groups": 1, "time_major": False, "noise_shape": None}
_MODELS = ("Functional", "Model", "Sequential")
_HARD_SIGMOID = "hard_sigmoid"
_ACTIVATIONS = ("activation", "recurrent_activation")
_PACKAGE = "keras2"


def in_keras3(config: dict[str, Any]) -> dict[str, Any]:
    """Return a whole model's configuration as Keras 3 takes it."""
    renamed = {name: name.replace("/", "_") for name in _names(config) if "/" in name}
    translated: dict[str, Any] = _translated(config, renamed)
    return translated


def layers_of(config: Any) -> list[dict[str, Any]]:
    """Return the configuration of each layer, also inside nested models and wrappers, those of models before theirs."""
    if isinstance(config, list):
        return [layer for item in config for layer in layers_of(item)]
    if not isinstance(config, dict):
        return []
    own = [config] if _is_layer(config) else []
    return own + [layer for item in config.values() for layer in layers_of(item)]


def _is_layer(config: dict[str, Any]) -> bool:
    """Return whether it is a layer's: initializers and their like have no names."""
    inner = config.get("config")
    return "class_name" in config and isinstance(inner, dict) and "name" in inner


def _names(config: dict[str, Any]) -> list[str]:
    return [layer["config"]["name"] for layer in layers_of(config)]


def _translated(value: Any, renamed: dict[str, str]) -> Any:
    if isinstance(value, str):
        return renamed.get(value, value)
    if isinstance(value, list):
        return [_translated(item, renamed) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "Policy":  # of the precision in which a layer computes
        return value["config"]["name"]
    found = {key: _translated(item, renamed) for key, item in value.items()}
    return _layer(found) if _is_layer(found) else found


def _layer(layer: dict[str, Any]) -> dict[str, Any]:
    kind, config = layer["class_name"], layer["config"]
    silent = _SILENT.get(kind, set())
    kept = {key: item for key, item in config.items() if not _says_nothing(key, item, silent)}
    if shape := kept.pop("batch_input_shape", None):
        kept |= {"batch_shape": shape} if kind == "InputLayer" else {"input_shape": shape[1:]}
    if kind == "BatchNormalization" and isinstance(config.get("axis"), list) and len(config["axis"]) == 1:
        kept["axis"] = config["axis"][0]
    if "output_layers" in kept:
        kept |= _graph(kept)
    for key in _ACTIVATIONS:
        if kept.get(key) == _HARD_SIGMOID:
            kept[key] = _hard_sigmoid()
    moved = {"module": "keras.src.models"} if str(layer.get("module", "")).startswith("keras.src.engine") else {}
    return layer | moved | {"config": kept}


def _graph(config: dict[str, Any]) -> dict[str, Any]:
    """Return layers and ends of a graph as Keras 3 counts them.

    In Keras 2 the first call of a model inside the model is number 1, since making it was number 0; Keras 3 reads this
    so at the graph's end, of a Functional alone. A list of one tensor is that tensor in Keras 2 and a list in Keras 3.
    """
    inner = {layer["name"]: layer["class_name"] for layer in config["layers"] if layer["class_name"] in _MODELS}
    ends = {key: config[key][0] if len(config[key]) == 1 else config[key] for key in ("input_layers", "output_layers")}
    layers = [layer | {"inbound_nodes": _from_zero(layer["inbound_nodes"], set(inner))} for layer in config["layers"]]
    sequential = {name for name, kind in inner.items() if kind == "Sequential"}
    return {"layers": layers} | {key: _from_zero(end, sequential) for key, end in ends.items()}


def _from_zero(value: Any, inner: set[str]) -> Any:
    """Return references to calls, such as ``["model", 1, 0, {}]``, with those of ``inner`` counted from 0."""
    if isinstance(value, dict):
        return {key: _from_zero(item, inner) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    if len(value) >= 3 and isinstance(value[0], str) and value[0] in inner and isinstance(value[1], int):
        return [value[0], value[1] - 1, *_from_zero(value[2:], inner)]
    return [_from_zero(item, inner) for item in value]


def _says_nothing(key: str, value: Any, silent: set[str]) -> bool:
    return key in silent and value == _DEFAULTS.get(key, value)


def _hard_sigmoid() -> dict[str, Any]:
    """Return the reference to the function of that name in Keras 2, which was steeper than that of Keras 3."""
    keras = load("keras")

    @keras.saving.register_keras_serializable(_PACKAGE, _HARD_SIGMOID)  # type: ignore[untyped-decorator]
    def hard_sigmoid(values: Any) -> Any:
        return keras.ops.clip(0.2 * values + 0.5, 0, 1)

    name = f"{_PACKAGE}>{_HARD_SIGMOID}"
    return {"module": "builtins", "class_name": "function", "config": name, "registered_name": name}
