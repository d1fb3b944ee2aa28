"""From a free port to the last answer: listen, tell that it is ready, end when told to."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from edgedigits.errors import OutputError, UsageError
from edgedigits.serve.connection import Connection
from edgedigits.serve.service import Service

# Of requests that wait to be accepted; what comes more is refused by the kernel.
_BACKLOG = 128
_WATCH_S = 10


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; ``port`` 0 takes a free one.

    Raises
    ------
    UsageError: no address of this machine, or no port.
    OutputError: the port is in use or may not be used.

    """
    unusable = UsageError(f"--host {host} --port {port}: expected an address of this machine and a port up to 65535")
    if not 0 <= port < 1 << 16:  # getaddrinfo would take the remainder
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


def url_of(listening: socket.socket) -> str:
    """Where to point a browser on this machine, or in its network."""
    host, port = listening.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104  asked for by the user
        host = f"{socket.gethostname().partition('.')[0]}.local"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def serve(app: ASGIApp, service: Service, listening: socket.socket, ready: Callable[[], None]) -> int:
    """Answer until SIGTERM or SIGINT, finish what was begun, and return the signal's number.

    ``ready`` is called when requests are accepted.
    """
    for name in ("uvicorn.error", "python_multipart.multipart"):
        logging.getLogger(name).setLevel(logging.ERROR)  # not each client's mistakes
    limits = service.limits
    config = uvicorn.Config(
        app,
        http=type("Limited", (Connection,), {"limits": limits}),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=int(limits.idle_s),
        timeout_graceful_shutdown=int(limits.drain_s),
        callback_notify=_Watchdog(service),
        timeout_notify=_WATCH_S,
    )
    server = _Server(config, service, ready)
    service.begun = server.server_state.tasks
    server.run(sockets=[listening])
    return server.signal


class _Server(uvicorn.Server):
    """Tells systemd how it fares (man sd_notify), and ends in order."""

    def __init__(self, config: uvicorn.Config, service: Service, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._service, self._ready = service, ready
        self.signal = signal.SIGTERM.value

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        notify("READY=1")
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        notify("STOPPING=1")
        if self._service.camera is not None:
            self._service.camera.end()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take signals as a wish to end; uvicorn's own way raises them once more afterwards."""
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
            self.force_exit = True  # the second one means it
        else:
            self.should_exit, self.signal = True, number.value


class _Watchdog:
    """Tells systemd every few seconds that requests get their turn; silent, it has the service started again."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self) -> None:
        if self._service.unfit() is None:
            notify("WATCHDOG=1")


def notify(state: str) -> None:
    """Send a line to systemd, if it started this process and asked for it."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.sendto(state.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)
