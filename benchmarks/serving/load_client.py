"""A client that sends as fast as it is answered, in a process of its own.

Every connection sends its next request when the last one was answered, so the rate is the server's. Requests are bytes
made before; every response is checked, but only its length, its status and a piece of its body.
`python -m benchmarks.serving.load_client PORT ORDER` prints JSON; `run_load` starts it.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import socket
import sys
import time
from collections import Counter
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.harness.child import run_child

PATIENCE_S = 60.0
HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"


class Request(NamedTuple):
    """A request as a file, the status of its response, and a piece of its body."""

    file: str
    status: int
    holds: str

    def met(self, response: bytes) -> bool:
        """Return whether a response is as expected."""
        return response[9:12] == str(self.status).encode() and self.holds.encode() in response


def saved(folder: Path, name: str, request: bytes, holds: str, status: int = 200) -> Request:
    """Write a request to a file."""
    file = folder / name
    file.write_bytes(request)
    return Request(str(file), status, holds)


def run_load(
    port: int, requests: Sequence[Request], connections: int, core: int | None = None, **limits: float
) -> dict[str, Any]:
    """Send requests in turn from a fresh process on processor ``core``; returns its rate and times.

    ``limits`` are ``seconds`` or a ``count``, and perhaps ``renew``, requests a connection makes before a fresh one
    takes its place. A response that is not as expected is counted in ``wrong``; none at all ends the measurement.
    """
    order = {"requests": requests, "connections": connections, "core": core, **limits}
    found: dict[str, Any] = run_child("benchmarks.serving.load_client", str(port), json.dumps(order))
    return found


class _Connection:
    """One connection, made anew after ``renew`` requests (0: never)."""

    def __init__(self, port: int, renew: int, selector: selectors.BaseSelector) -> None:
        self._port, self._renew, self._selector = port, renew, selector
        self._sent, self._length = 0, 0
        self._received = bytearray()
        self._socket: socket.socket | None = None

    def send(self, data: bytes, expected: Request) -> None:
        """Send a request."""
        if self._socket is None or (self._renew and self._sent % self._renew == 0):
            self.close()
            self._socket = socket.create_connection(("127.0.0.1", self._port), PATIENCE_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(self._socket, selectors.EVENT_READ, self)
        self.expected, self._length = expected, 0
        self._sent += 1
        self._received.clear()
        self.begun = time.perf_counter_ns()
        self._socket.sendall(data)

    def response(self) -> bytes | None:
        """Return the response, once all of it is there."""
        assert self._socket is not None  # noqa: S101  something came on it
        piece = self._socket.recv(1 << 18)
        if not piece:
            raise SystemExit(f"the server hung up after {bytes(self._received[:200])!r}")
        self._received += piece
        if not self._length and (end := self._received.find(HEAD_END)) >= 0:
            length = bytes(self._received[:end]).lower().partition(LENGTH)[2].split(b"\r\n", 1)[0]
            self._length = end + len(HEAD_END) + int(length)
        return bytes(self._received) if 0 < self._length <= len(self._received) else None

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None


def _send_all(port: int, requests: Sequence[Request], order: dict[str, Any]) -> dict[str, Any]:
    """Send in turn for ``seconds``, or ``count`` times; what was sent before the end is waited for, and counts."""
    turns = islice(cycle([(Path(request.file).read_bytes(), request) for request in requests]), order.get("count"))
    times: list[int] = []
    wrong = Counter[str]()
    selector = selectors.DefaultSelector()
    connections = [_Connection(port, order.get("renew", 0), selector) for _ in range(order["connections"])]
    busy, begun = time.process_time(), time.perf_counter_ns()
    end = begun + 1e9 * order.get("seconds", 1e9)
    waiting = 0
    for connection, turn in zip(connections, turns, strict=False):
        connection.send(*turn)
        waiting += 1
    while waiting:
        if not (ready := selector.select(PATIENCE_S)):
            raise SystemExit(f"no answer within {PATIENCE_S:g} seconds")
        for key, _ in ready:
            connection = key.data
            if (response := connection.response()) is None:
                continue
            now = time.perf_counter_ns()
            times.append(now - connection.begun)
            if not connection.expected.met(response):
                wrong[f"{response[:12].decode('latin-1')} ... {response[-120:].decode('latin-1')}"] += 1
            if now < end and (following := next(turns, None)) is not None:
                connection.send(*following)
            else:
                connection.close()  # or the server hangs up on it while the others are waited for
                waiting -= 1
    seconds = (now - begun) / 1e9
    busy = time.process_time() - busy
    times.sort()
    quantiles = {f"p{share}_ms": times[share * (len(times) - 1) // 100] / 1e6 for share in (50, 99)}
    counts = {"requests": len(times), "seconds": seconds, "per_s": len(times) / seconds}
    return {**counts, **quantiles, "busy": busy / seconds, "wrong": dict(wrong.most_common(3))}


def main(port: int, order: dict[str, Any]) -> None:
    """Print what `_send_all` returns."""
    if order["core"] is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {order["core"]})
    gc.disable()
    print(json.dumps(_send_all(port, [Request(*one) for one in order["requests"]], order)))


if __name__ == "__main__":
    main(int(sys.argv[1]), json.loads(sys.argv[2]))
