"""A model file that is read and verified, with everything that is known about it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from edgedigits.errors import BundleError
from edgedigits.manifest import SUFFIXES, Format
from edgedigits.regular_files import read_regular

if TYPE_CHECKING:
    from edgedigits.bundle import Bundle
    from edgedigits.manifest import ModelFile

_LARGEST = 2**31  # bytes: neither format refers further


class Model(NamedTuple):
    """A model file's bytes and identity.

    Attributes
    ----------
    name: the name of the bundle's model, or the file's stem.
    variant: the precision and format, such as ``int8.tflite``; None for a file without a bundle.
    file: the file's entry in the manifest; None for a file without a bundle.

    """

    data: bytes
    format: Format
    name: str
    sha256: str
    variant: str | None
    bundle: Bundle | None
    file: ModelFile | None


def model_of_bundle(bundle: Bundle, file: ModelFile) -> Model:
    """Read and verify one of a bundle's files.

    Raises
    ------
    BundleError: the file is missing or is not the one in the manifest.

    """
    variant = file.precision + SUFFIXES[file.format]
    return Model(bundle.read(file), file.format, bundle.manifest.name, file.sha256, variant, bundle, file)


def is_model_file(place: str | Path) -> bool:
    """Return whether ``place`` names a .tflite or .onnx file rather than a bundle."""
    path = Path(place)
    return path.suffix in SUFFIXES.values() and not path.is_dir()


def lone_model(path: Path) -> Model:
    """Read a .tflite or .onnx file without a bundle, of which only the content is known.

    Raises
    ------
    BundleError: the file cannot be read, is empty, or has another suffix.

    """
    format_ = next((known for known, suffix in SUFFIXES.items() if path.suffix == suffix), None)
    if format_ is None:
        raise BundleError(f"{path}: expected a file that ends in .tflite or .onnx, found {path.suffix or 'no ending'}")
    try:
        data = read_regular(path, _LARGEST)
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror or error})") from error
    if not data:
        raise BundleError(f"{path}: expected a model, found an empty file")
    return Model(data, format_, path.stem, hashlib.sha256(data).hexdigest(), None, None, None)
