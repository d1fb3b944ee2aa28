"""The middleware of every request: it checks the host name, adds security headers, and counts the response."""

from __future__ import annotations

import socket
from collections.abc import Collection
from functools import lru_cache
from http import HTTPStatus
from ipaddress import ip_address

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edgedigits.serve.metrics import Metrics
from edgedigits.serve.problems import MEDIA_TYPE, problem_bytes

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


# The number of host headers whose check is cached.
_CACHED_HOSTS = 64


class RequestMiddleware:
    """The ASGI middleware of the service."""

    def __init__(self, app: ASGIApp, metrics: Metrics, paths: Collection[str], names: Collection[str]) -> None:
        """``paths`` are counted by name, all others as one; ``names`` are the host names of the service."""
        self._app, self._metrics = app, metrics
        self._paths = frozenset(paths)
        names = {name.lower() for name in names}
        self._is_own_host = lru_cache(_CACHED_HOSTS)(lambda host: _is_own_host(host, names))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        headers = HEADERS if scope["method"] == "POST" else PAGE_HEADERS
        path = scope["path"] if scope["path"] in self._paths else "other"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"].extend(headers)
                self._metrics.count_request(path, message["status"])
            await send(message)

        host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
        if self._is_own_host(host):
            await self._app(scope, receive, send_with_headers)
        else:
            await _send_misdirected(host, send_with_headers)


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


async def _send_misdirected(host: str, send: Send) -> None:
    detail = f"{host[:100]!r} is not a name of this service; add it with: edgedigits serve --name"
    body = problem_bytes(HTTPStatus.MISDIRECTED_REQUEST, detail)
    head = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": HTTPStatus.MISDIRECTED_REQUEST.value, "headers": head})
    await send({"type": "http.response.body", "body": body})
