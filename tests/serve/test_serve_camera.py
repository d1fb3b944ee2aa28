"""The board's camera on the network: on while somebody watches, read, drawn on, and off again."""

from __future__ import annotations

import http.client
import io
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jsonschema
import pytest
from PIL import Image
from running import PATIENCE_S, Running, wait_until

from edgedigits.serve.static_files import openapi

pytestmark = pytest.mark.slow


@pytest.fixture
def filming(rpicam, start):
    """A service with the stand-in for a Pi's camera, and where that leaves its process id."""

    def begin(**more: object):
        pid = rpicam(**more)
        return start("--camera", "camera:0"), pid

    return begin


def runs(pid: Path) -> bool:
    try:
        os.kill(int(pid.read_text()), 0)
    except (OSError, ValueError):
        return False
    return True


def frames_of(watching: http.client.HTTPResponse, count: int) -> list[bytes]:
    """The first JPEG files of a stream of parts."""
    assert watching.getheader("content-type") == "multipart/x-mixed-replace; boundary=frame"
    data = b""
    while data.count(b"\r\n--frame\r\n") < count:
        data += watching.read1(1 << 16)
    parts = data.split(b"--frame\r\n")[1 : count + 1]
    return [part.partition(b"\r\n\r\n")[2] for part in parts]


@contextmanager
def watch(running: Running) -> Iterator[http.client.HTTPResponse]:
    channel = http.client.HTTPConnection(*running.address, timeout=PATIENCE_S)
    channel.request("GET", "/v1/camera/stream")
    try:
        yield channel.getresponse()
    finally:
        channel.close()


def test_what_it_sees_is_read_and_told(filming) -> None:
    running, _ = filming(end="again")
    assert running.get("/v1/model").json()["camera"] is True
    seen = running.get("/v1/camera").json()
    jsonschema.validate(seen, {"$ref": "#/components/schemas/CameraFrame", "components": openapi()["components"]})
    assert (seen["error"], seen["reading"]["width"], seen["reading"]["height"]) == (None, 640, 480)
    assert seen["reading"]["text"]
    first = seen["frame"]
    wait_until(lambda: running.get("/v1/camera").json()["frame"] > first)


def test_viewers_get_annotated_frames_and_the_camera_goes_off_after_the_last(filming) -> None:
    running, pid = filming(end="again")
    assert not pid.exists()  # nobody watches yet
    with watch(running) as one, watch(running) as two:
        for watching in (one, two):
            picture = Image.open(io.BytesIO(frames_of(watching, 2)[1]))
            assert (picture.format, picture.size, picture.mode) == ("JPEG", (640, 480), "RGB")
            red, green, blue = picture.split()
            assert red.tobytes() != green.tobytes() != blue.tobytes()  # boxes have colours, a grey frame has none
        assert runs(pid)
        answer = running.get("/healthz")
        assert answer.status == 200
    wait_until(lambda: not runs(pid))


def test_it_ends_while_somebody_watches(filming) -> None:
    running, pid = filming(end="again")
    with watch(running) as watching:
        frames_of(watching, 1)
        assert running.end() == 0
    assert not runs(pid)
    assert "Traceback" not in running.said


def test_killed_it_leaves_no_camera_running(filming) -> None:
    running, pid = filming(end="again")
    with watch(running) as watching:
        frames_of(watching, 1)
        running.end(signal.SIGKILL)
    wait_until(lambda: not runs(pid))


def test_a_camera_that_fails_says_so_and_can_be_tried_again(filming) -> None:
    running, _ = filming(end="cut")
    wait_until(lambda: running.get("/v1/camera").json()["error"] is not None)
    wait_until(lambda: running.get("/v1/camera").json()["reading"] is not None)  # turned on again


def test_pictures_are_answered_while_the_camera_is_watched(filming, drawn) -> None:
    running, _ = filming(end="again")
    with watch(running) as watching:
        frames_of(watching, 1)
        for label, picture in drawn.items():
            assert running.post("/v1/classify", picture).json()["digit"] == label
