"""What holds for every request, whatever it asks: a known host, headers that keep browsers honest, a count."""

from __future__ import annotations

import socket
from collections.abc import Collection
from functools import lru_cache
from http import HTTPStatus
from ipaddress import ip_address

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edgedigits.serve.metrics import Metrics
from edgedigits.serve.problems import MEDIA_TYPE, problem_bytes

# An answer in JSON is no page, and other sites must not show the camera's picture.
HEADERS = [(b"x-content-type-options", b"nosniff"), (b"cross-origin-resource-policy", b"same-origin")]
# The page has no inline script or style, asks this host alone, and is shown in nobody's frame.
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


# Host headers whose answer is remembered.
_REMEMBERED = 64


class Guard:
    """An ASGI middleware."""

    def __init__(self, app: ASGIApp, metrics: Metrics, paths: Collection[str], names: Collection[str]) -> None:
        """``paths`` are those to be counted by name, ``names`` what the service is called besides its addresses."""
        self._app, self._metrics = app, metrics
        self._paths = frozenset(paths)
        names = {name.lower() for name in names}
        self._is_ours = lru_cache(_REMEMBERED)(lambda host: _names_us(host, names))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        headers = HEADERS if scope["method"] == "POST" else PAGE_HEADERS
        path = scope["path"] if scope["path"] in self._paths else "other"

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"].extend(headers)
                self._metrics.count_request(path, message["status"])
            await send(message)

        host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
        if self._is_ours(host):
            await self._app(scope, receive, guarded)
        else:
            await _misdirected(host, guarded)


def _names_us(host: str, names: Collection[str]) -> bool:
    """Whether a Host header names this service, which is called ``names``.

    A page of a stranger may give its own name our address and then ask us as if it were from here ("DNS rebinding");
    addresses cannot be given away.
    """
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    name = name.lower().rstrip(".")
    return name in names or _is_address(name.removeprefix("[").removesuffix("]"))


def own_names() -> set[str]:
    """What this machine is called on its network."""
    name = socket.gethostname()
    return {"localhost", name, f"{name.partition('.')[0]}.local"}


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


async def _misdirected(host: str, send: Send) -> None:
    detail = f"this service is not called {host[:100]!r}; if it should be: edgedigits serve --name"
    body = problem_bytes(HTTPStatus.MISDIRECTED_REQUEST, detail)
    head = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": HTTPStatus.MISDIRECTED_REQUEST.value, "headers": head})
    await send({"type": "http.response.body", "body": body})
