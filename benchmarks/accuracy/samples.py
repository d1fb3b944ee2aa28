"""Pictures with their labels through a classifier, and the counts of what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits import DigitClassifier
from edgedigits.verification.statistics import wilson

Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """One picture to be classified.

    Attributes
    ----------
    image: uint8 ``[H, W]``.
    truth: the digit as text, or "" for what is no digit and has to be refused.

    """

    image: Grey
    truth: str


@dataclass(frozen=True, slots=True)
class ReadOutcome:
    """One prediction: ``label`` is "" where nothing was inferred, ``rejected`` None or the reason."""

    truth: str
    label: str
    rejected: str | None

    @property
    def right(self) -> bool:
        """Whether a digit was classified rightly and not refused, or what is no digit was refused."""
        return self.rejected is not None if not self.truth else self.label == self.truth and self.rejected is None


def evaluate_samples(classifier: DigitClassifier, samples: Iterable[LabelledPicture]) -> list[ReadOutcome]:
    """Classify all samples."""
    outcomes = []
    for sample in samples:
        prediction = classifier.classify(sample.image)
        outcomes.append(ReadOutcome(sample.truth, prediction.label or "", prediction.rejected))
    return outcomes


def summary(outcomes: Sequence[ReadOutcome]) -> dict[str, Any]:
    """Return counts and shares, named as `edgedigits eval --json` names them."""
    labelled, none = [one for one in outcomes if one.truth], [one for one in outcomes if not one.truth]
    told: dict[str, Any] = {"n": len(outcomes)}
    if labelled:
        right = sum(one.right for one in labelled)
        told |= {
            "top1": right / len(labelled),
            "ci95": list(wilson(right, len(labelled))),
            "top1_unrejected": sum(one.label == one.truth for one in labelled) / len(labelled),
        }
    if none:
        refused = sum(one.right for one in none)
        told |= {"refused": refused / len(none), "refused_ci95": list(wilson(refused, len(none)))}
    return told | {
        "rejected": sum(one.rejected is not None for one in outcomes),
        "rejected_wrongly": sum(one.rejected is not None for one in labelled),
        "accepted_wrongly": sum(one.rejected is None for one in none),
        "reasons": dict(Counter(one.rejected for one in outcomes if one.rejected).most_common()),
    }
