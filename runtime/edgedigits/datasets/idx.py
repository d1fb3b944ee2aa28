"""Read and write the idx format of the MNIST files: a big-endian header with type and axes, then raw uint8 values.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database", section "File formats".
"""

from __future__ import annotations

import gzip
import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import DatasetError
from edgedigits.npz import unpacked_limit

_UINT8 = 0x08
_GZIP_MAGIC = b"\x1f\x8b"


def decode_idx(data: bytes, name: str) -> NDArray[np.uint8]:
    """Return the values of an uncompressed idx file of uint8, as a read-only array of the shape in its header.

    ``name`` names the file in error messages.

    Raises
    ------
    DatasetError: no idx header, another element type, or another number of values than the header declares.

    """
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] != _UINT8 or not 1 <= data[3] <= 4:
        raise DatasetError(f"{name}: expected an idx file of uint8 values, found the first bytes {data[:4].hex()!r}")
    header = 4 + 4 * data[3]
    if len(data) < header:
        raise DatasetError(f"{name}: expected a header of {header} bytes, found a file of {len(data)} bytes")
    shape = struct.unpack(f">{data[3]}I", data[4:header])
    expected = header + int(np.prod(shape, dtype=object))
    if len(data) != expected:
        raise DatasetError(f"{name}: expected {expected} bytes from its header, found {len(data)}; fetch it again")
    try:
        return np.frombuffer(data, np.uint8, offset=header).reshape(shape)
    except ValueError as error:  # no values, in more rows than there can be
        raise DatasetError(f"{name}: expected a shape that an array can have, found {list(shape)}") from error


def encode_idx(values: NDArray[np.uint8]) -> bytes:
    """Return an array as the bytes of an uncompressed idx file, the form in which checksums are computed."""
    header = struct.pack(f">HBB{values.ndim}I", 0, _UINT8, values.ndim, *values.shape)
    return header + np.ascontiguousarray(values, dtype=np.uint8).tobytes()


def gunzip(data: bytes, name: str) -> bytes:
    """Return ``data`` unpacked if it is gzip, and unchanged otherwise.

    Raises
    ------
    DatasetError: the gzip file is broken or truncated.

    """
    if not data.startswith(_GZIP_MAGIC):
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            unpacked = file.read(most := unpacked_limit(len(data)))
            more = file.read(1)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(
            f"{name}: expected a complete gzip file, found one that does not unpack ({error}); fetch it again"
        ) from error
    if more:
        raise DatasetError(f"{name}: expected at most {most:,} bytes unpacked from {len(data):,}, found more")
    return unpacked
