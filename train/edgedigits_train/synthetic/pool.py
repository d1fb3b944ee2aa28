"""The pool: the synthetic images that ``--paper`` adds to the training set, drawn once by several processes.

Each image has a random generator of its own, seeded by its part and number, so the pool does not depend on the count of
processes.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets import Dataset
from edgedigits.errors import OutputError, UsageError
from edgedigits.images.convention import SIZE
from edgedigits.images.normalise import normalise
from edgedigits.images.normalised import Normalised
from edgedigits_train.synthetic.handwriting import draw_style
from edgedigits_train.synthetic.ink import Ink, distort, from_mnist, resemblance
from edgedigits_train.synthetic.outliers import SHARES, draw_outlier
from edgedigits_train.synthetic.paper import Picture, photograph
from edgedigits_train.synthetic.printed import DIGITS, random_character

Rng = np.random.Generator

# First part of the spawn key of all generators here ("PAPR"). Scripts that evaluate models take other keys, so that
# they never draw an image that was trained on, whatever their seed.
SPAWN_KEY = 0x50415052
# The part "forms" has handwriting styles that MNIST lacks, "outliers" has images that are not digits.
PARTS = ("handwritten", "forms", "printed", "outliers")
# The count of images for each digit of the data, by part.
AMOUNTS = {"handwritten": 1.0, "forms": 0.12, "printed": 0.10, "outliers": 0.18}
OUTLIER = -1
# The least cosine similarity between the pipeline's output and the ink in its input.
LEAST_RESEMBLANCE = 0.75
# The greatest width of an upright bar in pixels.
BAR = 8
_TRIES = 6
_CHUNK = 200


@dataclass(frozen=True, slots=True)
class Pool:
    """Labelled images as the device's pipeline hands them to the network.

    Attributes
    ----------
    images: uint8 ``[N, 28, 28, 1]``.
    labels: the digits, or `OUTLIER`, int64 ``[N]``.
    parts: indices into `PARTS`, uint8 ``[N]``.

    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    parts: NDArray[np.uint8]

    def __len__(self) -> int:
        """Return the count of images."""
        return len(self.images)

    def sha256(self) -> str:
        """Return the SHA-256 of pixels, labels and parts."""
        digest = hashlib.sha256(self.images.data)
        digest.update(np.ascontiguousarray(self.labels, dtype="<i8").data)
        digest.update(self.parts.data)
        return digest.hexdigest()

    def counts(self) -> dict[str, int]:
        """Return the count of images by part."""
        found = np.bincount(self.parts, minlength=len(PARTS))
        return {name: int(count) for name, count in zip(PARTS, found, strict=True)}


@dataclass(frozen=True, slots=True)
class Maker:
    """Draws single images from a data set's digits; ``side`` distinguishes pools of the same seed."""

    data: Dataset
    seed: int
    side: int

    def make(self, part: int, number: int) -> tuple[NDArray[np.uint8], int] | None:
        """Return an image, uint8 ``[28, 28]``, and its label, or None if the pipeline rejected all attempts."""
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(SPAWN_KEY, self.side, part, number)))
        for _ in range(_TRIES):
            label, picture = self.draw(PARTS[part], number, rng)
            normalised = normalise(picture.grey, mnist=picture.mnist)
            if normalised.rejected is None and _is_shown(picture, normalised):
                return normalised.image, label
        return None

    def pick(self, label: int, rng: Rng) -> Ink:
        """Return the ink of a random digit of the data with that label."""
        rows = np.flatnonzero(self.data.labels == label)
        return from_mnist(self.data.images[rows[rng.integers(len(rows))], ..., 0])

    def draw(self, part: str, number: int, rng: Rng) -> tuple[int, Picture]:
        """Return a label and a picture as a device would receive it; ``number`` selects a handwritten digit."""
        match part:
            case "handwritten":
                row = number % len(self.data)
                ink, label = from_mnist(self.data.images[row, ..., 0]), int(self.data.labels[row])
            case "forms":
                label, ink = draw_style(self.pick, rng)
            case "printed":
                character, ink = random_character(DIGITS, rng)
                label = int(character)
            case _:
                kinds, shares = zip(*SHARES, strict=True)
                kind = kinds[int(np.searchsorted(np.cumsum(shares), rng.random() * sum(shares)))]
                return OUTLIER, draw_outlier(kind, self.pick, rng)
        return label, photograph(distort(ink, rng), rng)


def _is_shown(picture: Picture, normalised: Normalised) -> bool:
    """Return whether the pipeline's image shows what the label says, not a part of it or its surroundings."""
    if normalised.passed_through:
        return True
    if picture.ink is not None:
        return resemblance(normalised.image, picture.ink) >= LEAST_RESEMBLANCE
    # Light and noise may leave an upright bar, which is a 1.
    return int((normalised.image > 64).any(axis=0).sum()) > BAR


def require_mnist_digits(data: Dataset) -> None:
    """Refuse data that a pool cannot be made from: it needs images of all ten digits in MNIST's format.

    Raises
    ------
    UsageError: the data has other classes or images of another size, or lacks a digit.

    """
    if data.names != tuple(DIGITS) or data.images.shape[1:] != (SIZE, SIZE, 1):
        raise UsageError(
            f"--paper: expected the ten classes 0 to 9 and images [28, 28, 1], found {len(data.names)} classes "
            f"({', '.join(data.names[:3])}, ...) and {list(data.images.shape[1:])}; leave --paper out"
        )
    if missing := sorted(set(range(10)) - set(data.labels.tolist())):
        raise UsageError(f"--paper: expected images of every digit, found none of {missing[0]}; leave --paper out")


def make_pool(data: Dataset, *, seed: int, side: int, processes: int) -> Pool:
    """Draw the pool of a data set (see `require_mnist_digits`), with as many images as `AMOUNTS` says.

    Raises
    ------
    OutputError: a process died, most likely because memory ran out.

    """
    jobs = [
        (part, number) for part, name in enumerate(PARTS) for number in range(max(1, round(AMOUNTS[name] * len(data))))
    ]
    chunks = [jobs[start : start + _CHUNK] for start in range(0, len(jobs), _CHUNK)]
    maker = Maker(data, seed, side)
    made = [result for chunk in _run(maker, chunks, min(processes, len(chunks))) for result in chunk]
    kept = [(job[0], *result) for job, result in zip(jobs, made, strict=True) if result is not None]
    return Pool(
        images=np.stack([image for _, image, _ in kept])[..., np.newaxis],
        labels=np.array([label for _, _, label in kept], np.int64),
        parts=np.array([part for part, _, _ in kept], np.uint8),
    )


Jobs = list[tuple[int, int]]
Results = list[tuple[NDArray[np.uint8], int] | None]


def _run(maker: Maker, chunks: list[Jobs], processes: int) -> Iterator[Results]:
    if processes <= 1:
        yield from ([maker.make(*job) for job in chunk] for chunk in chunks)
        return
    # Processes are spawned: a fork would copy the locks of TensorFlow's threads, but not the threads.
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(processes, context, initializer=_start, initargs=(maker,)) as executor:
            yield from executor.map(_make_chunk, chunks)
    except BrokenProcessPool as error:
        raise OutputError("--paper: a process that draws images died; free memory, or say --threads 1") from error


_own: list[Maker] = []


def _start(maker: Maker) -> None:
    """Set up a new process: keep the data, leave Ctrl-C to the parent, and end when the parent ends."""
    _own.append(maker)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _make_chunk(chunk: Jobs) -> Results:
    return [_own[0].make(*job) for job in chunk]
