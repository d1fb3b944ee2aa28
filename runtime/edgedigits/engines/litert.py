"""LiteRT, the successor of tflite-runtime: the default engine for .tflite files."""

from __future__ import annotations

from ai_edge_litert import __version__ as VERSION  # noqa: N812  each engine module names its release so
from ai_edge_litert.interpreter import Interpreter

from edgedigits.engines.interpreter import InterpreterEngine


def load(data: bytes, num_threads: int) -> InterpreterEngine:
    """Load a .tflite file's bytes; raises what LiteRT raises."""
    return InterpreterEngine(lambda: Interpreter(model_content=data, num_threads=num_threads), "litert", VERSION)
