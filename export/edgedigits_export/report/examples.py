"""Choose images to show with a file's answers, and count by class what it takes for what."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgedigits.bundle import Bundle
from edgedigits.datasets import Dataset
from edgedigits.errors import BundleError
from edgedigits.verification.parity import explain_missing_reference
from edgedigits.verification.reference_data import load_reference_data

_SHOWN = 20
# The longest side of a picture in the page, in pixels; smaller ones are enlarged by the browser.
_SIDE = 112


@dataclass(frozen=True, slots=True)
class Example:
    """An image with its answer; ``label`` is None where the right one is not known."""

    picture: str
    answer: str
    confidence: float
    label: str | None


@dataclass(frozen=True, slots=True)
class ClassRow:
    """The images of a class: how many are right, in the reference and in the file, and what the others are taken for.

    Attributes
    ----------
    taken_for: the names of other classes with the number of images, most first; empty where it is not known.

    """

    name: str
    count: int
    before: int
    right: int
    taken_for: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """The images of the reference with what a file answers.

    Attributes
    ----------
    probabilities: float32 ``[N, classes]``, the reference's but for images whose class changes: there the file's own.

    """

    data: Dataset
    probabilities: NDArray[np.float32]


def read_answers(bundle: Bundle, place: str, comparison: dict[str, Any]) -> Answers:
    """Return the images of the reference, read from ``place``, with the answers of the file that was compared.

    Raises
    ------
    DatasetError, BundleError: the images are not there, or are others.

    """
    data = load_reference_data(bundle, place)
    probabilities = bundle.reference()
    missing = explain_missing_reference(bundle, data)
    if probabilities is None or missing is not None:
        raise BundleError(str(missing))
    for flip in comparison["flips"]:
        probabilities[flip["index"]] = flip["answer"]
    return Answers(data, probabilities)


def ordinary_examples(answers: Answers, labels: Sequence[str]) -> list[Example]:
    """Return one right image for each class that has one, of many classes some, evenly."""
    truth = answers.data.labels
    right = np.flatnonzero(answers.probabilities.argmax(axis=1) == truth)
    first = [int(right[truth[right] == label][0]) for label in np.unique(truth[right])]
    chosen = np.unique(np.linspace(0, len(first) - 1, min(len(first), _SHOWN)).astype(int)) if first else []
    return [_example(answers, first[index], labels) for index in chosen]


def wrong_examples(answers: Answers, labels: Sequence[str]) -> list[Example]:
    """Return the wrong images with the most confidence, most first."""
    wrong = np.flatnonzero(answers.probabilities.argmax(axis=1) != answers.data.labels)
    surest = wrong[np.argsort(-answers.probabilities[wrong].max(axis=1), kind="stable")]
    return [_example(answers, index, labels) for index in surest[:_SHOWN].tolist()]


def golden_examples(bundle: Bundle, file: str) -> tuple[str, list[Example]]:
    """Return whose outputs of a file the bundle recorded, and its golden inputs with them, the surest first."""
    golden, labels = bundle.golden(), bundle.manifest.labels
    engine, outputs = next(iter(golden.expected[file].items()))
    top = np.sort(outputs, axis=1)
    order = np.argsort(top[:, -2] - top[:, -1], kind="stable").tolist()
    shown = [
        Example(_data_url(golden.images[one]), labels[outputs[one].argmax()], float(outputs[one].max()), None)
        for one in order
    ]
    return f"{engine.engine} {engine.version}", shown


def class_rows(comparison: dict[str, Any], answers: Answers | None, labels: Sequence[str]) -> list[ClassRow]:
    """Return a row for each class that has images, the worst first."""
    rows = [
        ClassRow(labels[one["label"]], one["count"], one["before"], one["after"], _taken_for(answers, one, labels))
        for one in comparison["per_class"]
    ]
    return sorted(rows, key=lambda row: row.right / row.count)


def _taken_for(answers: Answers | None, one: dict[str, Any], labels: Sequence[str]) -> tuple[tuple[str, int], ...]:
    if answers is None:
        return ()
    given = answers.probabilities[answers.data.labels == one["label"]].argmax(axis=1).tolist()
    counts = Counter(index for index in given if index != one["label"])
    return tuple((labels[index], number) for index, number in counts.most_common(2))


def _example(answers: Answers, index: int, labels: Sequence[str]) -> Example:
    scores, label = answers.probabilities[index], labels[answers.data.labels[index]]
    return Example(_data_url(answers.data.images[index]), labels[scores.argmax()], float(scores.max()), label)


def _data_url(pixels: NDArray[np.uint8]) -> str:
    """Return an image, uint8 ``[H, W, C]``, as a small PNG: three channels in colour, of others the first."""
    picture = Image.fromarray(pixels if pixels.shape[-1] == 3 else pixels[..., 0])
    picture.thumbnail((_SIDE, _SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
