"""Run a script or a module of this package in a fresh process, so that nothing measured has a past."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


# Beyond which a child hangs.
LONGEST_SECONDS = 1800


class ChildError(SystemExit):
    """A child process failed; not caught, it ends this one with how the child ended and what it said.

    Attributes
    ----------
    ended: its exit code or signal.
    said: its standard error.

    """

    def __init__(self, name: str, code: int, said: str) -> None:
        self.ended = f"exit code {code}" if code >= 0 else f"died of {signal.Signals(-code).name}"
        self.said = said.strip()
        super().__init__(f"{name}: {self.ended}\n{self.said}")


def run_child(
    target: str | Path, *words: str, python: str = sys.executable, environment: Mapping[str, str] = os.environ
) -> Any:
    """Return the JSON value that a script (a path) or a module of this package (its name) prints last.

    Raises
    ------
    ChildError: the process failed.

    """
    # A script runs outside the checkout: what it imports must come from its own environment.
    start, folder = ([str(target)], "/") if isinstance(target, Path) else (["-m", target], str(ROOT))
    command = [python, *start, *words]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env=environment, cwd=folder, timeout=LONGEST_SECONDS
    )
    if done.returncode:
        raise ChildError(Path(target).name, done.returncode, done.stderr)
    return json.loads(done.stdout.splitlines()[-1])
