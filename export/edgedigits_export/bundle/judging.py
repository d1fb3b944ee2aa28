"""Which labelled images judge files: none that calibrated, and for a repair two parts, to choose on and to judge on."""

from __future__ import annotations

import numpy as np

from edgedigits.datasets import Dataset, Splits, join
from edgedigits_export.bundle.calibration import Calibration

# More images than these do not judge: ten variants of a large model would take hours.
_JUDGING = 5_000


def choose_judging(splits: Splits, calibration: Calibration) -> Dataset:
    """Return the images that judge: all that did not calibrate, those first that were held out, and not too many.

    Of MNIST they are the validation digits: its test digits decide nothing.
    """
    if splits.test.source.startswith("mnist:"):
        return splits.validation
    rest = np.delete(np.arange(len(splits.train)), calibration.indices)
    parts = [splits.validation, splits.test, *([splits.train.take(rest)] if len(rest) else [])]
    every = join(parts)
    return every.take(np.arange(min(_JUDGING, len(every))))


def halve(splits: Splits, calibration: Calibration) -> tuple[Dataset, Dataset]:
    """Return two disjoint parts of the images that did not calibrate: to choose a file on, and to judge it on, once.

    Validation images are to choose on and test images to judge on; of the training images each part has every second.
    Of MNIST both parts are validation digits, since its test digits decide nothing.
    """
    if splits.test.source.startswith("mnist:"):
        return _every_second(splits.validation, 0), _every_second(splits.validation, 1)
    rest = np.delete(np.arange(len(splits.train)), calibration.indices)
    parts = []
    for part, held_out in enumerate((splits.validation, splits.test)):
        rows = rest[part::2]
        every = join([held_out, *([splits.train.take(rows)] if len(rows) else [])])
        parts.append(every.take(np.arange(min(_JUDGING, len(every)))))
    return parts[0], parts[1]


def _every_second(data: Dataset, first: int) -> Dataset:
    return data.take(np.arange(first, len(data), 2))
