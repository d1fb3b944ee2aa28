"""A Keras model is loaded in every form that people have, and what does not load is told in Keras' own sentence."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from edgedigits.errors import BundleError
from edgedigits_export.keras_model.keras2 import in_keras3
from edgedigits_export.keras_model.load import load_keras
from edgedigits_export.lazy_imports import load

pytestmark = pytest.mark.tensorflow

KERAS2 = Path(__file__).parents[1] / "data" / "keras2"
Build = Callable[..., Path]


def rewrite(path: Path, name: str, change: Callable[[dict[str, Any]], object]) -> None:
    with zipfile.ZipFile(path) as archive:
        content = {entry: archive.read(entry) for entry in archive.namelist()}
    values = json.loads(content[name])
    change(values)
    content[name] = json.dumps(values).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for entry, data in content.items():
            archive.writestr(entry, data)


@pytest.mark.parametrize("ending", ["h5", "keras"])
@pytest.mark.parametrize("name", ["layers", "inner"])
def test_a_file_of_keras_2_answers_as_keras_2_did(name: str, ending: str) -> None:
    expected = np.load(KERAS2 / "expected.npz")
    said = np.asarray(load_keras(KERAS2 / f"{name}.{ending}")(expected["images"], training=False))
    np.testing.assert_allclose(said, expected[name], atol=2e-6)
    assert np.ptp(expected[name], axis=0).min() > 0.01  # the images are told apart


@pytest.mark.parametrize("ending", ["h5", "hdf5"])
def test_a_whole_hdf5_file_of_keras_3_is_read_as_it_is(save: Build, ending: str) -> None:
    path = save(name=f"model.{ending}")
    before = path.read_bytes()
    model = load_keras(path)
    assert [type(layer).__name__ for layer in model.layers] == ["Flatten", "Dense"]
    assert path.read_bytes() == before


def test_an_argument_of_keras_2_that_means_something_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.h5"
    path.write_bytes((KERAS2 / "layers.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        next(one for one in config["config"]["layers"] if one["class_name"] == "LSTM")["config"]["time_major"] = True
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(BundleError) as caught:
        load_keras(path)
    assert str(caught.value).startswith(f"{path}: made by Keras 2.15.0, and Keras 3.")
    assert "cannot load it: Unrecognized keyword arguments passed to LSTM: {'time_major': True}; save it as a " in str(
        caught.value
    )


@pytest.mark.parametrize("ending", ["h5", "keras"])
def test_a_lambda_is_not_run_and_the_way_round_it_is_told(save: Build, ending: str) -> None:
    path = save(load("keras").layers.Lambda(lambda values: values * 2, name="double"), name=f"model.{ending}")
    with pytest.raises(BundleError) as caught:
        load_keras(path)
    said = str(caught.value)
    assert "carries a potential risk of arbitrary code execution and thus it is disallowed by default; layer" in said
    assert "layer 'double' is Python code inside the file, which is not run: write it as a layer" in said
    assert said.endswith("and export that folder")


def test_a_call_of_tensorflow_is_named_with_the_layer(tmp_path: Path) -> None:
    path = tmp_path / "net.h5"
    path.write_bytes((KERAS2 / "layers.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][3] = {
            "class_name": "TFOpLambda",
            "config": {"name": "tf.nn.relu", "function": "relu"},
        }
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(BundleError, match=r"Unknown layer: 'TFOpLambda'; layer 'tf.nn.relu' is a call of TensorFlow, "):
        load_keras(path)


def test_a_layer_of_ones_own_is_named_with_the_option(save: Build) -> None:
    class Twice(load("keras").layers.Layer):  # type: ignore[misc]
        def call(self, values: Any) -> Any:
            return values * 2

    path = save(Twice(name="mine"))
    with pytest.raises(BundleError) as caught:
        load_keras(path)
    said = str(caught.value)
    assert (
        "cannot load it: Could not locate class 'Twice'; layer 'mine' is one: name the Python file that defines" in said
    )
    assert "--custom-objects FILE.py" in said


def unheard(config: dict[str, Any]) -> None:
    config["config"]["layers"][2]["config"].update(odd=["x"] * 200)


def from_the_future(path: Path) -> None:
    rewrite(path, "config.json", unheard)
    rewrite(path, "metadata.json", lambda metadata: metadata.update(keras_version="99.1.0"))


def without_metadata(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")


def end_early(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:9000])


def zero(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[60:200] = bytes(140)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("ending", "spoil", "said"),
    [
        ("keras", from_the_future, r"made by Keras 99\.1\.0, .* upgrade: pip install 'keras>=99\.1\.0'$"),
        (
            "keras",
            lambda path: rewrite(path, "config.json", unheard),
            r"passed to Dense: \{'odd': \['x', .*'x'\]\}; save",
        ),
        ("keras", without_metadata, "found a broken or truncated one .*metadata.json"),
        ("keras", zero, r"found a broken or truncated one \(Bad CRC-32"),
        (
            "h5",
            end_early,
            r"found a broken or truncated one \(Unable to synchronously open file .*; fetch or save it again$",
        ),
    ],
)
def test_a_spoilt_file_is_told_in_one_line(save: Build, ending: str, spoil: Callable[[Path], None], said: str) -> None:
    path = save(name=f"model.{ending}")
    spoil(path)
    with pytest.raises(BundleError, match=said) as caught:
        load_keras(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "config=" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_precision_of_keras_2_is_named_as_keras_3_names_it() -> None:
    policy = {"class_name": "Policy", "config": {"name": "mixed_float16"}}
    layer = {"class_name": "Dense", "config": {"name": "dense", "units": 3, "dtype": policy}}
    found = in_keras3({"class_name": "Sequential", "config": {"name": "net", "layers": [layer]}})
    assert found["config"]["layers"][0]["config"]["dtype"] == "mixed_float16"
