"""A whole .onnx file is told from a cut one and from other bytes."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedigits.engines.protobuf_verify import verify_protobuf

NOT_WHOLE = r"cut short or broken|no ONNX model"


def whole(shipped):
    return (shipped.path / "small-int8.onnx").read_bytes()


def test_a_whole_file_passes(shipped):
    verify_protobuf(whole(shipped))


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_cut_file_is_told(shipped, share):
    data = whole(shipped)
    with pytest.raises(ValueError, match=NOT_WHOLE):
        verify_protobuf(data[: int(len(data) * share)])


@pytest.mark.parametrize(
    "data",
    [b"", b"hello\n", bytes(100), b"\x89PNG\r\n\x1a\n" + bytes(50), b"\xff" * 100, b"\x08\x07", b"<!DOCTYPE html>",
     b"version https://git-lfs.github.com/spec/v1\n"],
)  # fmt: skip
def test_other_bytes_are_no_model(data):
    with pytest.raises(ValueError, match=NOT_WHOLE):
        verify_protobuf(data)


@given(st.binary(max_size=200))
def test_any_bytes_that_are_no_model_are_told_so(data):
    with suppress(ValueError):  # and no other error
        verify_protobuf(data)
        assert b"\x3a" in data  # the tag of a graph
