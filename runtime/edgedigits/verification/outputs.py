"""Save the outputs of one engine in a file, so that a board runs a model and another machine compares."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import BundleError, InputError
from edgedigits.files import write_atomic
from edgedigits.json_text import parse_json
from edgedigits.npz import read_arrays
from edgedigits.records import Check, Count, FileName, Sha256, from_plain, to_plain

SCHEMA = "edgedigits/outputs/1"
_ARRAYS = {"header", "probabilities"}
_Word = Annotated[str, Check(pattern=r"^[\w.+-]+$")]


@dataclass(frozen=True, slots=True)
class Header:
    """The origin of saved outputs.

    Attributes
    ----------
    bundle: the id of the bundle.
    file, sha256: the name and the hash of the model file.
    engine, version: the engine that ran the file, and its release.
    machine: the machine that ran it, for people (see `edgedigits.measure.machine`).
    data, dataset_sha256, count: the source, the hash and the number of the images (see `Dataset.sha256`).
    edgedigits: the version of edgedigits that wrote the file.

    """

    schema: str
    bundle: Sha256
    file: FileName
    sha256: Sha256
    engine: _Word
    version: _Word
    machine: dict[str, Any]
    data: str
    dataset_sha256: Sha256
    count: Count
    edgedigits: _Word


@dataclass(frozen=True, slots=True)
class Outputs:
    """Saved outputs: their origin, and the probabilities, float32 ``[N, classes]``, in the order of the data."""

    header: Header
    probabilities: NDArray[np.float32]


def outputs_path(folder: Path, file: str, engine: str) -> Path:
    """Return the path in ``folder`` for the outputs of a model file in an engine."""
    return folder / f"{file}.{engine}.npz"


def write_outputs(outputs: Outputs, path: Path) -> None:
    """Write an .npz of two arrays: the header's JSON as bytes, and the probabilities.

    Raises
    ------
    OutputError: the file cannot be written.

    """
    header = np.frombuffer(json.dumps(to_plain(outputs.header)).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, header=header, probabilities=outputs.probabilities)
    write_atomic(path, buffer.getvalue())


def read_outputs(path: Path) -> Outputs:
    """Read outputs that `write_outputs` wrote on any machine.

    Raises
    ------
    InputError: the file cannot be read, holds no outputs, has another schema, or does not match its own header.

    """
    try:
        arrays = read_arrays(path, lambda _: True)
        plain = parse_json(arrays["header"].tobytes()) if arrays.keys() == _ARRAYS else None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise InputError(f"{path}: expected outputs that parity --save-outputs wrote, found: {error}") from error
    if arrays.keys() != _ARRAYS:
        there = ", ".join(map(repr, sorted(arrays))) or "nothing"
        raise InputError(f"{path}: expected outputs that parity --save-outputs wrote, found: an archive of {there}")
    version = plain.get("schema") if isinstance(plain, dict) else None
    if version != SCHEMA:
        raise InputError(f"{path}: expected outputs of schema {SCHEMA}, found {version!r}; save them again")
    origin, probabilities = from_plain(Header, plain, str(path)), arrays["probabilities"]
    if probabilities.dtype != np.float32 or probabilities.ndim < 2 or len(probabilities) != origin.count:
        raise InputError(
            f"{path}: expected float32 probabilities of {origin.count} images, found {probabilities.dtype} "
            f"{list(probabilities.shape)}; save them again"
        )
    return Outputs(origin, probabilities)


def require_same_file_and_data(outputs: Outputs, path: Path, file_sha256: str | None, dataset_sha256: str) -> None:
    """Raise unless saved outputs are of the model file and of the data with these hashes.

    The hash of the file decides, not the id of the bundle: the same model without its reference has another id.

    Raises
    ------
    BundleError: another model file or other data; the message has both hashes.

    """
    header = outputs.header
    if header.sha256 != file_sha256:
        difference = f"has {file_sha256[:12]} under that name" if file_sha256 else "has no such file"
        raise BundleError(
            f"{path}: found outputs of {header.file} {header.sha256[:12]} from bundle {header.bundle[:12]}, "
            f"but the given bundle {difference}; give the bundle that produced them"
        )
    if header.dataset_sha256 != dataset_sha256:
        raise BundleError(
            f"{path}: found outputs for {header.data!r} ({header.count} images, {header.dataset_sha256[:12]}), "
            f"expected those for the data {dataset_sha256[:12]}; run both with the same data, or give theirs: --data"
        )
