"""What a model's file or folder is, by its content, and what to do where it is none that Keras wrote whole."""

from __future__ import annotations

import re
import shlex
import zipfile
from pathlib import Path
from typing import Literal

from edgedigits.content import HEAD, Content, wrapping
from edgedigits.errors import BundleError, InputError
from edgedigits_export.lazy_imports import load

Form = Literal["keras", "hdf5", "saved_model"]

_SUFFIXES: dict[Form, tuple[str, ...]] = {"keras": (".keras",), "hdf5": (".h5", ".hdf5")}
_NAMES: dict[Form, str] = {"keras": "a .keras archive", "hdf5": "an HDF5 file"}
_SAVED_MODEL = "saved_model.pb"
_HDF5, _ZIP, _EMPTY_ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04", b"PK\x05\x06"
# The last bytes of a table of LevelDB, in which TensorFlow keeps the index of a checkpoint.
_INDEX_END = bytes.fromhex("57fb808b247547db")

_EXPECTED = "a Keras model (.keras, .h5, or the folder of a SavedModel)"
_TO_ONNX = "convert it with torch.onnx.export, and export the .onnx file"
_WHOLE = "build the network in Python, load them into it, and save all with model.save('model.keras')"
_WEIGHTS = Content("weights alone, without the network that they belong to", _WHOLE)
_CHECKPOINT = Content("a checkpoint of TensorFlow, which has weights alone", _WHOLE)
_KINDS = {
    rb"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19": Content("a PyTorch file", _TO_ONNX),
    rb"\x80[\x02-\x05]": Content(
        "a pickle, which is not opened, since that runs what is in it",
        "load it where it was made, and save the model with model.save('model.keras')",
    ),
    rb"model_checkpoint_path:": _CHECKPOINT,
    rb"\s*\{": Content("JSON, at best the network without its weights", _WHOLE.replace("them", "its weights")),
    rb".{4}TFL3": Content("a TFLite file", "rename it, with the ending .tflite"),
}


def is_saved_model(path: Path) -> bool:
    """Return whether a path is the folder of a SavedModel."""
    return (path / _SAVED_MODEL).is_file()


def form_of(path: Path) -> Form:
    """Return the form in which a whole Keras model is there.

    Raises
    ------
    InputError: there is nothing, or it cannot be read.
    BundleError: it is something else; the message says what, and what to do.

    """
    try:
        if path.is_dir():
            return "saved_model" if is_saved_model(path) else _refuse(path, _folder(path))
        if path.is_file():
            return _form_of_file(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    if path.with_name(f"{path.name}.index").exists():
        return _refuse(path, _CHECKPOINT)
    raise InputError(f"{path}: expected {_EXPECTED}, found nothing")


def _form_of_file(path: Path) -> Form:
    with path.open("rb") as file:
        head = file.read(HEAD)
        file.seek(0, 2)
        file.seek(-min(len(_INDEX_END), file.tell()), 2)
        end = file.read()
    if head.startswith(_HDF5):
        return _named(path, "hdf5") if _has_network(path) else _refuse(path, _WEIGHTS)
    if head.startswith((_ZIP, _EMPTY_ZIP)):
        return _named(path, "keras") if (other := _other_archive(path)) is None else _refuse(path, other)
    if path.name == _SAVED_MODEL:
        return _refuse(path, Content("a file of a SavedModel", f"name its folder, {path.parent}"))
    return _refuse(path, _CHECKPOINT if end == _INDEX_END else _content(path, head))


def _content(path: Path, head: bytes) -> Content:
    if not head:
        return Content("an empty file", "fetch or save it again")
    found = next((content for start, content in _KINDS.items() if re.match(start, head, re.DOTALL)), wrapping(head))
    broken = path.suffix in {suffix for suffixes in _SUFFIXES.values() for suffix in suffixes}
    kind = "a broken file, or one of another kind" if broken else "another kind of file"
    return found or Content(kind, "save the model again with model.save('model.keras')")


def _has_network(path: Path) -> bool:
    """Return whether an HDF5 file has a network beside its weights; a truncated one counts, and Keras tells of it."""
    try:
        with load("h5py").File(path) as file:
            return "model_config" in file.attrs
    except OSError:
        return True


def _other_archive(path: Path) -> Content | None:
    """Return what a zip archive is when Keras did not write it."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        return Content("a broken or truncated archive", "fetch or save it again")
    if "config.json" in names:
        return None
    if any(name.endswith("/data.pkl") for name in names):
        return Content("a PyTorch file", _TO_ONNX)
    if any(name.endswith(_SAVED_MODEL) for name in names):
        return Content("a packed SavedModel", "unpack it, and name its folder")
    return Content("an archive without Keras's metadata", "save the model again with model.save('model.keras')")


def _folder(path: Path) -> Content:
    """Return what a folder without a SavedModel is."""
    if any((path / name).exists() for name in ("checkpoint", "variables.index")) or any(path.glob("*.ckpt*.index")):
        return _CHECKPOINT
    ends = [suffix for suffixes in _SUFFIXES.values() for suffix in suffixes]
    inside = sorted(one for one in path.iterdir() if one.suffix in ends or is_saved_model(one))
    cure = f"name the model in it: {shlex.quote(str(inside[0]))}" if inside else "name the model's file"
    return Content(f"a folder without {_SAVED_MODEL} in it", cure)


def _named(path: Path, form: Form) -> Form:
    """Return the form, if the file's ending says the same; Keras goes by the ending."""
    if path.suffix in _SUFFIXES[form]:
        return form
    right = shlex.quote(str(path.with_suffix(_SUFFIXES[form][0])))
    found = f"{_NAMES[form]} that ends in {path.suffix}" if path.suffix else f"{_NAMES[form]} without an ending"
    return _refuse(path, Content(found, f"rename it to {right}"))


def _refuse(path: Path, content: Content) -> Form:
    raise BundleError(f"{path}: expected {_EXPECTED}, found {content.name}; {content.cure}")
