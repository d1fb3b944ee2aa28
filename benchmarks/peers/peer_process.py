"""Start a peer's worker in its own Python and read what it reports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from benchmarks.peers.peer import Peer, PeerError

WORKERS = Path(__file__).parent / "workers"
LONGEST_SECONDS = 900
# Beside what each worker sets in its engine's own terms (see `Peer.threads`).
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
    "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ready:
    """A peer that can run: its Python and its model files."""

    peer: Peer
    python: str
    model: list[Path]


def run_worker(ready: Ready, images: Path, seconds: float | None) -> dict[str, Any]:
    """Return what a fresh process of the peer reports, and ``cold_ms``, from its start to its first digit.

    ``seconds`` of steady state are timed; None returns the digits of all ``images`` and no times.

    Raises
    ------
    PeerError: the process ends without a report; with what it said last.

    """
    request = {
        "model": [str(path) for path in ready.model], "images": str(images), "how": ready.peer.how,
        "versions": [package.partition("==")[0] for package in (*ready.peer.packages, "numpy")],
        "cpu": last_processor(), "seconds": seconds,
    }  # fmt: skip
    command = [ready.python, str(WORKERS / ready.peer.worker), json.dumps(request)]
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"} | _ENVIRONMENT
    with tempfile.TemporaryFile("w+") as said:
        started = time.perf_counter_ns()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True, env=environment) as process:
            watch = threading.Timer(LONGEST_SECONDS, process.kill)
            watch.start()
            assert process.stdout is not None  # noqa: S101  it is a pipe
            first = process.stdout.readline()
            cold = time.perf_counter_ns() - started
            rest = process.stdout.read()
            watch.cancel()
        if process.returncode or not first:
            raise PeerError(_last_words(process.returncode, said))
    report: dict[str, Any] = json.loads(rest)
    return report | {"cold_ms": cold / 1e6}


def last_processor() -> int | None:
    """Return the processor that workers stay on; None where the system cannot keep them there."""
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def _last_words(code: int, stream: IO[str]) -> str:
    stream.seek(0)
    said = " ".join(" ".join(stream.read().split()).split("Traceback (most recent call last):")[-1:])[-300:]
    if code < 0:
        return f"{said} (died of {signal.Signals(-code).name})"
    return said or f"it ended with {code} and said nothing"
