"""The images that ``--paper`` adds to a run: made once, before the first epoch, by several processes.

Each image has a random generator of its own, which its part and number alone decide; so the pool does not depend on
how many processes make it.
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
from edgedigits_train.synthetic.handwriting import draw_form
from edgedigits_train.synthetic.ink import Ink, distort, from_mnist, resemblance
from edgedigits_train.synthetic.outliers import SHARES, draw_outlier
from edgedigits_train.synthetic.paper import Picture, photograph
from edgedigits_train.synthetic.printed import DIGITS, random_character

Rng = np.random.Generator

# Opens the spawn key of every generator here, "PAPR". Scripts that judge models take other keys, so that whatever
# their seed they never draw what was trained on.
SPAWN_KEY = 0x50415052
PARTS = ("handwritten", "forms", "printed", "outliers")
# Images for each digit of the data, by part.
AMOUNTS = {"handwritten": 1.0, "forms": 0.12, "printed": 0.10, "outliers": 0.18}
OUTLIER = -1
# Cosine similarity between what the pipeline gives and the ink that it was given.
LEAST_RESEMBLANCE = 0.75
# Pixels: the width of an upright bar at most.
BAR = 8
_TRIES = 6
_CHUNK = 200


@dataclass(frozen=True, slots=True)
class Pool:
    """Images as the device's pipeline hands them to the network.

    Attributes
    ----------
    images: uint8 ``[N, 28, 28, 1]``.
    labels: int64 ``[N]``, the digit, or `OUTLIER`.
    parts: uint8 ``[N]``, indices into `PARTS`.

    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    parts: NDArray[np.uint8]

    def __len__(self) -> int:
        """Count of images."""
        return len(self.images)

    def sha256(self) -> str:
        """Hash of pixels, labels and parts."""
        digest = hashlib.sha256(self.images.data)
        digest.update(np.ascontiguousarray(self.labels, dtype="<i8").data)
        digest.update(self.parts.data)
        return digest.hexdigest()

    def counts(self) -> dict[str, int]:
        """How many images each part has."""
        found = np.bincount(self.parts, minlength=len(PARTS))
        return {name: int(count) for name, count in zip(PARTS, found, strict=True)}


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes single images from a data set's digits; ``side`` tells pools of one seed apart."""

    data: Dataset
    seed: int
    side: int

    def make(self, part: int, number: int) -> tuple[NDArray[np.uint8], int] | None:
        """Image uint8 ``[28, 28]`` and label; None where the pipeline refused every attempt."""
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(SPAWN_KEY, self.side, part, number)))
        for _ in range(_TRIES):
            label, picture = self.draw(PARTS[part], number, rng)
            fed = normalise(picture.grey, mnist=picture.mnist)
            if fed.rejected is None and _is_shown(picture, fed):
                return fed.image, label
        return None

    def pick(self, label: int, rng: Rng) -> Ink:
        """The ink of a random digit of the data with that label."""
        rows = np.flatnonzero(self.data.labels == label)
        return from_mnist(self.data.images[rows[rng.integers(len(rows))], ..., 0])

    def draw(self, part: str, number: int, rng: Rng) -> tuple[int, Picture]:
        """Label and picture, as the device would be handed it; ``number`` chooses among the handwritten digits."""
        match part:
            case "handwritten":
                row = number % len(self.data)
                ink, label = from_mnist(self.data.images[row, ..., 0]), int(self.data.labels[row])
            case "forms":
                label, ink = draw_form(self.pick, rng)
            case "printed":
                character, ink = random_character(DIGITS, rng)
                label = int(character)
            case _:
                kinds, shares = zip(*SHARES, strict=True)
                kind = kinds[int(np.searchsorted(np.cumsum(shares), rng.random() * sum(shares)))]
                return OUTLIER, draw_outlier(kind, self.pick, rng)
        return label, photograph(distort(ink, rng), rng)


def _is_shown(picture: Picture, fed: Normalised) -> bool:
    """Whether the pipeline's image still is what the label says, not a part of it or what was around it."""
    if fed.passed_through:
        return True
    if picture.ink is not None:
        return resemblance(fed.image, picture.ink) >= LEAST_RESEMBLANCE
    # Light and noise may leave an upright bar, which is a 1.
    return int((fed.image > 64).any(axis=0).sum()) > BAR


def refuse_other_data(data: Dataset) -> None:
    """Say so when ``data`` is not digits of MNIST's form, from which alone a pool can be made.

    Raises
    ------
    UsageError: other classes or another size, or a digit without any image.

    """
    if data.names != tuple(DIGITS) or data.images.shape[1:] != (SIZE, SIZE, 1):
        raise UsageError(
            f"--paper: expected the ten classes 0 to 9 and images [28, 28, 1], found {len(data.names)} classes "
            f"({', '.join(data.names[:3])}, ...) and {list(data.images.shape[1:])}; leave --paper out"
        )
    if missing := sorted(set(range(10)) - set(data.labels.tolist())):
        raise UsageError(f"--paper: expected images of every digit, found none of {missing[0]}; leave --paper out")


def make_pool(data: Dataset, *, seed: int, side: int, processes: int) -> Pool:
    """Draw all parts for a data set (see `refuse_other_data`), in the amounts of `AMOUNTS`.

    Raises
    ------
    OutputError: a process died, most likely for want of memory.

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
    # Not forked: TensorFlow's threads would not come along, its locks would.
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(processes, context, initializer=_start, initargs=(maker,)) as executor:
            yield from executor.map(_make_chunk, chunks)
    except BrokenProcessPool as error:
        raise OutputError("--paper: a process that draws images died; free memory, or say --threads 1") from error


_own: list[Maker] = []


def _start(maker: Maker) -> None:
    """In a new process: keep the data, and end with the parent, not by a Ctrl-C that is the parent's to answer."""
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
