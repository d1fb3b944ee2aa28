"""How long a call takes: warmed up, then the median of its repetitions."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

T = TypeVar("T")
_LEAST = 3


def median_us(call: Callable[[], object], seconds: float) -> float:
    """Median µs over ``seconds`` and at least three calls; a third of the time before is warm-up."""
    repeated(call, seconds / 3, 1)
    return float(np.median(repeated(lambda: _nanoseconds(call), seconds, _LEAST))) / 1e3


def repeated(call: Callable[[], T], seconds: float, least: int) -> list[T]:
    """What a call returns, again and again for ``seconds``."""
    found = []
    deadline = time.perf_counter() + seconds
    while len(found) < least or time.perf_counter() < deadline:
        found.append(call())
    return found


def _nanoseconds(call: Callable[[], object]) -> int:
    started = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - started
