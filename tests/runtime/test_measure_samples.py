from __future__ import annotations

import base64
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from measured import configuration, sample

from edgedigits.errors import InputError
from edgedigits.measure.raw_times import pack_times, unpack_times

TIMES = npst.arrays(np.int64, st.integers(0, 200), elements=st.integers(0, 2**62))


@given(TIMES)
def test_times_come_back_as_they_were_packed(times):
    found = unpack_times(pack_times(times))
    assert found.dtype == np.int64
    assert np.array_equal(found, times)


@given(TIMES)
def test_packed_times_can_be_read_without_this_package(times):
    plain = zlib.decompress(base64.b64decode(pack_times(times)))
    assert [int.from_bytes(plain[at : at + 8], "little") for at in range(0, len(plain), 8)] == times.tolist()


def test_a_thousand_times_of_a_steady_clock_are_a_short_text():
    times = np.random.default_rng(0).choice([7_700, 7_740, 7_780], 1000)
    assert len(pack_times(times)) < 1000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no base64",
        "bm8gemxpYg==",
        "é",
        pack_times(np.arange(9))[:-8],
        base64.b64encode(zlib.compress(b"7 bytes")).decode(),
    ],
)
def test_a_text_that_holds_no_times_is_refused_in_one_line(text):
    with pytest.raises(
        InputError, match=r"^times: expected base64 of zlib of 64-bit nanoseconds, found something else"
    ):
        unpack_times(text)


def test_the_stages_of_each_run_add_up_to_its_total():
    stages = {"decode": np.array([1, 2, 3]), "preprocess": np.array([10, 20, 30]), "infer": np.array([100, 200, 300])}
    found = sample(times={stage: pack_times(times) for stage, times in stages.items()})
    assert list(found.stages()) == ["decode", "preprocess", "infer"]
    assert found.total().tolist() == [111, 222, 333]


@pytest.mark.parametrize(
    ("changes", "setting"),
    [
        ({}, "litert, 1 thread"),
        ({"threads": 4}, "litert, 4 threads"),
        ({"options": {"delegate": False}}, "litert, 1 thread, delegate off"),
        ({"engine": "onnxruntime", "options": {"spinning": True}, "batch": 8},
         "onnxruntime, 1 thread, spinning on, batch 8"),
        ({"images": "photos"}, "litert, 1 thread, from pictures"),
    ],
)  # fmt: skip
def test_a_setting_is_described_in_words(changes, setting):
    found = configuration(**changes)
    assert found.setting == setting
    assert found.name == f"small-int8.tflite in {setting}"
    assert found.identity == ("int8.tflite", setting)


def test_a_file_without_a_bundle_is_known_by_its_name():
    assert configuration(variant=None, bundle=None).identity == ("small-int8.tflite", "litert, 1 thread")
