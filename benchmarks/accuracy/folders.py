"""Digits in a folder of label folders, such as hwd-1000, wherever the user keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from drawing import Sample
from PIL import Image

from edgedigits.datasets.own import label_folders


def folder(path: Path, seed: int, count: int | None = None) -> Iterator[Sample]:
    """All pictures, or ``count`` of them in random order, as grey.

    Raises
    ------
    DatasetError: there is no sub-folder with an image in it.

    """
    files = [(label, file) for label, files in label_folders(path).items() for file in files]
    for index in np.random.default_rng(seed).permutation(len(files))[:count]:
        label, file = files[index]
        yield Sample(np.asarray(Image.open(file).convert("L")), label, "file", file.name)
