"""The classifier: a bundle's model in an engine, proved at load, asked for one image or many."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgedigits.bundle import Bundle
from edgedigits.engines import ENGINES, choose_engine, load_engine
from edgedigits.engines.protocol import Engine
from edgedigits.errors import BundleError, ImageError, ModelRejectedError, UsageError
from edgedigits.images.convention import follows_mnist
from edgedigits.images.decode import MAX_PIXELS, ImageSource, read_picture
from edgedigits.images.pipeline import pipeline_for, preprocess
from edgedigits.images.rejection import DIGIT_PARAMETERS
from edgedigits.model import Model, is_model_file, lone_model, model_of_bundle
from edgedigits.prediction import Answering, EngineId, ModelId, Prediction
from edgedigits.tensors import on_pixels
from edgedigits.verification.golden import check_at_load

if TYPE_CHECKING:
    from edgedigits.reading import Reading


_PATHS = (str, Path)
_NOTHING = np.empty(0, np.float32)
_UINT8 = np.dtype(np.uint8)


class DigitClassifier:
    """Classify images with one variant of a model in one engine; safe to share between threads.

    >>> with DigitClassifier() as classifier:
    ...     classifier.classify_batch(np.zeros((2, 28, 28), np.uint8)).shape
    (2, 10)
    """

    def __init__(
        self,
        bundle: str | Path | Bundle | None = None,
        variant: str | None = None,
        engine: str = "auto",
        num_threads: int = 1,
        expect_id: str | None = None,
        *,
        prove: bool = True,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        """Load, verify and prove a model.

        ``bundle`` is a shipped name, a path (of a bundle, or of a lone .tflite or .onnx file), or None for the
        default; ``variant`` a precision such as ``int8``, with or without ``.tflite`` or ``.onnx``; ``expect_id`` the
        id of the only bundle to accept, or its first 12 characters or more. ``prove`` answers a few golden inputs
        first, in under a millisecond for the default model. Pictures of more than ``max_pixels`` are refused undecoded.

        Raises
        ------
        BundleError: missing or broken bundle, wrong hash, no such variant, or not the bundle expected.
        EngineMissingError, ModelRejectedError: no engine for it here, or the engine refuses the file.
        GoldenMismatchError: the model answers its golden inputs wrongly on this machine.

        """
        model, engine_name = _choose(bundle, variant, engine)
        if expect_id is not None and not _is_expected(model, expect_id):
            found = model.bundle.id if model.bundle else "a file without a bundle"
            raise BundleError(f"{model.name}: expected the bundle {expect_id}, found {found}; take the right bundle")
        self.model = model
        self._max_pixels = max_pixels
        self._closed = False
        self._engine: Engine = load_engine(engine_name, model, num_threads)
        self.image_shape = _image_shape(self._engine)
        classes = self._engine.probabilities.shape[-1]
        self.labels = model.bundle.manifest.labels if model.bundle else tuple(str(index) for index in range(classes))
        if len(self.labels) != classes:
            raise BundleError(f"{model.name}: expected {classes} labels for as many outputs, found {len(self.labels)}")
        self.pipeline = model.bundle.manifest.preprocessing.id if model.bundle else pipeline_for(self.image_shape)
        given = model.bundle.manifest.preprocessing.parameters if model.bundle else {}
        parameters = {**DIGIT_PARAMETERS, **given} if self.pipeline == "digit/1" else given
        self.model_id = ModelId(model.name, model.variant, model.sha256, model.bundle.id if model.bundle else None)
        self.engine_id = EngineId(self._engine.name, self._engine.version)
        self._answering = Answering(self.labels, self.pipeline, parameters, self.model_id, self.engine_id)
        self._one = (1, *self.image_shape)
        # An array of this shape may be ready to be fed; where it is, every microsecond counts.
        self._ready = self.image_shape[:2] if self.pipeline == "digit/1" else None
        self._infer: Callable[[NDArray[np.uint8]], NDArray[np.float32]] = on_pixels(self._engine)
        if prove:
            check_at_load(model, self.classify_batch, f"{self.engine_id.name} {self.engine_id.version}")

    def classify(self, image: ImageSource, *, mnist: bool = False, bgr: bool = False) -> Prediction:
        """Answer one image: a path, encoded bytes, a binary file, a PIL image, or an array (see `read_picture`).

        ``mnist`` says that a 28x28 image follows MNIST's convention (light ink on dark, centred) and is to be fed as
        it is; without it that is seen from a dark border. ``bgr`` says that an array's colours come as OpenCV has them.

        Raises
        ------
        ImageError: the image cannot be read, or is an array of a wrong shape, type or content.

        """
        started = perf_counter_ns()
        if type(image) is np.ndarray and image.shape == self._ready and image.dtype == _UINT8:
            # The bytes stay with the answer: cameras write the next frame into the array's memory.
            data = image.tobytes()
            if follows_mnist(data):
                prepared = perf_counter_ns()
                scores = self._infer(image.reshape(self._one))[0]
                ticks = started, started, prepared, perf_counter_ns()
                return Prediction(np.ndarray, data, scores, ticks, self._answering)
        # Of an array: memory of its own.
        picture = read_picture(image, self.image_shape[-1], bgr=bgr, max_pixels=self._max_pixels)
        decoded = perf_counter_ns()
        found = preprocess(picture.pixels, self.pipeline, self.image_shape, mnist=mnist)
        prepared = perf_counter_ns()
        scores = _NOTHING if found.rejection else self._infer(found.image.reshape(self._one))[0]
        ticks = started, decoded, prepared, perf_counter_ns()
        return Prediction(_source(image), (picture, found), scores, ticks, self._answering)

    def classify_batch(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities float32 ``[N, classes]`` of images that are ready: uint8 ``[N, H, W]`` or ``[N, H, W, C]``.

        Raises
        ------
        ImageError: another type or shape.

        """
        height, width, channels = self.image_shape
        if getattr(images, "dtype", None) != np.uint8:
            raise ImageError(f"batch: expected uint8 pixels, found {getattr(images, 'dtype', type(images).__name__)}")
        if images.ndim == 3 and channels == 1:
            images = images[..., np.newaxis]
        if images.shape[1:] != self.image_shape:
            raise ImageError(f"batch: expected [N, {height}, {width}, {channels}], found {list(images.shape)}")
        return self._infer(images)

    def read(self, image: ImageSource, *, bgr: bool = False) -> Reading:
        """Read all digits of a picture, in lines and words; the picture and ``bgr`` as for `classify`.

        Raises
        ------
        ImageError: the picture cannot be read.
        UsageError: the model is not one of digits of 28x28 pixels.

        """
        from edgedigits.pages.reader import read_page

        return read_page(self.classify_batch, self._answering, image, _name(image), self._max_pixels, bgr=bgr)

    def close(self) -> None:
        """Let go of the model; the classifier answers no more. Closing twice does nothing."""
        if not self._closed:
            self._closed = True
            self._infer = self._refuse
            self._engine.close()

    def __enter__(self) -> DigitClassifier:
        """The classifier itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def _refuse(self, _: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Instead of inferring, once closed: so that no answer has to ask whether it is."""
        raise UsageError(f"{self.model.name}: this classifier is closed; make another")


def _choose(bundle: str | Path | Bundle | None, variant: str | None, engine: str) -> tuple[Model, str]:
    """The model file, and the engine that runs it."""
    if isinstance(bundle, str | Path) and is_model_file(bundle):
        if variant is not None:
            raise BundleError(f"{bundle}: is one file and has no variant {variant!r}; leave --variant away")
        model = lone_model(Path(bundle))
        return model, choose_engine(engine, model.format)[0]
    whole = bundle if isinstance(bundle, Bundle) else Bundle.load(bundle)
    engines = choose_engine(engine)
    file = whole.pick(variant, list(dict.fromkeys(ENGINES[name].format for name in engines)))
    return model_of_bundle(whole, file), next(name for name in engines if ENGINES[name].format == file.format)


def _is_expected(model: Model, expect_id: str) -> bool:
    least = 12
    return model.bundle is not None and len(expect_id) >= least and model.bundle.id.startswith(expect_id)


def _image_shape(engine: Engine) -> tuple[int, int, int]:
    shape, out = engine.image.shape, engine.probabilities.shape
    if len(shape) != 4 or shape[0] not in {1, -1} or min(shape[1:]) < 1 or len(out) != 2:
        raise ModelRejectedError(
            f"expected one image [N, H, W, C] in and class scores [N, classes] out, found {list(shape)} and {list(out)}"
        )
    return shape[1], shape[2], shape[3]


def _name(image: ImageSource) -> str:
    return str(image) if isinstance(image, _PATHS) else type(image).__name__


def _source(image: ImageSource) -> str | Path | type:
    """What to remember of an image: its path, or what kind of object it is, so that the object can go."""
    return image if isinstance(image, _PATHS) else type(image)
