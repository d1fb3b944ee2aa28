"""Run one peer and report its digits or its times. Of packages it needs the peer's own and numpy.

``python peer_worker.py REQUEST`` prints one JSON object last. REQUEST is JSON: ``load`` (one of `LOADERS`), ``model``
(paths), ``images`` (an .npy of uint8 ``[N, 28, 28]``), ``versions`` (packages to report the version of), ``cpu`` (the
one to stay on, or null), ``started`` (when the process was started, ns of the epoch), ``seconds`` (of steady state;
null means digits and no times).
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import re
import sys
import time
from array import array
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

LEAST_COUNT = 200
_WINDOW = 20
_SETTLED = 0.05
_MAX_WARM_SECONDS = 5.0

Classify = Callable[[Any], int]
# A function that classifies one image uint8 [28, 28]; one that classifies all at once, for engines that would take
# minutes one by one; and how the engine says that it computes.
Loaded = tuple[Classify, Callable[[Any], list[int]] | None, str]


def load_edgedigits(_: list[str]) -> Loaded:
    """Load what a user gets who names no bundle; checks and rejection are part of the time."""
    from edgedigits import DigitClassifier

    classifier = DigitClassifier()

    def classify(image: Any) -> int:
        return classifier.classify(image).digit

    return classify, None, f"{classifier.engine_id.name} {classifier.engine_id.version}"


def load_keras(how: str, model: list[str]) -> Loaded:
    """Load Keras, and classify by ``predict`` or by a ``call`` of the model."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    import keras

    network = keras.saving.load_model(model[0], compile=False)
    ways = {
        "predict": lambda image: int(network.predict(image[None, ..., None], verbose=0)[0].argmax()),
        "call": lambda image: int(network(image[None, ..., None], training=False)[0].numpy().argmax()),
    }
    return ways[how], lambda images: list(map(int, network.predict(images[..., None], verbose=0).argmax(1))), ""


def load_litert(model: list[str]) -> Loaded:
    """Load LiteRT's interpreter with a file that takes raw uint8 pixels."""
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model[0], num_threads=1)
    interpreter.allocate_tensors()
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    if source["dtype"] != np.uint8:
        raise SystemExit(f"expected an input of uint8 pixels, found {source['dtype'].__name__}")
    shape, index, out = tuple(source["shape"]), source["index"], target["index"]

    def classify(image: Any) -> int:
        interpreter.set_tensor(index, image.reshape(shape))
        interpreter.invoke()
        return int(interpreter.get_tensor(out).argmax())

    return classify, None, ""


def load_ncnn(model: list[str]) -> Loaded:
    """Load ncnn with what pnnx makes of an ONNX file: network and weights."""
    import ncnn
    import numpy as np

    net = ncnn.Net()
    net.opt.num_threads = 1
    # Weights and values as float32, like those that it is compared with; on x86 that is no slower either.
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    if net.load_param(model[0]) or net.load_model(model[1]):
        raise SystemExit("(ncnn cannot load what pnnx made of this ONNX file)")
    grey = ncnn.Mat.PixelType.PIXEL_GRAY

    def classify(image: Any) -> int:
        extractor = net.create_extractor()
        extractor.input("in0", ncnn.Mat.from_pixels(image, grey, 28, 28))
        return int(np.array(extractor.extract("out0")[1]).argmax())

    return classify, None, ""


def load_onnxruntime(model: list[str]) -> Loaded:
    """Load onnxruntime with an ONNX file."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model[0], options, providers=["CPUExecutionProvider"])
    source, target = session.get_inputs()[0].name, [session.get_outputs()[0].name]
    return lambda image: int(session.run(target, {source: image[None, ..., None]})[0].argmax()), None, ""


def load_openvino(model: list[str]) -> Loaded:
    """Load OpenVINO with an ONNX file; it chooses the precision of its arithmetic, and reports it."""
    import openvino

    core = openvino.Core()
    network = core.read_model(model[0])
    network.reshape([1, 28, 28, 1])  # a fixed batch saves it 10 µs an image
    one = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
    compiled = core.compile_model(network, "CPU", one)
    request = compiled.create_infer_request()

    def classify(image: Any) -> int:
        found = request.infer([image[None, ..., None]], share_inputs=True, share_outputs=True)
        return int(found[0].argmax())

    hint = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
    return classify, None, "" if hint == "f32" else f"float layers in {hint}"


def load_tract(model: list[str]) -> Loaded:
    """Load tract with an ONNX file, optimised for one image."""
    import tract

    network = tract.onnx().load(model[0])
    network.set_input_fact(0, "1,28,28,1,u8")
    # One state for all images: `Runnable.run` makes a new one each time.
    state = network.into_model().into_runnable().spawn_state()
    return lambda image: int(state.run([image[None, ..., None]])[0].to_numpy().argmax()), None, ""


LOADERS: dict[str, Callable[[list[str]], Loaded]] = {
    "edgedigits": load_edgedigits, "litert": load_litert, "ncnn": load_ncnn, "onnxruntime": load_onnxruntime,
    "openvino": load_openvino, "tract": load_tract, "keras_predict": partial(load_keras, "predict"),
    "keras_call": partial(load_keras, "call"),
}  # fmt: skip


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Return the report: ``cold_ms`` from the start of the process to its first digit, then digits or times."""
    if request["cpu"] is not None:
        # Before numpy and the engines count the processors that they may use.
        os.sched_setaffinity(0, {request["cpu"]})
    classify, classify_all, note = LOADERS[request["load"]](request["model"])
    import numpy as np

    images = np.load(request["images"])
    classify(images[0])
    report: dict[str, Any] = {"cold_ms": (time.time_ns() - request["started"]) / 1e6, "note": note}
    if request["seconds"] is not None:
        report |= _times(classify, [image.copy() for image in images], request["seconds"])
    else:
        report["digits"] = classify_all(images) if classify_all else [classify(image) for image in images]
    return report | {"versions": {package: version(package) for package in request["versions"]}}


def _times(classify: Classify, images: list[Any], seconds: float) -> dict[str, Any]:
    """Time warm-up and steady state, without the garbage collector."""
    import numpy as np

    durations = _durations(classify, images)
    gc.collect()
    gc.disable()
    warmup = _warm_up(durations)
    times = _steady(durations, seconds)
    gc.enable()
    peak, threads = _status("VmHWM"), _status("Threads")
    p50, p99 = np.percentile(np.frombuffer(times, np.int64), [50, 99]) / 1e3
    return {
        "warmup": warmup, "count": len(times), "p50_us": float(p50), "p99_us": float(p99),
        "peak_mb": None if peak is None else peak / 1024, "threads_running": threads,
    }  # fmt: skip


def _durations(classify: Classify, images: list[Any]) -> Iterator[int]:
    """Yield nanoseconds of one image after another; which is next is not timed."""
    for image in itertools.cycle(images):
        started = time.perf_counter_ns()
        classify(image)
        yield time.perf_counter_ns() - started


def _warm_up(durations: Iterator[int]) -> int:
    """Classify until the median of a window is within 5 % of that of the window before; returns the count."""
    count, before, deadline = 0, 0, time.perf_counter() + _MAX_WARM_SECONDS
    while True:
        median = sorted(itertools.islice(durations, _WINDOW))[_WINDOW // 2]
        count += _WINDOW
        if abs(median - before) <= _SETTLED * before or time.perf_counter() > deadline:
            return count
        before = median


def _steady(durations: Iterator[int], seconds: float) -> array[int]:
    """Return at least `LEAST_COUNT` times, over at least ``seconds``; eight bytes each, not to count as memory."""
    times = array("q")
    deadline = time.perf_counter() + seconds
    while len(times) < LEAST_COUNT or time.perf_counter() < deadline:
        times.extend(itertools.islice(durations, _WINDOW))
    return times


def _status(field: str) -> int | None:
    """Return a number of this process; getrusage's peak would be the parent's where that was larger before exec."""
    status = Path("/proc/self/status")
    found = re.search(rf"^{field}:\s+(\d+)", status.read_text(), re.MULTILINE) if status.is_file() else None
    return int(found[1]) if found else None


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
