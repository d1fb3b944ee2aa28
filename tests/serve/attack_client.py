"""Play the steps of an attack against a port, and return the statuses that came back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress

from attacks_http import END, HANG_UP, Step

# In place of statuses: nothing came back, we hung up first, or the server neither answered nor hung up.
CLOSED, GONE, HUNG, REFUSED = "closed", "gone", "hung", "refused"
# After so long without news the rest is not sent any more, and the server has to end the connection.
QUIET_S = 2.0
# A body may take 30 seconds; what takes much longer is stuck.
PATIENCE_S = 60.0
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_LENGTH = re.compile(rb"(?i)content-length: (\d+)\r\n")
_HEAD_END, _LAST_CHUNK = b"\r\n\r\n", b"\r\n0\r\n\r\n"


async def play(port: int, steps: Sequence[Step], *, wait: bool) -> list[str]:
    """Return all responses' statuses, or why there are none; with ``wait`` only the server ends the connection."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return [REFUSED]
    try:
        if HANG_UP in steps:
            await _send(writer, steps)
            return [GONE]
        sending = asyncio.ensure_future(_send(writer, steps))
        received, end = await _receive(reader, writer, patient=wait, one=not wait)
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending
        return [status.decode() for status in _STATUS.findall(received)] + end or [CLOSED]
    finally:
        writer.transport.abort()


async def response_to(port: int, request: bytes) -> bytes:
    """Return the whole response to a good request; empty if there is none."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return b""
    try:
        writer.write(request)
        return (await _receive(reader, writer, patient=True, one=True))[0]
    finally:
        writer.transport.abort()


async def _send(writer: asyncio.StreamWriter, steps: Sequence[Step]) -> None:
    with suppress(OSError):  # a server may hang up before it has heard everything
        for step in steps:
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            elif isinstance(step, float):
                await asyncio.sleep(step)
            elif step == END:
                writer.write_eof()


async def _receive(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, patient: bool, one: bool
) -> tuple[bytes, list[str]]:
    """Return all bytes that came, and ``[HUNG]`` if the server did not end the connection.

    Unless ``patient``, nothing more is sent after `QUIET_S` without news; with ``one``, one whole response is enough.
    """
    received, quiet = b"", patient
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_S
    while (left := deadline - loop.time()) > 0:
        try:
            more = await asyncio.wait_for(reader.read(1 << 16), left if quiet else QUIET_S)
        except TimeoutError:
            if quiet:
                break
            quiet = True
            with suppress(OSError):
                writer.write_eof()
            continue
        except OSError:
            more = b""
        received += more
        if not more or (one and _whole(received)):
            return received, []
    return received, [HUNG]


def _whole(received: bytes) -> bool:
    """Return whether exactly one response is there, from its first byte to its last; several are waited for."""
    head, _, body = received.partition(_HEAD_END)
    length = _LENGTH.search(head + b"\r\n")
    return body.endswith(_LAST_CHUNK) if length is None else len(body) == int(length[1])
