"""Which operators of a model suffer most from integers: each is quantized alone, and its outputs are compared."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.engines import load_engine
from edgedigits.model import lone_model
from edgedigits.parts import Progress
from edgedigits.tensors import pixel_inference
from edgedigits_export.convert.recipe import Quantizer, RangeMethod, Recipe, WeighedOperator

_IMAGES, _TOLD = 64, 20


@contextmanager
def on_disk(data: bytes, suffix: str) -> Iterator[Path]:
    """Give the path of a file with this content, as engines want it, until the block ends."""
    with tempfile.NamedTemporaryFile(prefix="edgedigits-", suffix=suffix) as file:
        file.write(data)
        file.flush()
        yield Path(file.name)


def weigh_operators(
    quantizer: Quantizer,
    ranges: RangeMethod,
    suffix: str,
    engine: str,
    images: NDArray[np.uint8],
    progress: Progress,
) -> list[WeighedOperator]:
    """Return the operators, each with the mean squared difference of probabilities when only it is quantized.

    ``suffix`` and ``engine`` are those of the quantizer's files. The differences are those from the file with
    everything in float, on some of ``images``, uint8 ``[N, H, W, C]``. Nothing is asked of the labels.
    """
    rows = np.unique(np.linspace(0, len(images) - 1, _IMAGES).astype(int))
    every = tuple(operator.name for operator in quantizer.operators)

    def outputs(in_float: tuple[str, ...]) -> NDArray[np.float32]:
        with on_disk(quantizer.quantize(Recipe(ranges, in_float)), suffix) as path:
            return pixel_inference(load_engine(engine, lone_model(path), 1), None)(images[rows])

    exact = outputs(every)
    weighed = []
    for number, operator in enumerate(quantizer.operators, start=1):
        if number % _TOLD == 0 or number == len(every):
            progress(f"weighed {number} of {len(every)} operators")
        found = outputs(tuple(name for name in every if name != operator.name))
        weighed.append(WeighedOperator(operator, float(np.mean(np.square(found - exact)))))
    return weighed
