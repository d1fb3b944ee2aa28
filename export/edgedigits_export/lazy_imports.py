"""Import TensorFlow, Keras, tf2onnx and onnxruntime when they are first needed, and keep them off the terminal.

The converters report by logging, by warnings, and from C++ straight to the file descriptors 1 and 2. The command prints
JSON on standard output, so none of that may reach it.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from importlib import import_module
from typing import Any

from edgedigits.errors import ExtraMissingError
from edgedigits.extras import pip_line
from edgedigits.quiet import quiet_descriptor

_ENVIRONMENT = {
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # Only conversion and the reference outputs run here: a GPU would change the last digits and take seconds to start.
    "CUDA_VISIBLE_DEVICES": "-1",
}


@contextmanager
def quiet() -> Iterator[None]:
    """Discard everything written to standard output and standard error, by Python and by C++; exceptions pass."""
    disabled = logging.root.manager.disable
    with ExitStack() as stack:
        sink = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
        stack.enter_context(quiet_descriptor(1))
        stack.enter_context(quiet_descriptor(2))
        stack.enter_context(redirect_stdout(sink))
        stack.enter_context(redirect_stderr(sink))
        stack.enter_context(warnings.catch_warnings())
        stack.callback(logging.disable, disabled)
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        yield


def load(name: str, extra: str = "export") -> Any:
    """Return a module of one of an extra's packages, imported without its messages.

    Raises
    ------
    ExtraMissingError: the package is not installed.

    """
    if name in sys.modules:
        return sys.modules[name]
    os.environ.update(_ENVIRONMENT)
    try:
        with quiet():
            return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise ExtraMissingError(f"{package} is needed and cannot be imported ({error}); {pip_line(extra)}") from error
