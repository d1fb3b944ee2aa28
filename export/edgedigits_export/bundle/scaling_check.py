"""Does a model's scaling fit its labelled images? It is asked itself, with this scaling and with others.

Pixels divided by 255 in the script that trained a model are the commonest scaling that is forgotten, and nothing in the
model's file tells of it. A model that is fed 255 times too much may still be right, but is sure of all it says; so the
likelihood of the labels decides, not their count alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets import Dataset
from edgedigits.errors import UsageError
from edgedigits.verification.statistics import KL_FLOOR, Z95, tango, wilson
from edgedigits_export.bundle.finished import FinishedModel
from edgedigits_export.bundle.label_order import require_order
from edgedigits_export.keras_model.frozen import FrozenModel
from edgedigits_export.keras_model.scaling import Scaling

USUAL = (Scaling(), Scaling(1 / 255), Scaling(1 / 127.5, (1.0,)))
# Probabilities that differ by less are those of a model that normalises its input: any scaling will do.
_SAME = 1e-3


AskedModel = FrozenModel | FinishedModel


@dataclass(frozen=True, slots=True)
class Trial:
    """What a model says of labelled images, and of blends of two of them, with one scaling.

    Attributes
    ----------
    right: whether the likeliest class is the label, bool ``[N]``.
    losses: the negative log likelihood of each image's label, in nats, float64 ``[N]``.
    blend_losses: the same of each blend, for one half the label of each image that it is made of, float64 ``[M]``.

    """

    scaling: Scaling
    probabilities: NDArray[np.float32]
    right: NDArray[np.bool_]
    losses: NDArray[np.float64]
    blend_losses: NDArray[np.float64]

    @classmethod
    def of(cls, model: AskedModel, scaling: Scaling, data: Dataset) -> Trial:
        """Ask the model."""
        first, second = _pairs(data)
        blends = ((data.images[first].astype(np.uint16) + data.images[second]) // 2).astype(np.uint8)
        said = np.nan_to_num(replace(model, scaling=scaling).predict(np.concatenate([data.images, blends])))
        losses = -np.log(np.maximum(said.astype(np.float64), KL_FLOOR))
        own, blended = losses[: len(data)], losses[len(data) :]
        rows = np.arange(len(blended))
        return cls(
            scaling=scaling,
            probabilities=said[: len(data)],
            right=said[: len(data)].argmax(axis=1) == data.labels,
            losses=own[np.arange(len(data)), data.labels],
            blend_losses=(blended[rows, data.labels[first]] + blended[rows, data.labels[second]]) / 2,
        )

    @property
    def loss(self) -> float:
        """The mean loss of images and blends."""
        return float(self.losses.mean() + self.blend_losses.mean()) if len(self.blend_losses) else 0.0

    @property
    def share(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share of labels that are found."""
        return wilson(int(self.right.sum()), len(self.right))

    def beats(self, other: Trial) -> bool:
        """Return whether the labels are found more often than with another scaling, or as often and likelier.

        A model that knows these very images by heart is right and sure of them with any scaling; what it says of blends
        shows whether it is sure of everything. All is judged at the ends of 95 % intervals.
        """
        if not self.is_as_right_as(other) or not other.is_as_right_as(self):
            return self.is_as_right_as(other)
        return _lower(self.losses, other.losses) and _lower(self.blend_losses, other.blend_losses)

    def is_as_right_as(self, other: Trial) -> bool:
        """Return whether it may be chance if fewer labels are found than with another scaling."""
        lost, gained = int((other.right & ~self.right).sum()), int((self.right & ~other.right).sum())
        return tango(lost, gained, len(self.right))[0] <= 0

    def equals(self, other: Trial) -> bool:
        """Return whether the model says the same with another scaling."""
        return bool(np.abs(self.probabilities - other.probabilities).max() < _SAME)

    def told(self) -> str:
        """Return what it came to, for people."""
        low, high = self.share
        return (
            f"{self.scaling.options}: {self.right.mean():.1%} right ({low:.1%} to {high:.1%}), "
            f"loss {self.losses.mean():.3g}, of blends {self.blend_losses.mean() if len(self.blend_losses) else 0:.3g}"
        )


def _pairs(data: Dataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of pairs of images with different labels."""
    order = np.random.default_rng(0).permutation(len(data))
    other = np.roll(order, 1)
    differ = data.labels[order] != data.labels[other]
    return order[differ], other[differ]


def _lower(losses: NDArray[np.float64], others: NDArray[np.float64]) -> bool:
    gain = others - losses
    return len(gain) > 1 and float(gain.mean()) > Z95 * float(gain.std(ddof=1)) / len(gain) ** 0.5


def require_raw_pixels(model: AskedModel, data: Dataset) -> None:
    """Raise unless a model of which no scaling was said takes pixels from 0 to 255 as they are.

    Raises
    ------
    UsageError: pixels as they are do not make the labels clearly likeliest, or with none of the usual scalings the
        labels are in the order of its classes; the message has the options to say.

    """
    trials = [Trial.of(model, scaling, data) for scaling in USUAL]
    require_order([trial.probabilities for trial in trials], data)
    raw, *others = trials
    if all(raw.beats(other) or raw.equals(other) for other in others):
        return
    best = min((raw, *others), key=lambda trial: trial.loss)
    guessed = np.bincount(data.labels).max() / len(data)
    certain = best is not raw and best.share[0] > guessed and all(best.is_as_right_as(one) for one in (raw, *others))
    say = f"say {best.scaling.options}" if certain else "say which: " + ", or ".join(one.options for one in USUAL)
    raise UsageError(
        f"expected a model that takes pixels from 0 to 255 as they are, and on {len(data)} images it is not clear that "
        f"this one does ({'; '.join(one.told() for one in (raw, *others))}); {say}"
        + ("; --scale 1 is never questioned" if certain else "")
    )


def require_likeliest(model: AskedModel, rivals: Sequence[Scaling], data: Dataset) -> None:
    """Raise where one of the ``rivals`` makes the labels clearly likelier than the scaling that was said.

    Raises
    ------
    UsageError: one does, or the labels are not in the order of the model's classes; the message has what to say.

    """
    own = Trial.of(model, model.scaling, data)
    better = [found for scaling in rivals if (found := Trial.of(model, scaling, data)).beats(own)]
    if better:
        best = min(better, key=lambda trial: trial.loss)
        raise UsageError(
            f"expected the scaling that makes the labels likeliest, found {own.told()}, where {best.told()}; "
            f"say {best.scaling.options}"
        )
    require_order([own.probabilities], data)


def rivals_of(said: Scaling, channels: int, *, with_scale: bool) -> list[Scaling]:
    """Return what a scaling may have been meant to be: divided by 255 as well, in the other order of the channels."""
    found = [said] if with_scale else [said, replace(said, scale=1 / 255)]
    if channels == 3:
        found += [replace(one, bgr=not one.bgr) for one in found]
        found += [replace(one, mean=one.mean[::-1], std=one.std[::-1]) for one in found]
    return [one for one in dict.fromkeys(found) if one != said]
