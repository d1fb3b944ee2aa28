"""Closing a connection whose client still sends, in such a way that it reads the response."""

from __future__ import annotations

import asyncio
from typing import Any

from edgedigits.serve.limits import LINGER_BYTES, LINGER_MOST_S, LINGER_S


class LingeringTransport:
    """A transport whose `close` waits for a client that still sends: what it sends is discarded.

    A system answers bytes that nobody reads with a reset, which takes from the client what it has not read yet (RFC
    9112, section 9.6). Only the sending side is closed first; the rest follows when the client is done, is silent for a
    while, or has sent too much.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        """Wrap a transport; what is public is for its protocol to set: ``most_s`` is the longest time to wait."""
        self._transport, self._loop = transport, loop
        self.is_client_sending = self.is_lingering = False
        self.may_linger, self.most_s = True, LINGER_MOST_S
        self._discarded, self._until = 0, 0.0
        self._timer: asyncio.TimerHandle | None = None

    def __getattr__(self, name: str) -> Any:
        """Return what the transport has."""
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Return whether nothing more is to be written."""
        return self.is_lingering or self._transport.is_closing()

    def close(self) -> None:
        """Close the connection, or only the side that sends while the client still does."""
        if self.is_closing():
            return
        if not (self.is_client_sending and self.may_linger and self._transport.can_write_eof()):
            self._transport.close()
            return
        self.is_lingering = True
        self._until = self._loop.time() + self.most_s
        self._transport.resume_reading()
        self._transport.write_eof()
        self._wait()

    def discard(self, count: int) -> None:
        """Note that bytes came which nobody reads."""
        self._discarded += count
        if self._discarded > LINGER_BYTES or self._loop.time() > self._until:
            self._transport.close()
        else:
            self._wait()

    def _wait(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(LINGER_S, self._transport.close)
