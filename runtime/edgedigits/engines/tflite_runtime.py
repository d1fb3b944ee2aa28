"""tflite-runtime: the engine for .tflite files on 32-bit ARM and older systems (Python 3.11 at most, numpy 1)."""

from __future__ import annotations

from tflite_runtime import __version__ as VERSION  # noqa: N812  each engine module names its release so
from tflite_runtime.interpreter import Interpreter

from edgedigits.engines.flatbuffer_verify import verify_flatbuffer
from edgedigits.engines.interpreter import InterpreterEngine


def load(data: bytes, num_threads: int, *, delegate: bool = True) -> InterpreterEngine:
    """Load a .tflite file's bytes, with the XNNPACK delegate or without it.

    Raises what tflite-runtime raises, and ValueError for a file cut short.
    """
    verify_flatbuffer(data)  # this engine does not: it crashes, or answers from whatever lies behind the bytes
    kernels = {}
    if not delegate:
        from tflite_runtime.interpreter import OpResolverType

        kernels["experimental_op_resolver_type"] = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES

    def make() -> Interpreter:
        return Interpreter(model_content=data, num_threads=num_threads, **kernels)

    return InterpreterEngine(make, "tflite-runtime", VERSION)
