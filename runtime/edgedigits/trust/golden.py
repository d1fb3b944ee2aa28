"""Golden inputs: a model must answer them here as it did where it was made.

File hashes prove that the bytes arrived; only answers prove that this engine, on this processor, computes them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.bundle import Bundle, GoldenSet
from edgedigits.errors import GoldenMismatch
from edgedigits.images.decode import read_pixels
from edgedigits.images.pipeline import prepare
from edgedigits.manifest import ModelFile
from edgedigits.model import Model

Answer = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

# How far a probability may be from the one recorded at export, by precision, and why.
TOLERANCE = {
    "float32": (1e-4, "sums in another order: 1e-6 was seen between processors; more is another computation"),
    "float16": (1e-3, "weights are rounded once, at export; some engines then also multiply in float16"),
    "dynamic-int8": (0.15, "activations are quantized at run time, by a rounding that differs between engines"),
    "int8": (0.15, "a step or two of the int8 logits, by which kernels round apart: 0.062 was seen on a blend"),
    "int16x8": (1e-2, "steps are 256 times finer than int8's, kernels may round them apart"),
}
# A few inputs are answered at each load; the self-test asks all.
AT_LOAD = 3


@dataclass(frozen=True, slots=True)
class GoldenResult:
    """How a file did on its golden inputs.

    Attributes
    ----------
    wrong: indices of the inputs that were answered otherwise than recorded.
    pictures_off: indices of the encoded pictures that no longer decode and normalise to the recorded pixels.

    """

    count: int
    wrong: tuple[int, ...]
    max_abs_difference: float
    tolerance: float
    pictures: int
    pictures_off: tuple[int, ...]

    @property
    def passed(self) -> bool:
        """Whether everything was as recorded."""
        return not self.wrong and not self.pictures_off


def check_golden(bundle: Bundle, file: ModelFile, answer: Answer, limit: int | None = None) -> GoldenResult:
    """Answer the golden inputs (the first ``limit`` of them) and compare with what was recorded for ``file``."""
    golden = bundle.golden()
    images, expected = golden.images[:limit], golden.expected[file.path][:limit]
    found = answer(images)
    tolerance = bundle.manifest.golden.tolerance[file.precision]
    difference = np.abs(found - expected).max(axis=1)
    # `not <=` instead of `>`: an answer of NaN is wrong, too.
    wrong = np.flatnonzero(~(difference <= tolerance))
    pictures = golden.pictures if limit is None else {}
    return GoldenResult(
        count=len(images),
        wrong=tuple(int(index) for index in wrong),
        max_abs_difference=float(difference.max()),
        tolerance=tolerance,
        pictures=len(pictures),
        pictures_off=tuple(index for index in pictures if not _picture_is_same(bundle, golden, index)),
    )


def _picture_is_same(bundle: Bundle, golden: GoldenSet, index: int) -> bool:
    manifest = bundle.manifest
    pixels = read_pixels(golden.pictures[index], manifest.image[-1])
    fed, _ = prepare(pixels, manifest.preprocessing.id, manifest.image)
    return bool(np.array_equal(fed, golden.images[index]))


def check_at_load(model: Model, answer: Answer, engine: str) -> None:
    """Refuse a bundle's model that answers wrongly; a lone file has nothing to compare with.

    Raises
    ------
    GoldenMismatch: with the numbers.

    """
    if model.bundle is None or model.file is None:
        return
    result = check_golden(model.bundle, model.file, answer, AT_LOAD)
    if not result.passed:
        raise GoldenMismatch(
            f"{model.name} {model.variant} in {engine}: {len(result.wrong)} of {result.count} golden inputs are "
            f"answered wrongly (off by {result.max_abs_difference:.3g}, tolerance {result.tolerance:g}): this "
            "engine does not compute this file as it was exported; take another engine or variant"
        )
