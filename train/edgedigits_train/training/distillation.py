"""Knowledge distillation: a model learns the outputs of a trained model, its teacher, in place of the labels.

The method is that of G. Hinton, O. Vinyals, J. Dean, "Distilling the Knowledge in a Neural Network", 2015. Teacher and
student see the same augmented images. The student learns the teacher's probabilities softened by a temperature, so its
logits come out too small by this factor; after training, `sharpen` multiplies them by the temperature.

The teacher's outputs for an epoch are cached: they are the same for all students and seeds, and computing them takes
longer than training.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from edgedigits.files import cache_folder, write_cache
from edgedigits_train.data import augmentation, warp
from edgedigits_train.data.epochs import View
from edgedigits_train.data.training_set import TrainingSet
from edgedigits_train.training.keras_file import file_sha256, load_model, require_fits

# All runs with a teacher draw their views from this seed: with seeds of their own they could not share the cache.
VIEW_SEED = 0
# After this many epochs the augmented images repeat, in another order, so that the cache is bounded. With MNIST and a
# pool they are more than two million images.
VIEWS = 30
_BATCH = 1000
_OPTION = "--teacher"
# The least logarithm of a probability, well inside a float16's range: a probability of e**-30 teaches nothing.
_FLOOR = -30.0


class Teacher:
    """A classifier from a .keras file that gives the targets for epochs of training images."""

    def __init__(self, path: str, training_set: TrainingSet) -> None:
        """Load the model and check that its images and classes are those of the training set.

        Raises
        ------
        InputError: Keras cannot read the file.
        UsageError: the model takes images of another shape, or has another number of classes.

        """
        self._model = load_model(path, _OPTION)
        require_fits(self._model, training_set, path, _OPTION)
        self._training_set = training_set
        digest = hashlib.sha256(file_sha256(path, _OPTION).encode())
        for part in training_set.parts:
            digest.update(part.data)
        for module in (augmentation, warp):
            digest.update(Path(str(module.__file__)).read_bytes())
        self._key = digest.hexdigest()[:24]

    def soft_targets(self, view: View, epoch: int, temperature: float) -> NDArray[np.float32]:
        """Return softened probabilities, float32 ``[N, classes]``, of an epoch's N images, ordered as ``view.rows``."""
        digest = hashlib.sha256(view.rows.data)
        for values in (view.grid.x, view.grid.y) if view.grid else ():
            digest.update(values.data)
        path = cache_folder() / "teacher" / self._key / f"{epoch}-{digest.hexdigest()[:16]}.npy"
        logs = _read(path, (len(view.rows), self._training_set.targets.shape[1]))
        if logs is None:
            logs = self._log_probabilities(view)
            buffer = io.BytesIO()
            np.save(buffer, logs)
            write_cache(path, buffer.getvalue())
        return soften(logs.astype(np.float32), temperature)

    def _log_probabilities(self, view: View) -> NDArray[np.float16]:
        parts = [view.rows[start : start + _BATCH] for start in range(0, len(view.rows), _BATCH)]
        outputs = [self._model.predict_on_batch(view.pixels(self._training_set, rows)) for rows in parts]
        probabilities = np.concatenate(outputs)
        logs = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
        return np.asarray(np.maximum(logs, _FLOOR), np.float16)


def soften(logs: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Return the softmax of ``logs / temperature`` over the last axis, for logarithms of probabilities."""
    powers = np.exp((logs - logs.max(axis=-1, keepdims=True)) / np.float32(temperature))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


def sharpen(model: keras.Model, temperature: float) -> None:
    """Multiply a model's logits by ``temperature``, inside the weights of its last dense layer."""
    last = model.layers[-1]
    last.set_weights([weights * temperature for weights in last.get_weights()])


def _read(path: Path, shape: tuple[int, ...]) -> NDArray[np.float16] | None:
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return found if found.shape == shape and found.dtype == np.float16 else None
