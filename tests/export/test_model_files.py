"""What is given for a Keras model is known by its content, and what is none is named with the cure."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedigits.cli.main import main
from edgedigits.errors import BundleError, InputError
from edgedigits_export.keras_model.model_files import form_of

EXPECTED = "expected a Keras model (.keras, .h5, or the folder of a SavedModel), found "


def archive(*names: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as file:
            for name in names:
                file.writestr(name, "{}")

    return write


def hdf5(**attributes: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with h5py.File(path, "w") as file:
            file.attrs.update(attributes)

    return write


def holding(data: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(data)

    return write


def folder(*names: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        for name in names or ("",):
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).touch() if name else path.mkdir(exist_ok=True)

    return write


def cut(path: Path) -> None:
    archive("config.json")(path)
    path.write_bytes(path.read_bytes()[:-20])


KERAS = archive("metadata.json", "config.json", "model.weights.h5")


@pytest.mark.parametrize(
    ("name", "write", "form"),
    [
        ("a.keras", KERAS, "keras"),
        ("a.h5", hdf5(model_config="{}"), "hdf5"),
        ("a.hdf5", hdf5(model_config="{}"), "hdf5"),
        ("a", folder("saved_model.pb", "variables/variables.index"), "saved_model"),
        ("a.keras", folder("saved_model.pb"), "saved_model"),
    ],
)
def test_a_whole_model_is_known(tmp_path: Path, name: str, write: Callable[[Path], None], form: str) -> None:
    write(tmp_path / name)
    assert form_of(tmp_path / name) == form


WEIGHTS = "weights alone, without the network that they belong to; build the network in Python, load them into it"
CHECKPOINT = "a checkpoint of TensorFlow, which has weights alone; build the network in Python, load them into it"
REFUSED = [
    ("a.keras", hdf5(model_config="{}"), "an HDF5 file that ends in .keras; rename it to {here}/a.h5"),
    ("a", hdf5(model_config="{}"), "an HDF5 file without an ending; rename it to {here}/a.h5"),
    ("a.H5", hdf5(model_config="{}"), "an HDF5 file that ends in .H5; rename it to {here}/a.h5"),
    ("a.h5", KERAS, "a .keras archive that ends in .h5; rename it to {here}/a.keras"),
    ("a.keras.zip", KERAS, "a .keras archive that ends in .zip; rename it to {here}/a.keras.keras"),
    ("a.weights.h5", hdf5(backend="tensorflow"), WEIGHTS),
    ("a.keras", hdf5(), WEIGHTS),
    ("a.keras", cut, "a broken or truncated archive; fetch or save it again"),
    ("a.keras", archive("other"), "an archive without Keras's metadata; save the model again"),
    ("a.zip", archive("net/saved_model.pb"), "a packed SavedModel; unpack it, and name its folder"),
    ("a.pt", archive("a/data.pkl"), "a PyTorch file; convert it with torch.onnx.export"),
    ("a.pth", holding(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."), "a PyTorch file; convert it with"),
    ("a.h5", holding(pickle.dumps({})), "a pickle, which is not opened, since that runs what"),
    ("a.keras", holding(b""), "an empty file; fetch or save it again"),
    (
        "a.h5",
        holding(b"version https://git-lfs.github.com/spec/v1\n"),
        "a Git LFS pointer in its place; fetch the file",
    ),
    ("a.keras", holding(b"<!DOCTYPE html><html>"), "a web page; download the file itself"),
    ("a.json", holding(b'{"class_name": "Sequential"}'), "JSON, at best the network without its weights; build"),
    ("a.keras", holding(b"\x1c\0\0\0TFL3"), "a TFLite file; rename it, with the ending .tflite"),
    ("a.h5.gz", holding(b"\x1f\x8b\x08"), "a packed archive; unpack it first"),
    ("a.keras", holding(b"no model"), "a broken file, or one of another kind; save the model again"),
    ("a.bin", holding(b"no model"), "another kind of file; save the model again"),
    ("a.index", holding(bytes(40) + bytes.fromhex("57fb808b247547db")), CHECKPOINT),
    ("checkpoint", holding(b'model_checkpoint_path: "a"'), CHECKPOINT),
    ("a", folder("checkpoint", "w.index"), CHECKPOINT),
    ("a", folder("model.ckpt-7.index"), CHECKPOINT),
    ("a", folder(), "a folder without saved_model.pb in it; name the model's file"),
    ("a", folder("b.txt", "c.h5"), "a folder without saved_model.pb in it; name the model in it: {here}/a/c.h5"),
    ("a", folder("1/saved_model.pb"), "a folder without saved_model.pb in it; name the model in it: {here}/a/1"),
    ("saved_model.pb", holding(b"\x08\x01"), "a file of a SavedModel; name its folder, {here}"),
]


@pytest.mark.parametrize(("name", "write", "said"), REFUSED)
def test_what_is_none_is_named_with_the_cure(
    tmp_path: Path, name: str, write: Callable[[Path], None], said: str
) -> None:
    path = tmp_path / name
    write(path)
    with pytest.raises(BundleError) as caught:
        form_of(path)
    assert str(caught.value).startswith(f"{path}: {EXPECTED}{said.format(here=tmp_path)}")


def test_nothing_is_told_as_nothing_and_a_checkpoint_by_its_prefix(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"found nothing$"):
        form_of(tmp_path / "absent.keras")
    (tmp_path / "model.ckpt.index").touch()
    with pytest.raises(BundleError, match="a checkpoint of TensorFlow"):
        form_of(tmp_path / "model.ckpt")


@given(data=st.binary(max_size=64), start=st.sampled_from([b"", b"\x89HDF\r\n\x1a\n", b"PK\x03\x04", b"\x80\x04"]))
def test_any_bytes_are_a_form_or_one_line(tmp_path_factory: pytest.TempPathFactory, data: bytes, start: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.h5"
    path.write_bytes(start + data)
    try:
        said = form_of(path)
    except InputError as error:
        said = str(error)
    assert said == "hdf5" or said.startswith(f"{path}: {EXPECTED}")
    assert "\n" not in said


def test_the_command_says_so_with_exit_code_2_and_leaves_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model, out = tmp_path / "a.keras", tmp_path / "out"
    model.write_bytes(b"<html>")
    assert main(["export", str(model), "--calibration", "mnist", "-o", str(out)]) == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[-1].startswith(f"edgedigits: {model}: {EXPECTED}a web page; ")
    assert list(tmp_path.iterdir()) == [model]
