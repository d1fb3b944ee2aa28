"""Digits that others drew or scanned: folders of pictures, and the 8x8 scans that scikit-learn ships."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.accuracy.samples import LabelledPicture
from benchmarks.harness.venvs import made_venv
from edgedigits.datasets.own import label_folders
from edgedigits.files import cache_folder

SCIKIT = "scikit-learn==1.7.2"
SCANS = "lib/python*/site-packages/sklearn/datasets/data/digits.csv.gz"


def folder(path: Path, seed: int, count: int) -> Iterator[LabelledPicture]:
    """Yield ``count`` grey pictures of a folder of label folders, such as hwd-1000, in random order.

    Raises
    ------
    DatasetError: there is no sub-folder with an image in it.

    """
    files = [(label, file) for label, files in label_folders(path).items() for file in files]
    for index in np.random.default_rng(seed).permutation(len(files))[:count]:
        label, file = files[index]
        yield LabelledPicture(np.asarray(Image.open(file).convert("L")), label)


def scans(seed: int, count: int) -> Iterator[LabelledPicture]:
    """Yield ``count`` of 1,797 digits of a form scanner in random order: uint8 ``[8, 8]``, light on dark.

    They are those of `sklearn.datasets.load_digits` (UCI, E. Alpaydin and C. Kaynak).

    Raises
    ------
    InstallError: scikit-learn cannot be fetched.

    """
    home = cache_folder() / "reading" / SCIKIT
    made_venv(home, sys.executable, ["--no-deps", SCIKIT])
    (file,) = home.glob(SCANS)
    rows = np.loadtxt(file, delimiter=",")
    images = np.rint(rows[:, :-1].reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    for row in np.random.default_rng(seed).permutation(len(rows))[:count]:
        yield LabelledPicture(images[row], str(int(rows[row, -1])))
