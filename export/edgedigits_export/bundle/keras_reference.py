"""What Keras says of images, in the form in which a file's outputs are compared with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets import Dataset
from edgedigits.verification.compare import Comparison, compare
from edgedigits.verification.places import at_places, find_places
from edgedigits_export.bundle.job import ExportJob


@dataclass(frozen=True, slots=True)
class KerasReference:
    """What Keras says of images, in the form in which outputs are compared (see `edgedigits.verification.places`).

    Attributes
    ----------
    probabilities: float32 ``[N, classes]``, of images or of places.
    labels: the labels that these are to have, int64 ``[N]``.
    places: where a locator found something, float32 ``[N, 3]``; None of a classifier.

    """

    probabilities: NDArray[np.float32]
    labels: NDArray[np.int64]
    places: NDArray[np.float32] | None

    def compare(self, outputs: NDArray[np.float32], temperature: float) -> Comparison:
        """Compare a file's outputs for the same images with Keras'."""
        said = outputs if self.places is None else at_places(outputs, self.places)
        return compare(said, self.probabilities, self.labels, temperature)


def expected_of(job: ExportJob, outputs: NDArray[np.float32], data: Dataset) -> KerasReference:
    """Return Keras' ``outputs`` for ``data``: a classifier's beside its labels, a locator's at the places it found."""
    if job.task == "classify":
        return KerasReference(outputs, data.labels, None)
    found = find_places(outputs)
    return KerasReference(found.probabilities, np.asarray(found.probabilities.argmax(axis=1), np.int64), found.places)
