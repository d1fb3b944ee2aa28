"""The pool: the crops of drawn scenes that ``--paper`` adds to the training set, made once by several processes.

Every few crops have a random generator of their own, so the pool does not depend on the count of processes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets import Dataset
from edgedigits.errors import UsageError
from edgedigits.images.convention import SIZE
from edgedigits_train.scenes.crops import PARTS, Crop, draw_crops
from edgedigits_train.scenes.placing import Source
from edgedigits_train.scenes.processes import draw_in_processes
from edgedigits_train.scenes.typefaces import DIGITS, usable_fonts
from edgedigits_train.scenes.writing import Digits

# First part of the spawn key of all generators here ("PAPR"). Scripts that evaluate models take other keys, so that
# they never draw an image that was trained on, whatever their seed.
SPAWN_KEY = 0x50415052
# The count of crops for each digit of the data, and how many are drawn with one generator.
AMOUNT = 2.5
_CHUNK = 250


@dataclass(frozen=True, slots=True)
class Pool:
    """Labelled crops of scenes, as devices hand them to the network.

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
    """Draw the pool of a data set (see `require_mnist_digits`), of `AMOUNT` crops for each of its digits.

    ``side`` distinguishes pools of the same seed; those that are not 0 are drawn with the held-out typefaces.

    Raises
    ------
    OutputError: a process died, most likely because memory ran out.

    """
    count = max(_CHUNK, round(AMOUNT * len(data)))
    chunks = -(-count // _CHUNK)
    drawn = draw_in_processes(_Crops(data, seed, side), range(chunks), processes if processes > 1 else 0)
    crops = [crop for chunk in drawn for crop in chunk][:count]
    return Pool(
        images=np.stack([crop.image for crop in crops])[..., np.newaxis],
        labels=np.array([crop.label for crop in crops], np.int64),
        parts=np.array([crop.part for crop in crops], np.uint8),
    )


@dataclass(frozen=True, slots=True)
class _Crops:
    """Draws the crops of one chunk from a data set's digits."""

    data: Dataset
    seed: int
    side: int

    def __call__(self, chunk: int) -> list[Crop]:
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(SPAWN_KEY, self.side, chunk)))
        source = Source(Digits(self.data), usable_fonts(held_out=self.side > 0))
        crops: list[Crop] = []
        while len(crops) < _CHUNK:
            crops += draw_crops(source, rng)
        return crops[:_CHUNK]
