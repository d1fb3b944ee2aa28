"""The board's camera as long as somebody watches: every frame is read, drawn on, and shown to all who watch.

A thread waits for the camera; the frames take their turn among the requests, in the worker.
"""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from functools import partial
from threading import Thread
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import EdgeDigitsError
from edgedigits.images.camera import Frames, frames
from edgedigits.reading import Reading
from edgedigits.serve.worker import Full, Worker

# A camera stays on for so long after somebody asked what it sees, so that asking once a second keeps it on.
_LINGER_S = 5.0
# The first frame of a cold camera may take this long.
_PATIENCE_S = 10.0
_QUALITY = 80


class Seen(NamedTuple):
    """One frame: its number, the annotated JPEG, the object of `read --json`; or why there is none."""

    number: int
    jpeg: bytes
    reading: dict[str, Any] | None
    error: str | None


class Camera:
    """One camera and those who watch it.

    All but the thread itself is used in one event loop.
    """

    def __init__(self, spec: str, read: Callable[[NDArray[np.uint8]], Reading], worker: Worker) -> None:
        """``spec`` as for `edgedigits.images.camera.frames`; nothing is opened yet."""
        self.spec = spec
        self._read, self._worker = read, worker
        self._viewers, self._until, self._number = 0, 0.0, 0
        self._latest: Seen | None = None
        self._news = asyncio.Event()
        self._thread: Thread | None = None
        self._ending = False

    async def watch(self) -> AsyncIterator[Seen]:
        """What is seen, the newest whenever the next is asked for; an error is the last."""
        self._viewers += 1
        shown = 0
        try:
            self._keep_on()
            while not self._ending:
                news = self._news
                if self._latest is None or self._latest.number <= shown:
                    await news.wait()
                    continue
                shown = self._latest.number
                yield self._latest
                if self._latest is not None and self._latest.error is not None:
                    return
        finally:
            self._viewers -= 1

    async def look(self) -> Seen:
        """The newest frame; the camera is turned on for it, and kept on for a few seconds.

        Why it went off is told once; whoever asks after that has it turned on again.

        Raises
        ------
        TimeoutError: the camera gives none.

        """
        self._until = time.monotonic() + _LINGER_S
        if self._thread is None and self._latest is not None:
            failed, self._latest = self._latest, None
            return failed
        self._keep_on()
        async with asyncio.timeout(_PATIENCE_S):
            while self._latest is None:
                await self._news.wait()
        return self._latest

    def end(self) -> None:
        """Let everybody go and turn the camera off; it is not turned on again."""
        self._ending = True
        self._tell(None)

    def _wanted(self) -> bool:
        return not self._ending and (self._viewers > 0 or time.monotonic() < self._until)

    def _keep_on(self) -> None:
        if self._thread is None and not self._ending:
            self._latest = None
            self._thread = Thread(target=self._film, args=(asyncio.get_running_loop(),), name="camera", daemon=True)
            self._thread.start()

    def _film(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            with closing(frames(self.spec)) as source:
                self._show(source, loop)
        except EdgeDigitsError as error:
            self._post(loop, partial(self._fail, str(error)))
        finally:
            self._post(loop, self._off)

    def _show(self, source: Frames, loop: asyncio.AbstractEventLoop) -> None:
        for frame in source:
            if not self._wanted():
                return
            turn = asyncio.run_coroutine_threadsafe(self._answer(frame), loop)
            turn.result()

    async def _answer(self, frame: NDArray[np.uint8]) -> None:
        try:
            jpeg, reading = await self._worker.run(lambda: _drawn(self._read(frame)))
        except Full:
            return  # the next frame may be luckier
        self._tell(self._numbered(jpeg, reading, None))

    def _fail(self, error: str) -> None:
        self._tell(self._numbered(b"", None, error))

    def _numbered(self, jpeg: bytes, reading: dict[str, Any] | None, error: str | None) -> Seen:
        self._number += 1
        return Seen(self._number, jpeg, reading, error)

    def _tell(self, seen: Seen | None) -> None:
        self._latest = seen or self._latest
        self._news.set()
        self._news = asyncio.Event()

    def _off(self) -> None:
        self._thread = None
        if self._latest is not None and self._latest.error is not None:
            return
        self._latest = None
        if self._wanted():
            self._keep_on()  # somebody came while it was being turned off

    @staticmethod
    def _post(loop: asyncio.AbstractEventLoop, act: Callable[[], None]) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(act)


def _drawn(reading: Reading) -> tuple[bytes, dict[str, Any]]:
    buffer = io.BytesIO()
    reading.annotate().save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue(), reading.to_dict()
