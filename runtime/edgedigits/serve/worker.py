"""One thread that answers one picture after the other, and a bounded number of places to wait for it.

Inference lets other threads run and takes microseconds, preparing a photograph does neither: so the event loop goes on
while a picture is answered, and a board of one core is not asked to answer two at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

Answer = TypeVar("Answer")


class Full(Exception):
    """Every place is taken."""


class _Job(Generic[Answer]):
    """What is to be done, until nobody waits for it any more, and who is to be told."""

    __slots__ = ("future", "loop", "work")

    def __init__(self, work: Callable[[], Answer]) -> None:
        self.work: Callable[[], Answer] | None = work
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Answer] = self.loop.create_future()

    def settle(self, answer: Answer | None, error: BaseException | None) -> None:
        if self.future.done():  # nobody waits
            return
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(answer)  # type: ignore[arg-type]  # None only beside an error


class Worker:
    """The thread, its queue, and who has a place.

    All but the thread itself is used in one event loop.
    """

    def __init__(self, places: int) -> None:
        """Start the thread; it never keeps a process alive."""
        self._places = places
        self._taken = 0
        self._began: float | None = None
        self._jobs: SimpleQueue[_Job[Any] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="inference", daemon=True)
        self._thread.start()

    @property
    def taken(self) -> int:
        """Requests that wait for their turn or have it."""
        return self._taken

    def busy_s(self) -> float:
        """For how many seconds the thread is at one job; 0 while it has none."""
        began = self._began
        return 0.0 if began is None else time.monotonic() - began

    async def run(self, work: Callable[[], Answer], hung_up: Callable[[], Awaitable[object]] | None = None) -> Answer:
        """Wait for a turn and for ``work``, whose answer or exception is passed on.

        ``hung_up`` comes back when nobody wants the answer any more: a job that has not begun then gives its place
        back at once.

        Raises
        ------
        Full: every place is taken.
        asyncio.CancelledError: ``hung_up`` came back first, or the caller was cancelled.

        """
        if self._taken >= self._places:
            raise Full
        self._taken += 1
        job = _Job(work)
        self._jobs.put(job)
        # A job that has its turn at once cannot give a place back any sooner.
        watch = asyncio.ensure_future(_cancel_after(hung_up, job)) if hung_up and self._taken > 1 else None
        try:
            return await job.future
        finally:
            job.work = None
            self._taken -= 1
            if watch is not None:
                watch.cancel()

    def close(self) -> None:
        """End the thread after the job that it is at."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            work = job.work
            if work is not None:
                self._began = time.monotonic()
                answer, error = _attempt(work)
                self._began = None
                with suppress(RuntimeError):  # the loop has ended meanwhile
                    job.loop.call_soon_threadsafe(job.settle, answer, error)
                del answer, error
            del job, work  # pictures, which must not stay until the next one comes


async def _cancel_after(hung_up: Callable[[], Awaitable[object]], job: _Job[Any]) -> None:
    await hung_up()
    job.future.cancel()


def _attempt(work: Callable[[], Answer]) -> tuple[Answer | None, BaseException | None]:
    try:
        return work(), None
    except BaseException as error:  # noqa: BLE001  raised again where the answer is awaited
        return None, error
