"""Check golden inputs: the outputs for them must be those that were recorded when the model was exported.

File hashes show that the bytes arrived unchanged. Only outputs show that this engine on this processor computes what
was exported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgedigits.bundle import Bundle, GoldenSet
from edgedigits.errors import GoldenMismatchError
from edgedigits.images.decode import read_pixels
from edgedigits.images.pipeline import channels_of, model_input
from edgedigits.manifest import ModelFile, Precision, ReferenceEngine, Task, Tolerance
from edgedigits.model import Model

# Returns the outputs, float32 [N, ...], for images, uint8 [N, H, W, C].
Infer = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

# For each precision, how far a probability may be from the one recorded at export, and why; the mean is that of ten
# classes: what moves from one class to another does not grow with their number (see `tolerance_of`).
TOLERANCE = {
    "float32": (
        Tolerance(None, 1e-4, 1e-5),
        "sums in another order: 2e-6 was observed between processors; a larger difference is another computation",
    ),
    "float16": (
        Tolerance(None, 1e-3, 1e-4),
        "weights are rounded once, at export; some engines then also multiply in float16",
    ),
    "dynamic-int8": (
        Tolerance(None, 0.15, 5e-3),
        "activations are quantized by float ranges that are found at run time, whose last bit may change a rounding",
    ),
    "int8": (
        Tolerance(1e-3, 0.15, 3e-3),
        "integers are exact on x86 and ARM: one step of a logit changes a probability by a tenth and more, the float32 "
        "softmax by a millionth; other releases differ by one or two steps: 0.06 was observed for a blend of two "
        "digits, 0.0012 on average",
    ),
    "int16x8": (
        Tolerance(1e-4, 1e-2, 5e-4),
        "as int8, with steps that are 256 times finer",
    ),
}
# The same for the outputs of a locator, which are from 0 to 6.
MAPS_TOLERANCE = {
    "float32": (
        Tolerance(None, 1e-3, 1e-5),
        "sums in another order: a larger difference is another computation",
    ),
    "float16": (
        Tolerance(None, 0.1, 5e-3),
        "weights are rounded once, at export; some engines then also multiply in float16",
    ),
    "dynamic-int8": (
        Tolerance(None, 1.0, 0.05),
        "activations are quantized by float ranges that are found at run time, whose last bit may change a rounding",
    ),
    "int8": (
        Tolerance(None, 1.0, 0.05),
        "tflite-runtime rounds otherwise on x86 than on ARM, and other releases differ by some steps of 1/42 at single "
        "places: 0.38 was observed, 0.023 on average",
    ),
    "int16x8": (
        Tolerance(None, 0.1, 5e-3),
        "as int8, with steps that are 256 times finer",
    ),
}
# Added to relative tolerances: implementations of exp() underflow at different arguments.
_SMALLEST = 1e-30
# The number of golden inputs that are checked at each load; the self-test checks all of them.
INPUTS_AT_LOAD = 3


def tolerance_of(task: Task, precision: Precision, classes: int) -> Tolerance:
    """Return how far the outputs of another engine release may be from those that were recorded at export."""
    if task == "locate":
        return MAPS_TOLERANCE[precision][0]
    found = TOLERANCE[precision][0]
    return found._replace(mean=10 * found.mean / classes)


class GoldenResult(NamedTuple):
    """The result of a model file on its golden inputs.

    Attributes
    ----------
    count: the number of golden inputs.
    reference_engine: the engine release whose recorded outputs were compared: the same release, or else the one with
        the nearest outputs.
    exact: whether it is the same release and its outputs must be the same on any processor.
    wrong: indices of the inputs whose outputs are not within the tolerance.
    max_abs_difference, mean_abs_difference: of the probabilities from the recorded ones.
    pictures: the number of encoded pictures.
    pictures_off: indices of the encoded pictures that no longer decode and normalise to the recorded pixels.

    """

    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody calls
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
        """Whether the mean difference is above its tolerance, even if no single output is wrong."""
        return not self.mean_abs_difference <= self.tolerance.mean

    @property
    def passed(self) -> bool:
        """Whether all outputs and all pictures are as recorded."""
        return not self.wrong and not self.drifted and not self.pictures_off


def check_golden(
    bundle: Bundle, file: ModelFile, outputs: NDArray[np.float32], engine: ReferenceEngine
) -> GoldenResult:
    """Compare outputs for all golden inputs, float32 ``[K, ...]``, with the outputs recorded for ``file``.

    ``engine`` is the engine and release that gave the outputs. A release whose outputs were recorded must repeat them
    exactly; any other must come close to the recorded outputs of one release.
    """
    golden, outputs = bundle.golden(), outputs.reshape(len(outputs), -1)
    recorded = golden.expected[file.path]
    tolerance = bundle.manifest.golden.tolerance[file.precision]
    reference = engine if engine in recorded else _nearest(outputs, recorded)
    relative = tolerance.exact if reference == engine else None
    limit = tolerance.largest if relative is None else relative * recorded[reference] + _SMALLEST
    difference = np.abs(outputs - recorded[reference])
    return GoldenResult(
        count=len(outputs),
        reference_engine=reference,
        exact=relative is not None,
        wrong=_wrong(difference, limit),
        max_abs_difference=float(difference.max()),
        mean_abs_difference=float(difference.mean()),
        tolerance=tolerance,
        pictures=len(golden.pictures),
        pictures_off=tuple(index for index in golden.pictures if not _picture_is_same(bundle, golden, index)),
    )


def _nearest(outputs: NDArray[np.float32], recorded: Mapping[ReferenceEngine, NDArray[np.float32]]) -> ReferenceEngine:
    return min(recorded, key=lambda reference: float(np.abs(outputs - recorded[reference]).mean()))


def _wrong(difference: NDArray[np.float32], limit: float | NDArray[np.float32]) -> tuple[int, ...]:
    # `not <=` in place of `>`, so that NaN is wrong, too.
    return tuple(int(index) for index in np.flatnonzero(~(difference <= limit).all(axis=1)))


def _picture_is_same(bundle: Bundle, golden: GoldenSet, index: int) -> bool:
    manifest = bundle.manifest
    pipeline = manifest.preprocessing.id
    pixels = read_pixels(golden.pictures[index], channels_of(pipeline, manifest.image))
    found = model_input(pixels, pipeline, manifest.image)
    return bool(np.array_equal(found.reshape(manifest.image), golden.images[index].reshape(manifest.image)))


def check_at_load(model: Model, infer: Infer, engine: str) -> None:
    """Refuse a model of a bundle whose outputs for its first golden inputs are wrong; a lone file has no golden inputs.

    The tolerance is the one for other releases; only the self-test applies the exact one.

    Raises
    ------
    GoldenMismatchError: an output is not within the tolerance; the message has the numbers.

    """
    if model.bundle is None or model.file is None:
        return
    golden = model.bundle.golden(only=model.file)
    images = golden.images[:INPUTS_AT_LOAD]
    outputs = infer(images).reshape(len(images), -1)
    recorded = {reference: values[:INPUTS_AT_LOAD] for reference, values in golden.expected[model.file.path].items()}
    limit = model.bundle.manifest.golden.tolerance[model.file.precision].largest
    difference = np.abs(outputs - recorded[_nearest(outputs, recorded)])
    if wrong := _wrong(difference, limit):
        raise GoldenMismatchError(
            f"{model.name} {model.variant} in {engine}: {len(wrong)} of {len(outputs)} golden inputs give "
            f"wrong outputs (off by {difference.max():.3g}, tolerance {limit:g}): this "
            "engine does not compute this file as it was exported; take another engine or variant"
        )
