"""Pictures through a classifier, and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from drawing import Grey, Sample

from edgedigits import DigitClassifier
from edgedigits.verification.statistics import wilson

WORST = 10


@dataclass(frozen=True, slots=True)
class Outcome:
    """One answer: ``answer`` "" where nothing was inferred, ``rejected`` None or the reason."""

    truth: str
    kind: str
    name: str
    answer: str
    rejected: str | None
    confidence: float

    @property
    def right(self) -> bool:
        """Answered rightly, or rightly refused."""
        return self.rejected is not None if not self.truth else self.answer == self.truth and self.rejected is None

    @property
    def badness(self) -> float:
        """For the list of the worst: sure and wrong before refused, 0 for what is right."""
        return 0.0 if self.right else 0.001 + self.confidence + (self.rejected is None)


@dataclass(frozen=True, slots=True)
class Failure:
    """What is drawn on the sheet of failures: the picture, what the model saw, and the words beside them."""

    image: Grey
    fed: Grey
    outcome: Outcome


def judge(classifier: DigitClassifier, samples: Iterable[Sample]) -> tuple[list[Outcome], list[Failure]]:
    """All outcomes, and the ten worst failures."""
    outcomes, worst = [], []
    for sample in samples:
        said = classifier.classify(sample.image)
        outcome = Outcome(sample.truth, sample.kind, sample.name, said.label or "", said.rejected, said.confidence)
        outcomes.append(outcome)
        if outcome.badness:
            worst.append(Failure(sample.image, said.model_input, outcome))
            worst = sorted(worst, key=lambda one: -one.outcome.badness)[:WORST]
    return outcomes, worst


def summary(outcomes: list[Outcome]) -> dict[str, Any]:
    """Counts and shares, named as `edgedigits eval --json` names them; and by kind where there are several."""
    told = _counts(outcomes)
    kinds = dict.fromkeys(outcome.kind for outcome in outcomes)
    if 1 < len(kinds) <= 100:
        told["kinds"] = {kind: _brief([one for one in outcomes if one.kind == kind]) for kind in kinds}
    if names := Counter(one.name for one in outcomes if one.name and not one.truth and not one.right):
        told["accepted_names"] = dict(names.most_common())
    return told


def _counts(outcomes: list[Outcome]) -> dict[str, Any]:
    labelled = [one for one in outcomes if one.truth]
    none = [one for one in outcomes if not one.truth]
    told: dict[str, Any] = {"n": len(outcomes)}
    if labelled:
        right = sum(one.right for one in labelled)
        told |= {
            "top1": right / len(labelled),
            "ci95": list(wilson(right, len(labelled))),
            "top1_unrejected": sum(one.answer == one.truth for one in labelled) / len(labelled),
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


def _brief(outcomes: list[Outcome]) -> dict[str, Any]:
    """One kind: the share that is right, and the reasons of refusals."""
    return {
        "n": len(outcomes),
        "right": sum(one.right for one in outcomes) / len(outcomes),
        "reasons": dict(Counter(one.rejected for one in outcomes if one.rejected).most_common()),
    }
