"""Your own labelled images: one folder a label, or an .npz with ``images`` and ``labels``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets.dataset import Dataset
from edgedigits.errors import DatasetError

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".ppm", ".tif", ".tiff", ".webp"})

Prepare = Callable[[Path], NDArray[np.uint8]]


def label_folders(folder: Path) -> dict[str, list[Path]]:
    """The image files below each label's folder; labels in order of number where all are numbers.

    Raises
    ------
    DatasetError: there is no sub-folder with an image in it.

    """
    try:
        found = [entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be read ({error.strerror or error})") from error
    numbers = all(entry.name.isdecimal() for entry in found)
    found.sort(key=lambda entry: (int(entry.name) if numbers else 0, entry.name))
    files = {entry.name: image_files(entry) for entry in found}
    files = {name: paths for name, paths in files.items() if paths}
    if not files:
        raise DatasetError(f"{folder}: expected one sub-folder a label with images in it, found none")
    return files


def image_files(folder: Path) -> list[Path]:
    """All image files below a folder, in order of their names."""
    return sorted(file for file in folder.rglob("*") if file.suffix.lower() in IMAGE_SUFFIXES and file.is_file())


def read_folder(folder: Path, prepare: Prepare) -> Dataset:
    """Read a folder of label folders; ``prepare`` turns one file into uint8 ``[H, W, C]``.

    Raises
    ------
    DatasetError: no images, or images that differ in size after ``prepare``.

    """
    files = label_folders(folder)
    images = [(path, prepare(path)) for paths in files.values() for path in paths]
    first_path, first = images[0]
    for path, image in images:
        if image.shape != first.shape:
            raise DatasetError(
                f"{path}: expected the size of {first_path.name}, {list(first.shape)}, found {list(image.shape)}; "
                "bring all images to one size first"
            )
    labels = np.repeat(np.arange(len(files)), [len(paths) for paths in files.values()])
    return Dataset(np.stack([image for _, image in images]), labels.astype(np.int64), tuple(files), str(folder))


def read_npz(path: Path) -> Dataset:
    """Read an .npz with ``images`` (uint8 ``[N, H, W]`` or ``[N, H, W, C]``), ``labels`` and, if there, ``names``.

    Raises
    ------
    DatasetError: not such a file, or arrays of another type or shape.

    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            images, labels = archive["images"], archive["labels"]
            names = tuple(str(name) for name in archive["names"]) if "names" in archive else None
    except Exception as error:  # broken archives raise zlib.error, TypeError, RuntimeError, MemoryError and more
        raise DatasetError(f"{path}: expected an .npz with 'images' and 'labels', found: {error}") from error
    if not np.issubdtype(labels.dtype, np.integer) or labels.ndim != 1 or not labels.size:
        raise DatasetError(f"{path}: expected whole numbers as labels [N], found {labels.dtype} {list(labels.shape)}")
    if images.ndim == 3:
        images = images[..., np.newaxis]
    names = names or tuple(str(index) for index in range(int(labels.max()) + 1))
    return Dataset(images, labels.astype(np.int64), names, str(path))
