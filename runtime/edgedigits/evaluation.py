"""Accuracy over folders of pictures named by label, rejection included."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgedigits.classifier import DigitClassifier
from edgedigits.datasets.own import label_folders
from edgedigits.errors import DatasetError, ImageError
from edgedigits.verification.statistics import wilson

NONE = "none"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One picture: its true label, the predicted one, and whether the prediction was rejected."""

    label: str
    predicted: str
    rejected: bool


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The outcomes of all pictures, and a line for each picture that could not be read."""

    outcomes: tuple[Outcome, ...]
    errors: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the object that ``eval --json`` prints."""
        labelled = [one for one in self.outcomes if one.label != NONE]
        right = [one for one in labelled if one.predicted == one.label and not one.rejected]
        return {
            "n": len(self.outcomes),
            "top1": len(right) / len(labelled) if labelled else None,
            "top1_unrejected": sum(one.predicted == one.label for one in labelled) / len(labelled)
            if labelled
            else None,
            "ci95": list(wilson(len(right), len(labelled))) if labelled else None,
            "per_class": {label: self._class(label) for label in dict.fromkeys(one.label for one in labelled)},
            "rejected": sum(one.rejected for one in self.outcomes),
            "rejected_wrongly": sum(one.rejected for one in labelled),
            "accepted_wrongly": sum(one.label == NONE and not one.rejected for one in self.outcomes),
            "unreadable": len(self.errors),
        }

    def _class(self, label: str) -> dict[str, Any]:
        mine = [one for one in self.outcomes if one.label == label]
        right = sum(one.predicted == label and not one.rejected for one in mine)
        return {"n": len(mine), "top1": right / len(mine), "rejected": sum(one.rejected for one in mine)}


def evaluate(classifier: DigitClassifier, folder: Path, *, mnist: bool = False) -> Evaluation:
    """Classify every picture below ``folder``, which has one sub-folder for each label.

    The sub-folder ``none`` holds pictures that should be rejected.

    Raises
    ------
    DatasetError: there are no such folders, or one is not named after a label of the model.

    """
    files = label_folders(folder)
    if unknown := [label for label in files if label not in {*classifier.labels, NONE}]:
        raise DatasetError(
            f"{folder}: expected folders named {', '.join(classifier.labels)} or {NONE}, found {unknown[0]!r}"
        )
    outcomes, errors = [], []
    for label, paths in files.items():
        for path in paths:
            try:
                prediction = classifier.classify(path, mnist=mnist)
            except ImageError as error:
                errors.append(str(error))
                continue
            outcomes.append(Outcome(label, prediction.label, prediction.rejected is not None))
    return Evaluation(tuple(outcomes), tuple(errors))
