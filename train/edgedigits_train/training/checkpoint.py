"""Checkpoints: model, optimizer and history of a run in one file, which is replaced atomically after each epoch.

The file is a Keras archive of the model and the optimizer, with one more member for the run's own state. So weights and
history match at any moment, even if the process is killed.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import keras

from edgedigits.errors import BundleError, InputError
from edgedigits.files import file_atomic
from edgedigits.json_text import parse_json
from edgedigits.records import from_plain, to_plain
from edgedigits_train.config import TrainConfig

NAME = "checkpoint.keras"
_MEMBER = "edgedigits.json"


@dataclass(frozen=True, slots=True)
class EpochResult:
    """The results of one epoch: mean losses in nats, accuracies as shares, and wall time in seconds."""

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a run: its configuration and the results of all finished epochs.

    ``origin`` is a hash of the data, and of the teacher if there is one.
    """

    config: TrainConfig
    origin: str
    history: tuple[EpochResult, ...]


def save_checkpoint(folder: Path, model: keras.Model, progress: Progress) -> None:
    """Replace the folder's checkpoint; the model must be compiled and its optimizer built.

    Raises
    ------
    OutputError: the file cannot be written; the last checkpoint is unchanged.

    """
    state = json.dumps(to_plain(progress), allow_nan=False)
    save_atomic(folder / NAME, model, {_MEMBER: state})


def read_progress(folder: Path) -> Progress | None:
    """Return the progress that the folder's checkpoint holds, or None if there is no checkpoint.

    Raises
    ------
    InputError: the file is not a checkpoint of this program.

    """
    path = folder / NAME
    try:
        with zipfile.ZipFile(path) as archive:
            return from_plain(Progress, parse_json(archive.read(_MEMBER)), str(path))
    except FileNotFoundError:
        return None
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, BundleError) as error:
        raise InputError(f"{path}: expected a checkpoint, found: {error}; start again with --overwrite") from error


def load_checkpoint(folder: Path) -> keras.Model:
    """Return the checkpoint's model, compiled and with its optimizer's state.

    Raises
    ------
    InputError: Keras cannot read the file.

    """
    path = folder / NAME
    try:
        return keras.saving.load_model(path)
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise InputError(f"{path}: Keras {keras.__version__} cannot read it; start again with --overwrite") from error


def save_plain(path: Path, model: keras.Model) -> None:
    """Write a model without its optimizer and loss, atomically.

    Raises
    ------
    OutputError: the file cannot be written.

    """
    plain = model.__class__.from_config(model.get_config())
    plain.set_weights(model.get_weights())
    save_atomic(path, plain, {})


def save_atomic(path: Path, model: keras.Model, extra: dict[str, str]) -> None:
    """Write a .keras archive with additional members (name to text), atomically: write, fsync, rename.

    Raises
    ------
    OutputError: the file cannot be written.

    """
    with file_atomic(path) as part:
        model.save(part)
        with zipfile.ZipFile(part, "a") as archive:
            for name, text in extra.items():
                archive.writestr(name, text)
