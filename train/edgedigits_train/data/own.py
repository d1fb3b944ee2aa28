"""Somebody's own data, looked at before it is read: the classes, and the pictures of a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets import load_evaluation, names_mnist
from edgedigits.datasets.load import OWN_SHARE
from edgedigits.datasets.own import class_folders, label_folders
from edgedigits.errors import DatasetError, UsageError
from edgedigits.images.decode import read_pixels
from edgedigits.images.resize import read_resized
from edgedigits_train.data.classes import class_notes, require_classes
from edgedigits_train.data.pictures import Pictures, look_at


@dataclass(frozen=True, slots=True)
class OwnData:
    """The count of images of each class, and the pictures, which an .npz file has none of."""

    counts: dict[str, int]
    pictures: Pictures | None

    @property
    def train_count(self) -> int:
        """How many images there are to train on."""
        return round(sum(self.counts.values()) * (1 - 2 * OWN_SHARE))

    def notes(self) -> list[str]:
        """Return lines about what is done with the pictures, and about classes that are hard to learn."""
        return [*([str(self.pictures)] if self.pictures else []), *class_notes(self.counts)]

    def read(self, path: Path) -> NDArray[np.uint8]:
        """Read a picture in the shape that all get, as bundles do."""
        return read_resized(path, self.pictures.shape) if self.pictures else read_pixels(path)


def look_at_own(data: str, size: str | None) -> OwnData | None:
    """Look at the data and refuse what cannot be trained; None for MNIST.

    Raises
    ------
    DatasetError: there is no such data, it has other channels than pictures, or see `require_classes`.
    ImageError: no picture can be read.
    UsageError: ``size`` is given for arrays, whose size is fixed.

    """
    folder = Path(data)
    if not names_mnist(data) and folder.is_dir():
        files = label_folders(folder)
        counts = {entry.name: len(files.get(entry.name, ())) for entry in class_folders(folder)}
        require_classes(counts, data)
        return OwnData(counts, look_at([path for paths in files.values() for path in paths], size))
    if size:
        raise UsageError(f"--size: expected a folder of pictures, found {data}; leave it out")
    if names_mnist(data):
        return None
    own = load_evaluation(data, read_pixels)
    if (channels := own.images.shape[-1]) not in {1, 3}:
        raise DatasetError(
            f"{data}: expected images of 1 channel (grey) or 3 (RGB), found {channels}; convert them first"
        )
    counts = dict(zip(own.names, np.bincount(own.labels, minlength=len(own.names)).tolist(), strict=True))
    require_classes(counts, data)
    return OwnData(counts, None)
