"""TensorFlow's settings for a run that can be repeated; they hold for the whole process."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version

import edgedigits
from edgedigits.errors import UsageError
from edgedigits.quiet import quiet_descriptor


def import_quietly() -> None:
    """Import TensorFlow without its start-up notes on the terminal.

    Some come before it has read its own log level, so the process's standard error is turned away meanwhile; what
    goes wrong is an exception all the same.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_descriptor(2):
        import tensorflow as tf  # noqa: F401


def set_up(threads: int) -> None:
    """Fix the number of threads and choose operations that give the same bits each time.

    Raises
    ------
    UsageError: Keras runs on another backend, or TensorFlow works already with another number of threads.

    """
    import keras
    import tensorflow as tf

    if keras.backend.backend() != "tensorflow":
        raise UsageError(
            f"training: expected Keras on tensorflow, found {keras.backend.backend()}; unset KERAS_BACKEND"
        )
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        # A small network has little to run side by side.
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError as error:
        raise UsageError("--threads: TensorFlow works already in this process; train in a new one") from error
    tf.config.experimental.enable_op_determinism()


def versions() -> dict[str, str]:
    """What the weights depend on besides the configuration."""
    packages = {name: version(name) for name in ("keras", "tensorflow", "numpy")}
    return {"python": sys.version.split()[0], **packages, "edgedigits": edgedigits.__version__}
