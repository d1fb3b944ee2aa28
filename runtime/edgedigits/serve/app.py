"""The service as an ASGI application."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from edgedigits.serve import api, static_files
from edgedigits.serve.middleware import RequestMiddleware, machine_names
from edgedigits.serve.problems import Problem, on_bug, on_http_exception, on_problem
from edgedigits.serve.service import Service


def make_app(service: Service, names: Sequence[str] = (), origins: Sequence[str] = ()) -> ASGIApp:
    """Return the application with all routes, error handlers and middleware.

    ``names`` are host names of the service besides this machine's own name and addresses. Pages of the ``origins``
    (``https://digits.example``) may send requests from other sites; by default none may.
    """
    routes = [*api.routes(), *static_files.routes()]
    paths = [route.path for route in routes]
    cors = Middleware(CORSMiddleware, allow_origins=list(origins), allow_methods=["GET", "POST"])
    app = Starlette(
        routes=routes,
        middleware=[cors] if origins else [],
        exception_handlers={Problem: on_problem, HTTPException: on_http_exception, Exception: on_bug},
    )
    app.router.redirect_slashes = False  # behind a proxy, the address it names may not be ours
    app.state.service = service
    # It wraps Starlette, whose response to a bug does not pass through its own middleware.
    return RequestMiddleware(app, service, paths, {*machine_names(), *names})
