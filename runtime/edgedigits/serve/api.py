"""The HTTP interface for programs: classify, read, model card, camera, health and metrics."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from edgedigits.errors import ImageError, UsageError
from edgedigits.images.decode import DETAIL, Picture
from edgedigits.reader import DETAIL as PAGE_DETAIL
from edgedigits.serve import metrics
from edgedigits.serve.camera import Camera, CameraFrame
from edgedigits.serve.problems import Problem, busy
from edgedigits.serve.service import Service
from edgedigits.serve.uploads import is_form, picture_of, receive_body
from edgedigits.serve.worker import QueueFullError

_JSON = "application/json"
_BOUNDARY = "frame"
_FLAGS = {"true": True, "false": False}


async def classify(request: Request) -> Response:
    """Handle ``POST /v1/classify``: the object of `classify --json`; ``?model_input=true`` adds the model input."""
    model_input = request.query_params.get("model_input", "false") if request.scope["query_string"] else "false"
    if model_input not in _FLAGS:
        raise Problem(HTTPStatus.BAD_REQUEST, f"model_input: expected true or false, found {model_input}")
    service = _service(request)
    return await _process(request, DETAIL, partial(service.classify, model_input=_FLAGS[model_input]))


async def read(request: Request) -> Response:
    """Handle ``POST /v1/read``: the object of `read --json`."""
    return await _process(request, PAGE_DETAIL, _service(request).read)


async def model(request: Request) -> Response:
    """Handle ``GET /v1/model``: the model, its engine and its bundle's manifest."""
    return _json(_service(request).card())


async def camera(request: Request) -> Response:
    """Handle ``GET /v1/camera``: the newest frame of the camera as the object of `read --json`."""
    try:
        frame = await _camera(request).newest()
    except TimeoutError as error:
        raise busy("the camera gives no picture yet") from error
    return _json({"frame": frame.number, "error": frame.error, "reading": frame.reading})


async def camera_stream(request: Request) -> Response:
    """Handle ``GET /v1/camera/stream``: the annotated frames of the camera as Motion JPEG."""
    frames = _camera(request).watch()
    first = await anext(frames, None)
    if first is None or first.error is not None:
        raise busy("the service is ending" if first is None else str(first.error))
    return StreamingResponse(_parts(first, frames), media_type=f"multipart/x-mixed-replace; boundary={_BOUNDARY}")


async def healthz(_: Request) -> Response:
    """Handle ``GET /healthz``: the service runs."""
    return _json({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Handle ``GET /readyz``: the model is verified on its golden inputs, and requests get their turn."""
    service = _service(request)
    if why := service.why_not_ready():
        raise busy(why)
    return _json({"status": "ready", "golden_inputs": service.verified_inputs})


async def metrics_text(request: Request) -> Response:
    """Handle ``GET /metrics``: the metrics in Prometheus' text format."""
    text = await asyncio.to_thread(_service(request).metrics.text)
    return Response(text, media_type=metrics.MEDIA_TYPE)


def routes() -> list[Route]:
    """Return the routes of all handlers."""
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


async def _process(request: Request, detail: int, process: Callable[[bytes | Picture], bytes]) -> Response:
    """Receive the body and return the JSON that ``process`` makes of its picture, decoded with this detail."""
    service = _service(request)
    if service.is_ending:
        raise busy("the service is ending; send it again in a moment")
    try:
        with service.memory.reserve() as reservation:
            body = await receive_body(request, reservation, service.limits)
            data = await _picture_bytes(request, body)
            del body
            picture = await service.picture(data, detail, request.receive)
            del data
            result = await service.worker.run(partial(process, picture), request.receive)
    except (ClientDisconnect, asyncio.CancelledError):
        if not await request.is_disconnected():
            raise  # the service was told to end, and this took too long
        return Response(status_code=_GONE)
    except QueueFullError as error:
        raise busy("too many pictures wait for their turn; send it again in a moment") from error
    except ImageError as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error).removeprefix("image bytes: ")) from error
    except UsageError as error:
        raise Problem(HTTPStatus.NOT_IMPLEMENTED, str(error)) from error
    except MemoryError as error:
        raise busy("this picture needs more memory than there is now; make it smaller") from error
    return Response(result, media_type=_JSON)


async def _picture_bytes(request: Request, body: bytes) -> bytes:
    kind = request.headers.get("content-type")
    if is_form(kind):  # a thread takes it apart, since it may have many parts
        return await _service(request).worker.run(partial(picture_of, body, kind), request.receive)
    return picture_of(body, kind)


# The status that nginx logs for a client that disconnected; it is counted and never sent.
_GONE = 499


async def _parts(first: CameraFrame, frames: AsyncIterator[CameraFrame]) -> AsyncIterator[bytes]:
    # The boundary ends a part: browsers show a frame once they have seen the next boundary.
    yield f"--{_BOUNDARY}\r\n".encode()
    yield _part(first)
    async for frame in frames:
        if frame.error is not None:
            return
        yield _part(frame)


def _part(frame: CameraFrame) -> bytes:
    head = f"Content-Type: image/jpeg\r\nContent-Length: {len(frame.jpeg)}\r\n\r\n"
    return head.encode() + frame.jpeg + f"\r\n--{_BOUNDARY}\r\n".encode()


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
