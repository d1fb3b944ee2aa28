"""What a killed run leaves behind: model, optimizer and history in one file, replaced in one step after each epoch.

The file is a Keras archive (model and optimizer) with one more member that holds the run's own state. So weights and
history belong together at any moment, whatever the process dies of.
"""

from __future__ import annotations

import json
import os
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import keras

from edgedigits.errors import BundleError, InputError, OutputError
from edgedigits.records import from_plain, to_plain
from edgedigits_train.config import TrainConfig

NAME = "checkpoint.keras"
_MEMBER = "edgedigits.json"


@dataclass(frozen=True, slots=True)
class EpochResult:
    """One epoch's figures: mean loss (nats) and share of right answers, wall time in seconds."""

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: what it was started with and the figures of each finished epoch.

    ``origin`` is a hash of the data, and of the teacher if there is one.
    """

    config: TrainConfig
    origin: str
    history: tuple[EpochResult, ...]


def save_checkpoint(folder: Path, model: keras.Model, progress: Progress) -> None:
    """Replace the folder's checkpoint; the model is compiled, its optimizer built.

    Raises
    ------
    OutputError: the disk does not take it; the last checkpoint is left as it was.

    """
    state = json.dumps(to_plain(progress), allow_nan=False)
    save_atomic(folder / NAME, model, {_MEMBER: state})


def read_progress(folder: Path) -> Progress | None:
    """How far the folder's checkpoint is, or None without one.

    Raises
    ------
    InputError: it is not a checkpoint of this program.

    """
    path = folder / NAME
    try:
        with zipfile.ZipFile(path) as archive:
            return from_plain(Progress, json.loads(archive.read(_MEMBER)), str(path))
    except FileNotFoundError:
        return None
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, BundleError) as error:
        raise InputError(f"{path}: expected a checkpoint, found: {error}; start again with --overwrite") from error


def load_checkpoint(folder: Path) -> keras.Model:
    """The compiled model with its optimizer's state.

    Raises
    ------
    InputError: Keras cannot read it.

    """
    path = folder / NAME
    try:
        return keras.saving.load_model(path)
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise InputError(f"{path}: Keras {keras.__version__} cannot read it; start again with --overwrite") from error


def save_plain(path: Path, model: keras.Model) -> None:
    """Write a model without optimizer or compilation, whole or not at all.

    Raises
    ------
    OutputError: the disk does not take it.

    """
    plain = model.__class__.from_config(model.get_config())
    plain.set_weights(model.get_weights())
    save_atomic(path, plain, {})


def save_atomic(path: Path, model: keras.Model, extra: dict[str, str]) -> None:
    """Write a .keras archive, with members added, under another name in the same folder, then rename it.

    Raises
    ------
    OutputError: the disk does not take it.

    """
    # Keras wants the ending; the name is fixed, so that what a kill leaves is replaced by the next attempt.
    part = path.with_name(f".{path.stem}.part.keras")
    try:
        model.save(part)
        with zipfile.ZipFile(part, "a") as archive:
            for name, text in extra.items():
                archive.writestr(name, text)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        with suppress(OSError):
            part.unlink()
