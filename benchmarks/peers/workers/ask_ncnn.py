"""Run ncnn with what pnnx makes of an ONNX file."""

from __future__ import annotations

from typing import Any

from clock import Loaded, serve


def load(request: dict[str, Any]) -> Loaded:
    """Read a .param and a .bin file."""
    import ncnn
    import numpy as np

    net = ncnn.Net()
    net.opt.num_threads = 1
    # Weights and values as float32, like those that it is compared with; on x86 that is no slower either.
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    if net.load_param(request["model"][0]) or net.load_model(request["model"][1]):
        raise SystemExit("(ncnn cannot load what pnnx made of this ONNX file)")
    grey = ncnn.Mat.PixelType.PIXEL_GRAY

    def classify(image: Any) -> int:
        extractor = net.create_extractor()
        extractor.input("in0", ncnn.Mat.from_pixels(image, grey, 28, 28))
        return int(np.array(extractor.extract("out0")[1]).argmax())

    return Loaded(classify)


if __name__ == "__main__":
    serve(load)
