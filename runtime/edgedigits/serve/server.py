"""The server: it listens, reports to systemd, and ends in order when it is told to."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from edgedigits.console.progress import note
from edgedigits.errors import OutputError, UsageError
from edgedigits.serve.connection import Connection
from edgedigits.serve.seats import Seats
from edgedigits.serve.service import Service

# The number of connections that wait to be accepted; the kernel refuses more.
_BACKLOG = 128
_WATCH_S = 10
# At the end: how long requests that are on their way are waited for, what of the time is left for refusing the others,
# and how often it is looked whether all is done.
_GRACE_S, _LAST_S, _TICK_S = 0.2, 2.0, 0.05
_SHORT_OF_FILES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_TOLD_AGAIN_S = 60.0


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; ``port`` 0 takes a free port.

    Raises
    ------
    UsageError: ``host`` is no address of this machine, or ``port`` is no port.
    OutputError: the port is in use, or this user may not use it.

    """
    unusable = UsageError(f"--host {host} --port {port}: expected an address of this machine and a port up to 65535")
    if not 0 <= port < 1 << 16:  # getaddrinfo would wrap it around
        raise unusable
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError) as error:
        raise unusable from error
    found = socket.socket(family, kind, protocol)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(_BACKLOG)
    except OSError as error:
        found.close()
        if error.errno == errno.EADDRINUSE:
            raise OutputError(
                f"--port {port}: something on {host} listens there already; name another, or 0 for any"
            ) from error
        if error.errno == errno.EADDRNOTAVAIL:
            raise UsageError(f"--host {host}: is no address of this machine; 0.0.0.0 means all of them") from error
        raise OutputError(f"--host {host} --port {port}: cannot be used ({error.strerror})") from error
    return found


def serve(app: ASGIApp, service: Service, listening: socket.socket, ready: Callable[[], None]) -> int:
    """Serve until SIGTERM or SIGINT, finish the open requests, and return the signal's number.

    ``ready`` is called once requests are accepted.
    """
    for name in ("uvicorn.error", "python_multipart.multipart"):
        logging.getLogger(name).setLevel(logging.ERROR)  # clients' mistakes are not logged
    limits = service.limits
    config = uvicorn.Config(
        app,
        http=type("Limited", (Connection,), {"limits": limits, "seats": Seats(limits.connections)}),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=limits.head_bytes,
        timeout_keep_alive=int(limits.idle_s),
        timeout_graceful_shutdown=int(limits.drain_s),
        callback_notify=_Watchdog(service),
        timeout_notify=_WATCH_S,
    )
    server = _Server(config, service, ready)
    server.run(sockets=[listening])
    return server.signal


class _Server(uvicorn.Server):
    """The uvicorn server, which reports its state to systemd (man sd_notify) and ends in order."""

    def __init__(self, config: uvicorn.Config, service: Service, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._service, self._ready = service, ready
        self.signal = signal.SIGTERM.value

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_exception_handler(_ShortOfFiles())
        await super().startup(sockets)
        notify("READY=1")
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        notify("STOPPING=1")
        loop = asyncio.get_running_loop()
        end = loop.time() + self._service.limits.drain_s - _LAST_S
        if self._service.camera is not None:
            self._service.camera.end()
        for server in self.servers:
            server.close()
        self._service.is_ending = True
        await asyncio.sleep(_GRACE_S)  # what is on its way is answered
        for connection in self._connections():
            connection.shutdown()
        while loop.time() < end and self._is_busy():  # noqa: ASYNC110  uvicorn tells nobody when it is not
            await asyncio.sleep(_TICK_S)
        await self._give_up()
        await super().shutdown(sockets)

    async def _give_up(self) -> None:
        """Refuse with 503 what was not done in time, and close all connections."""
        for connection in self._connections():
            if connection.cycle is not None and connection.cycle.response_started:
                connection.transport.abort()
        await asyncio.sleep(0)  # their tasks are to know it
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_LAST_S / 2)
        await asyncio.sleep(_TICK_S)
        for connection in self._connections():
            connection.transport.abort()
        await asyncio.sleep(0)

    def _is_busy(self) -> bool:
        return not self.force_exit and bool(self.server_state.tasks or self.server_state.connections)

    def _connections(self) -> list[Connection]:
        return [one for one in self.server_state.connections if isinstance(one, Connection)]

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End the server on a signal; uvicorn's own method would raise the signal again afterwards."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end, number)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _end(self, number: signal.Signals) -> None:
        if self.should_exit:
            self.force_exit = True  # the second signal does not wait for open requests
        else:
            self.should_exit, self.signal = True, number.value


class _ShortOfFiles:
    """The handler of the event loop's errors, which tells in one line that no connection can be accepted now.

    asyncio tells it with a traceback, each second; it tries again by itself.
    """

    def __init__(self) -> None:
        self._told = -_TOLD_AGAIN_S

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if "_start_serving" in context["message"]:  # it tried again after the end, when the socket was closed
            return
        if getattr(context.get("exception"), "errno", None) not in _SHORT_OF_FILES:
            loop.default_exception_handler(context)
        elif loop.time() - self._told >= _TOLD_AGAIN_S:
            self._told = loop.time()
            note("edgedigits serve: too many open files; new connections wait until some are closed")


class _Watchdog:
    """The watchdog: it tells systemd every few seconds that the service works, or systemd restarts the service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self) -> None:
        if self._service.why_not_ready() is None:
            notify("WATCHDOG=1")


def notify(state: str) -> None:
    """Send a state to systemd if it started this process and expects that."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.sendto(state.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)
