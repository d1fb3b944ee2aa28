"""Clients that send too much, too slowly, or nothing; that do not read; that are too many; that go away."""

from __future__ import annotations

import json
import select
import socket
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from running import PATIENCE_S, wait_until

from edgedigits.serve.limits import LIMITS

pytestmark = pytest.mark.slow

IMPATIENT = Path(__file__).parent / "impatient_service.py"


@pytest.fixture
def impatient(start):
    """A service whose limits are small, so that tests need not wait for them."""
    return lambda **limits: start(program=(str(IMPATIENT),), EDGEDIGITS_TEST_LIMITS=json.dumps(limits))


@pytest.fixture
def closing() -> Iterator[Callable[[socket.socket], socket.socket]]:
    """Return a channel that was given, and close it at the end."""
    with ExitStack() as stack:
        yield stack.enter_context


def connect(running: Any) -> socket.socket:
    return socket.create_connection(running.address, timeout=PATIENCE_S)


def answered(channel: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    found = b""
    try:
        while chunk := channel.recv(65536):
            found += chunk
    except ConnectionResetError:
        pass
    return found


def cut_off(channel: socket.socket, data: bytes, pause_s: float = 0.0) -> bool:
    """Send the same again and again, until the other side has had enough."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            channel.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return True
        time.sleep(pause_s)
    return False


def head(path: str = "/v1/classify", **fields: object) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", *(f"{k.replace('_', '-')}: {v}" for k, v in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_more_than_five_megabytes_is_refused_and_the_client_gets_to_read_why(service, chunked) -> None:
    body = bytes(LIMITS.body_bytes + 1)
    if chunked:
        parts = [body[start : start + 500_000] for start in range(0, len(body), 500_000)]
        answer = service.ask("POST", "/v1/classify", iter(parts), {"Transfer-Encoding": "chunked"})
    else:
        answer = service.post("/v1/classify", body)
    assert answer.status == 413
    assert "at most 5 MB" in answer.json()["detail"]


def test_a_body_that_says_it_is_too_large_is_not_waited_for(service) -> None:
    with connect(service) as channel:
        channel.sendall(head(Content_Length=LIMITS.body_bytes + 1))
        assert channel.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_body_of_just_five_megabytes_is_taken(service, drawn) -> None:
    assert service.post("/v1/classify", drawn[1] + bytes(LIMITS.body_bytes - len(drawn[1]))).json()["digit"] == 1


def test_a_client_that_goes_on_sending_after_a_refusal_is_cut_off(impatient) -> None:
    with connect(impatient(header_s=1000, body_s=1000)) as channel:
        channel.sendall(head(Content_Length=10**12))
        assert cut_off(channel, bytes(65536))


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(service) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = (5001).to_bytes(4, "big") + (5000).to_bytes(4, "big") + bytes([8, 0, 0, 0, 0])
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    answer = service.post("/v1/classify", bomb)
    assert answer.status == 422
    assert "at most 25 megapixels, found 5001 x 5000" in answer.json()["detail"]
    assert "at most 25 megapixels" in service.post("/v1/read", bomb).json()["detail"]


def test_a_head_that_comes_too_slowly_is_answered_and_closed(impatient) -> None:
    with connect(impatient(header_s=0.2)) as channel:
        channel.sendall(b"POST /v1/classify HTTP/1.1\r\nHost: loc")
        found = answered(channel)
    assert found.startswith(b"HTTP/1.1 408 ")
    assert json.loads(found.partition(b"\r\n\r\n")[2])["status"] == 408


def test_a_drip_of_header_bytes_does_not_buy_time(impatient) -> None:
    with connect(impatient(header_s=0.3)) as channel:
        channel.sendall(b"GET / HTTP/1.1\r\n")
        assert cut_off(channel, b"X: y\r\n", pause_s=0.05)


def test_the_second_request_of_a_connection_has_a_deadline_too(impatient) -> None:
    with connect(impatient(header_s=0.3)) as channel:
        channel.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        first = channel.recv(65536)
        assert first.startswith(b"HTTP/1.1 200 ")
        channel.sendall(b"GET /healthz HTTP/1.1\r\nHo")
        assert b"HTTP/1.1 408 " in answered(channel)


@pytest.mark.parametrize("said", [b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"])
def test_a_connection_without_a_request_is_closed_in_silence(impatient, said) -> None:
    with connect(impatient(header_s=0.3, idle_s=1)) as channel:
        channel.sendall(said)
        assert answered(channel).count(b"HTTP/1.1") == (1 if said else 0)


def test_a_body_that_stops_is_answered(impatient) -> None:
    with connect(impatient(body_s=0.3)) as channel:
        channel.sendall(head(Content_Length=1000) + b"half of it")
        found = answered(channel)
    assert found.startswith(b"HTTP/1.1 408 ")
    assert b"did not arrive within 0.3 seconds" in found


def test_bytes_that_are_no_http_are_answered_with_a_problem(service) -> None:
    with connect(service) as channel:
        channel.sendall(b"\x16\x03\x01 hello?\r\n\r\n")
        found = answered(channel)
    assert found.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in found


def test_too_many_connections_are_told_so(impatient) -> None:
    running = impatient(connections=3)
    held = [connect(running) for _ in range(3)]
    with connect(running) as channel:
        found = answered(channel)
    assert found.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1" in found.lower()
    held.pop().close()
    wait_until(lambda: running.get("/healthz").status == 200)
    for channel in held:
        channel.close()


def test_more_bytes_than_there_is_room_for_are_told_to_come_again(impatient, drawn) -> None:
    running = impatient(held_bytes=20_000)
    with connect(running) as first, connect(running) as second:
        first.sendall(head(Content_Length=30_000) + bytes(19_000))
        wait_until(lambda: running.post("/v1/classify", bytes(2000)).status == 503)
        second.sendall(head(Content_Length=2000, Connection="close") + bytes(2000))
        found = answered(second)
    assert b"retry-after: 1" in found.lower()
    wait_until(lambda: running.post("/v1/classify", drawn[6]).status == 200)


def test_a_full_queue_says_when_to_come_again_and_those_who_hang_up_free_it(
    impatient, drawn, tmp_path, closing
) -> None:
    held = tmp_path / "held"
    held.touch()
    running = impatient(queue_length=2, held=str(held))

    def ask() -> socket.socket:
        channel = closing(connect(running))
        channel.sendall(head(Content_Length=len(drawn[7]), Connection="close") + drawn[7])
        return channel

    first = ask()
    wait_until(Path(f"{held}.begun").exists)
    # One place is left for these two.
    both = {ask(), ask()}
    [refused] = answering(both)
    (waiting,) = both - {refused}
    full = answered(refused)
    assert full.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1" in full.lower()
    waiting.close()
    next_ones = []

    def accepted() -> bool:
        next_ones.append(ask())
        return not answering(next_ones[-1:], 1.0)

    wait_until(accepted)
    assert all(answered(channel).startswith(b"HTTP/1.1 503 ") for channel in next_ones[:-1])
    held.unlink()
    for channel in (first, next_ones[-1]):
        assert b'"digit": 7' in answered(channel)
    assert 'status="503"' in running.get("/metrics").body.decode()


def answering(channels: Iterable[socket.socket], patience_s: float = PATIENCE_S) -> list[socket.socket]:
    """Those of the channels that have something to read, as soon as one has."""
    return select.select(list(channels), [], [], patience_s)[0]


def test_a_client_that_does_not_read_is_cut_off(impatient) -> None:
    with connect(impatient(stalled_s=0.3)) as channel:
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        request = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
        assert cut_off(channel, request)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", ""])
def test_a_name_that_is_not_ours_is_refused_so_that_strangers_pages_cannot_pose_as_ours(service, host) -> None:
    answer = service.get("/", Host=host)
    assert answer.status == 421
    assert "--name" in answer.json()["detail"]


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:9", "127.0.0.1:8000", "192.168.1.20", "[::1]:80", socket.gethostname()]
)
def test_addresses_and_the_machine_s_own_name_are_ours(service, host) -> None:
    assert service.get("/healthz", Host=host).status == 200


def test_names_and_origins_are_taken_when_named(start) -> None:
    named = start("--name", "digits.example", "--cors", "https://other.example")
    answer = named.get("/v1/model", Host="digits.example", Origin="https://other.example")
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "https://other.example"
    stranger = named.get("/v1/model", Origin="https://third.example")
    assert "access-control-allow-origin" not in stranger.headers


def test_no_origin_is_allowed_unless_named(service) -> None:
    headers = service.get("/v1/model", Origin="https://other.example").headers
    assert not [name for name in headers if name.startswith("access-control")]
