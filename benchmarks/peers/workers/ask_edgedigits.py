"""edgedigits itself: what `DigitClassifier().classify(array)` answers, decoding, checks and judgement included."""

from __future__ import annotations

from typing import Any

from clock import Loaded, serve

NONE = -1  # refused before any inference: no digit, so never right


def load(asked: dict[str, Any]) -> Loaded:  # noqa: ARG001 - the bundle in the package, not a file
    """Load what a user gets who says nothing."""
    from edgedigits import DigitClassifier

    classifier = DigitClassifier()

    def answer(image: Any) -> int:
        digit = classifier.classify(image).digit
        return NONE if digit is None else digit

    return Loaded(answer, note=f"{classifier.engine_id.name} {classifier.engine_id.version}")


if __name__ == "__main__":
    serve(load)
