"""Read a user's own labelled images: a folder with one sub-folder per label, or an .npz file of arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets.dataset import Dataset
from edgedigits.errors import DatasetError

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".ppm", ".tif", ".tiff", ".webp"})
# With what telephones write and nothing here reads: it is told of, where leaving it out would go unnoticed.
_TAKEN = IMAGE_SUFFIXES | {".heic", ".heif", ".avif"}

# Reads an image file as uint8 [H, W, C].
ReadImage = Callable[[Path], NDArray[np.uint8]]


def label_folders(folder: Path) -> dict[str, list[Path]]:
    """Return the image files by label; labels are in numeric order if all are numbers, else in alphabetic order.

    Raises
    ------
    DatasetError: no sub-folder contains an image.

    """
    try:
        folders = [entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be read ({error.strerror or error})") from error
    numeric = all(entry.name.isdecimal() for entry in folders)
    folders.sort(key=lambda entry: (int(entry.name) if numeric else 0, entry.name))
    files = {entry.name: image_files(entry) for entry in folders}
    files = {name: paths for name, paths in files.items() if paths}
    if not files:
        there = other_kinds(file for entry in folders for file in entry.rglob("*") if file.is_file())
        raise DatasetError(f"{folder}: expected one sub-folder per label with images in it, found none{there}")
    return files


def image_files(folder: Path) -> list[Path]:
    """Return all image files below a folder, sorted by path, telephones' photographs that cannot be read included."""
    return sorted(file for file in folder.rglob("*") if is_image_name(file) and file.is_file())


def is_image_name(file: Path) -> bool:
    """Return whether a file is an image's by its suffix; not all of them can be read."""
    return file.suffix.lower() in _TAKEN


def other_kinds(files: Iterable[Path]) -> str:
    """Return the end of an error about a folder without images: the commonest suffixes in it, or nothing."""
    kinds = Counter(file.suffix.lower() for file in files if file.suffix).most_common(3)
    return f", only {', '.join(f'{count} {suffix}' for suffix, count in kinds)}" if kinds else ""


def read_folder(folder: Path, read_image: ReadImage) -> Dataset:
    """Read a folder with one sub-folder per label; ``read_image`` returns a file as uint8 ``[H, W, C]``.

    Raises
    ------
    DatasetError: there are no images, or ``read_image`` returns images of different sizes.

    """
    files = label_folders(folder)
    images = [(path, read_image(path)) for paths in files.values() for path in paths]
    first_path, first = images[0]
    for path, image in images:
        if image.shape != first.shape:
            raise DatasetError(
                f"{path}: expected the size of {first_path.name}, {list(first.shape)}, found {list(image.shape)}; "
                "resize all images to one size first"
            )
    labels = np.repeat(np.arange(len(files)), [len(paths) for paths in files.values()])
    return Dataset(np.stack([image for _, image in images]), labels.astype(np.int64), tuple(files), str(folder))


def read_npz(path: Path) -> Dataset:
    """Read an .npz with ``images`` (uint8 ``[N, H, W]`` or ``[N, H, W, C]``), ``labels`` and optionally ``names``.

    Raises
    ------
    DatasetError: the file is no such .npz, or has arrays of another type or shape.

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
