"""edgedigits: classify digits on small boards with models proved to answer as they did on the desk.

>>> from edgedigits import DigitClassifier
>>> with DigitClassifier() as classifier:          # the small model that ships in the package
...     prediction = classifier.classify("7.png")  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgedigits.bundle import Bundle
    from edgedigits.classifier import DigitClassifier
    from edgedigits.errors import EdgeDigitsError
    from edgedigits.prediction import Prediction

__version__ = "0.1.0"

__all__ = ["Bundle", "DigitClassifier", "EdgeDigitsError", "Prediction"]

_HOMES = {
    "Bundle": "edgedigits.bundle",
    "DigitClassifier": "edgedigits.classifier",
    "EdgeDigitsError": "edgedigits.errors",
    "Prediction": "edgedigits.prediction",
}


def __getattr__(name: str) -> object:
    """Import public names when first asked for: `edgedigits --help` must not pay for numpy."""
    if name not in _HOMES:
        raise AttributeError(f"module 'edgedigits' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names."""
    return [*__all__, "__version__"]
