"""The decoding processes of the service, and which picture gets which."""

from __future__ import annotations

import struct
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from queue import SimpleQueue
from threading import Lock

from PIL.JpegImagePlugin import JpegImageFile

from edgedigits.images.decode import Picture
from edgedigits.serve.decoder import Decoder, Wanted
from edgedigits.serve.limits import SMALL_BYTES, SMALL_SIDE, Limits
from edgedigits.serve.problems import busy
from edgedigits.serve.worker import Worker

DEFAULT_FORMATS = ("JPEG", "PNG", "WEBP")  # what telephones and browsers make
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"


class Decoders:
    """Two processes: one may be at a picture that takes long, the other then decodes for everybody else.

    All methods are called from one event loop.
    """

    def __init__(self, limits: Limits, formats: tuple[str, ...] = DEFAULT_FORMATS) -> None:
        """Start the processes."""
        self._limits = limits
        self._all = [Decoder(limits, formats) for _ in range(limits.decoders)]
        self._free: SimpleQueue[Decoder] = SimpleQueue()
        for decoder in self._all:
            self._free.put(decoder)
        self._large = Lock()
        self._worker = Worker(limits.queue_length, len(self._all))

    async def decode(self, wanted: Wanted, disconnected: Callable[[], Awaitable[object]]) -> Picture:
        """Decode a picture; errors are those of `Decoder.decode` and `Worker.run`."""
        return await self._worker.run(partial(self._decode, wanted), disconnected)

    def close(self) -> None:
        """End the processes, whatever they are at."""
        for decoder in self._all:
            decoder.close()
        self._worker.close()

    def _decode(self, wanted: Wanted) -> Picture:
        decoder = self._free.get()  # there are as many as threads
        try:
            return decoder.decode(wanted, partial(self._room, decoder), lambda: self._is_contested(decoder))
        finally:
            self._free.put(decoder)

    def _is_contested(self, decoder: Decoder) -> bool:
        """Return whether pictures wait while all processes are busy, and this one is not at its picture the longest."""
        started = [other.started for other in self._all if other.started is not None]
        return self._worker.jobs > len(self._all) and decoder.started is not None and decoder.started > min(started)

    @contextmanager
    def _room(self, decoder: Decoder) -> Iterator[None]:
        """Let only one picture at a time take much memory; another waits, unless it keeps others waiting."""
        waited = 0.0
        while not self._large.acquire(timeout=self._limits.patience_s):
            waited += self._limits.patience_s
            if self._is_contested(decoder) or waited >= self._limits.decode_s:
                raise busy("another large picture is being decoded; send it again in a moment")
        try:
            yield
        finally:
            self._large.release()


def is_small(data: bytes) -> bool:
    """Return whether bytes are a PNG or JPEG so small that decoding it can take neither time nor memory."""
    if len(data) > SMALL_BYTES:
        return False
    if data.startswith(_PNG):
        if len(data) < 24:  # its size ends there
            return True
        width, height = struct.unpack(">II", data[16:24])
    elif data.startswith(_JPEG):
        try:
            width, height = JpegImageFile(BytesIO(data)).size
        except Exception:  # noqa: BLE001  whatever a damaged head makes Pillow raise
            return False
    else:
        return False
    return bool(max(width, height) <= SMALL_SIDE)
