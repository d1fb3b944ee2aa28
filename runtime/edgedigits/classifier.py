"""The classifier, which loads a model into an engine, verifies it, and classifies images with it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter_ns
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn

import numpy as np
from numpy.typing import NDArray

from edgedigits.bundle import Bundle, Variant
from edgedigits.engines import EngineName, load_engine
from edgedigits.errors import BundleError, ImageError, UsageError
from edgedigits.images.convention import SIZE, follows_mnist, pass_through
from edgedigits.images.decode import MAX_PIXELS, ImageSource, Picture, PictureLimits, read_picture
from edgedigits.images.digits import Seen
from edgedigits.images.pipeline import channels_of, fit
from edgedigits.manifest import PipelineId
from edgedigits.model_choice import choose_model, require_classifier, require_id
from edgedigits.prediction import EngineId, ModelId, Prediction, PredictionContext
from edgedigits.tensors import PixelInference, image_and_scores, pixel_inference, refusing
from edgedigits.verification.golden import check_at_load
from edgedigits.wrapping import wrapping_of

if TYPE_CHECKING:
    from edgedigits.locating import Locator
    from edgedigits.reading import Reading


_PATHS = (str, Path)
_UINT8 = np.dtype(np.uint8)


class DigitClassifier:
    """Classify images with one variant of a model in one engine; safe to share between threads.

    >>> with DigitClassifier() as classifier:
    ...     classifier.classify_batch(np.zeros((2, 28, 28), np.uint8)).shape
    (2, 10)

    Attributes
    ----------
    labels: the names of the classes.
    image_shape: height, width and channels of the model's input.
    pipeline: the preprocessing, by versioned name.
    model_id, engine_id: which model answers, and which engine runs it.

    """

    def __init__(
        self,
        bundle: str | Path | Bundle | None = None,
        *,
        variant: Variant | None = None,
        engine: EngineName = "auto",
        num_threads: int = 1,
        expect_id: str | None = None,
        verify: bool = True,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        """Load a model and verify it.

        Parameters
        ----------
        bundle: the name of a shipped bundle, the path of a bundle or of a lone .tflite or .onnx file, or None for the
            default bundle.
        variant: a precision such as ``int8``, with or without ``.tflite`` or ``.onnx``; None for int8.
        engine: an engine's name; ``auto`` takes the first installed engine that reads the file.
        num_threads: threads that the engine uses for one inference.
        expect_id: the id of the only bundle to accept, or at least its first 12 characters.
        verify: whether to run the model on a few golden inputs and compare its outputs with the recorded ones. This
            takes a few inferences. A lone file has none: a process of its own opens it first and runs it once, since a
            broken one may crash the engine.
        max_pixels: the size above which a picture is refused before it is decoded.

        Raises
        ------
        BundleError: the bundle is missing, broken or not the expected one, or has no such variant.
        UsageError: there is no engine of this name, fewer than one thread is asked for, or ``expect_id`` is too short.
        EngineMissingError: no installed engine reads the file.
        ModelRejectedError: the engine refuses the file, or the model is no image classifier.
        GoldenMismatchError: the outputs for the golden inputs differ from the recorded ones on this machine.

        """
        model, engine_name = choose_model(bundle, variant, engine)
        if expect_id is not None:
            require_id(model, expect_id)
        self.model = model
        self._limits = PictureLimits(pixels=max_pixels)
        if verify and model.bundle is None:
            from edgedigits.engines.inspect import inspect_isolated

            inspect_isolated(Path(str(bundle)), engine_name)
        loaded = load_engine(engine_name, model, num_threads)
        wrapping = wrapping_of(model.bundle.manifest, model.file) if model.bundle and model.file else None
        if model.bundle and wrapping:
            self.image_shape, classes = model.bundle.manifest.image, len(model.bundle.manifest.labels)
        else:
            image, scores = image_and_scores(loaded)
            self.image_shape, classes = require_classifier(image.shape, scores.shape), scores.shape[-1]
        self.labels = model.bundle.manifest.labels if model.bundle else tuple(str(index) for index in range(classes))
        if len(self.labels) != classes:
            raise BundleError(f"{model.name}: expected {classes} labels for as many outputs, found {len(self.labels)}")
        manifest = model.bundle.manifest if model.bundle else None
        # A lone file does not say what it was trained on: its pictures are brought to its size and nothing else.
        self.pipeline: PipelineId = manifest.preprocessing.id if manifest else "resize/1"
        # Those of the rule that judges (see `edgedigits.images.judge`).
        self.parameters: Mapping[str, float] = manifest.preprocessing.parameters if manifest else {}
        self.model_id = ModelId(model.name, model.variant, model.sha256, model.bundle.id if model.bundle else None)
        self.engine_id = EngineId(loaded.name, loaded.version)
        self._context = PredictionContext(self.labels, self.pipeline, self.parameters, self.model_id, self.engine_id)
        self._one = (1, *self.image_shape)
        # An array of this shape may be the model input already; then every microsecond counts.
        self._ready = (SIZE, SIZE) if self.pipeline == "digit/2" and self.image_shape == (SIZE, SIZE, 1) else None
        # Ready arrays need no locator, so it is loaded with the first picture.
        self._locator: Locator | None = None
        self._locator_id = manifest.preprocessing.locator if manifest else None
        self._load_options = num_threads, verify
        self._loading = threading.Lock()
        # None once closed. A call takes it once, at its start: closing does not disturb an inference that runs.
        self._infer: PixelInference | None = refusing(pixel_inference(loaded, wrapping), loaded, model)
        if verify:
            check_at_load(model, self.classify_batch, f"{self.engine_id.name} {self.engine_id.version}")

    def classify(self, image: ImageSource | Picture, *, mnist: bool = False, bgr: bool = False) -> Prediction:
        """Classify one image.

        Parameters
        ----------
        image: a path, encoded bytes, a binary file, a PIL image, an array (see `read_picture`), or what that returns.
        mnist: whether a 28x28 image follows MNIST's convention (light ink on dark, centred) and is the model input as
            it is; by default a dark border decides.
        bgr: whether an array has its colours in the order of OpenCV.

        Raises
        ------
        ImageError: the image cannot be read, or is an array of a wrong shape, type or content.
        UsageError: the classifier is closed.

        """
        infer = self._infer
        if infer is None:
            raise self._closed_error()
        started = perf_counter_ns()
        if type(image) is np.ndarray and image.shape == self._ready and image.dtype == _UINT8:
            # The prediction keeps the bytes: cameras write the next frame into the array's memory.
            data = image.tobytes()
            if mnist or follows_mnist(data):
                prepared = perf_counter_ns()
                scores = infer(image.reshape(self._one))[0]
                times_ns = started, started, prepared, perf_counter_ns()
                return Prediction(np.ndarray, data, scores, times_ns, self._context)
        # The picture of an array has memory of its own.
        channels = channels_of(self.pipeline, self.image_shape)
        picture = read_picture(image, channels, bgr=bgr, limits=self._limits)
        started -= picture.decode_ns
        decoded = perf_counter_ns()
        seen = self._see(picture.pixels, is_array=isinstance(image, np.ndarray), mnist=mnist)
        prepared = perf_counter_ns()
        scores = infer(seen.image.reshape(self._one))[0]
        times_ns = started, decoded, prepared, perf_counter_ns()
        return Prediction(_source(image), (picture, seen), scores, times_ns, self._context)

    def _see(self, pixels: NDArray[np.uint8], *, is_array: bool, mnist: bool) -> Seen:
        """Return what the model is to see of a decoded picture; files are never taken for ready model inputs."""
        if self.pipeline != "digit/2":
            from edgedigits.images.resize import resize

            image = resize(pixels, *self.image_shape[:2])
            return Seen(image, passed_through=image is pixels)
        grey = pixels[..., 0]
        if (is_array or mnist) and (ready := pass_through(grey, mnist=mnist)) is not None:
            seen = Seen(ready, passed_through=True)
        else:
            from edgedigits.images.digits import see_one

            seen = see_one(self.locator, grey)
        return seen if self._ready else seen._replace(image=fit(seen.image[np.newaxis], self.image_shape)[0])

    @property
    def locator(self) -> Locator:
        """The network that finds digits in pictures; it is loaded when it is first asked for.

        Raises
        ------
        BundleError: this version of edgedigits does not have the locator with which the bundle was exported.
        ModelRejectedError, GoldenMismatchError: the engine refuses it, or computes something else.

        """
        with self._loading:
            if self._locator is None:
                from edgedigits.locating import Locator

                num_threads, verify = self._load_options
                self._locator = Locator(self._locator_id, self.engine_id.name, num_threads, verify=verify)
            return self._locator

    def classify_batch(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probabilities, float32 ``[N, classes]``, of model inputs, uint8 ``[N, H, W]`` or ``[N, H, W, C]``.

        Raises
        ------
        ImageError: the array has another type or shape.
        UsageError: the classifier is closed.

        """
        return self._classify_batch(self._open_infer(), images)

    def _classify_batch(self, infer: PixelInference, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        height, width, channels = self.image_shape
        if getattr(images, "dtype", None) != np.uint8:
            raise ImageError(f"batch: expected uint8 pixels, found {getattr(images, 'dtype', type(images).__name__)}")
        if images.ndim == 3 and channels == 1:
            images = images[..., np.newaxis]
        if images.shape[1:] != self.image_shape:
            raise ImageError(f"batch: expected [N, {height}, {width}, {channels}], found {list(images.shape)}")
        return infer(images)

    def read(self, image: ImageSource | Picture, *, bgr: bool = False) -> Reading:
        """Read all digits of a picture in lines and words; ``image`` and ``bgr`` are as for `classify`.

        Raises
        ------
        ImageError: the picture cannot be read.
        UsageError: the model is not one of digits, or the classifier is closed.

        """
        infer = self._open_infer()
        if self.pipeline != "digit/2":
            raise UsageError(
                f"read: expected a model of digits (pipeline digit/2), found {self.model.name}, of the pipeline "
                f"{self.pipeline}; classify with it, or export it with --preprocess digit if it is one"
            )
        from edgedigits.reader import Page, read_page

        page = Page(image, _name(image), self._limits, bgr=bgr)
        return read_page(page, self.locator, lambda crops: infer(fit(crops, self.image_shape)), self._context)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: an engine's memory belongs to its process.

        Raises
        ------
        TypeError: always.

        """
        raise TypeError(
            "a DigitClassifier cannot be pickled or copied, as its engine belongs to this process: make one in each"
        )

    def close(self) -> None:
        """Let go of the model; every later call raises UsageError.

        A call of another thread that runs meanwhile still returns its result, and the model's memory is free once the
        last of them has. Closing twice does nothing.
        """
        self._infer = None

    def __enter__(self) -> DigitClassifier:
        """Return the classifier itself.

        Raises
        ------
        UsageError: the classifier is closed.

        """
        self._open_infer()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the classifier."""
        self.close()

    def _open_infer(self) -> PixelInference:
        """Return the inference function, unless the classifier is closed."""
        infer = self._infer
        if infer is None:
            raise self._closed_error()
        return infer

    def _closed_error(self) -> UsageError:
        return UsageError(f"{self.model.name}: this classifier is closed; make another")


def _name(image: ImageSource | Picture) -> str:
    return str(image) if isinstance(image, _PATHS) else type(image).__name__


def _source(image: ImageSource | Picture) -> str | Path | type:
    """Return what a prediction keeps of an image: its path, or its type, so that the object itself can go."""
    return image if isinstance(image, _PATHS) else type(image)
