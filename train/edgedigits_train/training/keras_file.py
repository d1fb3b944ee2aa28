"""Read a classifier that somebody names by its .keras file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import keras

from edgedigits.errors import InputError, UsageError
from edgedigits_train.data.training_set import TrainingSet


def load_model(path: str, option: str) -> keras.Model:
    """Return the model of a .keras file; ``option`` is the option that names it.

    Raises
    ------
    InputError: Keras cannot read the file.

    """
    try:
        return keras.saving.load_model(path, compile=False)
    except (OSError, KeyError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{option}: expected a .keras file, Keras {keras.__version__} cannot read {path}: {reason}"
        ) from error


def require_fits(model: keras.Model, training_set: TrainingSet, path: str, option: str) -> None:
    """Refuse a model that takes other images than those of the training set, or has another number of classes.

    Raises
    ------
    UsageError: it does.

    """
    found = (*model.input_shape[1:], model.output_shape[-1])
    expected = (*training_set.parts[0].shape[1:], training_set.classes)
    if found != expected:
        raise UsageError(
            f"{option}: expected images and classes {list(expected)}, found {list(found)} in {path}; "
            "take a model that was trained on such data"
        )


def file_sha256(path: str, option: str) -> str:
    """Return the SHA-256 of a model's file.

    Raises
    ------
    InputError: the file cannot be read.

    """
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"{option}: expected a .keras file, cannot read {path} ({error.strerror or error})") from error
