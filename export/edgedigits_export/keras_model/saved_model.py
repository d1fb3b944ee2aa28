"""A SavedModel as a Keras model of one layer: its serving signature, from one image to one vector of scores.

Nothing inside it is seen as layers. TensorFlow runs what is in the folder, as it does for whoever serves the model.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edgedigits.errors import BundleError
from edgedigits_export.decisive import decisive_sentence
from edgedigits_export.lazy_imports import load, quiet

_SIGNATURES = ("serving_default", "serve")
_PIXELS = ("float32", "uint8")
_SIDE = 64  # of images to try, where a model leaves their height and width free


def read_saved_model(path: Path) -> Any:
    """Return a Keras model that gives its input to the serving signature of a SavedModel's folder.

    Raises
    ------
    BundleError: it cannot be loaded, has no such signature, or takes and gives something else.

    """
    keras = load("keras")
    try:
        with quiet():
            name, shape, dtype = _choose(path)
            image = keras.Input(shape, dtype=dtype)
            layer = keras.layers.TFSMLayer(str(path), call_endpoint=name)
            (scores,) = _values(layer(image))
            model = keras.Model(image, scores)
            model(np.zeros((2, *(side or _SIDE for side in shape)), dtype))
    except BundleError:
        raise
    # What a graph of somebody else's makes TensorFlow raise has no narrower base.
    except Exception as error:
        raise BundleError(f"{path}: a SavedModel that TensorFlow cannot run: {decisive_sentence(error)}") from error
    return model


def _choose(path: Path) -> tuple[str, list[int | None], str]:
    """Return the name of the serving signature, the shape of its images without the first axis, and their type."""
    loader = load("tensorflow.python.saved_model.loader_impl")
    found = dict(loader.parse_saved_model(str(path)).meta_graphs[0].signature_def)
    found.pop("__saved_model_init_op", None)
    name = next((name for name in (*_SIGNATURES, *found) if name in found), None)
    if name is None:
        raise BundleError(
            f"{path}: expected a SavedModel with a serving signature, found none; save the model with "
            "model.export('folder')"
        )
    inputs, outputs = _tensors(found[name].inputs), _tensors(found[name].outputs)
    if not _fits(inputs, outputs):
        raise BundleError(
            f"{path}: expected a serving signature from images float32 or uint8 [N, H, W, C], N free, to one vector of "
            f"scores, found {name}({_told(inputs)}) -> {_told(outputs)}; export a model that has these alone"
        )
    ((dtype, shape),) = inputs.values()
    return name, list(shape or ())[1:], dtype


_Tensors = dict[str, tuple[str, list[int | None] | None]]


def _tensors(infos: Any) -> _Tensors:
    """Return the type and shape of each tensor by name; a shape of None has any number of axes."""
    types = load("tensorflow").dtypes
    shapes = {key: None if one.tensor_shape.unknown_rank else _shape(one) for key, one in infos.items()}
    return {key: (types.as_dtype(infos[key].dtype).name, shape) for key, shape in sorted(shapes.items())}


def _shape(info: Any) -> list[int | None]:
    return [None if axis.size < 0 else int(axis.size) for axis in info.tensor_shape.dim]


def _fits(inputs: _Tensors, outputs: _Tensors) -> bool:
    if len(inputs) != 1 or len(outputs) != 1:
        return False
    ((dtype, shape),) = inputs.values()
    ((given, _),) = outputs.values()
    return dtype in _PIXELS and shape is not None and 2 <= len(shape) <= 4 and shape[0] is None and given == "float32"


def _told(tensors: _Tensors) -> str:
    return ", ".join(f"{name}: {dtype} {_shown(shape)}" for name, (dtype, shape) in tensors.items()) or "nothing"


def _shown(shape: list[int | None] | None) -> str:
    return "of any shape" if shape is None else f"[{', '.join('?' if axis is None else str(axis) for axis in shape)}]"


def _values(outputs: Any) -> list[Any]:
    return list(outputs.values()) if isinstance(outputs, dict) else [outputs]
