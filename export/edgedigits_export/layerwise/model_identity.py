"""Whether a Keras model is the one that a bundle was exported from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.bundle import Bundle
from edgedigits.datasets import Dataset
from edgedigits.errors import BundleError
from edgedigits.manifest import PRECISIONS
from edgedigits_export.keras_model.frozen import FrozenModel

_IMAGES = 32
# The tolerances of the largest difference in an image's probabilities, averaged over images: a few golden images lie on
# a boundary between classes and may fall to either side. Seen were 2e-6 with float weights and 0.027 with int8 weights,
# but 0.35 with the weights of another model.
_TOLERANCES = {"float32": 1e-4, "float16": 1e-3}
_INT8_TOLERANCE = 0.1


def require_same_model(frozen: FrozenModel, bundle: Bundle, data: Dataset, name: str) -> None:
    """Refuse a model that is not the bundle's; ``name`` is what the message calls it.

    The model must have the same sizes and repeat Keras' outputs at export. Where the bundle does not have these
    outputs, or has them for other ``data``, the model must repeat the golden outputs of the bundle's most precise file.

    Raises
    ------
    BundleError: it is another model.

    """
    manifest = bundle.manifest
    sizes = (frozen.input_shape, frozen.classes, frozen.model.count_params())
    if sizes != (known := (manifest.image, len(manifest.labels), manifest.parameters)):
        raise BundleError(
            f"{name}: expected the model of {bundle.path}, image {list(known[0])}, {known[1]} classes, {known[2]:,} "
            f"parameters, found {list(sizes[0])}, {sizes[1]}, {sizes[2]:,}; name the .keras file it was exported from"
        )
    images, expected, precision = _recorded_outputs(bundle, data)
    tolerance = _TOLERANCES.get(precision, _INT8_TOLERANCE)
    difference = float(np.abs(frozen.predict(images) - expected).max(axis=1).mean())
    if not difference <= tolerance:
        raise BundleError(
            f"{name}: expected the model of {bundle.path}, whose probabilities it should repeat within {tolerance:g}, "
            f"found them {difference:.2g} off; name the .keras file it was exported from"
        )


def _recorded_outputs(bundle: Bundle, data: Dataset) -> tuple[NDArray[np.uint8], NDArray[np.float32], str]:
    """Return images, the outputs recorded for them at export, and the precision of the model that computed these."""
    reference = bundle.reference() if data.sha256() == bundle.manifest.reference.dataset_sha256 else None
    if reference is not None:
        return data.images[:_IMAGES], reference[:_IMAGES], "float32"
    golden = bundle.golden()
    file = min(bundle.manifest.files, key=lambda file: PRECISIONS.index(file.precision))
    return golden.images, next(iter(golden.expected[file.path].values())), file.precision
