"""What every request needs: the classifier, the worker, room, counters, and whether the service is fit to answer."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from edgedigits.classifier import DigitClassifier
from edgedigits.errors import GateFailedError
from edgedigits.manifest import ReferenceEngine
from edgedigits.serve.camera import Camera
from edgedigits.serve.limits import Limits
from edgedigits.serve.memory_budget import Store
from edgedigits.serve.metrics import Metrics
from edgedigits.serve.uploads import picture_of
from edgedigits.serve.worker import Worker
from edgedigits.verification.golden import check_golden

_encode = json.JSONEncoder(allow_nan=False).encode  # json.dumps would make one a call


@dataclass
class Service:
    """One running service.

    Attributes
    ----------
    proved: how many golden inputs were answered as recorded before the service began; None for a lone file.
    begun: requests that were begun and are not answered yet, as the server keeps them.

    """

    classifier: DigitClassifier
    metrics: Metrics
    limits: Limits
    camera: Camera | None = None
    proved: int | None = None
    begun: Collection[object] = ()
    worker: Worker = field(init=False)
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        """Start the worker."""
        self.worker = Worker(self.limits.places)
        self.store = Store(self.limits.stored_bytes)

    def unfit(self) -> str | None:
        """Why no requests should be sent here just now, or None."""
        if self.worker.busy_s() > self.limits.stuck_s:
            return f"one picture has taken {self.worker.busy_s():.0f} seconds so far"
        return None

    def classify(self, body: bytes, content_type: str | None, *, fed: bool) -> bytes:
        """The JSON of one answer, as `classify --json` prints it; ``fed`` adds what the model saw, PNG in base64.

        Raises
        ------
        Problem: the body is a form without a picture.
        ImageError: the picture cannot be read.

        """
        prediction = self.classifier.classify(picture_of(body, content_type))
        told = prediction.to_dict()
        self._count(told, [prediction.rejected])
        if fed:
            told["fed"] = None if prediction.digit is None else _png(prediction.model_input)
        return _encode(told).encode()

    def read(self, body: bytes, content_type: str | None) -> bytes:
        """The JSON of one page, as `read --json` prints it.

        Raises
        ------
        Problem: the body is a form without a picture.
        ImageError: the picture cannot be read.

        """
        reading = self.classifier.read(picture_of(body, content_type))
        told = reading.to_dict()
        self._count(told, [digit.rejection and digit.rejection.reason for digit in reading.digits])
        return _encode(told).encode()

    def card(self) -> dict[str, Any]:
        """Which model answers, in which engine, and its bundle's manifest."""
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
        """End the worker after the picture that it is at, then let go of the model."""
        self.worker.close()
        self.classifier.close()

    def _count(self, told: Mapping[str, Any], rejections: Iterable[str | None]) -> None:
        self.metrics.observe({stage: value for stage, value in told["timing_ms"].items() if stage != "total"})
        for reason in rejections:
            if reason is not None:
                self.metrics.count_rejection(reason)


def prove(classifier: DigitClassifier) -> int | None:
    """Answer all golden inputs of the classifier's bundle; returns how many, None for a file without a bundle.

    Raises
    ------
    GateFailedError: some are answered otherwise than recorded.

    """
    bundle, file = classifier.model.bundle, classifier.model.file
    if bundle is None or file is None:
        return None
    me = ReferenceEngine(*classifier.engine_id)
    result = check_golden(bundle, file, classifier.classify_batch(bundle.golden().images), me)
    if not result.passed:
        raise GateFailedError(
            f"serve: {len(result.wrong)} of {result.count} golden inputs are answered otherwise than recorded, by "
            f"{result.max_abs_difference:.3g} at most; edgedigits selftest tells more"
        )
    return result.count


def _png(pixels: Any) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()
