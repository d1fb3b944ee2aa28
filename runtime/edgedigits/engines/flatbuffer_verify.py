"""Verify that a .tflite file holds all that it refers to: the check of FlatBuffers' verifier that a cut file fails.

Source: "FlatBuffers: internals" (binary layout) and TensorFlow Lite's schema.fbs, version 3 (field numbers).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Union

_MAGIC = b"TFL3"

# A field is a vector (the bytes of an element), a table ({field number: field}), or a vector of tables (a 1-tuple).
_Fields = Mapping[int, Union[int, "_Fields", tuple["_Fields"]]]
_QUANTIZATION: _Fields = {0: 4, 1: 4, 2: 4, 3: 8}
_TENSOR: _Fields = {0: 4, 3: 1, 4: _QUANTIZATION}
_OPERATOR: _Fields = {1: 4, 2: 4}
_SUBGRAPH: _Fields = {0: (_TENSOR,), 1: 4, 2: 4, 3: (_OPERATOR,), 4: 1}
_MODEL: _Fields = {1: ({1: 1},), 2: (_SUBGRAPH,), 3: 1, 4: ({0: 1},)}


def verify_flatbuffer(data: bytes) -> None:
    """Follow every reference of a .tflite file.

    Raises
    ------
    ValueError: the bytes are no .tflite file, or refer to something beyond their end.

    """
    if data[4:8] != _MAGIC:
        raise ValueError("no TFL3 mark at its start")
    try:
        _check_table(data, _follow(data, 0), _MODEL)
    except struct.error as error:
        raise ValueError(f"it is cut short or broken: it refers beyond its {len(data)} bytes") from error


def _check_table(data: bytes, at: int, fields: _Fields) -> None:
    layout = at - _number(data, at, "<i")
    size = _number(data, layout, "<H")
    for field, kind in fields.items():
        slot = 4 + 2 * field
        offset = _number(data, layout + slot, "<H") if slot < size else 0
        if not offset:  # the field has its default
            continue
        target = _follow(data, at + offset)
        if isinstance(kind, Mapping):
            _check_table(data, target, kind)
            continue
        count = _number(data, target, "<I")
        width = kind if isinstance(kind, int) else 4
        if count:
            _number(data, target + 3 + count * width, "B")  # the last byte is there
        if isinstance(kind, tuple):
            for position in range(target + 4, target + 4 + 4 * count, 4):
                _check_table(data, _follow(data, position), kind[0])


def _follow(data: bytes, at: int) -> int:
    """Return the position that the reference at ``at`` points to."""
    return at + _number(data, at, "<I")


def _number(data: bytes, at: int, form: str) -> int:
    if at < 0:  # to struct that would mean: from the end
        raise struct.error
    value: int = struct.unpack_from(form, data, at)[0]
    return value
