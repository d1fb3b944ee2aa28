"""Read a user's own labelled images: a folder with one sub-folder per label, or an .npz file of arrays."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets.dataset import Dataset
from edgedigits.errors import DatasetError, ImageError
from edgedigits.npz import read_arrays

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".ppm", ".tif", ".tiff", ".webp"})
# With what telephones write and nothing here reads: it is told of, where leaving it out would go unnoticed.
_TAKEN = IMAGE_SUFFIXES | {".heic", ".heif", ".avif"}

_NAMED = 3
_CLASSES = 100_000  # more labels without names are none

# Reads an image file as uint8 [H, W, C].
ReadImage = Callable[[Path], NDArray[np.uint8]]


def label_folders(folder: Path) -> dict[str, list[Path]]:
    """Return the image files by label; labels are in numeric order if all are numbers, else in alphabetic order.

    Raises
    ------
    DatasetError: no sub-folder contains an image.

    """
    folders = class_folders(folder)
    files = {entry.name: image_files(entry) for entry in folders}
    files = {name: paths for name, paths in files.items() if paths}
    if not files:
        there = other_kinds(file for entry in folders for file in entry.rglob("*") if file.is_file())
        loose = sum(is_image_name(file) and file.is_file() for file in folder.iterdir())
        there += f"; move the {loose} images beside them into one for each label" if loose else ""
        raise DatasetError(f"{folder}: expected one sub-folder per label with images in it, found none{there}")
    return files


def class_folders(folder: Path) -> list[Path]:
    """Return the sub-folders in the order of labels, those without images included.

    Raises
    ------
    DatasetError: the folder cannot be read.

    """
    try:
        folders = [entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be read ({error.strerror or error})") from error
    numeric = all(entry.name.isdecimal() for entry in folders)
    return sorted(folders, key=lambda entry: (int(entry.name) if numeric else 0, entry.name))


def image_files(folder: Path) -> list[Path]:
    """Return all image files below a folder, sorted by path, telephones' photographs that cannot be read included."""
    return sorted(file for file in folder.rglob("*") if is_image_name(file) and file.is_file())


def is_image_name(name: str | Path) -> bool:
    """Return whether a file is an image's by the end of its name; not all of them can be read."""
    return os.path.splitext(name)[1].lower() in _TAKEN


def other_kinds(files: Iterable[Path]) -> str:
    """Return the end of an error about a folder without images: the commonest suffixes in it, or nothing."""
    kinds = Counter(file.suffix.lower() for file in files if file.suffix).most_common(3)
    return f", only {', '.join(f'{count} {suffix}' for suffix, count in kinds)}" if kinds else ""


def read_folder(folder: Path, read_image: ReadImage) -> Dataset:
    """Read a folder with one sub-folder per label; ``read_image`` returns a file as uint8 ``[H, W, C]``.

    Raises
    ------
    DatasetError: there are no images, or ``read_image`` returns images of different sizes.
    ImageError: ``read_image`` raised one; it names the other files that cannot be read, too.

    """
    files = label_folders(folder)
    images = _read_all([path for paths in files.values() for path in paths], read_image)
    labels = np.repeat(np.arange(len(files)), [len(paths) for paths in files.values()])
    return Dataset(images, labels.astype(np.int64), tuple(files), str(folder))


def _read_all(paths: Sequence[Path], read_image: ReadImage) -> NDArray[np.uint8]:
    """Return the images of all files, uint8 ``[N, H, W, C]``; an error names all that cannot be read."""
    first, images, failed = paths[0], np.empty((0, 0, 0, 0), np.uint8), dict[Path, ImageError]()
    for row, path in enumerate(paths):
        try:
            image = read_image(path)
        except ImageError as error:
            failed[path] = error
            continue
        if not images.size:
            first, images = path, np.empty((len(paths), *image.shape), np.uint8)
        if image.shape != images.shape[1:]:
            raise DatasetError(
                f"{path}: expected the size of {first.name}, {list(images.shape[1:])}, found {list(image.shape)}; "
                "resize all images to one size first"
            )
        images[row] = image
    if failed:
        raise unreadable(failed, len(paths))
    return images


def unreadable(failed: Mapping[Path, ImageError], count: int) -> ImageError:
    """Return one error for all files that cannot be read: the first one's, with the names of some others."""
    error, *_ = failed.values()
    others = list(failed)[1:]
    if not others:
        return error
    more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
    names = ", ".join(map(str, others[:_NAMED])) + more
    return ImageError(
        f"{len(failed)} of {count} images cannot be read: {error}; nor can {names}; remove them or save them again"
    )


def read_npz(path: Path) -> Dataset:
    """Read an .npz with ``images`` (uint8 ``[N, H, W]`` or ``[N, H, W, C]``), ``labels`` and optionally ``names``.

    Raises
    ------
    DatasetError: the file is no such .npz, or has arrays of another type or shape.

    """
    try:
        arrays = read_arrays(path, lambda _: True)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: expected an .npz with 'images' and 'labels', found: {error}") from error
    if not {"images", "labels"} <= arrays.keys():
        there = ", ".join(arrays)
        raise DatasetError(f"{path}: expected an .npz with 'images' and 'labels', found: {there}; rename its arrays")
    images, labels = arrays["images"], arrays["labels"]
    names = tuple(str(name) for name in arrays["names"]) if "names" in arrays else None
    if not np.issubdtype(labels.dtype, np.integer) or labels.ndim != 1 or not labels.size:
        raise DatasetError(f"{path}: expected whole numbers as labels [N], found {labels.dtype} {list(labels.shape)}")
    if names is None and labels.max() >= _CLASSES:
        raise DatasetError(
            f"{path}: expected labels that count the classes from 0, found {labels.max()}; number them anew"
        )
    if images.ndim == 3:
        images = images[..., np.newaxis]
    names = names or tuple(str(index) for index in range(int(labels.max()) + 1))
    return Dataset(images, labels.astype(np.int64), names, str(path))
