"""The engine LiteRT, the default for .tflite files."""

from __future__ import annotations

from ai_edge_litert import __version__ as VERSION  # noqa: N812  every engine module has this name for its release
from ai_edge_litert.interpreter import Interpreter

from edgedigits.engines.interpreter import InterpreterEngine


def load(data: bytes, num_threads: int, *, delegate: bool = True) -> InterpreterEngine:
    """Load a .tflite file's bytes, with or without the XNNPACK delegate; errors of LiteRT pass through."""
    kernels = {}
    if not delegate:
        from ai_edge_litert.interpreter import OpResolverType

        kernels["experimental_op_resolver_type"] = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES

    def make() -> Interpreter:
        return Interpreter(model_content=data, num_threads=num_threads, **kernels)

    return InterpreterEngine(make, "litert", VERSION)
