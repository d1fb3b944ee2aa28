"""Scoring on this machine: some processes, each with a model of its own, which are replaced when they die."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from edgedigits.errors import EdgeDigitsError, ModelRejectedError
from edgedigits.isolation import how_it_died
from edgedigits.scoring.job import Job
from edgedigits.scoring.scorer import Scorer
from edgedigits.scoring.shards import Shard

# A shard at which more processes end than the journal needs to find the picture that is to blame cannot be scored.
_ATTEMPTS = 6
# The pictures that were scored since the last call, and the shards.
Progress = Callable[[int, int], object]
Message = int | EdgeDigitsError | None


def score_here(job: Job, output: Path, shards: Sequence[Shard], workers: int, progress: Progress) -> None:
    """Score all shards in so many processes.

    Raises
    ------
    EdgeDigitsError: what a process raised.
    ModelRejectedError: a shard ended one process after the other.

    """
    waiting = list(reversed(shards))
    attempts = dict.fromkeys(shards, 0)
    with _processes(job, output) as start:
        busy = {start(waiting.pop()) for _ in range(min(workers, len(waiting)))}
        while busy:
            for worker in _ready(busy):
                message = worker.receive()
                if isinstance(message, EdgeDigitsError):
                    raise message
                if isinstance(message, int):
                    progress(message, 0)
                    continue
                done, died = worker.shard, worker.died
                if died is None:
                    progress(0, 1)
                else:
                    busy.remove(worker)
                    attempts[done] += 1
                    if attempts[done] == _ATTEMPTS:
                        raise ModelRejectedError(
                            f"{done.path}: {_ATTEMPTS} processes that scored it ended; the last {died}"
                        )
                    busy.add(start(done))
                    continue
                if waiting:
                    worker.give(waiting.pop())
                else:
                    busy.remove(worker)


class _Worker:
    """One process, the shard that it has, and the pipe to it."""

    def __init__(self, process: BaseProcess, pipe: Connection, shard: Shard) -> None:
        self.process, self.pipe, self.shard = process, pipe, shard
        self.died: str | None = None
        self.give(shard)

    def give(self, shard: Shard) -> None:
        """Hand over the next shard."""
        self.shard = shard
        try:
            self.pipe.send(shard)
        except OSError:  # it has just died, which `receive` finds
            return

    def receive(self) -> Message:
        """Return pictures that were scored, an error, or None: the shard is done, or the process has died."""
        try:
            message: Message = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join()
            self.died = how_it_died(self.process.exitcode or 0, "")
            return None
        return message


def _ready(busy: Iterable[_Worker]) -> list[_Worker]:
    pipes = wait([worker.pipe for worker in busy])
    return [worker for worker in busy if worker.pipe in pipes]


@contextmanager
def _processes(job: Job, output: Path) -> Iterator[Callable[[Shard], _Worker]]:
    """Give a function that starts a process; all of them end with the context."""
    context = multiprocessing.get_context("spawn")  # engines and their threads do not survive a fork
    started: list[_Worker] = []

    def start(shard: Shard) -> _Worker:
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, job, output), daemon=True)
        process.start()
        theirs.close()
        started.append(_Worker(process, ours, shard))
        return started[-1]

    try:
        yield start
    finally:
        for worker in started:
            worker.pipe.close()
            worker.process.terminate()
            worker.process.join()


def _work(pipe: Connection, job: Job, output: Path) -> None:
    """Score what comes through the pipe until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its processes
    try:
        scorer = Scorer(job, output)
        while True:
            scorer.score(pipe.recv(), pipe.send)
            pipe.send(None)
    except EdgeDigitsError as error:
        pipe.send(error)
    except (EOFError, ConnectionError):  # the parent is gone
        return
