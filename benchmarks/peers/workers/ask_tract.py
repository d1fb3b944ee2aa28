"""Run tract with an ONNX file."""

from __future__ import annotations

from typing import Any

from clock import Loaded, serve


def load(request: dict[str, Any]) -> Loaded:
    """Read an .onnx file and optimise it for one image."""
    import tract

    model = tract.onnx().load(request["model"][0])
    model.set_input_fact(0, "1,28,28,1,u8")
    # One state for all images: `Runnable.run` makes a new one each time.
    state = model.into_model().into_runnable().spawn_state()

    def classify(image: Any) -> int:
        return int(state.run([image[None, ..., None]])[0].to_numpy().argmax())

    return Loaded(classify)


if __name__ == "__main__":
    serve(load)
