"""One process's look at one engine and precision: batches, widths, threads.

`python probe_engine.py FOLDER ENGINE PRECISION PLAN SECONDS`, prints rows as JSON.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from bare import bare
from clock import median_us
from layout import DIGITS, model_file

from edgedigits import DigitClassifier
from edgedigits.engines import ENGINES, load_engine
from edgedigits.model import lone_model


def rows(folder: Path, engine: str, precision: str, plan: dict[str, list[int]], seconds: float) -> Iterator[Any]:
    """All series of this engine and precision, microseconds an image."""
    for row in (
        *_batches(folder, engine, precision, plan, seconds),
        *_widths(folder, engine, precision, plan, seconds),
        *_threads(folder, engine, precision, plan, seconds),
    ):
        yield {"engine": engine, "precision": precision, **row}


def _batches(folder: Path, engine: str, precision: str, plan: dict[str, list[int]], seconds: float) -> Iterator[Any]:
    digits = np.load(folder / DIGITS)
    path = model_file(folder, 1, precision, ENGINES[engine].format)
    with DigitClassifier(path, engine=engine) as classifier:
        for how, call in (("classify_batch", classifier.classify_batch), ("bare", bare(path, engine))):
            for batch in plan["batches"]:
                images = digits[:batch]
                us = median_us(lambda call=call, images=images: call(images), seconds) / batch
                yield {"series": "batch", "how": how, "batch": batch, "us": us}


def _widths(folder: Path, engine: str, precision: str, plan: dict[str, list[int]], seconds: float) -> Iterator[Any]:
    for width in plan["widths"]:
        yield {"series": "width", "width": width, "us": _one(folder, width, engine, precision, 1, seconds)}


def _threads(folder: Path, engine: str, precision: str, plan: dict[str, list[int]], seconds: float) -> Iterator[Any]:
    for width in sorted({min(plan["widths"]), max(plan["widths"])}):
        for threads in plan["threads"]:
            us = _one(folder, width, engine, precision, threads, seconds)
            yield {"series": "threads", "width": width, "threads": threads, "us": us}


def _one(folder: Path, width: int, engine: str, precision: str, threads: int, seconds: float) -> float:
    """One image through the engine."""
    image = np.load(folder / DIGITS)[:1]
    path = model_file(folder, width, precision, ENGINES[engine].format)
    loaded = load_engine(engine, lone_model(path), threads)
    return median_us(lambda: loaded.run(image), seconds)


if __name__ == "__main__":
    gc.disable()
    chosen = json.loads(sys.argv[4])
    print(json.dumps(list(rows(Path(sys.argv[1]), sys.argv[2], sys.argv[3], chosen, float(sys.argv[5])))))
