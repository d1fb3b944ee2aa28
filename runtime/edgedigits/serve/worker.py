"""Worker threads that take pieces of work from a queue of limited length: one for inference, others for decoding.

Preparing a photograph takes long and blocks other threads' Python code. In a thread of its own it leaves the event
loop responsive, and a board with one core never processes two pictures at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from traceback import clear_frames
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")
_END_S = 2.0  # a thread that is at work longer ends with the process


class QueueFullError(Exception):
    """The worker's queue is full."""


class _Job(Generic[Result]):
    """A piece of work and the future of its result; ``work`` is None once nobody waits for it."""

    __slots__ = ("future", "loop", "work")

    def __init__(self, work: Callable[[], Result]) -> None:
        self.work: Callable[[], Result] | None = work
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Result] = self.loop.create_future()

    def settle(self, result: Result | None, error: BaseException | None) -> None:
        if self.future.done():  # nobody waits for it any more
            return
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)  # type: ignore[arg-type]  # it is None only with an error


class Worker:
    """The worker's threads and their queue.

    All methods are called from one event loop.
    """

    def __init__(self, max_jobs: int, threads: int = 1) -> None:
        """Start the threads, which never keep a process alive; ``max_jobs`` includes the jobs that run."""
        self._max_jobs = max_jobs
        self._jobs = 0
        self._job_started: float | None = None
        self._queue: SimpleQueue[_Job[Any] | None] = SimpleQueue()
        self._threads = [Thread(target=self._work, name="worker", daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    @property
    def jobs(self) -> int:
        """The number of jobs that wait or run."""
        return self._jobs

    def busy_s(self) -> float:
        """Return for how many seconds the present job has run; 0 without a job."""
        started = self._job_started
        return 0.0 if started is None else time.monotonic() - started

    async def run(
        self, work: Callable[[], Result], disconnected: Callable[[], Awaitable[object]] | None = None
    ) -> Result:
        """Run ``work`` in a thread and return its result, or raise its exception.

        ``disconnected`` returns when nobody wants the result any more; a job that still waits then leaves the queue.

        Raises
        ------
        QueueFullError: the queue is full.
        asyncio.CancelledError: ``disconnected`` returned first, or the caller was cancelled.

        """
        if self._jobs >= self._max_jobs:
            raise QueueFullError
        self._jobs += 1
        job = _Job(work)
        self._queue.put(job)
        # A job that runs at once cannot leave the queue any sooner.
        watch = (
            asyncio.ensure_future(_cancel_after(disconnected, job))
            if disconnected and self._jobs > len(self._threads)
            else None
        )
        try:
            return await job.future
        finally:
            job.work = None
            self._jobs -= 1
            if watch is not None:
                watch.cancel()
            del job  # its future holds the exception, whose traceback holds this frame

    def close(self) -> None:
        """End the threads after their present jobs, which are waited for, but not for ever."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join(_END_S)

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            work = job.work
            if work is not None:
                self._job_started = time.monotonic()
                result, error = _attempt(work)
                self._job_started = None
                with suppress(RuntimeError):  # the loop may have ended meanwhile
                    job.loop.call_soon_threadsafe(job.settle, result, error)
                del result, error
            del job, work  # they hold the picture, whose memory must not wait for the next job


async def _cancel_after(disconnected: Callable[[], Awaitable[object]], job: _Job[Any]) -> None:
    await disconnected()
    job.future.cancel()


def _attempt(work: Callable[[], Result]) -> tuple[Result | None, BaseException | None]:
    try:
        return work(), None
    except BaseException as error:  # noqa: BLE001  raised again where the result is awaited
        _forget_frames(error)
        return None, error


def _forget_frames(error: BaseException | None) -> None:
    """Let go of what an exception's frames and its causes' hold, such as a picture; their lines stay for the log."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
