"""Every known lie, with the command and the exit code that catch it.

Each lie is a file or a bundle that loads, and would give wrong outputs or be taken for what it is not.
"""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path

import lies
import numpy as np
import pytest

from edgedigits.cli.main import main
from edgedigits.engines import installed_engines
from edgedigits.verification.inference import infer_isolated

FLOAT, INT8 = "small-float32.tflite", "small-int8.tflite"
KERAS = Path(__file__).parents[2] / "models" / "small.keras"
needs_onnx = pytest.mark.skipif(find_spec("onnx") is None, reason="check needs onnx, of the extra [check]")
needs_tflite = pytest.mark.skipif(
    "tflite-runtime" not in installed_engines(), reason="the lie is one of tflite-runtime"
)
needs_export = pytest.mark.skipif(
    find_spec("tensorflow") is None or not KERAS.exists(), reason="export needs TensorFlow, and the reference model"
)


@pytest.fixture
def lying(rewrite, bundle_copy, tmp_path):
    """The float32 file with per-channel Dense weights that its operators' version does not admit."""
    file = tmp_path / "lying.tflite"
    file.write_bytes(rewrite(bundle_copy / FLOAT, lies.dense_per_channel_as_version_1))
    return file


@pytest.mark.slow
@needs_tflite
def test_the_silently_wrong_recipe_gives_every_digit_the_same_outputs_in_tflite_runtime_alone(lying, digits):
    images, labels = digits.images[:20], digits.labels[:20]
    right = infer_isolated(lying, "litert", images).probabilities
    assert (right.argmax(axis=1) == labels).mean() > 0.9
    wrong = infer_isolated(lying, "tflite-runtime", images).probabilities
    assert np.array_equal(wrong, np.tile(wrong[0], (len(images), 1)))


@needs_onnx
def test_check_names_the_silently_wrong_recipe(lying, run_here):
    done = run_here("check", lying, "--target", "tflite-runtime==2.14.0", "--target", "ai-edge-litert==2.3.0", "--json")
    assert done.returncode == 3, done.stderr
    verdicts = {row["target"]: row["answer"] for row in json.loads(done.stdout)["rows"]}
    assert verdicts == {"tflite-runtime 2.14.0": "computes wrongly", "ai-edge-litert 2.3.0": "runs"}


@pytest.mark.slow
@needs_tflite
def test_the_selftest_catches_the_silently_wrong_recipe(lying, bundle_copy, smuggle, run_here):
    smuggle(bundle_copy, FLOAT, lying.read_bytes())
    done = run_here("selftest", bundle_copy, "--variant", "float32", "--engine", "tflite-runtime", "--json")
    assert done.returncode == 1, done.stderr
    (row,) = json.loads(done.stdout)["rows"]
    assert len(row["result"]["wrong"]) > 40


@needs_tflite
def test_a_classifier_refuses_the_silently_wrong_recipe_with_the_numbers(
    lying, bundle_copy, smuggle, run_here, refused, pictures
):
    smuggle(bundle_copy, FLOAT, lying.read_bytes())
    done = run_here(
        "classify", "--bundle", bundle_copy, "--variant", "float32.tflite", "--engine", "tflite-runtime", pictures[0]
    )
    refused(done, 1, "of 3 golden inputs give wrong outputs (off by 0.", "tolerance 0.0001")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "lie"),
    [
        (INT8, lies.softmax_in_int8),
        (INT8, lies.calibrated_on_dim_images),
        (FLOAT, lies.scale_forgotten),
        (FLOAT, lies.wrong_polarity),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_selftest_catches_a_file_that_computes_something_else(name, lie, rewrite, bundle_copy, smuggle, run_here):
    smuggle(bundle_copy, name, rewrite(bundle_copy / name, lie))
    variant = name.removeprefix("small-")
    done = run_here("selftest", bundle_copy, "--variant", variant, "--engine", "litert", "--json")
    assert done.returncode == 1, done.stderr
    (row,) = json.loads(done.stdout)["rows"]
    assert row["error"] is None
    assert row["result"]["wrong"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [FLOAT, INT8])
def test_the_selftest_catches_bytes_read_as_int8(name, rewrite, bundle_copy, smuggle, run_here):
    smuggle(bundle_copy, name, rewrite(bundle_copy / name, lies.bytes_read_as_int8))
    done = run_here("selftest", bundle_copy, "--variant", name.removeprefix("small-"), "--engine", "litert", "--json")
    assert done.returncode == 3
    (row,) = json.loads(done.stdout)["rows"]
    assert "int8 without quantization" in row["error"]


@pytest.mark.slow
def test_the_selftest_catches_preprocessing_of_the_wrong_polarity(bundle_copy, rewrite_arrays, run_here):
    """The model is right and its pictures are not: drift of either is told apart from the other."""
    with np.load(bundle_copy / "golden.npz") as archive:
        arrays = dict(archive)
    for key in [key for key in arrays if key.startswith("picture/")]:
        arrays["images"][int(key.split("/")[1])] = 255 - arrays["images"][int(key.split("/")[1])]
    rewrite_arrays(bundle_copy, "golden", {"images": arrays.pop("images"), **arrays})
    done = run_here("selftest", bundle_copy, "--variant", "float32.tflite", "--json")
    assert done.returncode == 1
    for row in json.loads(done.stdout)["rows"]:
        assert len(row["result"]["pictures_off"]) == row["result"]["pictures"] == 2


def test_a_model_renamed_to_another_variant_is_refused(bundle_copy, run_here, refused, pictures):
    (bundle_copy / INT8).write_bytes((bundle_copy / FLOAT).read_bytes())
    refused(run_here("classify", "--bundle", bundle_copy, pictures[0]), 2, INT8, "expected SHA-256")


def test_an_edited_manifest_is_refused(bundle_copy, run_here, refused, pictures):
    manifest = bundle_copy / "manifest.json"
    manifest.write_text(re.sub(r'"top1": 0\.\d+', '"top1": 1.0', manifest.read_text()))
    refused(run_here("classify", "--bundle", bundle_copy, pictures[0]), 2, "manifest.json", "it was edited")


def test_labels_in_another_order_are_refused_by_parity(proven, edit_manifest, run_here, refused):
    edit_manifest(proven.path, lambda values: values["labels"].reverse())
    done = run_here("parity", proven.path, "--data", proven.data, "--engine", "litert", "--variant", "float32.tflite")
    refused(done, 2, "its reference belongs to")


@pytest.mark.slow
def test_a_reference_of_other_data_is_refused(proven, tmp_path, run_here, refused):
    other = tmp_path / "other.npz"
    np.savez(other, images=proven.digits.images[::-1], labels=proven.digits.labels[::-1], names=proven.digits.names)
    done = run_here("parity", proven.path, "--data", other)
    refused(done, 2, "its reference belongs to", "give the data of its export")


@pytest.mark.tensorflow
@needs_export
@pytest.mark.parametrize("lie", ["dim", "noise", "swapped labels"])
def test_export_says_when_keras_itself_cannot_read_the_calibration_images(lie, digits, tmp_path, capfd):
    """Wrongly scaled images, no digits, labels of another model: the int8 ranges would be those of other data."""
    images, labels = np.tile(digits.images, (5, 1, 1, 1)), np.tile(digits.labels, 5)
    noise = np.random.default_rng(0).integers(0, 256, images.shape).astype(np.uint8)
    images = {"dim": images // 255, "noise": noise}.get(lie, images)
    labels = (labels + 1) % 10 if lie == "swapped labels" else labels
    data = tmp_path / "lie.npz"
    np.savez(data, images=images, labels=labels, names=np.array(digits.names))
    words = ["export", KERAS, "--calibration", data, "-o", tmp_path / "bundle", "--variants", "float32.tflite"]
    assert main(list(map(str, words))) == 1
    assert "Keras itself classifies only" in capfd.readouterr().out
