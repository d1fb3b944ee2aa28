"""How a service ends under load, and clients that send before they read, end their side early, or come in crowds."""

from __future__ import annotations

import http.client
import json
import resource
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from running import PATIENCE_S, Running, wait_until

from edgedigits.serve.limits import LIMITS

pytestmark = pytest.mark.slow

IMPATIENT = Path(__file__).parent / "impatient_service.py"
POST = b"POST /v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n%s\r\n"


@pytest.fixture
def impatient(start):
    return lambda **limits: start(program=(str(IMPATIENT),), EDGEDIGITS_TEST_LIMITS=json.dumps(limits))


def connect(running: Running, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(running.address, PATIENCE_S, (source, 0))


def everything(channel: socket.socket) -> bytes:
    found = b""
    while chunk := channel.recv(65536):
        found += chunk
    return found


class Load:
    """Clients that ask again and again on connections that stay open, until they are not answered any more."""

    def __init__(self, running: Running, picture: bytes, clients: int = 16) -> None:
        self.statuses: list[int] = []
        self.without_retry: list[int] = []
        self.broken: list[str] = []
        self._running, self._picture = running, picture
        self.threads = [threading.Thread(target=self._ask) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection(*self._running.address, timeout=PATIENCE_S)
        try:
            while True:
                try:
                    connection.request("POST", "/v1/classify", self._picture)
                except OSError:
                    return  # nothing listens any more
                answer = connection.getresponse()
                answer.read()
                self.statuses.append(answer.status)
                if answer.status == 503 and answer.headers["retry-after"] is None:
                    self.without_retry.append(answer.status)
                if answer.will_close:
                    return
        except (OSError, http.client.HTTPException) as error:
            self.broken.append(repr(error))
        finally:
            connection.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("slow_s", [0, 0.5])
def test_under_load_what_was_begun_is_answered_or_gets_503(impatient, drawn, number, slow_s) -> None:
    running = impatient(slow_s=slow_s, drain_s=3)
    load = Load(running, drawn[6])
    wait_until(lambda: len(load.statuses) >= (2 if slow_s else 50))
    running.process.send_signal(number)
    assert running.ended() == (0 if number == signal.SIGTERM else 130)
    for thread in load.threads:
        thread.join(PATIENCE_S)
    assert load.broken == []
    assert set(load.statuses) <= {200, 503}
    assert load.without_retry == []
    assert running.said == running.opening + ("edgedigits: interrupted\n" if number == signal.SIGINT else "")


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no SIGHUP")
def test_a_terminal_that_closes_does_not_end_it(start, drawn) -> None:
    running = start()
    for _ in range(3):
        running.process.send_signal(signal.SIGHUP)
        assert running.post("/v1/classify", drawn[1]).json()["digit"] == 1
    assert running.end() == 0


@pytest.mark.parametrize("size", [LIMITS.body_bytes + 1, 30_000_000])
def test_a_refusal_reaches_clients_that_send_before_they_read(service, size) -> None:
    for _ in range(10):
        request = urllib.request.Request(f"{service.url}v1/classify", bytes(size))  # noqa: S310  it says Connection: close
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=PATIENCE_S)  # noqa: S310
        assert caught.value.code == 413
        assert "at most 5 MB" in json.load(caught.value)["detail"]


def test_a_client_that_ends_its_side_gets_its_answer(slow_and_quick, drawn) -> None:
    with connect(slow_and_quick) as channel:
        channel.sendall(POST % len(drawn[8]) + drawn[8])
        channel.shutdown(socket.SHUT_WR)
        found = everything(channel)
    assert b"HTTP/1.1 200 OK" in found
    assert b'"digit": 8' in found


@pytest.fixture(params=[0, 0.4])
def slow_and_quick(impatient, request):
    return impatient(slow_s=request.param)


def test_a_client_that_ends_its_side_after_several_requests_gets_all_answers(service) -> None:
    with connect(service) as channel:
        channel.sendall(HEALTH % b"" * 3)
        channel.shutdown(socket.SHUT_WR)
        assert everything(channel).count(b"HTTP/1.1 200 ") == 3


def test_who_ends_its_side_amid_a_request_is_not_waited_for(service) -> None:
    with connect(service) as channel:
        channel.sendall(POST % 1000 + b"half")
        channel.shutdown(socket.SHUT_WR)
        assert b" 200 " not in everything(channel)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have one loopback address")
def test_while_crowds_of_slow_clients_are_connected_others_are_answered(start, drawn) -> None:
    running = start()
    crowd = []
    try:
        for _ in range(300):
            crowd.append(connect(running))
            crowd[-1].sendall(b"POST /v1/classify HTTP/1.1\r\nHost: loc")
        begun = time.monotonic()
        with connect(running, "127.0.0.2") as channel:
            channel.sendall(POST % len(drawn[7]) + drawn[7])
            found = channel.recv(65536)
        assert found.startswith(b"HTTP/1.1 200 ")
        assert time.monotonic() - begun < 5
    finally:
        for channel in crowd:
            channel.close()


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux's")
def test_without_file_descriptors_it_pauses_and_says_so_in_one_line(start, drawn) -> None:
    running = start()
    assert running.post("/v1/classify", drawn[2]).status == 200
    used = len(list(Path(f"/proc/{running.process.pid}/fd").iterdir()))
    resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE, (used + 10, used + 10))
    crowd = [connect(running) for _ in range(60)]
    time.sleep(2.5)  # it tries again each second
    for channel in crowd:
        channel.close()
    wait_until(lambda: answers(running, drawn[2]))
    assert running.end() == 0
    lines = running.said.removeprefix(running.opening).splitlines()
    assert lines == ["edgedigits serve: too many open files; new connections wait until some are closed"]


def answers(running: Running, picture: bytes) -> bool:
    try:
        return running.post("/v1/classify", picture).status == 200
    except (OSError, http.client.HTTPException):
        return False


@pytest.mark.parametrize(
    "more",
    [b"Cookie: %s\r\n" % (b"c" * 16_384), b"X: y\r\n" * 3000, b"Cookie: %s\r\n" % (b"c" * 500_000)],
    ids=["one", "many", "half a megabyte"],
)  # fmt: skip
@pytest.mark.parametrize("closing", [b"", b"Connection: close\r\n"])
def test_a_head_of_more_than_16_kb_is_refused(service, more, closing) -> None:
    with connect(service) as channel:
        channel.sendall(HEALTH % (closing + more))
        found = b""
        while not found.endswith(b"}"):
            found += channel.recv(65536)
    assert found.startswith(b"HTTP/1.1 431 ")
    assert b"at most 16 kB" in found
    assert service.get("/healthz", Cookie="c" * 15_000).status == 200
