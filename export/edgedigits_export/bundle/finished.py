"""A finished .tflite or .onnx file, wrapped into a bundle: its bytes stay, what has to be done around it is declared.

Nobody knows here what its author meant it to answer. So its reference is what it says itself in an engine of this host:
the bundle proves that other engines and boards say the same, never that it is right.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgedigits.engines import choose_engine
from edgedigits.engines.inspect import inspect_isolated
from edgedigits.errors import UsageError
from edgedigits.manifest import Adapter, PixelScaling, TensorInfo
from edgedigits.model import Model, lone_model
from edgedigits.verification.inference import infer_isolated
from edgedigits.wrapping import Wrapping
from edgedigits_export.keras_model.scaling import Scaling

Layout = Literal["NHWC", "NCHW"]
Scores = Literal["probabilities", "logits", "probability of the second", "score of the second"]
_CHANNELS = frozenset({1, 3})
_SMALLEST_FLAT_SIDE = 8
# Sums of probabilities in 8 bits are off by a step of each class.
_SUM = 0.06


@dataclass(frozen=True, slots=True)
class FinishedModel:
    """A finished file in an engine; it answers what `FrozenModel` is asked.

    Attributes
    ----------
    engine, version: the engine of this host that answers, and its release.
    input_shape: ``(H, W, C)`` of the images.
    classes: the count of classes.

    """

    path: Path
    engine: str
    version: str
    image: TensorInfo
    input_shape: tuple[int, int, int]
    classes: int
    scaling: Scaling
    adapter: Adapter
    any_size: bool = False
    parameters: int | None = None

    @property
    def wrapping(self) -> Wrapping:
        """What is done around the file."""
        return Wrapping(self.adapter, PixelScaling(*astuple(self.scaling)))

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return its probabilities, float32 ``[N, classes]``, for raw images uint8 ``[N, H, W, C]``."""
        return infer_isolated(self.path, self.engine, images, wrapping=self.wrapping).probabilities


def open_finished(path: Path, scaling: Scaling, layout: Layout | None) -> tuple[FinishedModel, Model]:
    """Load a finished file in the first engine of this host that reads it, and see what goes in and what comes out.

    Raises
    ------
    UsageError: it is no classifier of images, or nothing tells in which order its axes are.
    EdgeDigitsError: it cannot be read, or no engine takes it.

    """
    model = lone_model(path)
    loaded = inspect_isolated(path, choose_engine("auto", model.format)[0])
    if len(loaded.inputs) != 1 or len(loaded.outputs) != 1:
        raise UsageError(
            f"{path}: expected a classifier with one image in and one vector of scores out, found "
            f"{len(loaded.inputs)} inputs and {len(loaded.outputs)} outputs; show, check and bench take it as it is"
        )
    (image,), (output,) = loaded.inputs, loaded.outputs
    order, shape = _image_form(path, image, layout)
    numbers = _numbers(path, output)
    unknown = Adapter(order, "probabilities")
    probe = FinishedModel(
        path, loaded.engine, loaded.version, image, shape, numbers, scaling, unknown
    )  # its outputs, as they are
    adapter = Adapter(order, _kind_of_scores(path, probe.predict(_probes(shape))))
    found = FinishedModel(path, loaded.engine, loaded.version, image, shape, max(2, numbers), scaling, adapter)
    return found, model


def _image_form(path: Path, image: TensorInfo, layout: Layout | None) -> tuple[Layout, tuple[int, int, int]]:
    """Return the order of an input's axes, and height, width and channels of its images."""
    sizes = image.shape[1:]
    if -1 in sizes or len(sizes) not in {1, 2, 3}:
        raise UsageError(
            f"{path}: expected an input of one image of fixed size, [N, H, W, C] or [N, C, H, W], found "
            f"{list(image.shape)}; export it from Keras with --input-size, or fix its size first"
        )
    if len(sizes) == 1 and (side := math.isqrt(sizes[0])) >= _SMALLEST_FLAT_SIDE and side * side == sizes[0]:
        return "NHWC", (side, side, 1)
    if len(sizes) == 2:
        return "NHWC", (sizes[0], sizes[1], 1)
    if len(sizes) != 3:
        raise UsageError(f"{path}: expected an input of one image, found {list(image.shape)}")
    possible: list[Layout] = []
    if sizes[2] in _CHANNELS:
        possible.append("NHWC")
    if sizes[0] in _CHANNELS:
        possible.append("NCHW")
    if layout is None and len(possible) != 1:
        raise UsageError(
            f"{path}: expected 1 or 3 channels, found {list(image.shape)}, in which nothing tells which axis they are; "
            "say --layout NHWC or --layout NCHW"
        )
    order = layout or possible[0]
    if order not in possible:
        raise UsageError(f"{path}: expected 1 or 3 channels in {order}, found {list(image.shape)}; leave --layout out")
    return order, (sizes[0], sizes[1], sizes[2]) if order == "NHWC" else (sizes[1], sizes[2], sizes[0])


def _numbers(path: Path, output: TensorInfo) -> int:
    sizes = output.shape[1:]
    if -1 in sizes or not sizes or max(sizes) != math.prod(sizes):
        raise UsageError(f"{path}: expected one vector of class scores out, found {list(output.shape)}")
    return int(math.prod(sizes))


def _probes(shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    rng = np.random.default_rng(0)
    images = [np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8)]
    return np.stack([*images, *rng.integers(0, 256, (6, *shape), dtype=np.uint8)])


def _kind_of_scores(path: Path, outputs: NDArray[np.float32]) -> Scores:
    shares = bool((outputs >= 0).all() and (outputs <= 1).all())
    if outputs.shape[1] == 1:
        return "probability of the second" if shares else "score of the second"
    if not shares:
        return "logits"
    if (off := float(np.abs(outputs.sum(axis=1) - 1).max())) > _SUM:
        raise UsageError(
            f"{path}: expected scores, or probabilities that sum to 1, found numbers from 0 to 1 whose sum is off by "
            f"{off:.2g}, which say yes or no to each class by itself; only a choice of one class can be judged"
        )
    return "probabilities"
