from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from edgedigits.errors import BundleError, InputError, OutputError
from edgedigits.measure.machine import describe_machine
from edgedigits.records import to_plain
from edgedigits.verification.outputs import (
    SCHEMA,
    Header,
    Outputs,
    outputs_path,
    read_outputs,
    require_same_file_and_data,
    write_outputs,
)

HEADER = Header(
    schema=SCHEMA, bundle="1" * 64, file="small-int8.tflite", sha256="2" * 64, engine="litert", version="2.3.0",
    machine=to_plain(describe_machine()), data="mnist:test", dataset_sha256="3" * 64, count=3, edgedigits="0.1.0",
)  # fmt: skip
PROBABILITIES = np.random.default_rng(0).random((3, 10), np.float32)


@pytest.fixture
def file(tmp_path):
    path = outputs_path(tmp_path / "saved", HEADER.file, HEADER.engine)
    write_outputs(Outputs(HEADER, PROBABILITIES), path)
    return path


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path, **changes):
    """The archive with other members: bytes, arrays, or None to leave one out."""
    original = members(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in original | {f"{key}.npy": None for key in changes}:
            value = changes.get(name.removesuffix(".npy"), original.get(name))
            if isinstance(value, np.ndarray):
                buffer = io.BytesIO()
                np.save(buffer, value)
                value = buffer.getvalue()
            if value is not None:
                archive.writestr(name, value)


def header_with(**changes):
    with_changes = {**to_plain(HEADER), **changes}
    return np.frombuffer(json.dumps({k: v for k, v in with_changes.items() if v is not ...}).encode(), np.uint8)


def test_what_is_written_comes_back_bit_for_bit(file):
    assert file.name == "small-int8.tflite.litert.npz"
    found = read_outputs(file)
    assert found.header == HEADER
    assert found.probabilities.dtype == np.float32
    assert np.array_equal(found.probabilities, PROBABILITIES)


def test_numpy_alone_reads_it(file):
    with np.load(file, allow_pickle=False) as archive:
        assert np.array_equal(archive["probabilities"], PROBABILITIES)
        assert json.loads(archive["header"].tobytes())["file"] == "small-int8.tflite"


def test_the_same_outputs_give_the_same_bytes(file, tmp_path):
    write_outputs(Outputs(HEADER, PROBABILITIES), tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == file.read_bytes()


def test_outputs_of_nan_come_back_as_they_were(tmp_path):
    bad = np.full((3, 10), np.nan, np.float32)
    write_outputs(Outputs(HEADER, bad), tmp_path / "nan.npz")
    assert np.isnan(read_outputs(tmp_path / "nan.npz").probabilities).all()


def test_a_path_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write_outputs(Outputs(HEADER, PROBABILITIES), tmp_path / "file" / "a.npz")


@pytest.mark.parametrize("cut", [0, 4, 100, 600, -1])
def test_a_file_cut_short_is_refused(file, cut):
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(InputError, match=r"expected outputs that parity --save-outputs wrote, found: "):
        read_outputs(file)


def test_a_file_that_is_not_there_or_a_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"none.npz: cannot be read \(No such file or directory\)$"):
        read_outputs(tmp_path / "none.npz")
    with pytest.raises(InputError, match="cannot be read"):
        read_outputs(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"probabilities": None}, "an archive of 'header'"),
        ({"more": np.zeros(3)}, "an archive of 'header', 'more', 'probabilities'"),
        ({"header": np.array([{"a": 1}], dtype=object)}, "expected numbers or text"),
        ({"probabilities": np.array([None], dtype=object)}, "expected numbers or text"),
        ({"probabilities": b"no array"}, "magic string"),
        ({"header": np.frombuffer(b"{", np.uint8)}, "Expecting property name"),
        ({"header": np.frombuffer(b"[" * 100_000, np.uint8)}, "nested too deeply"),
        ({"header": np.frombuffer(b"[1]", np.uint8)}, "expected outputs of schema"),
        ({"header": header_with(schema="edgedigits/outputs/2")}, "found 'edgedigits/outputs/2'; save them again"),
        ({"header": header_with(engine=...)}, "field 'engine' is missing"),
        ({"header": header_with(engine="\x1b[2J")}, "engine: expected text like"),
        ({"header": header_with(file="../../small.tflite")}, "file: expected text like"),
        ({"header": header_with(machine="a board")}, "machine: expected an object, found 'a board'"),
        ({"header": header_with(count=4)}, r"expected float32 probabilities of 4 images, found float32 \[3, 10\]"),
        ({"probabilities": PROBABILITIES.astype(float)}, r"found float64 \[3, 10\]"),
        ({"probabilities": PROBABILITIES[0]}, r"found float32 \[10\]"),
    ],
)
def test_what_is_no_outputs_file_is_refused(file, changes, message):
    rewrite(file, **changes)
    with pytest.raises(InputError, match=message) as caught:
        read_outputs(file)
    assert str(caught.value).startswith(f"{file}: ")


def test_an_array_that_says_it_is_larger_than_its_bytes_is_refused(file):
    claimed = members(file)["probabilities.npy"].replace(b"(3, 10), }      ", b"(3, 99999999), }")
    assert b"99999999" in claimed
    rewrite(file, probabilities=claimed)
    with pytest.raises(InputError, match="found: "):
        read_outputs(file)


@pytest.mark.slow
def test_an_archive_that_would_fill_the_memory_is_not_unpacked(file):
    rewrite(file, probabilities=bytes(257 * 2**20))
    assert file.stat().st_size < 2**20
    with pytest.raises(InputError, match=r"bytes of arrays in .* bytes, more than 7"):
        read_outputs(file)


def test_outputs_of_another_file_or_of_other_data_are_refused(file):
    outputs = Outputs(HEADER, PROBABILITIES)
    require_same_file_and_data(outputs, file, "2" * 64, "3" * 64)
    # The same file in a bundle of another id, for example one without its reference, is the same file.
    require_same_file_and_data(replace(outputs, header=replace(HEADER, bundle="4" * 64)), file, "2" * 64, "3" * 64)
    with pytest.raises(
        BundleError, match=r"small-int8.tflite 222222222222 .* given bundle has 444444444444 under that"
    ):
        require_same_file_and_data(outputs, file, "4" * 64, "3" * 64)
    with pytest.raises(BundleError, match="the given bundle has no such file"):
        require_same_file_and_data(outputs, file, None, "3" * 64)
    with pytest.raises(BundleError, match=r"for 'mnist:test' \(3 images, 333333333333\), expected those for the data"):
        require_same_file_and_data(outputs, file, "2" * 64, "4" * 64)
