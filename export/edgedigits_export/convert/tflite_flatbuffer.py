"""Serialize a parsed TFLite file, each vector of numbers only once.

In a small file many vectors are equal: shapes, zero points of channels, quantizations. A FlatBuffer may point to one
vector from several places, and no engine writes into it.
"""

from __future__ import annotations

from typing import Any

from edgedigits_export.lazy_imports import load

_IDENTIFIER = b"TFL3"
_ALIGNMENT = 16  # schema.fbs: buffers are force_align 16, which the generated Python classes forget


def pack(schema: Any, model: Any) -> bytes:
    """Return the bytes of a ``ModelT`` of the generated ``schema``, each buffer aligned to 16 bytes."""
    for buffer in model.buffers:
        buffer.Pack = _aligned(schema, buffer)
    builder = _sharing_builder()
    builder.Finish(model.Pack(builder), _IDENTIFIER)
    return bytes(builder.Output())


def _sharing_builder() -> Any:
    class Sharing(load("flatbuffers").Builder):  # type: ignore[misc]  # the class comes from a package that may be missing
        """A builder that discards a vector of numbers equal to an earlier one, and refers to the earlier one."""

        def __init__(self) -> None:
            super().__init__(1024)
            self._written: dict[tuple[tuple[int, ...], bytes], int] = {}
            self._refers = False

        def StartVector(self, elemSize: int, numElems: int, alignment: int) -> int:  # noqa: N802, N803  the name in the base class
            self._form, self._start, self._refers = (elemSize, numElems, alignment), self.Offset(), False
            return int(super().StartVector(elemSize, numElems, alignment))

        def CreateString(self, *args: Any, **options: Any) -> int:  # noqa: N802  the name in the base class
            # It ends as a vector does, but did not start as one.
            self._refers = True
            return int(super().CreateString(*args, **options))

        def PrependUOffsetTRelative(self, off: int) -> None:  # noqa: N802  the name in the base class
            # An equal offset from another position refers to something else.
            self._refers = True
            super().PrependUOffsetTRelative(off)

        def EndVector(self, *args: Any) -> int:  # noqa: N802  the name in the base class
            end = int(super().EndVector(*args))
            if self._refers:
                return end
            size = 4 + self._form[0] * self._form[1]
            content = self._form, bytes(self.Bytes[self.head : self.head + size])
            if content in self._written:
                self.head: int = len(self.Bytes) - self._start
            return self._written.setdefault(content, end)

    return Sharing()


def _aligned(schema: Any, buffer: Any) -> Any:
    """Return a ``BufferT.Pack`` with the alignment that the schema demands."""

    def write(builder: Any) -> int:
        start = None
        if buffer.data is not None and len(buffer.data):
            content = bytes(buffer.data)
            builder.StartVector(1, len(content), _ALIGNMENT)
            builder.head -= len(content)
            builder.Bytes[builder.head : builder.head + len(content)] = content
            start = builder.EndVector()
        schema.BufferStart(builder)
        if start is not None:
            schema.BufferAddData(builder, start)
        return int(schema.BufferEnd(builder))

    return write
