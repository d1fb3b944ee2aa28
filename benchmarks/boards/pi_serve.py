"""Run `edgedigits serve` on an emulated board and send it requests from the host, whose network it shares."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from edgedigits_export.emulation.python_environment import PythonEnvironment

PATIENCE_S = 60.0
_URL = re.compile(r"http://127\.0\.0\.1:\d+")


def serve_on_board(python: PythonEnvironment, picture: Path, *words: str) -> dict[str, Any]:
    """Start the service, classify a picture with it and stop it; ``words`` are further options.

    Raises
    ------
    OSError: it is not ready, refuses the picture or has no metrics; the message has the end of its log.

    """
    log = python.folder / "serve.log"
    log.unlink(missing_ok=True)  # an earlier service's address would be taken for this one's
    process = python.start(["serve", "--port", "0", *words], log)
    try:
        url = _url(process, log)
        golden = json.loads(_fetch(f"{url}/readyz"))["golden_inputs"]
        digit = json.loads(_fetch(f"{url}/v1/classify", picture.read_bytes()))["digit"]
        counted = b'edgedigits_requests_total{path="/v1/classify",status="200"} 1.0' in _fetch(f"{url}/metrics")
        process.send_signal(signal.SIGTERM)
        return {"proved": golden, "digit": digit, "counted": counted, "exit_code": process.wait(PATIENCE_S)}
    except (URLError, subprocess.TimeoutExpired) as error:
        raise OSError(f"serve: {error}: {log.read_text()[-300:]}") from error
    finally:
        process.kill()
        process.wait()


def _url(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        if found := _URL.search(log.read_text()):
            return found[0]
        time.sleep(0.05)
    raise OSError(f"serve does not start: {log.read_text()[-300:]}")


def _fetch(url: str, body: bytes | None = None) -> bytes:
    request = Request(url, body, {"Content-Type": "image/png"})  # noqa: S310  of this machine
    with urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310
        told: bytes = answer.read()
    return told
