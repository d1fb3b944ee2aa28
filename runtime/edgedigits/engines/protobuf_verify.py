"""Verify that an .onnx file is a whole protobuf message with a graph in it, which a cut file is not.

Source: "Protocol Buffers: encoding" (wire format) and ONNX' onnx.proto (field numbers of ModelProto).
"""

from __future__ import annotations

_GRAPH = 7  # of ModelProto
_VARINT, _LENGTH = 0, 2
_FIXED = {1: 8, 5: 4}
_VARINT_BYTES = 10


def verify_protobuf(data: bytes) -> None:
    """Walk over the fields of an .onnx file.

    Raises
    ------
    ValueError: the bytes are no .onnx file, or a field ends beyond them.

    """
    at, fields = 0, set()
    while at < len(data):
        key, at = _varint(data, at)
        field, kind = key >> 3, key & 7
        if not field or kind not in {_VARINT, _LENGTH, *_FIXED}:
            raise ValueError("its bytes are no ONNX model")
        fields.add(field)
        if kind in _FIXED:
            at += _FIXED[kind]
        else:
            value, at = _varint(data, at)
            at += value if kind == _LENGTH else 0
        if at > len(data):
            raise ValueError(f"it is cut short or broken: it refers beyond its {len(data)} bytes")
    if _GRAPH not in fields:
        raise ValueError("its bytes are no ONNX model")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number of variable length at ``at``, and where it ends."""
    value = 0
    for position, byte in enumerate(data[at : at + _VARINT_BYTES]):
        value |= (byte & 0x7F) << 7 * position
        if byte < 0x80:
            return value, at + position + 1
    raise ValueError(f"it is cut short or broken: no number ends at byte {at}")
