"""LiteRT, the successor of tflite-runtime: the default engine for .tflite files."""

from __future__ import annotations

from importlib.metadata import version

from ai_edge_litert.interpreter import Interpreter

from edgedigits.engines.interpreter import InterpreterEngine

VERSION = version("ai-edge-litert")


def load(data: bytes, num_threads: int) -> InterpreterEngine:
    """Load a .tflite file's bytes; raises what LiteRT raises."""
    return InterpreterEngine(lambda: Interpreter(model_content=data, num_threads=num_threads), "litert", VERSION)
