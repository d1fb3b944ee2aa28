"""The worker of `bench`, but the file named `SLOWED` waits after each inference for a tenth of the time it took."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from edgedigits import engines
from edgedigits.measure import worker

SLOWED, SHARE = "slowed.tflite", 0.10


class SlowedEngine:
    """An engine that waits busily after every inference; the cost of waiting counts as part of the wait."""

    def __init__(self, engine: Any) -> None:
        self.inputs, self.outputs, self.version = engine.inputs, engine.outputs, engine.version
        self._infer: Callable[[Any], Any] = lambda _: None
        self._share, self._cost = 0.0, 0
        self._cost = int(np.median([self._cost_of_waiting() for _ in range(1000)]))
        self._infer, self._share = engine.run, SHARE

    def run(self, images: Any) -> Any:
        """Infer, then wait."""
        clock = time.perf_counter_ns
        begun = clock()
        outputs = self._infer(images)
        took = clock() - begun
        until = begun + took * (1 + self._share) - self._cost
        while clock() < until:
            pass
        return outputs

    def _cost_of_waiting(self) -> int:
        begun = time.perf_counter_ns()
        self.run(None)
        return time.perf_counter_ns() - begun


def load_engine(name: str, model: Any, num_threads: int = 1, **options: bool) -> Any:
    """Load an engine, a slowed one for the file that is named so."""
    engine = engines.load_engine(name, model, num_threads, **options)
    return SlowedEngine(engine) if f"{model.name}.{model.format}" == SLOWED else engine


if __name__ == "__main__":
    worker.load_engine = load_engine  # type: ignore[attr-defined]  # where `bench` looks for it
    raise SystemExit(worker.main(sys.argv[1:]))
