"""Whether a Keras model is the one that a bundle was made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.bundle import Bundle
from edgedigits.datasets import Dataset
from edgedigits.errors import BundleError
from edgedigits.manifest import PRECISIONS
from edgedigits_export.keras_model.frozen import FrozenModel

_ASKED = 32
# Of the largest difference in an image's probabilities, on average over images: a few golden ones lie on a boundary and
# may fall to either side. With float weights 2e-6 was seen, with int8 ones 0.027; and 0.35 for other weights.
_SAME = {"float32": 1e-4, "float16": 1e-3}
_SAME_ROUNDED = 0.1


def require_same_model(frozen: FrozenModel, bundle: Bundle, data: Dataset, named: str) -> None:
    """Refuse a model, ``named`` in the message, that is not the bundle's.

    It must have the same sizes and answer like Keras did at export; where those answers were left out of the bundle,
    or belong to other ``data``, like the bundle's most precise file answered the golden images.

    Raises
    ------
    BundleError: another model.

    """
    manifest = bundle.manifest
    sizes = (frozen.input_shape, frozen.classes, frozen.model.count_params())
    if sizes != (known := (manifest.image, len(manifest.labels), manifest.parameters)):
        raise BundleError(
            f"{named}: expected the model of {bundle.path}, image {list(known[0])}, {known[1]} classes, {known[2]:,} "
            f"parameters, found {list(sizes[0])}, {sizes[1]}, {sizes[2]:,}; name the .keras file it was exported from"
        )
    images, expected, precision = _known_answers(bundle, data)
    tolerance = _SAME.get(precision, _SAME_ROUNDED)
    off = float(np.abs(frozen.predict(images) - expected).max(axis=1).mean())
    if not off <= tolerance:
        raise BundleError(
            f"{named}: expected the model of {bundle.path}, whose probabilities it should repeat within {tolerance:g}, "
            f"found them {off:.2g} off; name the .keras file it was exported from"
        )


def _known_answers(bundle: Bundle, data: Dataset) -> tuple[NDArray[np.uint8], NDArray[np.float32], str]:
    """Images, what was answered at export, and the precision of what answered."""
    reference = bundle.reference() if data.sha256() == bundle.manifest.reference.dataset_sha256 else None
    if reference is not None:
        return data.images[:_ASKED], reference[:_ASKED], "float32"
    golden = bundle.golden()
    file = min(bundle.manifest.files, key=lambda file: PRECISIONS.index(file.precision))
    return golden.images, next(iter(golden.expected[file.path].values())), file.precision
