"""Inspect whether a Keras model is a classifier that can be exported."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from edgedigits.errors import UsageError
from edgedigits_export.keras_model.graph import producer

_SMALLEST_FLAT_SIDE = 8
# Keras' operation for `outputs[:, :n]`.
_CHOICE = "GetItem"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What export has to know about a classifier.

    Attributes
    ----------
    input_shape: ``(H, W, C)``; C is 1 for a model that takes ``[H, W]`` or a square image as one vector.
    classes: length of the vector of class scores; 1 where one score tells two classes apart.
    ends_in_softmax: whether its last layer is a softmax; False where the structure does not show it.

    """

    input_shape: tuple[int, int, int]
    classes: int
    ends_in_softmax: bool


def inspect_model(model: Any, input_size: tuple[int, int] | None = None) -> ModelInfo:
    """Return sizes, channels and classes of a model; ``input_size`` (height, width) is that of images where it is free.

    Raises
    ------
    UsageError: several inputs or outputs, undefined sizes, no image or no vector of class scores, channels before
        rows and columns, layers quantized by Keras, several sigmoids at the end, or only some of the classes of a
        softmax.

    """
    inputs, outputs = _ends(model, "inputs"), _ends(model, "outputs")
    _require_channels_last(model, tuple(inputs[0].shape)[1:])
    _require_float(model)
    shape = _image_shape(_sized(tuple(inputs[0].shape)[1:], input_size))
    classes = _classes(tuple(outputs[0].shape)[1:])
    _require_all_classes(model)
    last = _last_activation(model)
    if last == "sigmoid" and classes > 1:
        raise UsageError(
            f"expected a model that chooses one of its classes, found {classes} sigmoids at the end, which say yes or "
            "no to each class by itself; train it with a softmax"
        )
    return ModelInfo(shape, classes, last == "softmax")


def _ends(model: Any, which: str) -> list[Any]:
    """Return the symbolic inputs or outputs, exactly one."""
    try:
        found = list(getattr(model, which) or ())
    except (AttributeError, ValueError):
        found = []
    if not found:
        raise UsageError(
            "expected a Sequential or Functional model with a defined input, found one without; if it is of a class of "
            "its own, save it with model.export('folder'), and export that folder"
        )
    if len(found) != 1:
        names = ", ".join(str(end.name) for end in found)
        raise UsageError(f"expected a model with one of its {which}, found {len(found)} ({names})")
    return found


def _require_channels_last(model: Any, shape: tuple[int | None, ...]) -> None:
    first = next((one for one in model.layers if getattr(one, "data_format", None) == "channels_first"), None)
    looks = len(shape) == 3 and shape[0] in {1, 3} and None not in shape and shape[2] not in {1, 3, 4}
    if first is not None or looks:
        where = f"layer {first.name!r} with channels first" if first is not None else f"an input {list(shape)}"
        raise UsageError(
            f"expected images [H, W, C], channels last, found {where}; build the model with "
            "data_format='channels_last' and set these weights, or put Input((H, W, C)) and Permute((3, 1, 2)) first"
        )


def _require_float(model: Any) -> None:
    """Refuse what ``model.quantize`` of Keras made: integers that no converter knows, rounded a second time."""
    for layer in model._flatten_layers(include_self=False):  # noqa: SLF001  `layers` leaves out what layers hold
        mode = getattr(layer, "quantization_mode", None)
        if mode is not None:
            raise UsageError(
                f"expected a model in float, found layer {layer.path!r} quantized by Keras ({mode}); export the model "
                f"as it was before quantize({mode!r}): the integers of int8 files are chosen here"
            )


def _sized(shape: tuple[int | None, ...], size: tuple[int, int] | None) -> tuple[int | None, ...]:
    """Return the shape of an input with its free height and width filled in."""
    if size is None:
        if len(shape) in {2, 3} and None in shape[:2]:
            raise UsageError(
                f"expected a model input of fixed size [H, W, C], found {list(shape)}; say the size of its images, "
                "such as --input-size 224x224"
            )
        return shape
    filled = (*size, *shape[2:])
    if len(shape) not in {2, 3} or any(old not in {None, new} for old, new in zip(shape, filled, strict=True)):
        raise UsageError(f"--input-size: expected a model that takes {list(filled)}, found {list(shape)}; leave it out")
    return filled


def _image_shape(shape: tuple[int | None, ...]) -> tuple[int, int, int]:
    """Return ``(H, W, C)`` of a model input whose shape is given without its batch axis."""
    shown = list(shape)
    if not shape or None in shape:
        raise UsageError(f"expected a model input [H, W, C], found {shown}; only classifiers of images can be exported")
    sizes = tuple(int(size) for size in shape if size is not None)
    if len(sizes) == 1:
        side = math.isqrt(sizes[0])
        if side * side == sizes[0] and side >= _SMALLEST_FLAT_SIDE:
            return side, side, 1
    if len(sizes) == 2:
        return sizes[0], sizes[1], 1
    if len(sizes) == 3:
        return sizes[0], sizes[1], sizes[2]
    raise UsageError(f"expected a model input [H, W, C], found {shown}; only classifiers of images can be exported")


def _classes(shape: tuple[int | None, ...]) -> int:
    """Return the length of the vector of class scores."""
    if len(shape) != 1 or shape[0] is None:
        raise UsageError(f"expected a model output of one vector of class scores, found {list(shape)}")
    return int(shape[0])


def is_locator(model: Any) -> bool:
    """Return whether a Keras model is this project's locator: from fields of any size to maps."""
    return model.name == "locator" and tuple(model.input_shape) == (None, None, None, 1)


def _require_all_classes(model: Any) -> None:
    """Refuse ``softmax[:, :n]``, whose sums tell how probable the classes are that are left out."""
    output = model.outputs[0]
    choice, node = producer(output) if hasattr(output, "_keras_history") else (None, None)  # a SavedModel has no layers
    if type(choice).__name__ != _CHOICE or node is None:
        return
    whole = producer(node.input_tensors[0])[0]
    if type(whole).__name__ == "Softmax" or getattr(getattr(whole, "activation", None), "__name__", "") == "softmax":
        raise UsageError(
            f"expected a model that gives the probabilities of all its classes, found a choice of those of "
            f"{whole.name!r}; export keras.Model(model.inputs, model.get_layer({whole.name!r}).output)"
        )


def _last_activation(model: Any) -> str | None:
    """Return the name of the activation that makes the output, also inside nested models; None where unknown."""
    producer = getattr(getattr(model, "outputs", [None])[0], "_keras_history", None)
    layer: Any = producer.operation if producer is not None else None
    while getattr(layer, "layers", None):
        layer = layer.layers[-1]
    if type(layer).__name__ == "Softmax":
        return "softmax"
    return getattr(getattr(layer, "activation", None), "__name__", None)
