"""Run LiteRT's interpreter in a loop written by hand, with files that take raw uint8 pixels."""

from __future__ import annotations

from typing import Any

from clock import Loaded, serve


def load(request: dict[str, Any]) -> Loaded:
    """Read a .tflite file."""
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(request["model"][0], num_threads=1)
    interpreter.allocate_tensors()
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    if source["dtype"] != np.uint8:
        raise SystemExit(f"expected an input of uint8 pixels, found {source['dtype'].__name__}")
    shape, index, out = tuple(source["shape"]), source["index"], target["index"]

    def classify(image: Any) -> int:
        interpreter.set_tensor(index, image.reshape(shape))
        interpreter.invoke()
        return int(interpreter.get_tensor(out).argmax())

    return Loaded(classify)


if __name__ == "__main__":
    serve(load)
