"""What bodies cost before any training: bytes of the int8 file, multiplications, and time beside a body that is known.

    python models/cost.py "16k5s2 32s2 48 64s2" "16k5s2 32s2d 48d 64s2d" | tee -a models/cost.jsonl

None of it depends on the weights. Times are p50 of invoke in LiteRT, one thread, in turns with a net of 53k parameters,
and told as the ratio to it, so that the machine's load cancels out.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from typing import Any

import numpy as np

from edgedigits_train.models.architectures import parse_stages
from edgedigits_train.training import backend

# The body that others are compared with; `cnn` in models/cost.jsonl.
KNOWN = "24k5s2 32s2 48 52s2"
_ROUNDS, _CALLS = 60, 100


def main() -> None:
    """Print a line of JSON a body, the known one first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bodies", nargs="+", metavar="BODY")
    bodies = parser.parse_args().bodies
    backend.import_quietly()
    built = {body: _convert(body) for body in (KNOWN, *bodies)}
    times = _measure([file for file, _ in built.values()])
    for (body, (file, facts)), own in zip(built.items(), times, strict=True):
        ratio = statistics.median(one / known for one, known in zip(own, times[0], strict=True))
        p50 = round(1e6 * statistics.median(own), 2)
        print(
            json.dumps({"body": body, "bytes": len(file), **facts, "ratio": round(ratio, 3), "p50_us": p50}), flush=True
        )


def _convert(body: str) -> tuple[bytes, dict[str, Any]]:
    from edgedigits_export.convert.tflite import convert_tflite
    from edgedigits_export.keras_model.frozen import freeze
    from edgedigits_train.models.build import build_from, count_macs

    model, rng = build_from(parse_stages(body), "candidate", (28, 28, 1), 10), np.random.default_rng(0)
    # Vectors that are alike are stored once, and in a network without training all biases are.
    model.set_weights([values + rng.uniform(0, 0.1, values.shape) for values in model.get_weights()])
    pixels = rng.integers(0, 256, (20, 28, 28, 1), dtype=np.uint8)
    pixels[0], pixels[1] = 0, 255
    file = convert_tflite(freeze(model), "int8", pixels)
    weights = sum(int(np.prod(each.shape)) for each in model.trainable_variables)
    return file, {"weights": weights, "macs": count_macs(model)}


def _measure(files: list[bytes]) -> list[list[float]]:
    """Medians of `_CALLS` calls, one a round, for each file."""
    from ai_edge_litert.interpreter import Interpreter

    engines = []
    for file in files:
        engine = Interpreter(model_content=file, num_threads=1)
        engine.allocate_tensors()
        engine.set_tensor(engine.get_input_details()[0]["index"], np.zeros((1, 28, 28, 1), np.uint8))
        engines.append(engine)
    found: list[list[float]] = [[] for _ in files]
    for _ in range(_ROUNDS):
        for engine, own in zip(engines, found, strict=True):
            engine.invoke()
            own.append(statistics.median(_timed(engine) for _ in range(_CALLS)))
    return found


def _timed(engine: Any) -> float:
    started = time.perf_counter()
    engine.invoke()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
