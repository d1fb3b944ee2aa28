"""Start servers on this machine, pin them to a processor, look at them from outside, end them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

PATIENCE_S = 60.0
_URL = re.compile(r"http://127\.0\.0\.1:(\d+)/")


class Figures(NamedTuple):
    """What Linux tells of a process: resident memory now and at most, threads, open descriptors."""

    rss_kb: int
    peak_kb: int
    threads: int
    descriptors: int


class Server:
    """A process that serves on a port of this machine."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process, self._log = process, log
        self.port = self._wait_for_port()

    @property
    def running(self) -> bool:
        """Return whether it has not ended by itself."""
        return self._process.poll() is None

    def figures(self) -> Figures:
        """Return the figures of this moment.

        Raises
        ------
        ProcessLookupError: it has ended by itself.

        """
        process = Path(f"/proc/{self._process.pid}")
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        if "VmRSS" not in status:  # the memory goes first
            raise ProcessLookupError(self._process.args)
        rss, peak, threads = (int(status[name].split()[0]) for name in ("VmRSS", "VmHWM", "Threads"))
        return Figures(rss, peak, threads, len(list((process / "fd").iterdir())))

    def processor_s(self) -> float:
        """Return the seconds that all its threads together had a processor."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def said(self) -> str:
        """Return its standard error."""
        return self._log.read_text(errors="replace")

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def end(self, with_signal: signal.Signals = signal.SIGTERM) -> int:
        """End it with a signal, or with SIGKILL if that does not do; returns the exit code."""
        if self.running:
            self._process.send_signal(with_signal)
        try:
            return self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def _wait_for_port(self) -> int:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self.running:
            if found := _URL.search(self.said()):
                return int(found[1])
            time.sleep(0.02)
        self.end()
        raise SystemExit(f"{self._process.args!r}: no server\n{self.said()}")


def ours(python: str) -> list[str]:
    """Return the command of `edgedigits serve` in an environment."""
    return [str(Path(python).with_name("edgedigits")), "serve", "--port", "0"]


def theirs(python: str) -> list[str]:
    """Return the command of the bare endpoint in an environment."""
    return [python, str(Path(__file__).with_name("bare_server.py"))]


@contextmanager
def started(command: Sequence[str], core: int | None = None) -> Iterator[Server]:
    """Start a server on ``core``, and end it afterwards."""
    with tempfile.TemporaryDirectory(prefix="edgedigits-serve-") as name:
        log = Path(name) / "stderr"
        with log.open("wb") as stream:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stream, cwd=name)
        if core is not None:  # before it starts threads, which inherit it
            os.sched_setaffinity(process.pid, {core})
        server = Server(process, log)
        try:
            yield server
        finally:
            server.end()


def cores() -> tuple[int | None, int | None]:
    """Return processors for server and client, different ones if there are two; None where they cannot be chosen."""
    if not hasattr(os, "sched_setaffinity"):
        return None, None
    there = sorted(os.sched_getaffinity(0))
    return there[0], there[-1]
