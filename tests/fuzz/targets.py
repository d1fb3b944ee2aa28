"""The readers of files that others made, as functions of bytes: each returns, or raises what it says that it raises.

`fuzz.py` feeds them with what Atheris makes up, `test_corpus.py` with what it has found so far.
"""

from __future__ import annotations

import io
import json
import struct
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from edgedigits import content
from edgedigits.datasets.idx import decode_idx, gunzip
from edgedigits.datasets.labels import read_label_file
from edgedigits.datasets.own import read_npz
from edgedigits.engines.refusal import why_not_whole
from edgedigits.errors import EdgeDigitsError
from edgedigits.images.decode import PictureLimits, read_picture
from edgedigits.json_text import parse_json
from edgedigits.manifest import bundle_id, read_manifest
from edgedigits.measure.result import read_result
from edgedigits.npz import read_arrays
from edgedigits.training_record import read_training_record, trained_quantization
from edgedigits.verification.outputs import read_outputs

# Small, so that a picture takes milliseconds and what takes seconds stands out.
_LIMITS = PictureLimits(pixels=1 << 20, decoded_bytes=64 << 20)


def picture(data: bytes) -> None:
    """Decode a picture."""
    read_picture(data, 1, limits=_LIMITS)


def manifest(data: bytes) -> None:
    """Read a manifest, with the id that its content has, or nothing behind that would be reached."""
    with suppress(ValueError):
        values = parse_json(data)
        if isinstance(values, dict) and "id" in values:
            data = json.dumps(values | {"id": bundle_id(values)}).encode()
    read_manifest(data, "manifest.json")


def npz(data: bytes) -> None:
    """Read an archive of arrays."""
    with suppress(ValueError):
        read_arrays(data, lambda _: True)


def npy(data: bytes) -> None:
    """Read one array of an archive whose directory is right."""
    npz(_zipped({"images.npy": data}))


def dataset(data: bytes) -> None:
    """Read a data set with labels; the bytes are its labels."""
    images = io.BytesIO()
    np.save(images, np.zeros((2, 4, 4), np.uint8))
    _from_file(read_npz, _zipped({"images.npy": images.getvalue(), "labels.npy": data}), "data.npz")


def labels(data: bytes) -> None:
    """Read a file of labels."""
    _from_file(read_label_file, data, "labels.txt")


def idx(data: bytes) -> None:
    """Unpack and decode an idx file."""
    decode_idx(gunzip(data, "idx"), "idx")


def tflite(data: bytes) -> None:
    """Derive what a .tflite file requires, after the check that it is whole."""
    why_not_whole(data, "tflite")
    _requirements(data, "tflite")


def onnx(data: bytes) -> None:
    """Derive what an .onnx file requires, after the check that it is whole."""
    why_not_whole(data, "onnx")
    _requirements(data, "onnx")


def record(data: bytes) -> None:
    """Read the record beside a Keras model."""
    _from_file(
        lambda path: trained_quantization(read_training_record(path.with_name("m.keras"), 1)), data, "train.json"
    )


def result(data: bytes) -> None:
    """Read a measurement."""
    _from_file(read_result, data, "bench.json")


def outputs(data: bytes) -> None:
    """Read saved outputs; the bytes are their header."""
    head = struct.pack("<H", len(text := f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({len(data)},), }}\n"))
    probabilities = io.BytesIO()
    np.save(probabilities, np.ones((3, 10), np.float32))
    header = b"\x93NUMPY\x01\x00" + head + text.encode() + data
    _from_file(read_outputs, _zipped({"header.npy": header, "probabilities.npy": probabilities.getvalue()}), "o.npz")


def start_of_file(data: bytes) -> None:
    """Name what a file is by its first bytes."""
    content.wrapping(data[: content.HEAD])
    content.medium(data[: content.HEAD])


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        picture,
        manifest,
        npz,
        npy,
        dataset,
        labels,
        idx,
        tflite,
        onnx,
        record,
        result,
        outputs,
        start_of_file,
    )
}


def run(name: str, data: bytes) -> None:
    """Run a target; its own refusals are what is expected."""
    with suppress(EdgeDigitsError):
        TARGETS[name](data)


def _requirements(data: bytes, format_: str) -> None:
    from edgedigits_export.compat.requirements import read_requirements

    read_requirements(data, format_)


def _zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


def _from_file(read: Callable[[Path], object], data: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, name)
        file.write_bytes(data)
        read(file)
