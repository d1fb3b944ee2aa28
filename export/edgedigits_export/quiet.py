"""TensorFlow, Keras, tf2onnx and onnxruntime, loaded when first needed and kept off the user's terminal.

The converters report by logging, by warnings, and from C++ straight to the file descriptors 1 and 2; the command
prints JSON on standard output, so none of that may reach it.
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

from edgedigits.errors import ExtraMissing
from edgedigits.extras import pip_line

_ENVIRONMENT = {
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # Only conversion and the reference run here: a GPU would change the last digits and take seconds to start.
    "CUDA_VISIBLE_DEVICES": "-1",
}


@contextmanager
def quiet() -> Iterator[None]:
    """Discard everything written to standard output and standard error, by Python and by C++; exceptions pass."""
    disabled = logging.root.manager.disable
    with ExitStack() as stack:
        sink = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
        for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
            stack.enter_context(_descriptor_into(sink.fileno(), descriptor, stream))
        stack.enter_context(redirect_stdout(sink))
        stack.enter_context(redirect_stderr(sink))
        stack.enter_context(warnings.catch_warnings())
        stack.callback(logging.disable, disabled)
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        yield


@contextmanager
def _descriptor_into(sink: int, descriptor: int, stream: Any) -> Iterator[None]:
    """Point a file descriptor at ``sink`` for a while; a descriptor that is not open is left alone."""
    try:
        kept = os.dup(descriptor)
    except OSError:
        yield
        return
    try:
        if stream is not None:
            stream.flush()
        os.dup2(sink, descriptor)
        yield
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)


def load(name: str, extra: str = "export") -> Any:
    """Import one of an extra's packages without its chatter.

    Raises
    ------
    ExtraMissing: it is not installed.

    """
    if name in sys.modules:
        return sys.modules[name]
    os.environ.update(_ENVIRONMENT)
    try:
        with quiet():
            return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise ExtraMissing(f"{package} is needed and cannot be imported ({error}); {pip_line(extra)}") from error
