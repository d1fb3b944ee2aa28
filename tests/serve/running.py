"""A service in a process of its own, asked as programs ask it."""

from __future__ import annotations

import http.client
import io
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL import Image

PATIENCE_S = 60


@dataclass
class Answer:
    """One response."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Running:
    """A service in a process of its own."""

    process: subprocess.Popen[bytes]
    url: str
    opening: str
    said: str = ""

    @property
    def address(self) -> tuple[str, int]:
        host, port = re.fullmatch(r"http://(.+):(\d+)/", self.url).groups()
        return host.strip("[]"), int(port)

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection(*self.address, timeout=PATIENCE_S)
        try:
            chunked = "Transfer-Encoding" in (headers or {})
            connection.request(method, path, body, headers or {}, encode_chunked=chunked)
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, body: bytes, **headers: str) -> Answer:
        return self.ask("POST", path, body, headers)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Wait for its end; the exit code."""
        code = self.process.wait(PATIENCE_S)
        self.said = self.opening + self.process.stderr.read().decode() if not self.process.stderr.closed else self.said
        self.process.stderr.close()
        return code


Start = Callable[..., Running]


def start_service(*options: object, program: tuple[str, ...] = ("-m", "edgedigits.cli.main"), **env: str) -> Running:
    process = subprocess.Popen(
        [sys.executable, *program, "serve", "--port", "0", *map(str, options)],
        env={**os.environ, **env}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    opening = first_line(process)
    found = re.search(r"http://\S+", opening)
    assert found, opening
    return Running(process, found[0], opening)


def first_line(process: subprocess.Popen[bytes]) -> str:
    """What it says first, or all that it said before it ended."""
    assert process.stderr
    ready, _, _ = select.select([process.stderr], [], [], PATIENCE_S)
    return process.stderr.readline().decode() if ready else ""


def wait_until(holds: Callable[[], bool]) -> None:
    """Come back when it holds; fail when it never does."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def png_of(pixels: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
