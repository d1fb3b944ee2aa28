"""The service as an ASGI application."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from edgedigits.serve import api, static_files
from edgedigits.serve.middleware import Guard, own_names
from edgedigits.serve.problems import Problem, on_bug, on_http_exception, on_problem
from edgedigits.serve.service import Service


def make_app(service: Service, names: Sequence[str] = (), origins: Sequence[str] = ()) -> ASGIApp:
    """Put the parts together.

    ``names`` are what the service is called besides this machine's own name and addresses; pages of ``origins``
    (``https://digits.example``) may ask it from other sites, by default none.
    """
    routes = [*api.routes(), *static_files.routes()]
    paths = [route.path for route in routes]
    cors = Middleware(CORSMiddleware, allow_origins=list(origins), allow_methods=["GET", "POST"])
    app = Starlette(
        routes=routes,
        middleware=[cors] if origins else [],
        exception_handlers={Problem: on_problem, HTTPException: on_http_exception, Exception: on_bug},
    )
    app.router.redirect_slashes = False  # the place it would name may not be ours, behind a proxy
    app.state.service = service
    # Outside of Starlette, whose answer to a bug does not go through its own middleware.
    return Guard(app, service.metrics, paths, {*own_names(), *names})
