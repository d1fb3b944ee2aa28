"""Ask all peers: first whether they can be asked at all and how well they answer, then in rounds for how long."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from asking import Ready, ask
from homes import Homes
from models import Models
from numpy.typing import NDArray
from peer import Missing, Peer
from venvs import ROOT

from edgedigits.datasets import Dataset
from edgedigits.files import cache_folder


@dataclass(slots=True)
class Attempt:
    """What is known of a peer so far; with a ``reason`` it is asked no more.

    Attributes
    ----------
    told: by the process that answered all test digits.
    runs: what each timed process told.

    """

    peer: Peer
    ready: Ready | None = None
    installed: dict[str, Any] | None = None
    accuracy: float | None = None
    told: dict[str, Any] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    reason: str | None = None

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Remember why it did not work, and go on with the others."""
        try:
            yield
        except Missing as missing:
            self.reason = _without_places(str(missing))
            print(f"{self.peer.name}: {self.reason}", file=sys.stderr, flush=True)


def prepare(peers: Sequence[Peer], homes: Homes, models: Models) -> list[Attempt]:
    """Install all peers and make their model files."""
    attempts = [Attempt(peer) for peer in peers]
    for attempt in attempts:
        peer = attempt.peer
        print(f"{peer.name}: preparing", file=sys.stderr, flush=True)
        with attempt.trying():
            python, attempt.installed = homes.python(peer), homes.installed(peer)
            attempt.ready = Ready(peer, python, models.files(peer.model))
    return attempts


def answer(attempts: Sequence[Attempt], folder: Path, test: Dataset) -> None:
    """Let all peers answer the test digits; their files are in memory then, and no cold start waits for the disk."""
    images = _saved(folder / "test.npy", test.images)
    for attempt in _working(attempts):
        with attempt.trying():
            attempt.told = ask(attempt.ready, images, None)
            attempt.accuracy = float(np.mean(np.array(attempt.told["answers"]) == test.labels))
            print(f"{attempt.peer.name}: {100 * attempt.accuracy:.2f} %", file=sys.stderr, flush=True)


def time(attempts: Sequence[Attempt], folder: Path, digits: Dataset, rounds: int, seconds: float) -> None:
    """Time fresh processes in rounds of all peers; every second one goes backwards, so that neighbours change sides."""
    images = _saved(folder / "timed.npy", digits.images)
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        for attempt in _working(attempts)[:: -1 if number % 2 else 1]:
            with attempt.trying():
                attempt.runs.append(ask(attempt.ready, images, seconds))


def _without_places(text: str) -> str:
    """Results are published: they need not tell where on this machine something was."""
    for place, name in ((ROOT, "."), (cache_folder(), "CACHE"), (Path.home(), "~")):
        text = text.replace(str(place), name)
    return text


def _working(attempts: Sequence[Attempt]) -> list[Attempt]:
    return [attempt for attempt in attempts if attempt.reason is None]


def _saved(file: Path, images: NDArray[np.uint8]) -> Path:
    np.save(file, images[..., 0])
    return file
