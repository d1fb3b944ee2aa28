"""edgedigits: classify and read digits on small boards with verified models.

>>> from edgedigits import DigitClassifier
>>> with DigitClassifier() as classifier:          # the small model that ships in the package
...     prediction = classifier.classify("7.png")  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgedigits.bundle import Bundle
    from edgedigits.classifier import DigitClassifier
    from edgedigits.errors import (
        BundleError,
        DatasetError,
        EdgeDigitsError,
        EngineMissingError,
        ExtraMissingError,
        GateFailedError,
        GoldenMismatchError,
        ImageError,
        InputError,
        MeasurementError,
        ModelRejectedError,
        OutputError,
        TargetError,
        UsageError,
    )
    from edgedigits.images.judge import Rejection
    from edgedigits.prediction import Prediction, Timing
    from edgedigits.reading import Reading

__version__ = "0.1.0"

__all__ = [
    "Bundle",
    "BundleError",
    "DatasetError",
    "DigitClassifier",
    "EdgeDigitsError",
    "EngineMissingError",
    "ExtraMissingError",
    "GateFailedError",
    "GoldenMismatchError",
    "ImageError",
    "InputError",
    "MeasurementError",
    "ModelRejectedError",
    "OutputError",
    "Prediction",
    "Reading",
    "Rejection",
    "TargetError",
    "Timing",
    "UsageError",
]

_MODULES = {
    "Bundle": "edgedigits.bundle",
    "DigitClassifier": "edgedigits.classifier",
    "Prediction": "edgedigits.prediction",
    "Reading": "edgedigits.reading",
    "Rejection": "edgedigits.images.judge",
    "Timing": "edgedigits.prediction",
}


def __getattr__(name: str) -> object:
    """Import public names when they are first used: `edgedigits --help` must not pay for numpy."""
    if name not in __all__:
        raise AttributeError(f"module 'edgedigits' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_MODULES.get(name, "edgedigits.errors")), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return [*__all__, "__version__"]
