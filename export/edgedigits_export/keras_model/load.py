"""Load a Keras model in every form that people have: .keras, whole .h5, and the folder of a SavedModel."""

from __future__ import annotations

import json
import shutil
import zipfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgedigits.errors import BundleError
from edgedigits.json_text import parse_json
from edgedigits.rlimits import at_most
from edgedigits.scratch import ScratchFolder
from edgedigits_export.decisive import decisive_sentence
from edgedigits_export.keras_model.bombs import network_memory, refuse_bombs, refuse_large_weights
from edgedigits_export.keras_model.custom_objects import register_custom_objects
from edgedigits_export.keras_model.keras2 import in_keras3, layers_of
from edgedigits_export.keras_model.model_files import Form, form_of
from edgedigits_export.keras_model.saved_model import read_saved_model
from edgedigits_export.lazy_imports import load, quiet

_CONFIG, _METADATA = "config.json", "metadata.json"
_EXPORT = (
    "save it as a SavedModel with the Keras that made it (model.export('folder'), before Keras 2.13 "
    "model.save('folder')), and export that folder"
)
# How Keras begins where something is not its own.
_MISSING = ("Could not locate", "Could not deserialize class", "Unknown ")
_CALLS = ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer")


@dataclass(frozen=True, slots=True)
class _Saved:
    """A whole model as Keras saved it: the release that did, and the configuration."""

    made: str
    config: dict[str, Any]

    @property
    def is_keras2(self) -> bool:
        return _release(self.made) < (3,)


def load_keras(path: Path | str, custom_objects: Path | None = None) -> Any:
    """Return the Keras model of a ``.keras`` or whole ``.h5`` file, or of the folder of a SavedModel.

    ``custom_objects`` is a Python file that defines what is not Keras' own; it is run.

    Raises
    ------
    InputError: there is no such file, or it cannot be read.
    BundleError: it is broken, of another kind, or one that the installed Keras cannot load.
    UsageError: see `register_custom_objects`.

    """
    path = Path(path)
    form = form_of(path)
    if custom_objects is not None:
        register_custom_objects(custom_objects)
    if form == "saved_model":
        return read_saved_model(path)
    try:
        saved = _saved(path, form)
    # A file that was cut in the middle makes h5py and zipfile raise what they happen to meet.
    except Exception as error:
        raise BundleError(
            f"{path}: expected a whole file of Keras, found a broken or truncated one ({decisive_sentence(error)}); "
            "fetch or save it again"
        ) from error
    keras = load("keras")
    try:
        with ScratchFolder() as folder, quiet(), at_most(network_memory(path)):
            readable = _in_keras3(path, form, saved, Path(folder)) if saved.is_keras2 else path
            return keras.models.load_model(readable, compile=False)
    # What a foreign file makes Keras raise has no narrower base.
    except Exception as error:
        raise BundleError(f"{path}: {_why_not_loaded(saved, error)}") from error


def _saved(path: Path, form: Form) -> _Saved:
    if form == "keras":
        with zipfile.ZipFile(path) as archive:
            refuse_bombs(path, archive)
            made = parse_json(archive.read(_METADATA))["keras_version"]
            return _Saved(str(made), dict(parse_json(archive.read(_CONFIG))))
    with closing(load("h5py").File(path)) as file:
        made, config = (_text(file.attrs.get(name, "2")) for name in ("keras_version", "model_config"))
        refuse_large_weights(path, file)
        return _Saved(made, dict(parse_json(config)))


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _in_keras3(path: Path, form: Form, saved: _Saved, folder: Path) -> Path:
    """Return the path of a copy in ``folder``, whose configuration Keras 3 takes; the weights are the same."""
    copy, config = folder / f"model{path.suffix}", json.dumps(in_keras3(saved.config))
    if form == "hdf5":
        shutil.copyfile(path, copy)
        with closing(load("h5py").File(copy, "r+")) as file:
            file.attrs["model_config"] = config
        return copy
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(copy, "w") as written:
        for name in archive.namelist():
            written.writestr(name, config if name == _CONFIG else archive.read(name))
    return copy


def _why_not_loaded(saved: _Saved, error: Exception) -> str:
    """Return one line that says why Keras could not load a file, and what to do."""
    installed = load("keras").__version__
    said = f"made by Keras {saved.made}, and Keras {installed} cannot load it"
    if _release(saved.made) > _release(installed):
        return f"{said}; upgrade: pip install 'keras>={saved.made}'"
    reason = decisive_sentence(error)
    return f"{said}: {reason}; {_cure(saved, reason)}"


def _cure(saved: _Saved, reason: str) -> str:
    """Return what to do about the first layer that Keras does not have or does not load, or about the whole file."""
    layers = {layer["config"]["name"]: layer["class_name"] for layer in layers_of(saved.config.get("config"))}
    if reason.startswith(_MISSING):
        name = next((name for name, kind in layers.items() if f"'{kind}'" in reason), None)
        if name is not None and layers[name] in _CALLS:
            return f"layer {name!r} is a call of TensorFlow, for which Keras 3 has no layer: {_EXPORT}"
        where = "" if name is None else f"layer {name!r} is one: "
        return f"{where}name the Python file that defines it with --custom-objects FILE.py, or {_EXPORT}"
    name = next((name for name, kind in layers.items() if kind == "Lambda"), None)
    if name is not None and "Lambda" in reason:
        return (
            f"layer {name!r} is Python code inside the file, which is not run: write it as a layer, such as Rescaling, "
            f"or, where you trust it, {_EXPORT}"
        )
    return _EXPORT


def _release(version: str) -> tuple[int, ...]:
    """Return ``3.15.1`` as ``(3, 15, 1)``, and ``2.4.0-tf`` as ``(2, 4)``."""
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
