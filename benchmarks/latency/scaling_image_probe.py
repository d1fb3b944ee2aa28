"""One process's look at pictures of all sizes through the shipped model: decode, preprocess, infer.

`python probe_images.py FOLDER SIDES SECONDS`, prints rows as JSON.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from clock import repeated
from photographs import SOURCES, read_photograph

from edgedigits import DigitClassifier

STAGES = ("decode", "preprocess", "infer", "total")
_LEAST = 3


def rows(folder: Path, sides: list[int], seconds: float) -> Iterator[dict[str, Any]]:
    """Medians in microseconds, as `Prediction.timing` has them.

    Raises
    ------
    ValueError: a picture was refused before inference, whose times would be none of reading a digit.

    """
    with DigitClassifier() as classifier:
        for side in sides:
            for source in SOURCES:
                image = read_photograph(folder, source, side)
                if classifier.classify(image).digit is None:
                    raise ValueError(f"{source} of {side} pixels: {classifier.classify(image).rejected}")
                repeated(lambda image=image: classifier.classify(image), seconds / 3, 0)
                timings = repeated(lambda image=image: classifier.classify(image).timing, seconds, _LEAST)
                for stage in STAGES:
                    us = 1e3 * median(getattr(timing, stage) for timing in timings)
                    yield {"series": "images", "source": source, "side": side, "stage": stage, "us": us}


if __name__ == "__main__":
    gc.disable()
    print(json.dumps(list(rows(Path(sys.argv[1]), json.loads(sys.argv[2]), float(sys.argv[3])))))
