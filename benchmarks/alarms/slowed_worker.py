"""The worker of `bench`, but a file called ``slowed`` waits after each inference for a tenth of the time it took."""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np

from edgedigits.measure import worker

SLOWED, SHARE = "slowed.tflite", 0.10
_load_engine = worker.load_engine


class _Slowed:
    """An engine with a busy wait behind every answer, of which what the waiting itself costs is a part."""

    def __init__(self, engine: Any) -> None:
        self.image, self.version = engine.image, engine.version
        self._answer, self._share, self._cost = (lambda _: None), 0.0, 0
        self._cost = int(np.median([self._cost_of_waiting() for _ in range(1000)]))
        self._answer, self._share = engine.run, SHARE

    def run(self, images: Any) -> Any:
        """Answer late."""
        clock = time.perf_counter_ns
        begun = clock()
        answer = self._answer(images)
        took = clock() - begun
        until = begun + took * (1 + self._share) - self._cost
        while clock() < until:
            pass
        return answer

    def _cost_of_waiting(self) -> int:
        begun = time.perf_counter_ns()
        self.run(None)
        return time.perf_counter_ns() - begun


def _load(name: str, model: Any, num_threads: int = 1, **options: bool) -> Any:
    engine = _load_engine(name, model, num_threads, **options)
    return _Slowed(engine) if f"{model.name}.{model.format}" == SLOWED else engine


if __name__ == "__main__":
    worker.load_engine = _load
    raise SystemExit(worker.main(sys.argv[1:]))
