from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from measured import STEADY, result, row, sample, store

from edgedigits.errors import InputError
from edgedigits.measure.raw_times import pack_times
from edgedigits.measure.result import Candidate, Recommendation, read_result
from edgedigits.records import to_plain

NONE, ONE = np.empty(0, np.int64), np.ones(1, np.int64)


def test_a_result_is_read_as_it_was_stored(tmp_path):
    best = Candidate("small", "small-int8.tflite", 59_312, "litert", 1, 7.7, (7.6, 7.8), 0.02, None)
    measured = result(
        row(), row(options={"delegate": False}, threads=2), row(()), complete=False, warnings=("hot",),
        absent=("load",), recommendation=Recommendation(best, "it is fast", (best,)),
    )  # fmt: skip
    assert read_result(store(tmp_path / "a.json", measured)) == measured


def test_every_single_time_is_kept(tmp_path):
    found = read_result(store(tmp_path / "a.json", result()))
    for median, process in zip(STEADY, found.rows[0].processes, strict=True):
        assert np.array_equal(process.total(), sample(median).total())


def test_all_warnings_are_those_of_the_machine_and_of_each_row_with_its_name():
    doubtful = row((*STEADY[:9], 15.0))
    assert result(row(), doubtful, warnings=("it was hot",)).all_warnings() == [
        "it was hot",
        "small-int8.tflite in litert, 1 thread: the medians of its processes differ by 50%; use more --processes or a "
        "quieter machine",
    ]
    assert result().all_warnings() == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"schema": "edgedigits/bench/1", "rows": []}', "found 'edgedigits/bench/1'; measure again"),
        (b'{"rows": []}', "expected a measurement of schema edgedigits/bench/3, found None"),
        (b"[1, 2]", "expected a measurement of schema edgedigits/bench/3, found None"),
        (b"null", "expected a measurement of schema edgedigits/bench/3, found None"),
        (b"file,p50", "expected JSON that bench -o stored, found something else"),
        (b"", "expected JSON that bench -o stored, found something else"),
        (b"[" * 100_000, "expected JSON that bench -o stored, found something else"),
        (b"\xff\xfe\x00", "expected JSON that bench -o stored, found something else"),
        (None, "cannot be read (No such file or directory); give a file that bench -o stored"),
    ],
)
def test_another_file_is_refused_with_what_it_is(tmp_path, data, message):
    if data is not None:
        (tmp_path / "a.json").write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_result(tmp_path / "a.json")
    assert str(caught.value).startswith(f"{tmp_path / 'a.json'}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values: values.pop("machine"), "field 'machine' is missing"),
        (lambda values: values.update(more=1), "unknown field 'more'"),
        (lambda values: values["rows"][0]["configuration"].update(threads="2"), "threads: expected a value of type in"),
        (lambda values: values["rows"][0]["processes"][0].update(load_ms=None), "load_ms: expected a value of type"),
        (lambda values: values["rows"][0]["configuration"].update(sha256="x"), "sha256: expected text like"),
    ],
)  # fmt: skip
def test_a_result_that_was_edited_is_refused_with_the_place(tmp_path, change, message):
    values = to_plain(result())
    change(values)
    (tmp_path / "a.json").write_text(json.dumps(values))
    with pytest.raises(InputError, match=message):
        read_result(tmp_path / "a.json")


@pytest.mark.parametrize(
    "times",
    [
        {},
        {"infer": pack_times(NONE)},
        {"infer": pack_times(NONE + 0), "decode": pack_times(ONE)},
        {"infer": pack_times(ONE * 0)},
        {"infer": "x"},
    ],
    ids=["no stage", "no time", "stages of different lengths", "no duration", "no times at all"],
)
def test_times_that_make_no_sense_are_refused_before_a_gate_could_pass_on_them(tmp_path, times):
    edited = replace(row(), processes=(sample(), sample(times=times)))
    with pytest.raises(InputError, match="expected"):
        read_result(store(tmp_path / "a.json", result(edited)))
