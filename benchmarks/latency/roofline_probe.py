"""One process's look at how many multiplications a second numpy or an engine reaches.

`python probe.py FOLDER ENGINE SHAPES SECONDS`, prints rows as JSON.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from timeit import Timer
from typing import Any

from multipliers import products

_REPEATS = 5


def rows(folder: Path, engine: str, shapes: list[list[int]], seconds: float) -> Iterator[dict[str, Any]]:
    """Every shape in every form."""
    for shape in shapes:
        for name, precision, operator, call in products(engine, folder, shape):
            rate = math.prod(shape) / best_seconds(call, seconds) / 1e9
            yield {"engine": name, "precision": precision, "operator": operator, "shape": shape, "gmacs": rate}


def best_seconds(call: Callable[[], object], seconds: float) -> float:
    """The least of some repetitions of many calls each: what disturbs them is not the processor's limit."""
    timer = Timer(call)  # the garbage collector is off while it runs
    warm = min(timer.repeat(_REPEATS, 1))
    number = max(1, round(seconds / _REPEATS / warm))
    return min(timer.repeat(_REPEATS, number)) / number


if __name__ == "__main__":
    print(json.dumps(list(rows(Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]), float(sys.argv[4])))))
