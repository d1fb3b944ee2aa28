"""Calibrate a Keras model's confidence by temperature scaling, before it is converted, so that every file has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets import Dataset
from edgedigits.errors import BundleError
from edgedigits.manifest import Confidence
from edgedigits.verification.statistics import expected_calibration_error, negative_log_likelihood
from edgedigits_export.keras_model.frozen import FrozenModel, softmax
from edgedigits_export.keras_model.graph import producer
from edgedigits_export.keras_model.temperature import TemperatureFit, fit_temperature
from edgedigits_export.lazy_imports import load, quiet

_NO_DENSE = TemperatureFit(1.0, "the model shows no Dense layer and softmax at its end, which could hold one")
# The largest difference of a probability between folding a temperature and dividing the scores by it: weights divided
# in float32 move it by a millionth, weights of another layer by more at once.
_SAME = 1e-4


@dataclass(frozen=True, slots=True)
class CalibratedModel:
    """A model whose weights hold its temperature, and the record of how that was found."""

    frozen: FrozenModel
    confidence: Confidence


def calibrate_in_place(frozen: FrozenModel, validation: Dataset) -> CalibratedModel:
    """Fit a temperature to labelled validation images and fold it into the weights of the model that is given.

    The weights stay as they are where the model cannot hold a temperature, where the images do not determine it, and
    where it would raise the expected calibration error on them.

    Source: C. Guo et al., "On calibration of modern neural networks", ICML 2017.
    """
    layer = _last_dense(frozen.model)
    logits = None if layer is None else frozen.logits(validation.images)
    if layer is None or logits is None:
        return _unchanged(frozen, _NO_DENSE, validation, frozen.predict(validation.images))
    with np.errstate(invalid="ignore"):  # scores that are not finite are reported by whoever needs probabilities
        before = softmax(logits)
    fit = fit_temperature(logits, validation.labels)
    if fit.temperature == 1:
        return _unchanged(frozen, fit, validation, before)
    kept = layer.get_weights()
    fold_temperature(frozen, fit.temperature)
    after = frozen.predict(validation.images)
    found = _confidence(fit, validation, before, after)
    expected = softmax(logits / np.float32(fit.temperature))
    if not np.allclose(after, expected, rtol=0, atol=_SAME):  # a layer used twice, say, is not only the last
        layer.set_weights(kept)
        return _unchanged(frozen, _NO_DENSE, validation, before)
    if found.ece_after > found.ece_before:  # one factor cannot mend scores that lean to a class
        layer.set_weights(kept)
        return _unchanged(frozen, _raises_error(found), validation, before)
    return CalibratedModel(frozen, found)


def fold_temperature(frozen: FrozenModel, temperature: float) -> None:
    """Divide a model's scores by a temperature: weights and bias of its last Dense layer are changed in place.

    Raises
    ------
    BundleError: the model has no such layer.

    """
    layer = _last_dense(frozen.model)
    if layer is None:
        raise BundleError(
            f"expected a model that ends in a Dense layer and a softmax, to hold the temperature {temperature:g}, "
            "found another; name the .keras file that the bundle was exported from"
        )
    with quiet():
        layer.set_weights([weights / np.float32(temperature) for weights in layer.get_weights()])


def uncalibrated(outputs: NDArray[np.float32], data: Dataset, why: str) -> Confidence:
    """Return the record of a model that has no temperature, with what its confidence is worth on labelled images."""
    return _confidence(TemperatureFit(1.0, why), data, outputs, outputs)


def _unchanged(
    frozen: FrozenModel, fit: TemperatureFit, data: Dataset, outputs: NDArray[np.float32]
) -> CalibratedModel:
    return CalibratedModel(frozen, _confidence(fit, data, outputs, outputs))


def _raises_error(found: Confidence) -> TemperatureFit:
    return TemperatureFit(
        1.0,
        f"{found.temperature:g} would make labels likelier, but raise the expected calibration error from "
        f"{found.ece_before:.4f} to {found.ece_after:.4f}",
    )


def _last_dense(model: Any) -> Any | None:
    """Return the Dense layer whose outputs go into the last softmax, also inside nested models; None without one."""
    layer, node = producer(model.outputs[0])
    linear = {"linear"}
    if _is_softmax(layer) and node:
        layer, _ = producer(node.input_tensors[0])
    else:
        linear = {"linear", "softmax"}
    if type(layer) is not load("keras").layers.Dense or layer.activation.__name__ not in linear:
        return None
    # Weights in integers, or with a low-rank part, have more arrays and are no factor of the result.
    return layer if len(layer.get_weights()) == 1 + layer.use_bias else None


def _is_softmax(layer: Any) -> bool:
    if type(layer).__name__ == "Softmax":
        return True
    return type(layer).__name__ == "Activation" and getattr(layer.activation, "__name__", None) == "softmax"


def _confidence(
    fit: TemperatureFit, data: Dataset, before: NDArray[np.float32], after: NDArray[np.float32]
) -> Confidence:
    return Confidence(
        temperature=fit.temperature,
        fitted_on=data.source,
        count=len(data),
        ece_before=_rounded(expected_calibration_error(before, data.labels)),
        ece_after=_rounded(expected_calibration_error(after, data.labels)),
        nll_before=_rounded(negative_log_likelihood(before, data.labels)),
        nll_after=_rounded(negative_log_likelihood(after, data.labels)),
        why_not=fit.why_not,
    )


def _rounded(value: float) -> float:
    """Round to six significant digits: the last bits of a sum depend on the processor."""
    return float(f"{value:.6g}")
