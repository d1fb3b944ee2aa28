"""Classify all pictures of a folder in a process of its own, so that a crash or a hang ends that process alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple, cast

from edgedigits.bundle import Variant
from edgedigits.classifier import DigitClassifier
from edgedigits.datasets.own import image_files
from edgedigits.engines import EngineName
from edgedigits.errors import ImageError
from edgedigits.isolation import report_to_parent, run_isolated


class Answer(NamedTuple):
    """What a bundle answers to a picture; neither label nor rejection where it cannot be read."""

    picture: str
    label: str | None
    rejected: str | None

    @property
    def said(self) -> str | None:
        """What a caller gets: the label, ``refused``, or nothing for what cannot be read."""
        return "refused" if self.rejected else self.label


def replay(bundle: Path, variant: str, engine: str, folder: Path) -> list[Answer]:
    """Return the answer to each picture below ``folder``, in the order of their paths.

    Raises
    ------
    EdgeDigitsError: the engine refuses the bundle or crashes, or its golden inputs fail.

    """
    arguments = [str(bundle), variant, engine, str(folder)]
    return [Answer(*one) for one in run_isolated(__name__, arguments, f"{variant} in {engine}")]


def _replay_in_this_process(bundle: str, variant: str, engine: str, folder: str) -> list[Any]:
    with DigitClassifier(bundle, variant=cast("Variant", variant), engine=cast("EngineName", engine)) as classifier:
        return [_answer(classifier, path, str(path.relative_to(folder))) for path in image_files(Path(folder))]


def _answer(classifier: DigitClassifier, path: Path, name: str) -> tuple[str, str | None, str | None]:
    try:
        prediction = classifier.classify(path)
    except ImageError:
        return name, None, None
    rejected = prediction.rejected
    return name, prediction.label, str(rejected) if rejected else None


if __name__ == "__main__":
    raise SystemExit(report_to_parent(lambda: _replay_in_this_process(*sys.argv[1:])))
