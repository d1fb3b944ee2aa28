"""A trained model's answers as what another one is to learn, for the same images moved in the same way.

Knowledge distillation: G. Hinton, O. Vinyals, J. Dean, "Distilling the Knowledge in a Neural Network", 2015. The
student learns the teacher's answers softened by a temperature; so its own scores come out that much too small, and
`sharpen` multiplies them by the temperature when it has learned.

The answers to an epoch are kept: they are the same for every student and every seed, and take longer than a step.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import InputError, UsageError
from edgedigits.files import cache_folder, write_atomic
from edgedigits.verification.statistics import with_remainder
from edgedigits_train.data import augmentation, warp
from edgedigits_train.data.epochs import View
from edgedigits_train.data.training_set import Material

# What all runs with a teacher see is drawn from this: with the run's own seed, no answer could be kept for another.
VIEW_SEED = 0
# After so many epochs images are moved as in the first again, in another order: with MNIST and a pool that is more than
# two million pictures, and a teacher takes longer than its students.
VIEWS = 30
_BATCH = 1000
# What a float16 holds, with some room: e**-30 of a probability tells a student nothing.
_FLOOR = -30.0


class Teacher:
    """A classifier from a .keras file that answers epochs of training images."""

    def __init__(self, path: str, material: Material) -> None:
        """Load it and see whether it speaks of such images.

        Raises
        ------
        InputError: Keras cannot read the file.
        UsageError: it takes other images, or has other classes.

        """
        try:
            self._model = keras.saving.load_model(path, compile=False)
        except (OSError, KeyError, ValueError, TypeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"--teacher: Keras {keras.__version__} cannot read {path}: {reason}") from error
        found = (*self._model.input_shape[1:], self._model.output_shape[-1])
        expected = (*material.parts[0].shape[1:], material.classes)
        if found != expected:
            raise UsageError(f"--teacher: expected images and classes {list(expected)}, found {list(found)} in {path}")
        self._material = material
        digest = hashlib.sha256(file_sha256(path).encode())
        for part in material.parts:
            digest.update(part.data)
        for module in (augmentation, warp):
            digest.update(Path(str(module.__file__)).read_bytes())
        self._key = digest.hexdigest()[:24]

    def answer(self, view: View, epoch: int, temperature: float) -> NDArray[np.float32]:
        """Softened probabilities float32 ``[N, classes]`` of an epoch's N images, in the order of ``view.rows``.

        Raises
        ------
        OutputError: the cache cannot be written.

        """
        digest = hashlib.sha256(view.rows.data)
        for values in (view.field.x, view.field.y) if view.field else ():
            digest.update(values.data)
        path = cache_folder() / "teacher" / self._key / f"{epoch}-{digest.hexdigest()[:16]}.npy"
        logs = _read(path, (len(view.rows), self._material.targets.shape[1]))
        if logs is None:
            logs = self._logs(view)
            buffer = io.BytesIO()
            np.save(buffer, logs)
            write_atomic(path, buffer.getvalue())
        return softened(logs.astype(np.float32), temperature)

    def _logs(self, view: View) -> NDArray[np.float16]:
        parts = [view.rows[start : start + _BATCH] for start in range(0, len(view.rows), _BATCH)]
        answers = [self._model.predict_on_batch(view.pixels(self._material, rows)) for rows in parts]
        probabilities = np.concatenate(answers)
        if self._material.targets.shape[1] > probabilities.shape[1]:
            probabilities = with_remainder(probabilities.astype(np.float64))
        logs = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
        return np.asarray(np.maximum(logs, _FLOOR), np.float16)


def file_sha256(path: str) -> str:
    """Hash of a teacher's file.

    Raises
    ------
    InputError: it cannot be read.

    """
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(
            f"--teacher: expected a .keras file, cannot read {path} ({error.strerror or error})"
        ) from error


def softened(logs: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Softmax of ``logs / temperature`` over the last axis."""
    powers = np.exp((logs - logs.max(axis=-1, keepdims=True)) / np.float32(temperature))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


def sharpen(model: keras.Model, temperature: float) -> None:
    """Multiply a model's class scores, those of its last dense layer, by ``temperature``."""
    last = model.layers[-1]
    last.set_weights([weights * temperature for weights in last.get_weights()])


def _read(path: Path, shape: tuple[int, ...]) -> NDArray[np.float16] | None:
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return found if found.shape == shape and found.dtype == np.float16 else None
