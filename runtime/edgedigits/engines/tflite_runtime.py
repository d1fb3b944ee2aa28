"""The engine tflite-runtime, for .tflite files on 32-bit ARM and older systems (Python 3.11 at most, numpy 1)."""

from __future__ import annotations

from tflite_runtime import __version__ as VERSION  # noqa: N812  every engine module has this name for its release
from tflite_runtime.interpreter import Interpreter

from edgedigits.engines.flatbuffer_verify import verify_flatbuffer
from edgedigits.engines.interpreter import InterpreterEngine


def load(data: bytes, num_threads: int, *, delegate: bool = True) -> InterpreterEngine:
    """Load a .tflite file's bytes, with the XNNPACK delegate or without it.

    Errors of tflite-runtime pass through; a file that is cut short raises ValueError.
    """
    verify_flatbuffer(data)  # this engine would crash, or read whatever memory lies behind the bytes
    kernels = {}
    if not delegate:
        from tflite_runtime.interpreter import OpResolverType

        kernels["experimental_op_resolver_type"] = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES

    def make() -> Interpreter:
        return Interpreter(model_content=data, num_threads=num_threads, **kernels)

    return InterpreterEngine(make, "tflite-runtime", VERSION)
