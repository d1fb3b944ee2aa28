from __future__ import annotations

import hashlib

import pytest

from edgedigits.errors import BundleError
from edgedigits.model import is_model_file, lone_model, model_of_bundle


def test_a_model_of_a_bundle_carries_all_that_is_known(shipped):
    file = shipped.pick("int8.onnx", ["onnx"])
    model = model_of_bundle(shipped, file)
    assert (model.name, model.variant, model.format, model.sha256) == ("small", "int8.onnx", "onnx", file.sha256)
    assert model.data == (shipped.path / file.path).read_bytes()
    assert (model.bundle, model.file) == (shipped, file)


def test_a_lone_model_is_known_by_its_content_alone(shipped):
    path = shipped.path / "small-float32.tflite"
    model = lone_model(path)
    assert (model.name, model.variant, model.format) == ("small-float32", None, "tflite")
    assert model.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (model.bundle, model.file) == (None, None)


def test_a_file_is_told_from_a_bundle_by_its_ending(tmp_path):
    assert is_model_file("a/b.tflite")
    assert is_model_file(tmp_path / "x.onnx")
    assert not is_model_file("small")
    assert not is_model_file("x.keras")
    (tmp_path / "folder.onnx").mkdir()
    assert not is_model_file(tmp_path / "folder.onnx")


@pytest.mark.parametrize(("name", "found"), [("model.pb", ".pb"), ("model", "no ending"), ("model.TFLITE", ".TFLITE")])
def test_another_ending_is_told(tmp_path, name, found):
    with pytest.raises(BundleError) as caught:
        lone_model(tmp_path / name)
    expected = f"expected a file that ends in .tflite or .onnx, found {found}"
    assert str(caught.value) == f"{tmp_path / name}: {expected}"


def test_a_file_that_is_missing_or_empty_is_told(tmp_path):
    with pytest.raises(BundleError, match=r"no.onnx: cannot be read \(No such file or directory\)"):
        lone_model(tmp_path / "no.onnx")
    (tmp_path / "empty.onnx").touch()
    with pytest.raises(BundleError, match=r"empty.onnx: expected a model, found an empty file"):
        lone_model(tmp_path / "empty.onnx")
