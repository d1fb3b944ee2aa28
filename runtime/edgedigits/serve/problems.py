"""Error responses as problem details (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """An error response: its status and one line of explanation for people."""

    def __init__(self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> None:
        """``headers`` are added to the response."""
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers


def busy(detail: str) -> Problem:
    """Return a 503 that asks the client to try again in a second."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": "1"})


def problem_bytes(status: HTTPStatus, detail: str) -> bytes:
    """Return the document; ``about:blank`` means that the status explains the error (RFC 9457, section 4.2.1)."""
    return json.dumps(
        {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    ).encode()


async def on_problem(_: Request, error: Exception) -> Response:
    """Handle a `Problem` for Starlette."""
    assert isinstance(error, Problem)  # noqa: S101  registered for nothing else
    return _response(error.status, error.detail, error.headers)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Handle Starlette's own 404 and 405."""
    assert isinstance(error, HTTPException)  # noqa: S101  registered for nothing else
    status = HTTPStatus(error.status_code)
    known = {
        HTTPStatus.NOT_FOUND: f"{request.url.path}: there is nothing here; / is the page, /openapi.json the interface",
        HTTPStatus.METHOD_NOT_ALLOWED: f"{request.method}: {request.url.path} does not support this method",
    }
    return _response(status, known.get(status, error.detail), error.headers)


async def on_bug(_: Request, __: Exception) -> Response:
    """Handle every other exception; the traceback goes to the log."""
    return _response(HTTPStatus.INTERNAL_SERVER_ERROR, "this is a bug of the service; its log has more", None)


def _response(status: HTTPStatus, detail: str, headers: Mapping[str, str] | None) -> Response:
    return Response(problem_bytes(status, detail), status, headers, MEDIA_TYPE)
