"""A Keras model in the place of a bundle or a model file: export it first."""

from __future__ import annotations

import pytest

HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(100)


@pytest.fixture
def keras(tmp_path):
    """Write a Keras model of one kind; only names and first bytes matter, for nothing here could read more."""

    def write(name):
        if name == "saved":
            (tmp_path / name).mkdir()
            (tmp_path / name / "saved_model.pb").write_bytes(b"\x08\x01")
        else:
            (tmp_path / name).write_bytes(b"PK\x03\x04" if name.endswith(".keras") else HDF5)
        return name

    return write


@pytest.mark.parametrize("verb", ["show", "bench", "selftest", "parity"])
@pytest.mark.parametrize("name", ["my model.keras", "model.h5", "model.hdf5", "Model.H5", "model", "saved"])
def test_it_is_to_be_exported_first(run_here, refused, keras, verb, name):
    found = "a SavedModel folder" if name == "saved" else "a Keras file"
    quoted = f"'{name}'" if " " in name else name
    refused(run_here(verb, keras(name)), 2, f"{name}: ", f"found {found}; export it first: edgedigits export {quoted} ")


def test_classify_says_so_too(run_here, refused, keras):
    refused(
        run_here("classify", "--bundle", keras("model.h5"), "x.png"), 2, "export it first: edgedigits export model.h5"
    )


@pytest.mark.parametrize("name", ["gone.keras", "folder.h5"])
def test_what_is_not_there_is_not_to_be_exported(run_here, refused, tmp_path, name):
    (tmp_path / "folder.h5").mkdir()
    done = run_here("show", name)
    refused(done, 2, f"{name}: expected a bundle's folder, a .tflite or .onnx file")
    assert "export it first" not in done.stderr
