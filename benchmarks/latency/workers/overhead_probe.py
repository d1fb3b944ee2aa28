"""Measure edgedigits and code written by hand in turns, in one process that has the built wheel.

``python overhead_probe.py WHAT ENGINE SECONDS FILES...`` prints JSON.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import overhead_by_hand as by_hand
from PIL import Image

from edgedigits import DigitClassifier
from edgedigits.bundle import Bundle
from edgedigits.engines import EngineName
from edgedigits.images.decode import DETAIL

BLOCK, WARM = 50, 20
THREADS, CALLS = 8, 1000
Call = Callable[[], object]
# From the first image's index to the probabilities of this call's images.
Infer = Callable[[int], Any]


def calls(engine: EngineName, seconds: float, digits: str) -> dict[str, Any]:
    """Measure one ready array to its digit; medians in µs."""
    images = itertools.cycle(_digits(digits))
    hand, classifier = by_hand.one(engine, _model(engine)), DigitClassifier(engine=engine)
    theirs: Call = lambda: hand(next(images))[1]  # noqa: E731  as short as the other side
    return _in_turns(lambda: classifier.classify(next(images)).digit, {"by hand": theirs}, seconds, BLOCK)


def batch(engine: EngineName, seconds: float, digits: str) -> dict[str, Any]:
    """Measure a thousand ready arrays to their probabilities; medians in µs."""
    images = np.resize(_digits(digits), (1000, 28, 28))[..., np.newaxis]
    classifier = DigitClassifier(engine=engine)
    ways: dict[str, Call] = {name: partial(way, images) for name, way in by_hand.many(engine, _model(engine)).items()}
    return _in_turns(partial(classifier.classify_batch, images), ways, seconds, 1)


def photograph(engine: EngineName, seconds: float, file: str) -> dict[str, Any]:
    """Measure a photograph's file to its digit, beside a bare decoding at the same reduced size; medians in µs."""
    classifier = DigitClassifier(engine=engine)

    def bare() -> None:
        with Image.open(file) as image:
            image.draft("L", (DETAIL, DETAIL))
            image.load()

    return _in_turns(lambda: classifier.classify(file).digit, {"draft('L') and load": bare}, seconds, 1)


def memory(engine: EngineName, _: float, side: str, picture: str) -> dict[str, Any]:
    """Measure the peak memory of this process, in MiB, after one inference of one side."""
    if side == "ours":
        DigitClassifier(engine=engine).classify(picture)
    else:
        by_hand.one(engine, _model(engine))(np.asarray(Image.open(picture).convert("L")))
    status = Path("/proc/self/status").read_text()
    mb = int(status.split("VmHWM:")[1].split()[0]) / 1024
    return {"ours": mb} if side == "ours" else {"theirs": {"numpy, Pillow, the engine and the model": mb}}


def threads(engine: EngineName, seconds: float, digits: str, at_once: str) -> dict[str, Any]:
    """Measure eight threads that share a classifier, beside eight with an interpreter of their own; images a second.

    With more than one image ``at_once``, `classify_batch` takes them.
    """
    size, images, data = int(at_once), _digits(digits), _model(engine)
    classifier = DigitClassifier(engine=engine)

    def share() -> Infer:
        if size == 1:
            return lambda at: classifier.classify(images[at]).probabilities
        return lambda at: classifier.classify_batch(images[at : at + size])

    def own() -> Infer:
        hand = by_hand.one(engine, data)
        if size == 1:
            return lambda at: hand(images[at])[0]
        return lambda at: [hand(image)[0] for image in images[at : at + size]]

    expected = classifier.classify_batch(images)
    rates: dict[str, list[float]] = {"ours": [], "theirs": []}
    outputs: list[tuple[int, Any]] = []
    wrong, deadline = 0, time.perf_counter() + seconds
    while not rates["ours"] or time.perf_counter() < deadline:
        for name, make in (("ours", share), ("theirs", own)):
            rates[name].append(_together(make, len(images), size, outputs))
            wrong += sum(not np.array_equal(np.squeeze(found), np.squeeze(expected[at : at + size]))
                         for at, found in outputs)  # fmt: skip
            outputs.clear()
    ours, theirs = (median(values) for values in rates.values())
    return {"ours": ours, "theirs": {"8 bare interpreters": theirs}, "wrong": wrong}


def _together(make: Callable[[], Infer], count: int, size: int, outputs: list[tuple[int, Any]]) -> float:
    """Return images a second, from the moment when all threads are ready; their outputs are added to ``outputs``."""
    ready = threading.Barrier(THREADS + 1)

    def work(number: int) -> None:
        infer, kept = make(), []
        infer(0)
        ready.wait()
        for step in range(0, CALLS, size):
            at = (step + size * number) % count
            kept.append((at, infer(at)))
        outputs.extend(kept)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for worker in workers:
        worker.start()
    ready.wait()
    begun = time.perf_counter()
    for worker in workers:
        worker.join()
    return THREADS * CALLS / (time.perf_counter() - begun)


def _in_turns(ours: Call, theirs: dict[str, Call], seconds: float, block: int) -> dict[str, Any]:
    """Return medians in µs of blocks of calls that alternate, so that whatever drifts meets all alike."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    ways = {"ours": ours, **theirs}
    for call in ways.values():
        for _ in range(WARM if block > 1 else 2):
            call()
    times: dict[str, list[int]] = {name: [] for name in ways}
    clock, deadline = time.perf_counter_ns, time.perf_counter() + seconds
    gc.collect()
    gc.disable()
    while not times["ours"] or time.perf_counter() < deadline:
        for name, call in ways.items():
            for _ in range(block):
                begun = clock()
                call()
                times[name].append(clock() - begun)
    medians = {name: median(kept) / 1e3 for name, kept in times.items()}
    return {"ours": medians.pop("ours"), "theirs": medians}


def _digits(file: str) -> Any:
    return np.load(file)["images"][..., 0]


def _model(engine: str) -> bytes:
    bundle = Bundle.load()
    return (bundle.path / bundle.pick("int8", ["onnx" if engine == "onnxruntime" else "tflite"]).path).read_bytes()


if __name__ == "__main__":
    what, chosen, length, *words = sys.argv[1:]
    print(json.dumps(globals()[what](chosen, float(length), *words)))
