"""Run edgedigits itself: `DigitClassifier().classify(array)`, with its checks and rejection."""

from __future__ import annotations

from typing import Any

from clock import Loaded, serve

NONE = -1  # refused before any inference: no digit, so never right


def load(request: dict[str, Any]) -> Loaded:  # noqa: ARG001 - the bundle in the package, not a file
    """Load what a user gets who says nothing."""
    from edgedigits import DigitClassifier

    classifier = DigitClassifier()

    def classify(image: Any) -> int:
        digit = classifier.classify(image).digit
        return NONE if digit is None else digit

    return Loaded(classify, note=f"{classifier.engine_id.name} {classifier.engine_id.version}")


if __name__ == "__main__":
    serve(load)
