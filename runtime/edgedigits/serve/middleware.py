"""The middleware of every request: it checks the host name, adds security headers, and counts the response."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection
from functools import lru_cache
from http import HTTPStatus
from ipaddress import ip_address

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edgedigits.serve.limits import Limits
from edgedigits.serve.problems import MEDIA_TYPE, problem_bytes
from edgedigits.serve.service import Service

# Browsers must not take JSON for a page, and other sites must not show the camera's picture.
HEADERS = [(b"x-content-type-options", b"nosniff"), (b"cross-origin-resource-policy", b"same-origin")]
# The page has no inline script or style, sends requests to this host alone, and must not be shown in a frame.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE_HEADERS = [
    *HEADERS,
    (b"content-security-policy", _POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]


_CLOSE = (b"connection", b"close")
# The number of host headers whose check is cached.
_CACHED_HOSTS = 64


class RequestMiddleware:
    """The ASGI middleware of the service."""

    def __init__(self, app: ASGIApp, service: Service, paths: Collection[str], names: Collection[str]) -> None:
        """``paths`` are counted by name, all others as one; ``names`` are the host names of the service."""
        self._app, self._service = app, service
        self._metrics, self._limits = service.metrics, service.limits
        self._paths = frozenset(paths)
        names = {name.lower() for name in names}
        self._is_own_host = lru_cache(_CACHED_HOSTS)(lambda host: _is_own_host(host, names))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        headers = HEADERS if scope["method"] == "POST" else PAGE_HEADERS
        path = scope["path"] if scope["path"] in self._paths else "other"

        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"].extend(headers)
                if self._service.is_ending:
                    message["headers"].append(_CLOSE)  # or the client's next request meets a closed connection
                self._metrics.count_request(path, message["status"])
            await send(message)

        host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
        if _head_bytes(scope) > self._limits.head_bytes:
            too_large = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            await _send_problem(too_large, head_too_large(self._limits), send_with_headers)
        elif not self._is_own_host(host):
            detail = f"{host[:100]!r} is not a name of this service; add it with: edgedigits serve --name"
            await _send_problem(HTTPStatus.MISDIRECTED_REQUEST, detail, send_with_headers)
        else:
            try:
                await self._app(scope, receive, send_with_headers)
            except asyncio.CancelledError:  # the service ends, and this was not done in time
                if not started:
                    ending = "the service is ending; send it again in a moment"
                    await _send_problem(HTTPStatus.SERVICE_UNAVAILABLE, ending, send_with_headers)


def _is_own_host(host: str, names: Collection[str]) -> bool:
    """Return whether a Host header holds one of this service's ``names`` or an address.

    A hostile page may point its own name at our address and then send us requests as its own origin ("DNS
    rebinding"). It cannot do that with an address.
    """
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    name = name.lower().rstrip(".")
    return name in names or _is_address(name.removeprefix("[").removesuffix("]"))


def machine_names() -> set[str]:
    """Return the names of this machine on its network."""
    name = socket.gethostname()
    return {"localhost", name, f"{name.partition('.')[0]}.local"}


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def head_too_large(limits: Limits) -> str:
    """Return what a client is told whose request's head is too large."""
    return f"expected a request's line and headers of at most {limits.head_bytes / 1024:g} kB, found more"


def _head_bytes(scope: Scope) -> int:
    fields = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    return len(scope["raw_path"]) + len(scope["query_string"]) + fields


async def _send_problem(status: HTTPStatus, detail: str, send: Send) -> None:
    body = problem_bytes(status, detail)
    head = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        head.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status.value, "headers": head})
    await send({"type": "http.response.body", "body": body})
