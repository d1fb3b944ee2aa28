"""The examples that the locator learns from: drawn in chunks by other processes while it trains.

An example is drawn once and shown a few times, lighter or darker and in either polarity, because drawing takes longer
than a step of training. Chunks and batches depend on the seed and their number alone, so a resumed run sees the same.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets import Dataset
from edgedigits.images.contrast import NONE
from edgedigits_train.scenes.examples import SIDE, Example, draw_example
from edgedigits_train.scenes.placing import Source
from edgedigits_train.scenes.processes import draw_in_processes
from edgedigits_train.scenes.targets import CHANNELS, STRIDE, make_targets
from edgedigits_train.scenes.typefaces import usable_fonts
from edgedigits_train.scenes.writing import Digits

Batch = tuple[NDArray[np.float32], NDArray[np.float32]]

# Examples in a chunk, which have one generator.
CHUNK = 500
# An epoch draws so many chunks, and shows examples of the last ones.
CHUNKS, SHOWN_CHUNKS = 10, 40
# How often an example is shown, on average.
SHOWINGS = 2
# First part of the spawn key of all generators here ("LOCA").
_KEY = 0x4C4F4341
_INVERTED = 0.3
# What fields for export show, and how many chunks of them there are: with fewer, its gates could not decide.
KINDS = ("empty", "printed", "handwritten")
FIELD_CHUNKS = 6
_LEAST_GAIN, _GREATEST_GAIN = 0.8, 1.2


@dataclass(frozen=True, slots=True)
class Chunks:
    """Draws a chunk of examples from a data set's digits; ``held_out`` takes the typefaces for validation."""

    data: Dataset
    seed: int
    held_out: bool = False

    def __call__(self, number: int) -> list[Example]:
        """Return the chunk of that number."""
        key = (_KEY, int(self.held_out), number)
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))
        source = Source(Digits(self.data), usable_fonts(held_out=self.held_out))
        return [draw_example(source, rng) for _ in range(CHUNK)]


class Window:
    """The examples of the last chunks, from which the batches of an epoch are drawn."""

    def __init__(self) -> None:
        """Begin without any."""
        self._chunks: deque[list[Example]] = deque(maxlen=SHOWN_CHUNKS)

    def add(self, chunk: list[Example]) -> None:
        """Add a chunk; the oldest one goes when there are too many."""
        self._chunks.append(chunk)

    @staticmethod
    def first_chunk(epochs: int) -> int:
        """Return the number of the first chunk that is still shown after so many epochs."""
        return max(0, (epochs + 1) * CHUNKS - SHOWN_CHUNKS)

    def batches(self, count: int, size: int, *, seed: int, epoch: int) -> Iterator[Batch]:
        """Yield ``count`` batches of ``size`` examples."""
        rng = np.random.default_rng([_KEY, seed, epoch])
        for _ in range(count):
            chosen = rng.integers(0, (len(self._chunks), CHUNK), (size, 2))
            yield _batch([self._chunks[chunk][row] for chunk, row in chosen], rng)


def validation_batches(examples: list[Example], size: int) -> Iterator[Batch]:
    """Yield batches of all examples as they are."""
    for start in range(0, len(examples), size):
        yield _batch(examples[start : start + size], None)


def draw_fields(data: Dataset, seed: int, processes: int) -> bytes:
    """Draw fields of digits and typefaces that nothing is trained with, and return them as an .npz of labelled images.

    The labels tell what a field shows: nothing to find, printed characters alone, or handwriting, too.
    """
    chunks = draw_in_processes(Chunks(data, seed, held_out=True), range(1, 1 + FIELD_CHUNKS), processes - 1)
    examples = [example for chunk in chunks for example in chunk]
    labels = [_kind(example) for example in examples]
    file = io.BytesIO()
    fields = np.stack([example.field for example in examples])
    np.savez_compressed(file, images=fields, labels=np.array(labels), names=np.array(KINDS))
    return file.getvalue()


def _kind(example: Example) -> int:
    shown = [truth.printed for truth in example.truths if truth.label >= 0]
    return 0 if not shown else 1 if all(shown) else 2


def _batch(examples: list[Example], rng: np.random.Generator | None) -> Batch:
    """Return fields, float32 ``[B, SIDE, SIDE, 1]``, and target maps, float32 ``[B, SIDE / 4, SIDE / 4, CHANNELS]``."""
    fields = np.empty((len(examples), SIDE, SIDE, 1), np.float32)
    maps = np.empty((len(examples), SIDE // STRIDE, SIDE // STRIDE, CHANNELS), np.float32)
    for index, example in enumerate(examples):
        gain = rng.uniform(_LEAST_GAIN, _GREATEST_GAIN) * (-1 if rng.random() < _INVERTED else 1) if rng else 1
        fields[index, ..., 0] = np.clip(np.rint((example.field - np.float32(NONE)) * gain + NONE), 0, 255)
        maps[index] = make_targets(example.truths, (SIDE, SIDE))
    return fields, maps
