from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedigits.bundle import SHIPPED
from edgedigits.engines.flatbuffer_verify import verify_flatbuffer

FILES = sorted(SHIPPED.glob("*/*.tflite"))
DATA = FILES[-1].read_bytes()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_shipped_files_are_whole(file):
    verify_flatbuffer(file.read_bytes())


@given(st.integers(0, len(DATA) - 17))
def test_a_file_cut_short_anywhere_is_noticed(length):
    # Up to 16 bytes at the end are padding that nothing refers to.
    with pytest.raises(ValueError, match=r"no TFL3 mark|it is cut short or broken: it refers beyond its"):
        verify_flatbuffer(DATA[:length])


@given(st.data())
def test_a_broken_byte_never_leads_anywhere_else(data):
    broken = bytearray(DATA[:4000] + DATA[-4000:])
    broken[data.draw(st.integers(8, len(broken) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ValueError):
        verify_flatbuffer(bytes(broken))


@pytest.mark.parametrize("data", [b"", b"TFL3", b"\x89PNG\r\n\x1a\n", bytes(100), DATA[:4] + b"TFL2" + DATA[8:]])
def test_what_is_no_tflite_file_lacks_its_mark(data):
    with pytest.raises(ValueError, match="no TFL3 mark at its start"):
        verify_flatbuffer(data)
