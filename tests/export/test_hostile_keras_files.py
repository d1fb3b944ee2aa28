"""Keras files that take far more memory than their size is good for, and a record beside a model that is broken."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from edgedigits.errors import BundleError
from edgedigits.training_record import read_training_record
from edgedigits_export.keras_model.load import load_keras

h5py = pytest.importorskip("h5py")
METADATA = json.dumps({"keras_version": "3.15.1"})


def write(path, config=b"{}", weights=None, more=b""):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", METADATA)
        archive.writestr("config.json", config)
        archive.writestr("model.weights.h5", hdf5({}) if weights is None else weights)
        archive.writestr("assets/more", more)
    return path


def hdf5(shapes):
    """HDF5 of a kilobyte or two with arrays of which no bytes are stored."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, shape in shapes.items():
            file.create_dataset(name, shape=shape, dtype="f4", chunks=(1024, 1024))
    return buffer.getvalue()


HOLES = hdf5({"layers/dense/vars/0": (1 << 16, 1 << 15)})  # 8 GB


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        ({"config": b'{"a": "' + bytes(80 << 20) + b'"}'}, "config.json of 83,886,089 bytes"),
        ({"more": bytes(80 << 20)}, "bytes in 8"),
        ({"weights": HOLES}, "8,589,934,592 bytes in"),
    ],
    ids=["config", "member", "weights"],
)
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch, harm, message):
    path = write(tmp_path / "model.keras", **harm)
    monkeypatch.setattr(zipfile.ZipFile, "read", None)  # nothing is
    with pytest.raises(BundleError, match=message):
        load_keras(path)


def test_weights_of_an_h5_file_that_are_a_bomb_are_refused(tmp_path):
    (tmp_path / "model.h5").write_bytes(HOLES)
    with h5py.File(tmp_path / "model.h5", "a") as file:
        file.attrs["keras_version"], file.attrs["model_config"] = "3.15.1", "{}"
    with pytest.raises(BundleError, match="8,589,934,592 bytes in"):
        load_keras(tmp_path / "model.h5")


@pytest.mark.tensorflow
@pytest.mark.slow
def test_a_network_far_larger_than_its_file_is_refused(tmp_path):
    """Its weights would take 6.4 GB, and the file has none of them."""
    units, layers = 40_000, []
    for name, inputs in (("first", 784), ("second", units)):
        config = {"name": name, "units": units, "activation": "linear"}
        layers.append({
            "module": "keras.layers", "class_name": "Dense", "registered_name": None, "config": config,
            "build_config": {"input_shape": [None, inputs]},
        })  # fmt: skip
    network = {
        "module": "keras", "class_name": "Sequential", "registered_name": None,
        "config": {"name": "large", "layers": layers}, "build_config": {"input_shape": [None, 784]},
    }  # fmt: skip
    path = write(tmp_path / "model.keras", json.dumps(network).encode())
    with pytest.raises(BundleError, match=r"OOM|memory"):
        load_keras(path)


@pytest.mark.parametrize(
    "text", ["{", '{"parameters": 1, "loss": NaN}', "[" * 10_000, '{"parameters": 1' + "0" * 400 + "}", "\xff"]
)
@pytest.mark.parametrize("name", ["train.json", "model.train.json"])
def test_a_broken_record_beside_a_model_is_told(tmp_path, text, name):
    (tmp_path / name).write_text(text, encoding="latin-1")
    with pytest.raises(BundleError, match="expected the record of the model beside it, found a broken file"):
        read_training_record(tmp_path / "model.keras", 1)


@pytest.mark.parametrize("text", ["[1, 2]", "3", '{"images": []}'])
def test_other_json_beside_a_model_is_left_alone(tmp_path, text):
    (tmp_path / "train.json").write_text(text)
    assert read_training_record(tmp_path / "model.keras", 1) is None
