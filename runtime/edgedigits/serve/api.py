"""What programs ask: classify, read, the model's card, the camera, and how the service fares."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from edgedigits.errors import ImageError, UsageError
from edgedigits.serve import metrics
from edgedigits.serve.camera import Camera, Seen
from edgedigits.serve.problems import Problem, busy
from edgedigits.serve.service import Service
from edgedigits.serve.uploads import is_tiny, receive_body
from edgedigits.serve.worker import Full

_JSON = "application/json"
_BOUNDARY = "frame"
_FLAGS = {"true": True, "false": False}


async def classify(request: Request) -> Response:
    """``POST /v1/classify``: the object of `classify --json`; ``?fed=true`` adds the image that the model saw."""
    asked = request.query_params.get("fed", "false") if request.scope["query_string"] else "false"
    if asked not in _FLAGS:
        raise Problem(HTTPStatus.BAD_REQUEST, f"fed: expected true or false, found {asked}")
    service = _service(request)
    return await _answered(request, lambda body, kind: service.classify(body, kind, fed=_FLAGS[asked]))


async def read(request: Request) -> Response:
    """``POST /v1/read``: the object of `read --json`."""
    return await _answered(request, _service(request).read)


async def model(request: Request) -> Response:
    """``GET /v1/model``: which model answers, and its bundle's manifest."""
    return _json(_service(request).card())


async def camera(request: Request) -> Response:
    """``GET /v1/camera``: what the camera sees just now, as the object of `read --json`."""
    try:
        seen = await _camera(request).look()
    except TimeoutError as error:
        raise busy("the camera gives no picture yet") from error
    return _json({"frame": seen.number, "error": seen.error, "reading": seen.reading})


async def camera_stream(request: Request) -> Response:
    """``GET /v1/camera/stream``: its annotated frames as they come, Motion JPEG."""
    frames = _camera(request).watch()
    first = await anext(frames, None)
    if first is None or first.error is not None:
        raise busy("the service is ending" if first is None else str(first.error))
    return StreamingResponse(_parts(first, frames), media_type=f"multipart/x-mixed-replace; boundary={_BOUNDARY}")


async def healthz(_: Request) -> Response:
    """``GET /healthz``: the service runs."""
    return _json({"status": "ok"})


async def readyz(request: Request) -> Response:
    """``GET /readyz``: the model was proved on its golden inputs, and requests get their turn."""
    service = _service(request)
    if why := service.unfit():
        raise busy(why)
    return _json({"status": "ready", "golden_inputs": service.proved})


async def metrics_text(request: Request) -> Response:
    """``GET /metrics``: Prometheus' text."""
    text = await asyncio.to_thread(_service(request).metrics.text)
    return Response(text, media_type=metrics.MEDIA_TYPE)


def routes() -> list[Route]:
    """Where all of these are."""
    gets: dict[str, Callable[[Request], object]] = {
        "/v1/model": model,
        "/v1/camera": camera,
        "/v1/camera/stream": camera_stream,
        "/healthz": healthz,
        "/readyz": readyz,
        "/metrics": metrics_text,
    }
    posts = {"/v1/classify": classify, "/v1/read": read}
    return [
        *(Route(path, endpoint, methods=["POST"]) for path, endpoint in posts.items()),
        *(Route(path, endpoint, methods=["GET"]) for path, endpoint in gets.items()),
    ]


async def _answered(request: Request, answer: Callable[[bytes, str | None], bytes]) -> Response:
    service = _service(request)
    try:
        with service.store.shelf() as shelf:
            body = await receive_body(request, shelf, service.limits)
            kind = request.headers.get("content-type")
            if len(service.begun) <= 1 and is_tiny(body):
                told = answer(body, kind)  # nobody waits, and it is done sooner than another thread would begin
            else:
                told = await service.worker.run(lambda: answer(body, kind), request.receive)
    except (ClientDisconnect, asyncio.CancelledError):
        if not await request.is_disconnected():
            raise  # the service was told to end, and it took too long
        return Response(status_code=_GONE)
    except Full as error:
        raise busy("too many pictures wait for their answer; send it again in a moment") from error
    except ImageError as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error).removeprefix("image bytes: ")) from error
    except UsageError as error:
        raise Problem(HTTPStatus.NOT_IMPLEMENTED, str(error)) from error
    except MemoryError as error:
        raise busy("this picture needs more memory than there is now; make it smaller") from error
    return Response(told, media_type=_JSON)


# What nginx logs for a client that hung up; it is never sent, only counted.
_GONE = 499


async def _parts(first: Seen, frames: AsyncIterator[Seen]) -> AsyncIterator[bytes]:
    # The boundary ends a part, not begins it: browsers show a frame when they have seen the next boundary.
    yield f"--{_BOUNDARY}\r\n".encode()
    yield _part(first)
    async for seen in frames:
        if seen.error is not None:
            return
        yield _part(seen)


def _part(seen: Seen) -> bytes:
    head = f"Content-Type: image/jpeg\r\nContent-Length: {len(seen.jpeg)}\r\n\r\n"
    return head.encode() + seen.jpeg + f"\r\n--{_BOUNDARY}\r\n".encode()


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _camera(request: Request) -> Camera:
    found = _service(request).camera
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, "this service has no camera; start it with --camera")
    return found


def _json(values: object) -> Response:
    return Response(json.dumps(values, allow_nan=False), media_type=_JSON)
