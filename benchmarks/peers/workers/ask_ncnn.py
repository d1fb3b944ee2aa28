"""ncnn, from what pnnx makes of ONNX."""

from __future__ import annotations

from typing import Any

from clock import Loaded, serve


def load(asked: dict[str, Any]) -> Loaded:
    """Read a .param and a .bin file."""
    import ncnn
    import numpy as np

    net = ncnn.Net()
    net.opt.num_threads = 1
    # Weights and values as float32, like those that it is compared with; on x86 that is no slower either.
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    if net.load_param(asked["model"][0]) or net.load_model(asked["model"][1]):
        raise SystemExit("(ncnn cannot load what pnnx made of this ONNX file)")
    grey = ncnn.Mat.PixelType.PIXEL_GRAY

    def answer(image: Any) -> int:
        extractor = net.create_extractor()
        extractor.input("in0", ncnn.Mat.from_pixels(image, grey, 28, 28))
        return int(np.array(extractor.extract("out0")[1]).argmax())

    return Loaded(answer)


if __name__ == "__main__":
    serve(load)
