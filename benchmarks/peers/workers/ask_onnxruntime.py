"""Run onnxruntime with an ONNX file: one session, one output."""

from __future__ import annotations

from typing import Any

from clock import Loaded, serve


def load(request: dict[str, Any]) -> Loaded:
    """Read an .onnx file."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(request["model"][0], options, providers=["CPUExecutionProvider"])
    source, target = session.get_inputs()[0].name, [session.get_outputs()[0].name]

    def classify(image: Any) -> int:
        return int(session.run(target, {source: image[None, ..., None]})[0].argmax())

    return Loaded(classify)


if __name__ == "__main__":
    serve(load)
