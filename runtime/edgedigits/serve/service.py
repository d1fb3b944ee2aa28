"""The state that all requests share: the classifier, the worker, the memory budget and the metrics."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgedigits.classifier import DigitClassifier
from edgedigits.errors import GateFailedError
from edgedigits.images.decode import Picture
from edgedigits.images.pipeline import channels_of
from edgedigits.manifest import ReferenceEngine
from edgedigits.reading import Reading
from edgedigits.serve.camera import Camera
from edgedigits.serve.decoder import Wanted
from edgedigits.serve.decoders import DEFAULT_FORMATS, Decoders, is_small
from edgedigits.serve.limits import Limits
from edgedigits.serve.memory_budget import MemoryBudget
from edgedigits.serve.metrics import Metrics
from edgedigits.serve.worker import Worker
from edgedigits.verification.golden import check_golden

_encode = json.JSONEncoder(allow_nan=False).encode  # json.dumps would make one a call

_SOURCE = "bytes"  # what the command calls a picture that has no name


@dataclass
class Service:
    """One running service.

    Attributes
    ----------
    formats: the formats of pictures that are taken.
    is_ending: whether new pictures are refused, since the service was told to end.
    verified_inputs: the number of golden inputs on which the model was verified; None for a file without a bundle.

    """

    classifier: DigitClassifier
    metrics: Metrics
    limits: Limits
    camera: Camera | None = None
    verified_inputs: int | None = None
    formats: tuple[str, ...] = DEFAULT_FORMATS
    is_ending: bool = False
    worker: Worker = field(init=False)
    decoders: Decoders = field(init=False)
    memory: MemoryBudget = field(init=False)

    def __post_init__(self) -> None:
        """Start the worker and the processes that decode pictures."""
        self.worker = Worker(self.limits.queue_length)
        self.decoders = Decoders(self.limits, self.formats)
        self.memory = MemoryBudget(self.limits.held_bytes)

    def why_not_ready(self) -> str | None:
        """Return why the service cannot take requests now, or None."""
        if self.worker.busy_s() > self.limits.stuck_s:
            return f"one picture has taken {self.worker.busy_s():.0f} seconds so far"
        return None

    async def picture(self, data: bytes, detail: int, disconnected: Callable[[], Awaitable[object]]) -> bytes | Picture:
        """Return a picture decoded by another process; one so small that it can do no harm as it is.

        Raises
        ------
        ImageError: it cannot be decoded.
        Problem: 503, there is no process for it now.

        """
        if is_small(data):
            return data
        channels = channels_of(self.classifier.pipeline, self.classifier.image_shape)
        return await self.decoders.decode(Wanted(data, channels, detail), disconnected)

    def classify(self, picture: bytes | Picture, *, model_input: bool) -> bytes:
        """Classify a picture and return the JSON that `classify --json` prints.

        ``model_input`` adds the model input as a PNG in base64. An ImageError says that it cannot be read.
        """
        prediction = self.classifier.classify(picture)
        values = prediction.to_dict() | {"source": _SOURCE}
        self._count(values, [prediction.rejected])
        if model_input:
            values["model_input"] = _png(prediction.model_input)
        return _encode(values).encode()

    def read(self, picture: bytes | Picture) -> bytes:
        """Read a picture and return the JSON that `read --json` prints; an ImageError says that it cannot be read."""
        reading = self.classifier.read(picture)
        values = reading.to_dict() | {"source": _SOURCE}
        self._count(values, [digit.rejection and digit.rejection.reason for digit in reading.digits])
        return _encode(values).encode()

    def read_frame(self, frame: NDArray[np.uint8]) -> Reading:
        """Read a frame of the camera, uint8 ``[H, W]``, with the classifier of this moment."""
        return self.classifier.read(frame)

    def card(self) -> dict[str, Any]:
        """Return the model, its engine, and the manifest of its bundle."""
        classifier = self.classifier
        bundle = classifier.model.bundle
        return {
            "model": classifier.model_id._asdict(),
            "engine": classifier.engine_id._asdict(),
            "labels": list(classifier.labels),
            "pipeline": classifier.pipeline,
            "image": list(classifier.image_shape),
            "camera": self.camera is not None,
            "manifest": None if bundle is None else json.loads((bundle.path / "manifest.json").read_bytes()),
        }

    def close(self) -> None:
        """End the processes at once and the worker after its present picture, then close the classifier."""
        self.decoders.close()
        self.worker.close()
        self.classifier.close()

    def _count(self, values: Mapping[str, Any], rejections: Iterable[str | None]) -> None:
        self.metrics.observe({stage: value for stage, value in values["timing_ms"].items() if stage != "total"})
        for reason in rejections:
            if reason is not None:
                self.metrics.count_rejection(reason)


def verify(classifier: DigitClassifier) -> int | None:
    """Verify the model on all golden inputs of its bundle; return their number, or None for a file without a bundle.

    The locator of a model of digits is loaded, and verified as at each load, so that no picture waits for it.

    Raises
    ------
    GateFailedError: some outputs differ from the recorded ones.

    """
    if classifier.pipeline == "digit/2":
        _ = classifier.locator
    bundle, file = classifier.model.bundle, classifier.model.file
    if bundle is None or file is None:
        return None
    engine = ReferenceEngine(*classifier.engine_id)
    result = check_golden(bundle, file, classifier.classify_batch(bundle.golden().images), engine)
    if not result.passed:
        raise GateFailedError(
            f"serve: expected the recorded outputs for {result.count} golden inputs, found {len(result.wrong)} that "
            f"differ, by {result.max_abs_difference:.3g} at most; edgedigits selftest shows more"
        )
    return result.count


def _png(pixels: Any) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()
