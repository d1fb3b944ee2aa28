"""The settings of the Keras backend that make a run repeatable; they hold for the whole process.

The default backend is TensorFlow. All layers are Keras' own, so another installed backend that KERAS_BACKEND names can
train the models, too, for example JAX on a machine with an accelerator. Export needs TensorFlow.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import version

import edgedigits
from edgedigits.errors import UsageError
from edgedigits.quiet import quiet_descriptor


def import_quietly() -> None:
    """Import Keras and its backend without their start-up messages on the terminal.

    Some messages come before TensorFlow has read its log level, so the process's standard error is redirected during
    the import. Failures are exceptions and stay visible.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_descriptor(2):
        import keras  # noqa: F401


def set_up(threads: int) -> None:
    """Set TensorFlow's number of threads and make its operations deterministic.

    This function does nothing for other backends, which have settings of their own.

    Raises
    ------
    UsageError: TensorFlow is in use already, with another number of threads.

    """
    import keras

    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        # A small network has few operations that could run in parallel.
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError as error:
        raise UsageError("--threads: TensorFlow is in use in this process already; train in a new process") from error
    tf.config.experimental.enable_op_determinism()
    # It warns of every function made anew, and each of a run's networks has one of its own.
    tf.get_logger().setLevel("ERROR")


def versions() -> dict[str, str]:
    """Return the versions of the software that the weights depend on, by name."""
    import keras

    packages = {name: version(name) for name in ("keras", keras.backend.backend(), "numpy")}
    return {"python": sys.version.split()[0], **packages, "edgedigits": edgedigits.__version__}
