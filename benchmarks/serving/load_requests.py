"""Hands orders to load.py, which runs in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent


class Asked(NamedTuple):
    """A request as a file, and what its answer has to be; ``status`` and a piece of the body."""

    request: Path
    status: int
    holds: str


def kept(folder: Path, name: str, request: bytes, holds: str, status: int = 200) -> Asked:
    """Write a request down."""
    file = folder / name
    file.write_bytes(request)
    return Asked(file, status, holds)


def ask(port: int, asks: Sequence[Asked], connections: int, core: int | None = None, **order: float) -> dict[str, Any]:
    """What load.py found; ``order`` has ``seconds`` or ``count``, and perhaps ``renew``.

    A request without an answer ends the measurement; a wrong answer is among ``wrong``.
    """
    told = {
        "asks": [{**one._asdict(), "request": str(one.request)} for one in asks],
        "connections": connections, "core": core, **order,
    }  # fmt: skip
    command = [sys.executable, str(HERE / "load.py"), str(port), json.dumps(told)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"load.py: exit code {done.returncode}\n{done.stderr.strip()}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found
