"""The board's camera, which runs while it has viewers: every frame is read, annotated, and shown to all of them.

A thread waits for the camera's frames; the worker reads them in turn with the requests' pictures.
"""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import CancelledError
from contextlib import closing
from functools import partial
from threading import Thread
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import EdgeDigitsError
from edgedigits.images.camera import Frames, frames
from edgedigits.reading import Reading
from edgedigits.serve.worker import QueueFullError, Worker

# The camera stays on for this time after a request for one frame, so that a request every second keeps it on.
_LINGER_S = 5.0
# The time that the first frame of a camera may take after it is turned on.
_FIRST_FRAME_S = 10.0
_JPEG_QUALITY = 80


class CameraFrame(NamedTuple):
    """One frame: its number, the annotated JPEG and the object of `read --json`, or else the camera's error."""

    number: int
    jpeg: bytes
    reading: dict[str, Any] | None
    error: str | None


class Camera:
    """One camera and its viewers.

    All methods are called from one event loop.
    """

    def __init__(self, spec: str, read: Callable[[NDArray[np.uint8]], Reading], worker: Worker) -> None:
        """Remember ``spec``, as for `edgedigits.images.camera.frames`; the camera stays off."""
        self.spec = spec
        self._read, self._worker = read, worker
        self._viewers, self._on_until, self._number = 0, 0.0, 0
        self._latest: CameraFrame | None = None
        self._new_frame = asyncio.Event()
        self._thread: Thread | None = None
        self._ending = False

    async def watch(self) -> AsyncIterator[CameraFrame]:
        """Yield the newest frame whenever the next one is asked for; a frame with an error is the last."""
        self._viewers += 1
        shown = 0
        try:
            self._turn_on()
            while not self._ending:
                new_frame = self._new_frame
                if self._latest is None or self._latest.number <= shown:
                    await new_frame.wait()
                    continue
                shown = self._latest.number
                yield self._latest
                if self._latest is not None and self._latest.error is not None:
                    return
        finally:
            self._viewers -= 1

    async def newest(self) -> CameraFrame:
        """Return the newest frame; turn the camera on for it, and keep it on for a few seconds.

        The error of a camera that failed is returned once; the next call turns the camera on again.

        Raises
        ------
        TimeoutError: the camera gives no frame.

        """
        self._on_until = time.monotonic() + _LINGER_S
        if self._thread is None and self._latest is not None:
            failed, self._latest = self._latest, None
            return failed
        self._turn_on()
        async with asyncio.timeout(_FIRST_FRAME_S):
            while self._latest is None:
                await self._new_frame.wait()
        return self._latest

    def end(self) -> None:
        """End all streams and turn the camera off for good."""
        self._ending = True
        self._publish(None)

    def _wanted(self) -> bool:
        return not self._ending and (self._viewers > 0 or time.monotonic() < self._on_until)

    def _turn_on(self) -> None:
        if self._thread is None and not self._ending:
            self._latest = None
            self._thread = Thread(target=self._run, args=(asyncio.get_running_loop(),), name="camera", daemon=True)
            self._thread.start()

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            with closing(frames(self.spec)) as source:
                self._read_frames(source, loop)
        except EdgeDigitsError as error:
            self._post(loop, partial(self._fail, str(error)))
        except CancelledError:
            return  # the service has ended meanwhile, and its event loop with it
        finally:
            self._post(loop, self._turned_off)

    def _read_frames(self, source: Frames, loop: asyncio.AbstractEventLoop) -> None:
        for frame in source:
            if not self._wanted():
                return
            asyncio.run_coroutine_threadsafe(self._read_frame(frame), loop).result()

    async def _read_frame(self, frame: NDArray[np.uint8]) -> None:
        try:
            jpeg, reading = await self._worker.run(lambda: _annotated(self._read(frame)))
        except QueueFullError:
            return  # there may be room for the next frame
        self._publish(self._frame(jpeg, reading, None))

    def _fail(self, error: str) -> None:
        self._publish(self._frame(b"", None, error))

    def _frame(self, jpeg: bytes, reading: dict[str, Any] | None, error: str | None) -> CameraFrame:
        self._number += 1
        return CameraFrame(self._number, jpeg, reading, error)

    def _publish(self, frame: CameraFrame | None) -> None:
        self._latest = frame or self._latest
        self._new_frame.set()
        self._new_frame = asyncio.Event()

    def _turned_off(self) -> None:
        self._thread = None
        if self._latest is not None and self._latest.error is not None:
            return
        self._latest = None
        if self._wanted():
            self._turn_on()  # a viewer came while the camera was being turned off

    @staticmethod
    def _post(loop: asyncio.AbstractEventLoop, act: Callable[[], None]) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(act)


def _annotated(reading: Reading) -> tuple[bytes, dict[str, Any]]:
    buffer = io.BytesIO()
    reading.annotate().save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue(), reading.to_dict()
