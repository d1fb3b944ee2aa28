"""The locator that belongs to a bundle of digits, loaded into an engine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.bundle import SHIPPED, Bundle
from edgedigits.engines import ENGINES, load_engine
from edgedigits.errors import BundleError
from edgedigits.model import model_of_bundle
from edgedigits.tensors import pixel_inference
from edgedigits.verification.golden import check_at_load

NAME = "locator"  # of the shipped bundle


class Locator:
    """Finds digits: a function from local contrast to the maps of `edgedigits.images.locator`."""

    def __init__(self, expected_id: str | None, engine_name: str, num_threads: int, *, verify: bool) -> None:
        """Load the shipped locator of this id into an engine.

        Raises
        ------
        BundleError: no shipped locator has this id, or it is broken.
        ModelRejectedError, GoldenMismatchError: as of `edgedigits.classifier.DigitClassifier`.

        """
        bundle = find_locator(expected_id)
        model = model_of_bundle(bundle, bundle.pick(None, [ENGINES[engine_name].format]))
        loaded = load_engine(engine_name, model, num_threads)
        self.id = bundle.id
        self._infer = pixel_inference(loaded)
        if verify:
            check_at_load(model, self._infer, f"{loaded.name} {loaded.version}")

    def __call__(self, contrast: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the maps, float32 ``[1, H / 8, W / 8, channels]``, of local contrast, uint8 ``[1, H, W, 1]``."""
        return self._infer(contrast)


def find_locator(expected_id: str | None) -> Bundle:
    """Return the shipped locator, if it has this id or ``expected_id`` is None.

    Raises
    ------
    BundleError: it has another one, or is broken.

    """
    bundle = Bundle.load(SHIPPED / NAME)
    if expected_id not in {None, bundle.id}:
        raise BundleError(
            f"expected the locator {expected_id[:12]}, with which the bundle was exported, found "
            f"{bundle.id[:12]} in this version of edgedigits; export the model again"
        )
    return bundle
