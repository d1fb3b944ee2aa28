"""The routes of the page's files and of the OpenAPI document, which are read once from the package."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import cache
from importlib.resources import files
from pathlib import PurePath
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edgedigits import __version__

_INDEX = "index.html"
_KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def routes() -> list[Route]:
    """Return a route for each file; that of the index is ``/``."""
    page = files("edgedigits.serve") / "page"
    found = [Route("/openapi.json", _serve_bytes(json.dumps(openapi()).encode(), "application/json"), methods=["GET"])]
    for file in page.iterdir():
        path = "/" if file.name == _INDEX else f"/{file.name}"
        kind = _KINDS[PurePath(file.name).suffix]
        found.append(Route(path, _serve_bytes(file.read_bytes(), kind), methods=["GET"]))
    return found


@cache
def openapi() -> dict[str, Any]:
    """Return the OpenAPI document of the interface."""
    document: dict[str, Any] = json.loads((files("edgedigits.serve") / "openapi.json").read_bytes())
    document["info"]["version"] = __version__
    document["components"]["schemas"]["Manifest"] = json.loads(
        (files("edgedigits") / "manifest.schema.json").read_bytes()
    )
    return document


def _serve_bytes(data: bytes, kind: str) -> Callable[[Request], Awaitable[Response]]:
    async def respond(_: Request) -> Response:
        return Response(data, media_type=kind)

    return respond
