"""Run all peers, each in a fresh process: first to see how well they classify, then in rounds to time them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.benchmark import progress
from benchmarks.harness.child import ROOT, ChildError, run_child
from benchmarks.harness.venvs import InstallError
from benchmarks.peers.peer import Peer
from benchmarks.peers.peer_models import PeerModels, PeerVenvs
from edgedigits.datasets import Dataset
from edgedigits.files import cache_folder

WORKER = Path(__file__).parent / "workers" / "peer_worker.py"
# Beside what the worker sets in each engine's own terms (see `Peer.threads`).
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
    "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1",
}  # fmt: skip
_FIGURES = ("cold_ms", "p50_us", "p99_us", "peak_mb", "threads_running")


@dataclass(frozen=True, slots=True)
class Ready:
    """A peer that can run: its Python and its model files."""

    peer: Peer
    python: str
    model: list[Path]

    def run(self, images: Path, seconds: float | None) -> dict[str, Any]:
        """Return the worker's report; with None for ``seconds`` the digits of all ``images`` and no times.

        Raises
        ------
        ChildError: the worker failed.

        """
        request = {
            "load": self.peer.load, "model": [str(path) for path in self.model], "images": str(images),
            "versions": [package.partition("==")[0] for package in (*self.peer.packages, "numpy")],
            "cpu": last_processor(), "seconds": seconds, "started": time.time_ns(),
        }  # fmt: skip
        environment = os.environ | _ENVIRONMENT
        report: dict[str, Any] = run_child(WORKER, json.dumps(request), python=self.python, environment=environment)
        return report


@dataclass(slots=True)
class Attempt:
    """What is known of a peer so far; one with a ``reason`` is not run again.

    Attributes
    ----------
    report: of the process that classified all test digits.
    runs: the report of each timed process.

    """

    peer: Peer
    ready: Ready | None = None
    installed: dict[str, Any] | None = None
    accuracy: float | None = None
    report: dict[str, Any] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    reason: str | None = None

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Remember why it did not work, and go on with the others."""
        try:
            yield
        except (InstallError, ChildError) as error:
            self.reason = _without_paths(_last_words(error))
            progress(f"{self.peer.name}: {self.reason}")

    def row(self) -> dict[str, Any]:
        """Return name, settings and figures; a peer that failed has its ``reason`` and null for the figures."""
        peer, works = self.peer, self.reason is None and self.ready is not None
        files = self.ready.model if self.ready else []
        return {
            "name": peer.name, "title": peer.title, "precision": peer.precision,
            "packages": list(peer.packages), "versions": self.report.get("versions", {}),
            "note": self.report.get("note", ""), "threads": peer.threads,
            "reason": self.reason,
            "accuracy": self.accuracy if works else None,
            "model_bytes": sum(file.stat().st_size for file in files) if works else None,
            "installed": self.installed,
            **{figure: _spread(figure, self.runs) if works else None for figure in _FIGURES},
        }  # fmt: skip


def prepare(peers: Sequence[Peer], venvs: PeerVenvs, models: PeerModels) -> list[Attempt]:
    """Install all peers and make their model files."""
    attempts = [Attempt(peer) for peer in peers]
    for attempt in attempts:
        peer = attempt.peer
        progress(f"{peer.name}: preparing")
        with attempt.trying():
            python, attempt.installed = venvs.python(peer), venvs.installed(peer)
            attempt.ready = Ready(peer, python, models.files(peer.model))
    return attempts


def classify_test(attempts: Sequence[Attempt], folder: Path, test: Dataset) -> None:
    """Let all peers classify the test digits; their files are in memory then, and no cold start waits for the disk."""
    images = _saved(folder / "test.npy", test.images)
    for attempt, ready in _working(attempts):
        with attempt.trying():
            attempt.report = ready.run(images, None)
            attempt.accuracy = float(np.mean(np.array(attempt.report["digits"]) == test.labels))
            progress(f"{attempt.peer.name}: {100 * attempt.accuracy:.2f} %")


def time_rounds(attempts: Sequence[Attempt], folder: Path, digits: Dataset, rounds: int, seconds: float) -> None:
    """Time fresh processes in rounds of all peers; every second one goes backwards, so that neighbours change sides."""
    images = _saved(folder / "timed.npy", digits.images)
    for number in range(rounds):
        progress(f"round {number + 1} of {rounds}")
        for attempt, ready in _working(attempts)[:: -1 if number % 2 else 1]:
            with attempt.trying():
                attempt.runs.append(ready.run(images, seconds))


def last_processor() -> int | None:
    """Return the processor that workers stay on; None where the system cannot keep them there."""
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def _last_words(error: InstallError | ChildError) -> str:
    if isinstance(error, InstallError):
        return str(error)
    said = " ".join(error.said.split()).rpartition("Traceback (most recent call last):")[2][-300:].strip()
    return f"{said} ({error.ended})" if error.ended.startswith("died") or not said else said


def _spread(figure: str, runs: list[dict[str, Any]]) -> dict[str, float] | None:
    """Return the median over the processes, with the smallest and the largest; None where the system did not tell."""
    values = [run[figure] for run in runs if run[figure] is not None]
    if not values:
        return None
    return {name: round(of(values), 3) for name, of in (("median", median), ("min", min), ("max", max))}


def _without_paths(text: str) -> str:
    """Results are published: they need not tell where on this machine something was."""
    for path, name in ((ROOT, "."), (cache_folder(), "CACHE"), (Path.home(), "~")):
        text = text.replace(str(path), name)
    return text


def _working(attempts: Sequence[Attempt]) -> list[tuple[Attempt, Ready]]:
    return [(attempt, attempt.ready) for attempt in attempts if attempt.reason is None and attempt.ready]


def _saved(file: Path, images: NDArray[np.uint8]) -> Path:
    np.save(file, images[..., 0])
    return file
