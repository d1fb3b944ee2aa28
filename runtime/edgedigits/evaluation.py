"""Accuracy over folders of pictures named by label, rejection included."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgedigits.classifier import DigitClassifier
from edgedigits.datasets.labels import match_names
from edgedigits.datasets.own import label_folders
from edgedigits.errors import ImageError
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

    The sub-folder ``none`` holds pictures that should be rejected; a folder stands for a label as in `match_names`.

    Raises
    ------
    DatasetError: there are no such folders, or one is not named after a label of the model.

    """
    files = label_folders(folder)
    folders = [name for name in files if name != NONE]
    numbers = match_names(folders, classifier.labels, str(folder))
    meant = {NONE: NONE} | {name: classifier.labels[index] for name, index in zip(folders, numbers, strict=True)}
    outcomes, errors = [], []
    for name, paths in files.items():
        for path in paths:
            try:
                prediction = classifier.classify(path, mnist=mnist)
            except ImageError as error:
                errors.append(str(error))
                continue
            outcomes.append(Outcome(meant[name], prediction.label, prediction.rejected is not None))
    return Evaluation(tuple(outcomes), tuple(errors))
