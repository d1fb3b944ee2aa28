"""How does edgedigits do beside its peers? Same digits, same machine, each in an environment of its own.

Environments and converted models stay in the cache folder (3 GB), so that a second run only measures. Each round starts
a fresh process of every peer, so that what drifts meets all alike. The 10,000 test digits are read for accuracy alone;
timed are training digits.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.harness.benchmark import Benchmark, Result, describe_shipped, progress
from benchmarks.harness.child import ChildError, run_child
from benchmarks.harness.reasons import reason_of
from benchmarks.harness.venvs import InstallError
from benchmarks.peers.peer import PEERS, Peer
from benchmarks.peers.peer_models import PeerModels, PeerVenvs
from benchmarks.peers.peers_table import draw_peers, peers_table
from edgedigits.bundle import Bundle
from edgedigits.datasets import Dataset, load_mnist
from edgedigits.files import cache_folder

TIMED_DIGITS, SMALLEST_DIGITS = 100, 20
ROUNDS, SECONDS = 5, 0.3
WORKER = Path(__file__).parent / "workers" / "peer_worker.py"
# Beside what the worker sets in each engine's own terms (see `Peer.threads`).
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
    "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1",
}  # fmt: skip
_FIGURES = ("cold_ms", "p50_us", "p99_us", "peak_mb", "threads_running")


def measure(args: argparse.Namespace) -> Result:
    """Measure all peers with MNIST."""
    return measure_peers(PEERS, *load_mnist(), smallest=args.smallest)


def measure_peers(peers: Sequence[Peer], training: Dataset, test: Dataset, *, smallest: bool) -> Result:
    """Measure peers; the smallest run takes those that this Python has, one short process each."""
    rounds, seconds = (1, 0.0) if smallest else (ROUNDS, SECONDS)
    if smallest:
        test = test.take(np.arange(SMALLEST_DIGITS))
    work = cache_folder() / "peers"
    venvs = PeerVenvs(work / "venvs", here=smallest)
    models = PeerModels(work / "models", venvs, Bundle.load(), training)
    attempts = [Attempt(peer) for peer in peers]
    run_rounds(attempts, venvs, models, test, training.take(np.arange(TIMED_DIGITS)), rounds, seconds)
    return describe_shipped(["edgedigits"]) | {
        "data": test.source, "digits": len(test),
        "rounds": rounds, "seconds": seconds,
        "processor": last_processor(), "own_venvs": not smallest,
        "rows": [attempt.row() for attempt in attempts],
    }  # fmt: skip


@dataclass(slots=True)
class Attempt:
    """What is known of a peer so far; one with a ``reason`` is not run again.

    Attributes
    ----------
    python, model: its Python and its model files.
    report: of the process that classified all test digits.
    runs: the report of each timed process.

    """

    peer: Peer
    python: str = ""
    model: list[Path] = field(default_factory=list)
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
            self.reason = reason_of(error)
            progress(f"{self.peer.name}: {self.reason}")

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

    def row(self) -> dict[str, Any]:
        """Return name, settings and figures; a peer that failed has its ``reason`` and null for the figures."""
        peer, works = self.peer, self.reason is None
        return {
            "name": peer.name, "title": peer.title, "precision": peer.precision,
            "packages": list(peer.packages), "versions": self.report.get("versions", {}),
            "note": self.report.get("note", ""), "threads": peer.threads,
            "reason": self.reason,
            "accuracy": self.accuracy if works else None,
            "model_bytes": sum(file.stat().st_size for file in self.model) if works else None,
            "installed": self.installed,
            **{figure: _spread(figure, self.runs) if works else None for figure in _FIGURES},
        }  # fmt: skip


def run_rounds(
    attempts: Sequence[Attempt], venvs: PeerVenvs, models: PeerModels, test: Dataset, timed: Dataset,
    rounds: int, seconds: float,
) -> None:  # fmt: skip
    """Install all peers, classify the test digits, then time fresh processes in rounds of all peers.

    Their files are in memory when they are timed, so that no cold start waits for the disk. Every second round goes
    backwards, so that neighbours change sides.
    """
    for attempt in attempts:
        progress(f"{attempt.peer.name}: preparing")
        with attempt.trying():
            attempt.python, attempt.installed = venvs.python(attempt.peer), venvs.installed(attempt.peer)
            attempt.model = models.files(attempt.peer.model)
    with tempfile.TemporaryDirectory(prefix="edgedigits-peers-") as folder:
        images, few = Path(folder) / "test.npy", Path(folder) / "timed.npy"
        np.save(images, test.images[..., 0])
        np.save(few, timed.images[..., 0])
        for attempt in _working(attempts):
            with attempt.trying():
                attempt.report = attempt.run(images, None)
                attempt.accuracy = float(np.mean(np.array(attempt.report["digits"]) == test.labels))
                progress(f"{attempt.peer.name}: {100 * attempt.accuracy:.2f} %")
        for number in range(rounds):
            progress(f"round {number + 1} of {rounds}")
            for attempt in _working(attempts)[:: -1 if number % 2 else 1]:
                with attempt.trying():
                    attempt.runs.append(attempt.run(few, seconds))


def last_processor() -> int | None:
    """Return the processor that workers stay on; None where the system cannot keep them there."""
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def _working(attempts: Sequence[Attempt]) -> list[Attempt]:
    return [attempt for attempt in attempts if attempt.reason is None]


def _spread(figure: str, runs: list[dict[str, Any]]) -> dict[str, float] | None:
    """Return the median over the processes, with the smallest and the largest; None where the system did not tell."""
    values = [run[figure] for run in runs if run[figure] is not None]
    if not values:
        return None
    return {name: round(of(values), 3) for name, of in (("median", median), ("min", min), ("max", max))}


BENCHMARK = Benchmark("peers", "How does edgedigits do beside its peers?", measure, peers_table, draw_peers)

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
