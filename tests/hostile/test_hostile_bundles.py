"""Bundles whose hashes are all right and whose content is hostile: one line, and neither memory nor time."""

from __future__ import annotations

import hashlib
import io
import json
import os
import resource
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgedigits.json_text import parse_json
from edgedigits.manifest import bundle_id
from edgedigits.npz import read_arrays
from edgedigits.regular_files import read_regular

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")]

MOST = 200 << 20
_GIGABYTES = 1  # a third of the bomb in the description, as packing zeros takes seconds


def npy(header, body=b""):
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


def archive(members, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as written:
        for name, data in members.items():
            written.writestr(name, data)
    return buffer.getvalue()


def bomb():
    """1 MB that unpack to 1 GB."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as whole, whole.open("images.npy", "w") as file:
        file.write(npy(f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({_GIGABYTES << 30},), }}"))
        for _ in range(_GIGABYTES << 10):
            file.write(bytes(1 << 20))
    return buffer.getvalue()


def put_golden(folder, data):
    """Put other bytes in place of the golden inputs, hashes included."""
    (folder / "golden.npz").write_bytes(data)
    edit(folder, lambda text: text.replace(hashed(folder), hashlib.sha256(data).hexdigest()))


def hashed(folder):
    return json.loads((folder / "manifest.json").read_bytes())["golden"]["file"]["sha256"]


def edit(folder, change):
    """Change a manifest's text, and give it the id of what it says then."""
    file = folder / "manifest.json"
    text = change(file.read_text())
    old = json.loads(file.read_text())["id"]
    try:
        new = bundle_id(json.loads(text))
    except ValueError:
        new = old
    file.write_text(text.replace(old, new))


def one_array(count, shape):
    return archive({"images.npy": npy(f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}", bytes(count))})


def plain_npy():
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((3, 28, 28, 1), np.uint8))
    return buffer.getvalue()


GOLDEN = {
    "an npy": plain_npy, "an empty zip": lambda: archive({}), "2^60 items": lambda: one_array(50, (1 << 60,)),
    "400 digits": lambda: one_array(50, (10**100, 10**100)), "negative": lambda: one_array(0, (-1, 0)), "1 GB": bomb,
    "objects": lambda: archive({"images.npy": npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", b".")}),
    "lzma": lambda: archive({"images.npy": b"x" * 1000}, zipfile.ZIP_LZMA),
}  # fmt: skip
NUMBER = "1" + "0" * 400
MANIFEST = {
    "an integer of 400 digits": lambda text: text.replace('"temperature": ', f'"temperature": {NUMBER}, "x": '),
    "a count of 400 digits": lambda text: text.replace('"parameters": ', f'"parameters": {NUMBER}, "x": ', 1),
    "too deep": lambda text: text.replace('"training": {', '"training": {"a": ' + "[" * 400 + "]" * 400 + ", ", 1),
    "as large as a disk": lambda text: text + " " * (3 << 20),
    "huge pictures": lambda text: text.replace('"image": [\n  28,\n  28', '"image": [\n  1000000000,\n  1000000000', 1),
}
MEMBERS = {
    "a pipe": os.mkfifo,
    "a device": lambda path: os.symlink("/dev/zero", path),
    "a link": lambda path: os.symlink("/etc/hostname", path),
    "a folder": os.mkdir,
}


def limited():
    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))


LOOKS = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True, timeout=30)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(done.returncode, used.ru_maxrss * 1024, used.ru_utime + used.ru_stime, done.stderr)
"""


@pytest.fixture
def refuses(bundle_copy, tmp_path):
    """Assert that verbs refuse the bundle in one line with 2, in 2 s of the processor and 200 MB."""
    Image.new("L", (28, 28)).save(tmp_path / "digit.png")

    def check(*words):
        command = [sys.executable, "-m", "edgedigits.cli.main", *words]
        done = subprocess.run(
            [sys.executable, "-c", LOOKS, *command], capture_output=True, text=True, check=True, cwd=tmp_path
        )
        code, memory, seconds, said = done.stdout.split(maxsplit=3)
        assert (code, said.count("\n"), said[:11]) == ("2", 2, "edgedigits:"), said  # one line end is print's
        assert int(memory) < MOST
        assert float(seconds) < 2

    return check


@pytest.mark.parametrize("kind", GOLDEN)
def test_golden_inputs_that_are_hostile_are_refused(refuses, bundle_copy, kind):
    put_golden(bundle_copy, GOLDEN[kind]())
    refuses("classify", "--bundle", bundle_copy, "digit.png")


@pytest.mark.parametrize("kind", MANIFEST)
def test_a_manifest_that_is_hostile_is_refused(refuses, bundle_copy, kind):
    before = (bundle_copy / "manifest.json").read_text()
    edit(bundle_copy, MANIFEST[kind])
    assert (bundle_copy / "manifest.json").read_text() != before
    refuses("classify", "--bundle", bundle_copy, "digit.png")
    if kind != "huge pictures":
        refuses("show", bundle_copy)


@pytest.mark.parametrize("name", ["golden.npz", "manifest.json", "small-int8.tflite", "small-int8.onnx"])
@pytest.mark.parametrize("kind", MEMBERS)
def test_a_member_that_is_no_regular_file_is_refused(bundle_copy, command, refused, tmp_path, kind, name):
    Image.new("L", (28, 28)).save(tmp_path / "digit.png")
    (bundle_copy / name).unlink()
    MEMBERS[kind](bundle_copy / name)
    engine = "onnxruntime" if name.endswith(".onnx") else "auto"
    done = command("classify", "--bundle", bundle_copy, "--engine", engine, "digit.png", timeout=30, preexec_fn=limited)
    refused(done, 2, str(bundle_copy))


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_lone_file_that_is_none_is_refused(command, refused, tmp_path, kind):
    path = tmp_path / "m.tflite"
    os.mkfifo(path) if kind == "pipe" else os.symlink("/dev/zero", path)
    done = command("show", path, timeout=30, preexec_fn=limited)
    refused(done, 2, "found a pipe or a device")


def test_a_lone_file_may_be_reached_by_a_link(tmp_path, shipped):
    (tmp_path / "m.tflite").symlink_to(shipped.path / "small-int8.tflite")
    assert read_regular(tmp_path / "m.tflite", 1 << 20)
    with pytest.raises(OSError, match="found a link"):
        read_regular(tmp_path / "m.tflite", 1 << 20, links=False)


def test_a_file_longer_than_allowed_is_not_read(tmp_path):
    with (tmp_path / "long").open("wb") as file:
        file.truncate(1 << 40)  # a hole of a terabyte
    begun = time.process_time()
    with pytest.raises(OSError, match="expected at most 100 bytes, found 1,099,511,627,776"):
        read_regular(tmp_path / "long", 100)
    assert time.process_time() - begun < 1


def test_a_limit_beyond_what_can_be_asked_for_takes_no_room(tmp_path):
    (tmp_path / "short").write_bytes(b"abc")
    assert read_regular(tmp_path / "short", 1 << 70) == b"abc"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs a file that says that it has no bytes")
def test_a_file_that_is_longer_than_it_says_is_refused():
    with pytest.raises(OSError, match="changed while it was read"):
        read_regular(Path("/proc/self/status"), 1 << 20)


@pytest.mark.parametrize(
    "text", ["NaN", "[1e999]", '{"a": -' + "9" * 19 + "}", "9" * 5000, "[" * 100 + "]" * 100, "[" * 10**6]
)
def test_json_that_no_64_bits_hold_is_refused(text):
    with pytest.raises(ValueError, match=r"64 bits|nested|Exceeds"):
        parse_json(text)


def test_json_that_fits_is_read():
    assert parse_json(b'{"a": [1, 2.5, null, true, "x"], "b": -9223372036854775808}')["b"] == -(2**63)


@pytest.mark.parametrize("method", [np.savez, np.savez_compressed])
def test_archives_that_numpy_writes_are_read(tmp_path, method):
    arrays = {
        "images": np.zeros((2000, 28, 28), np.uint8), "names": np.array(["zero", "one"]), "scalar": np.array(3),
        "columns": np.asfortranarray(np.arange(12.0).reshape(3, 4)), "none": np.zeros((0, 5), np.int64),
    }  # fmt: skip
    method(tmp_path / "a.npz", **arrays)
    for source in (tmp_path / "a.npz", (tmp_path / "a.npz").read_bytes()):
        found = read_arrays(source, lambda _: True)
        assert found.keys() == arrays.keys()
        for name, array in arrays.items():
            assert np.array_equal(found[name], array)
            assert found[name].dtype == array.dtype
