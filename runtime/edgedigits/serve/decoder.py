"""One decoding process as the service sees it: asked, timed, killed when it takes too long, and replaced."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from threading import Lock, Timer
from typing import Any, NamedTuple

import numpy as np

from edgedigits.errors import ImageError
from edgedigits.images.decode import Picture
from edgedigits.serve.limits import Limits
from edgedigits.serve.problems import Problem, busy

_START_S = 60.0  # a slow board may need so long, beside other work
_MODULE = "edgedigits.serve.decoder_process"
_GO, _DROP = b"go\n", b"drop\n"
_LATE, _CONTESTED = "late", "contested"


class Wanted(NamedTuple):
    """A picture's bytes, and how it is to be decoded: see `read_picture`."""

    data: bytes
    channels: int | None
    detail: int


class Decoder:
    """A process that decodes one picture at a time; all methods but `close` and `started` belong to one thread."""

    def __init__(self, limits: Limits, formats: tuple[str, ...]) -> None:
        """Start the process, which is ready a little later."""
        self._limits = limits
        self._command = json.dumps(
            [limits.pixels, limits.decoded_bytes, limits.ordinary_bytes, formats, limits.decode_s]
        )
        self._lock = Lock()
        self._closed = False
        self._stopped: str | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False
        self.started: float | None = None
        self._start()

    def decode(
        self, wanted: Wanted, room: Callable[[], AbstractContextManager[object]], is_contested: Callable[[], bool]
    ) -> Picture:
        """Decode a picture in the process.

        ``room`` gives a context for a picture that takes much memory; ``is_contested`` says whether others wait who
        would be sooner done.

        Raises
        ------
        ImageError: there is no picture, or it takes too long.
        Problem: 503, there is no process just now, or others wait.

        """
        process = self._ready_process()
        clock = _Clock(self._limits, self._kill, is_contested)
        try:
            with clock:
                self.started = time.monotonic()
                head = {"size": len(wanted.data), "channels": wanted.channels, "detail": wanted.detail}
                self._write(process, json.dumps(head).encode() + b"\n", wanted.data)
                told = self._hear(process)
                if "needs" not in told:
                    return self._result(process, told)
            with ExitStack() as stack:
                try:
                    stack.enter_context(room())
                except Problem:
                    self._write(process, _DROP)
                    raise
                stack.enter_context(clock)
                self._write(process, _GO)
                return self._result(process, self._hear(process))
        except (EOFError, OSError, ValueError):
            raise self._replace(process) from None
        finally:
            self.started = None

    def _result(self, process: subprocess.Popen[bytes], told: dict[str, Any]) -> Picture:
        if "error" in told:
            raise ImageError(str(told["error"]))
        pixels = np.empty(told["shape"], np.uint8)
        self._receive(process, pixels.data.cast("B"))
        return Picture(pixels, int(told["scale"]), int(told["ns"]))

    def close(self) -> None:
        """End the process, whatever it is at."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                _end(self._process)

    def _start(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._stopped, self._ready = None, False
            try:
                self._process = subprocess.Popen(  # noqa: S603  our own module
                    [sys.executable, "-m", _MODULE, self._command],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                    env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
                )  # fmt: skip
            except OSError:  # out of processes or files: it is tried again for the next picture
                self._process = None

    def _ready_process(self) -> subprocess.Popen[bytes]:
        """Return the process once it is ready; start it if there is none."""
        if self._process is None:
            self._start()
        process = self._process
        if process is None or self._closed:
            raise busy("pictures cannot be decoded just now; send it again in a moment")
        if not self._ready:
            timer = Timer(_START_S, process.kill)
            timer.start()
            try:
                self._hear(process)
            except (EOFError, OSError, ValueError):
                self._replace(process)
                raise busy("pictures cannot be decoded just now; send it again in a moment") from None
            finally:
                timer.cancel()
            self._ready = True
        return process

    def _kill(self, reason: str) -> None:
        self._stopped = reason
        if self._process is not None:
            self._process.kill()

    def _replace(self, process: subprocess.Popen[bytes]) -> Problem | ImageError:
        """Start another process, and return the error that says why."""
        code = _end(process)
        stopped, closed = self._stopped, self._closed
        self._start()
        if closed:
            return busy("the service is ending")
        if stopped == _CONTESTED:
            return busy("this picture takes long, and others wait; send it again in a moment")
        if stopped == _LATE or -code == getattr(signal, "SIGXCPU", 0):
            return ImageError(
                f"takes more than {self._limits.decode_s:g} seconds to decode; save it anew as JPEG or PNG"
            )
        died = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return ImageError(f"is damaged: decoding it ended in {died}; save it anew as JPEG or PNG")

    @staticmethod
    def _write(process: subprocess.Popen[bytes], *parts: bytes) -> None:
        assert process.stdin  # noqa: S101  it is a pipe
        for part in parts:
            process.stdin.write(part)
        process.stdin.flush()

    @staticmethod
    def _hear(process: subprocess.Popen[bytes]) -> dict[str, Any]:
        assert process.stdout  # noqa: S101  it is a pipe
        line = process.stdout.readline()
        if not line:
            raise EOFError
        told: dict[str, Any] = json.loads(line)
        return told

    @staticmethod
    def _receive(process: subprocess.Popen[bytes], into: memoryview) -> None:
        assert process.stdout  # noqa: S101  it is a pipe
        while into:
            count = process.stdout.readinto(into)  # type: ignore[attr-defined]
            if not count:
                raise EOFError
            into = into[count:]


def _end(process: subprocess.Popen[bytes]) -> int:
    """Kill a process, close its pipes and return its exit code."""
    process.kill()
    code = process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):  # what was not written yet
                stream.close()
    return code


class _Clock:
    """It kills the process once a picture took too long, the parts inside ``with`` blocks together."""

    def __init__(self, limits: Limits, kill: Callable[[str], None], is_contested: Callable[[], bool]) -> None:
        self._limits, self._kill, self._is_contested = limits, kill, is_contested
        self._used, self._since = 0.0, 0.0
        self._timer: Timer | None = None

    def __enter__(self) -> None:
        self._since = time.monotonic()
        self._wind()

    def __exit__(self, *_: object) -> None:
        timer, self._timer = self._timer, None
        self._used += time.monotonic() - self._since
        if timer is not None:
            timer.cancel()

    def _wind(self) -> None:
        self._timer = Timer(self._limits.patience_s, self._look)
        self._timer.daemon = True
        self._timer.start()

    def _look(self) -> None:
        if self._timer is None:
            return
        used = self._used + time.monotonic() - self._since
        if used >= self._limits.decode_s:
            self._kill(_LATE)
        elif used >= self._limits.patience_s and self._is_contested():
            self._kill(_CONTESTED)
        else:
            self._wind()
