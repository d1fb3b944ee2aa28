"""What one engine answered, as a file: runs stay apart from comparisons, and a board from the desk."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import BundleError, InputError
from edgedigits.files import write_atomic
from edgedigits.records import Check, Count, FileName, Sha256, from_plain, to_plain

SCHEMA = "edgedigits/outputs/1"
# Unpacked: 50,000 images of 1,000 classes fit; an archive that says it holds more is not opened on a small board.
_LARGEST = 256 * 2**20
_MEMBERS = {"header.npy", "probabilities.npy"}
_Word = Annotated[str, Check(pattern=r"^[\w.+-]+$")]


@dataclass(frozen=True, slots=True)
class Header:
    """Where outputs come from.

    Attributes
    ----------
    bundle: the id of the bundle; file, sha256: which of its files answered.
    engine, version: what ran it; machine: where, for people (see `edgedigits.measure.machine`).
    data, dataset_sha256, count: what was asked (see `Dataset.sha256`).
    edgedigits: the version that wrote this.

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
    """A header and the probabilities that it is about, float32 ``[N, classes]``, in the order of the data."""

    header: Header
    probabilities: NDArray[np.float32]


def outputs_path(folder: Path, file: str, engine: str) -> Path:
    """Where the outputs of a model file in an engine are kept."""
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
    """Read what `write_outputs` wrote, on whatever machine that was.

    Raises
    ------
    InputError: no such file, not one of ours, of another version, or not what its header says.

    """
    try:
        header, probabilities = _arrays(path)
        plain = json.loads(header.tobytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except Exception as error:  # broken archives raise zlib.error, TypeError, RuntimeError, MemoryError and more
        raise InputError(f"{path}: expected outputs that parity --save-outputs wrote, found: {error}") from error
    version = plain.get("schema") if isinstance(plain, dict) else None
    if version != SCHEMA:
        raise InputError(f"{path}: expected outputs of schema {SCHEMA}, found {version!r}; save them anew")
    found = from_plain(Header, plain, str(path))
    if probabilities.dtype != np.float32 or probabilities.ndim != 2 or len(probabilities) != found.count:
        raise InputError(
            f"{path}: expected float32 probabilities of {found.count} images, found {probabilities.dtype} "
            f"{list(probabilities.shape)}; save them anew"
        )
    return Outputs(found, probabilities)


def _arrays(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    read: Any = np.lib.format.read_array  # numpy's stubs do not know it
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        sizes = {member.filename: member.file_size for member in archive.infolist()}
        if sizes.keys() != _MEMBERS or len(archive.infolist()) != len(sizes):
            raise ValueError(f"an archive of {', '.join(map(repr, sorted(sizes))) or 'nothing'}")
        if sum(sizes.values()) > _LARGEST:
            raise ValueError(f"{sum(sizes.values()):,} bytes of arrays, more than {_LARGEST:,}")
        # The bytes first: zipfile reads no more of them than the sizes above, whatever the stream would unpack to.
        header, probabilities = (read(io.BytesIO(archive.read(name)), allow_pickle=False) for name in sorted(_MEMBERS))
    return header, probabilities


def refuse_others(outputs: Outputs, where: Path, file_sha256: str | None, dataset_sha256: str) -> None:
    """Refuse outputs of another model file than the bundle's, or of other data than those they are held against.

    The file's hash decides, not the bundle's id: the same model without its reference has another id.

    Raises
    ------
    BundleError: with both hashes.

    """
    header = outputs.header
    if header.sha256 != file_sha256:
        there = f"has {file_sha256[:12]} under that name" if file_sha256 else "has no such file"
        raise BundleError(
            f"{where}: outputs of {header.file} {header.sha256[:12]} from bundle {header.bundle[:12]}, "
            f"but the bundle named here {there}; name the bundle that ran there"
        )
    if header.dataset_sha256 != dataset_sha256:
        raise BundleError(
            f"{where}: outputs for {header.data!r} ({header.count} images, {header.dataset_sha256[:12]}), "
            f"expected those for the data of {dataset_sha256[:12]}; run the same data there, or name them here: --data"
        )
