"""Serve inference over HTTP with nothing around it: what `edgedigits serve` is compared with.

``python bare_server.py`` serves on a free port of this machine and says which. It has the same uvicorn, Starlette, h11
and classifier as `edgedigits serve`, but no thread, no queue, no limits, no counters, no headers.
"""

from __future__ import annotations

import json
import socket
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edgedigits import DigitClassifier


def app(classifier: DigitClassifier) -> Starlette:
    """Return an application with one route."""

    async def classify(request: Request) -> Response:
        prediction = classifier.classify(await request.body())
        return Response(json.dumps(prediction.to_dict()), media_type="application/json")

    return Starlette(routes=[Route("/v1/classify", classify, methods=["POST"])])


def main() -> None:
    """Serve until a signal ends the process."""
    # Named, or asyncio does not know that it is TCP and leaves Nagle's algorithm on: 40 ms an answer.
    with DigitClassifier() as classifier, socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()  # uvicorn would do it, but only after we have said that we do
        print(f"http://127.0.0.1:{listening.getsockname()[1]}/", file=sys.stderr, flush=True)
        config = uvicorn.Config(
            app(classifier), http="h11", ws="none", lifespan="off", access_log=False, log_level="error"
        )
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
