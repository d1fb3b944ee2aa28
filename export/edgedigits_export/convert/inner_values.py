"""Run a model file with the outputs of all its operators kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from edgedigits_export.lazy_imports import load


def open_tflite(data: bytes) -> Any:
    """Return a LiteRT interpreter that keeps every tensor: no delegate, which computes several operators at once."""
    engine = load("ai_edge_litert.interpreter")
    resolver = engine.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = engine.Interpreter(
        model_content=data, experimental_preserve_all_tensors=True, experimental_op_resolver_type=resolver
    )
    interpreter.allocate_tensors()
    return interpreter


def open_onnx(model: Any, tensors: Iterable[str]) -> Any:
    """Return an onnxruntime session of a parsed model that also gives these ``tensors``; the model is changed."""
    onnx, engine = load("onnx"), load("onnxruntime")
    outputs = {entry.name for entry in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in tensors if name not in outputs)
    options = engine.SessionOptions()
    # The optimizer would fuse operators whose outputs are needed.
    options.graph_optimization_level = engine.GraphOptimizationLevel.ORT_DISABLE_ALL
    return engine.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
