from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from edgedigits.datasets.idx import decode_idx, encode_idx, gunzip
from edgedigits.errors import DatasetError

ARRAYS = npst.arrays(np.uint8, npst.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5))


@given(ARRAYS)
def test_what_was_encoded_is_decoded(values):
    again = decode_idx(encode_idx(values), "file")
    assert again.dtype == np.uint8
    assert again.shape == values.shape
    assert np.array_equal(again, values)


def test_the_bytes_are_those_of_the_published_format():
    data = encode_idx(np.array([[1, 2, 3], [4, 5, 6]], np.uint8))
    assert data == b"\x00\x00\x08\x02" + b"\x00\x00\x00\x02" + b"\x00\x00\x00\x03" + bytes([1, 2, 3, 4, 5, 6])


def test_an_array_in_another_memory_order_gives_the_same_bytes():
    values = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    assert encode_idx(np.asfortranarray(values)) == encode_idx(values)


@given(ARRAYS, st.data())
def test_a_file_cut_short_anywhere_is_refused_with_its_name(values, data):
    whole = encode_idx(values)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(DatasetError, match="some-file: expected"):
        decode_idx(whole[:cut], "some-file")


def test_the_message_has_the_expected_and_the_found_bytes():
    whole = encode_idx(np.zeros((4, 5), np.uint8))
    with pytest.raises(DatasetError) as caught:
        decode_idx(whole[:-3], "t10k-labels")
    assert str(caught.value) == "t10k-labels: expected 32 bytes from its header, found 29; fetch it again"


def test_a_file_with_more_than_its_header_says_is_refused():
    with pytest.raises(DatasetError, match="expected 9 bytes from its header, found 10"):
        decode_idx(encode_idx(np.zeros(1, np.uint8)) + b"x", "labels")


def test_a_truncated_header_has_a_message_of_its_own():
    with pytest.raises(DatasetError) as caught:
        decode_idx(b"\0\0\x08\x03\0\0\0\1", "file")
    assert str(caught.value) == "file: expected a header of 16 bytes, found a file of 8 bytes"


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"\0\0\x08",
        b"\1\0\x08\1",  # no zeros in front
        b"\0\1\x08\1",
        b"\0\0\x0d\1",  # floats
        b"\0\0\x08\0",  # no axis
        b"\0\0\x08\5",  # too many
        b"\x89PNG",
    ],
)
def test_what_is_no_idx_file_of_bytes_is_refused_with_its_first_bytes(start):
    data = start + (struct.pack(">5I", 0, 0, 0, 0, 0) if len(start) == 4 else b"")
    with pytest.raises(DatasetError) as caught:
        decode_idx(data, "file")
    expected = f"file: expected an idx file of uint8 values, found the first bytes {data[:4].hex()!r}"
    assert str(caught.value) == expected


def test_sizes_beyond_all_memory_are_refused_by_arithmetic_not_by_allocating():
    huge = struct.pack(">HBB4I", 0, 8, 4, *[2**32 - 1] * 4)
    with pytest.raises(DatasetError, match=str((2**32 - 1) ** 4 + 20)):
        decode_idx(huge, "file")


def test_gzip_is_unpacked_and_everything_else_passes():
    assert gunzip(gzip.compress(b"digits"), "file") == b"digits"
    assert gunzip(b"digits", "file") == b"digits"


@pytest.mark.parametrize("broken", ["cut", "flipped", "header"])
def test_a_broken_gzip_file_is_refused_with_its_name(broken):
    packed = bytearray(gzip.compress(bytes(range(256)) * 20))
    if broken == "cut":
        del packed[-9:]
    elif broken == "flipped":
        packed[30] ^= 0xFF
    else:
        packed[2] = 0
    with pytest.raises(DatasetError, match=r"train-images.gz: expected a complete gzip file, found one that does not"):
        gunzip(bytes(packed), "train-images.gz")


def test_no_values_in_more_rows_than_there_can_be_is_refused():
    header = b"\0\0\x08\x03" + b"\xfa\0\0\xfe" + b"\xff" * 4 + bytes(4)
    with pytest.raises(DatasetError, match="expected a shape that an array can have"):
        decode_idx(header, "images")
