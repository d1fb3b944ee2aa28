"""A Keras model that computes in half, mixed or double precision, as one with the same weights in float32."""

from __future__ import annotations

from typing import Any

from edgedigits.errors import UsageError
from edgedigits_export.lazy_imports import quiet

_OTHERS = frozenset({"float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16"})


def in_float32(model: Any) -> Any:
    """Return the model itself, or where a layer computes in another precision a copy that does not.

    Raises
    ------
    UsageError: such a model cannot be made again from its configuration.

    """
    if not any(getattr(layer, "compute_dtype", None) in _OTHERS for layer in model.layers):
        return model
    try:
        with quiet():
            twin = type(model).from_config(_in_float32(model.get_config()))
            twin.set_weights(model.get_weights())
    # What a configuration of somebody else's layers raises has no narrower base.
    except Exception as error:
        raise UsageError(
            f"expected a model in float32, or one that can be made again in float32, found one that cannot ({error}); "
            "build it with the dtype policy 'float32' and load its weights"
        ) from error
    return twin


def _in_float32(value: Any) -> Any:
    """Return a part of a configuration with every other precision replaced."""
    if isinstance(value, list | tuple):
        return [_in_float32(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "DTypePolicy" and value["config"]["name"] in _OTHERS:
        return "float32"
    return {
        key: "float32" if key == "dtype" and isinstance(item, str) and item in _OTHERS else _in_float32(item)
        for key, item in value.items()
    }
