"""A client that asks as fast as it is answered, in a process of its own: ``python load.py PORT ORDER`` prints JSON.

Every connection sends its next request when the last one was answered, so the rate is the server's. Requests are bytes
made before; of an answer only its length, its status and a piece of its body are looked at, but of every answer.
Nothing but the standard library, so that any Python will do.
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
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

PATIENCE_S = 60.0
HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"


class Ask(NamedTuple):
    """A request, the status that its answer has to have, and what has to be in it."""

    request: bytes
    status: bytes
    holds: bytes


class Connection:
    """One connection, and what it was asked; a fresh one takes its place after ``renew`` requests (0: never)."""

    def __init__(self, port: int, renew: int, selector: selectors.BaseSelector) -> None:
        self._port, self._renew, self._selector = port, renew, selector
        self._asked, self._length = 0, 0
        self._told = bytearray()
        self._socket: socket.socket | None = None

    def send(self, ask: Ask) -> None:
        """Ask."""
        if self._socket is None or (self._renew and self._asked % self._renew == 0):
            self.close()
            self._socket = socket.create_connection(("127.0.0.1", self._port), PATIENCE_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(self._socket, selectors.EVENT_READ, self)
        self.ask, self._length = ask, 0
        self._asked += 1
        self._told.clear()
        self.begun = time.perf_counter_ns()
        self._socket.sendall(ask.request)

    def answer(self) -> bytes | None:
        """The answer, once all of it is there."""
        assert self._socket is not None  # noqa: S101  something came on it
        piece = self._socket.recv(1 << 18)
        if not piece:
            raise SystemExit(f"the server hung up after {bytes(self._told[:200])!r}")
        self._told += piece
        if not self._length and (end := self._told.find(HEAD_END)) >= 0:
            length = bytes(self._told[:end]).lower().partition(LENGTH)[2].split(b"\r\n", 1)[0]
            self._length = end + len(HEAD_END) + int(length)
        return bytes(self._told) if 0 < self._length <= len(self._told) else None

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()


def ask_all(port: int, asks: list[Ask], order: dict[str, Any]) -> dict[str, Any]:
    """Ask in turn for ``seconds``, or ``count`` times; what was asked before the end is waited for, and counts."""
    turns = islice(cycle(asks), order.get("count"))
    times, wrong = [], Counter[str]()
    selector = selectors.DefaultSelector()
    connections = [Connection(port, order.get("renew", 0), selector) for _ in range(order["connections"])]
    busy, begun = time.process_time(), time.perf_counter_ns()
    end = begun + 1e9 * order.get("seconds", 1e9)
    waiting = 0
    for connection, ask in zip(connections, turns, strict=False):
        connection.send(ask)
        waiting += 1
    while waiting:
        if not (ready := selector.select(PATIENCE_S)):
            raise SystemExit(f"no answer within {PATIENCE_S:g} seconds")
        for key, _ in ready:
            connection = key.data
            if (answer := connection.answer()) is None:
                continue
            now = time.perf_counter_ns()
            times.append(now - connection.begun)
            if answer[9:12] != connection.ask.status or connection.ask.holds not in answer:
                wrong[f"{answer[:12].decode('latin-1')} ... {answer[-120:].decode('latin-1')}"] += 1
            if now < end and (ask := next(turns, None)) is not None:
                connection.send(ask)
            else:
                waiting -= 1
    seconds = (now - begun) / 1e9
    busy = time.process_time() - busy
    for connection in connections:
        connection.close()
    return summary(times, seconds) | {"busy": busy / seconds, "wrong": dict(wrong.most_common(3))}


def summary(times: list[int], seconds: float) -> dict[str, Any]:
    """How many a second, and latencies in milliseconds."""
    times = sorted(times)
    quantiles = {f"p{share}_ms": times[share * (len(times) - 1) // 100] / 1e6 for share in (50, 99)}
    return {"requests": len(times), "seconds": seconds, "per_s": len(times) / seconds, **quantiles}


def main() -> None:
    """Read the order, ask, tell."""
    port, order = int(sys.argv[1]), json.loads(sys.argv[2])
    if order.get("core") is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {order["core"]})
    gc.disable()
    asks = [
        Ask(Path(ask["request"]).read_bytes(), str(ask["status"]).encode(), ask["holds"].encode())
        for ask in order["asks"]
    ]
    print(json.dumps(ask_all(port, asks, order)))


if __name__ == "__main__":
    main()
