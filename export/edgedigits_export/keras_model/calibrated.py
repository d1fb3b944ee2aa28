"""Temperature scaling of a Keras model before it is converted, so that every file's confidence means something."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets import Dataset
from edgedigits.errors import BundleError
from edgedigits.manifest import Confidence
from edgedigits.verification.statistics import expected_calibration_error, negative_log_likelihood
from edgedigits_export.keras_model.frozen import FrozenModel, softmax
from edgedigits_export.keras_model.inspect import CHOICE
from edgedigits_export.keras_model.temperature import Fit, fit_temperature
from edgedigits_export.lazy_imports import load, quiet

_NO_DENSE = Fit(1.0, "the model does not end in a Dense layer and a softmax, which could hold one")
# Of a probability: weights divided in float32 move it by a millionth, weights of another layer at once.
_SAME = 1e-4


def calibrate_confidence(frozen: FrozenModel, validation: Dataset) -> Confidence:
    """Fit a temperature to labelled validation images and fold it into the model, which is changed in place.

    A model that cannot hold one is left as it is, and so is one whose temperature the images do not tell, or whose
    expected calibration error on them it would raise.

    Source: C. Guo et al., "On calibration of modern neural networks", ICML 2017.
    """
    layer = _last_dense(frozen.model)
    logits = None if layer is None else frozen.logits(validation.images)
    if layer is None or logits is None:
        before = frozen.predict(validation.images)
        return _record(_NO_DENSE, validation, before, before)
    with np.errstate(invalid="ignore"):  # scores that are not finite are told by whoever needs probabilities
        before = softmax(logits)[:, : frozen.classes]
    fit = fit_temperature(logits, validation.labels)
    if fit.temperature == 1:
        return _record(fit, validation, before, before)
    kept = layer.get_weights()
    fold_temperature(frozen, fit.temperature)
    after = frozen.predict(validation.images)
    expected = softmax(logits / np.float32(fit.temperature))[:, : frozen.classes]
    if not np.allclose(after, expected, rtol=0, atol=_SAME):
        layer.set_weights(kept)  # a layer used twice, say, is not only the last
        return _record(_NO_DENSE, validation, before, before)
    found = _record(fit, validation, before, after)
    if found.ece_after > found.ece_before:
        layer.set_weights(kept)  # one factor cannot mend scores that lean to a class
        why = (
            f"{fit.temperature:g} would make labels likelier, but raise the expected calibration error from "
            f"{found.ece_before:.4f} to {found.ece_after:.4f}"
        )
        return _record(Fit(1.0, why), validation, before, before)
    return found


def fold_temperature(frozen: FrozenModel, temperature: float) -> None:
    """Divide the scores of a model by a temperature: weights and bias of its last Dense layer, changed in place.

    Raises
    ------
    BundleError: it has no such layer.

    """
    layer = _last_dense(frozen.model)
    if layer is None:
        raise BundleError(
            f"expected a model that ends in a Dense layer and a softmax, to hold the temperature {temperature:g}, "
            "found another; name the .keras file that the bundle was exported from"
        )
    with quiet():
        layer.set_weights([weights / np.float32(temperature) for weights in layer.get_weights()])


def _last_dense(model: Any) -> Any | None:
    """The Dense layer whose results go into the last softmax, looked up through nested models; None elsewhere."""
    layer, node = _made_by(model.outputs[0])
    if type(layer).__name__ == CHOICE:
        layer, node = _made_by(node.input_tensors[0])
    linear = {"linear"}
    if _is_softmax(layer):
        layer, _ = _made_by(node.input_tensors[0])
    else:
        linear = {"linear", "softmax"}
    if type(layer) is not load("keras").layers.Dense or layer.activation.__name__ not in linear:
        return None
    # Weights in integers, or with a low-rank part, have more arrays and are no factor of the result.
    return layer if len(layer.get_weights()) == 1 + layer.use_bias else None


def _made_by(tensor: Any) -> tuple[Any, Any]:
    """The layer that made a symbolic tensor, and its place in the graph; of a model inside the model its own last."""
    history = tensor._keras_history  # noqa: SLF001  # there is no public way up a graph
    layer = history.operation
    if getattr(layer, "layers", None):
        return _made_by(layer.outputs[0])
    return layer, layer._inbound_nodes[history.node_index]  # noqa: SLF001


def _is_softmax(layer: Any) -> bool:
    if type(layer).__name__ == "Softmax":
        return True
    return type(layer).__name__ == "Activation" and getattr(layer.activation, "__name__", None) == "softmax"


def _record(fit: Fit, data: Dataset, before: NDArray[np.float32], after: NDArray[np.float32]) -> Confidence:
    return Confidence(
        temperature=fit.temperature,
        fitted_on=data.source,
        count=len(data),
        ece_before=_short(expected_calibration_error(before, data.labels)),
        ece_after=_short(expected_calibration_error(after, data.labels)),
        nll_before=_short(negative_log_likelihood(before, data.labels)),
        nll_after=_short(negative_log_likelihood(after, data.labels)),
        why_not=fit.why_not,
    )


def _short(value: float) -> float:
    """To six digits: the last bits of a sum are no figure."""
    return float(f"{value:.6g}")
