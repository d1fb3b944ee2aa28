"""Golden inputs: a model must answer them here as it did where it was made.

File hashes prove that the bytes arrived; only answers prove that this engine, on this processor, computes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgedigits.bundle import Bundle, GoldenSet
from edgedigits.errors import GoldenMismatchError
from edgedigits.images.decode import read_pixels
from edgedigits.images.pipeline import preprocess
from edgedigits.manifest import ModelFile, ReferenceEngine, Tolerance
from edgedigits.model import Model

Answer = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

# How far a probability may be from the one recorded at export, by precision, and why.
TOLERANCE = {
    "float32": (
        Tolerance(None, 1e-4, 1e-5),
        "sums in another order: 2e-6 was seen between processors; more is another computation",
    ),
    "float16": (
        Tolerance(None, 1e-3, 1e-4),
        "weights are rounded once, at export; some engines then also multiply in float16",
    ),
    "dynamic-int8": (
        Tolerance(None, 0.15, 5e-3),
        "activations are quantized by ranges found at run time in float, whose last bit may turn a rounding",
    ),
    "int8": (
        Tolerance(1e-3, 0.15, 3e-3),
        "integers are exact on x86 and ARM alike: a step of a logit moves a probability by a tenth and more, the "
        "float32 softmax by a millionth; other releases round a step or two apart: 0.06 was seen of a blend, "
        "0.0012 on average",
    ),
    "int16x8": (
        Tolerance(1e-4, 1e-2, 5e-4),
        "as int8, with steps that are 256 times finer",
    ),
}
# A probability below is not looked at in shares: exp() of different make ends at different places.
_SMALLEST = 1e-30
# A few inputs are answered at each load; the self-test asks all.
AT_LOAD = 3


class GoldenResult(NamedTuple):
    """How a file did on its golden inputs.

    Attributes
    ----------
    reference_engine: the engine release whose recorded outputs were compared: the same release, or the nearest.
    exact: whether it is the same release, whose outputs must be the same on any processor.
    wrong: indices of the inputs that were answered otherwise than recorded.
    pictures_off: indices of the encoded pictures that no longer decode and normalise to the recorded pixels.

    """

    count: int  # type: ignore[assignment]  # of inputs, not tuple's
    reference_engine: ReferenceEngine
    exact: bool
    wrong: tuple[int, ...]
    max_abs_difference: float
    mean_abs_difference: float
    tolerance: Tolerance
    pictures: int
    pictures_off: tuple[int, ...]

    @property
    def drifted(self) -> bool:
        """Whether answers are off by more than rounding on average, though none need be wrong by itself."""
        return not self.mean_abs_difference <= self.tolerance.mean

    @property
    def passed(self) -> bool:
        """Whether everything was as recorded."""
        return not self.wrong and not self.drifted and not self.pictures_off


def check_golden(bundle: Bundle, file: ModelFile, found: NDArray[np.float32], me: ReferenceEngine) -> GoldenResult:
    """Compare answers to all golden inputs, float32 ``[K, classes]``, with what was recorded for ``file``.

    ``me`` says what answered. The same release of the same engine has to repeat its answers exactly; any other has to
    come close to one of those recorded.
    """
    golden = bundle.golden()
    recorded = golden.expected[file.path]
    tolerance = bundle.manifest.golden.tolerance[file.precision]
    reference = me if me in recorded else _nearest(found, recorded)
    share = tolerance.exact if reference == me else None
    limit = tolerance.largest if share is None else share * recorded[reference] + _SMALLEST
    difference = np.abs(found - recorded[reference])
    return GoldenResult(
        count=len(found),
        reference_engine=reference,
        exact=share is not None,
        wrong=_wrong(difference, limit),
        max_abs_difference=float(difference.max()),
        mean_abs_difference=float(difference.mean()),
        tolerance=tolerance,
        pictures=len(golden.pictures),
        pictures_off=tuple(index for index in golden.pictures if not _picture_is_same(bundle, golden, index)),
    )


def _nearest(found: NDArray[np.float32], recorded: Mapping[ReferenceEngine, NDArray[np.float32]]) -> ReferenceEngine:
    return min(recorded, key=lambda reference: float(np.abs(found - recorded[reference]).mean()))


def _wrong(difference: NDArray[np.float32], limit: float | NDArray[np.float32]) -> tuple[int, ...]:
    # `not <=` instead of `>`: an answer of NaN is wrong, too.
    return tuple(int(index) for index in np.flatnonzero(~(difference <= limit).all(axis=1)))


def _picture_is_same(bundle: Bundle, golden: GoldenSet, index: int) -> bool:
    manifest = bundle.manifest
    pixels = read_pixels(golden.pictures[index], manifest.image[-1])
    fed = preprocess(pixels, manifest.preprocessing.id, manifest.image).image
    return bool(np.array_equal(fed.reshape(manifest.image), golden.images[index].reshape(manifest.image)))


def check_at_load(model: Model, answer: Answer, engine: str) -> None:
    """Refuse a bundle's model that answers its first golden inputs wrongly; a lone file has nothing to compare with.

    Only what is wrong in any engine is refused here; whether each bit is right is for the self-test to tell.

    Raises
    ------
    GoldenMismatchError: with the numbers.

    """
    if model.bundle is None or model.file is None:
        return
    golden = model.bundle.golden(model.file)
    found = answer(golden.images[:AT_LOAD])
    recorded = {reference: answers[:AT_LOAD] for reference, answers in golden.expected[model.file.path].items()}
    limit = model.bundle.manifest.golden.tolerance[model.file.precision].largest
    difference = np.abs(found - recorded[_nearest(found, recorded)])
    if wrong := _wrong(difference, limit):
        raise GoldenMismatchError(
            f"{model.name} {model.variant} in {engine}: {len(wrong)} of {len(found)} golden inputs are "
            f"answered wrongly (off by {difference.max():.3g}, tolerance {limit:g}): this "
            "engine does not compute this file as it was exported; take another engine or variant"
        )
