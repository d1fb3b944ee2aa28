"""The Keras backend's settings for a run that can be repeated; they hold for the whole process.

TensorFlow is what runs are made with here. The networks are of Keras' own layers, so another backend that is installed
and named by KERAS_BACKEND trains them, too, say JAX on a machine with an accelerator; export needs TensorFlow.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import version

import edgedigits
from edgedigits.errors import UsageError
from edgedigits.quiet import quiet_descriptor


def import_quietly() -> None:
    """Import Keras and its backend without their start-up notes on the terminal.

    Some come before TensorFlow has read its own log level, so the process's standard error is turned away meanwhile;
    what goes wrong is an exception all the same.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_descriptor(2):
        import keras  # noqa: F401


def set_up(threads: int) -> None:
    """Fix TensorFlow's number of threads and make it choose operations that give the same bits each time.

    Other backends are left as they are: their threads are set, and their operations chosen, in ways of their own.

    Raises
    ------
    UsageError: TensorFlow works already with another number of threads.

    """
    import keras

    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        # A small network has little to run side by side.
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError as error:
        raise UsageError("--threads: TensorFlow works already in this process; train in a new one") from error
    tf.config.experimental.enable_op_determinism()


def versions() -> dict[str, str]:
    """What the weights depend on besides the configuration."""
    import keras

    packages = {name: version(name) for name in ("keras", keras.backend.backend(), "numpy")}
    return {"python": sys.version.split()[0], **packages, "edgedigits": edgedigits.__version__}
