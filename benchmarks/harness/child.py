"""Run a script or a module of this package in a fresh process, so that nothing measured has a past."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


# Beyond which a child hangs.
LONGEST_SECONDS = 1800


class ChildError(SystemExit):
    """A child process failed; not caught, it ends this one with how the child ended and what it said.

    Attributes
    ----------
    ended: its exit code or signal, or how long it was waited for.
    said: its standard error.

    """

    def __init__(self, name: str, ended: str, said: str) -> None:
        self.ended, self.said = ended, said.strip()
        super().__init__(f"{name}: {self.ended}\n{self.said}")


def run_child(
    target: str | Path, *words: str, python: str = sys.executable, environment: Mapping[str, str] = os.environ
) -> Any:
    """Return the JSON value that a script (a path) or a module of this package (its name) prints last.

    Raises
    ------
    ChildError: the process failed, or hangs.

    """
    # A script runs outside the checkout: what it imports must come from its own environment.
    start, folder = ([str(target)], "/") if isinstance(target, Path) else (["-m", target], str(ROOT))
    return json.loads(run_command([python, *start, *words], Path(target).name, folder, environment).splitlines()[-1])


def run_command(
    command: Sequence[str],
    name: str,
    folder: str | Path,
    environment: Mapping[str, str] = os.environ,
    *,
    done_with: Sequence[int] = (0,),
) -> str:
    """Return what a command writes to standard output when it runs in a folder; ``name`` is for the error.

    Raises
    ------
    ChildError: the process hangs, or ends with another exit code than one of ``done_with``.

    """
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, env=environment, cwd=folder, timeout=LONGEST_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        said = error.stderr.decode(errors="replace") if isinstance(error.stderr, bytes) else ""
        raise ChildError(name, f"not done after {LONGEST_SECONDS:,} seconds", said) from error
    if (code := done.returncode) not in done_with:
        ended = f"exit code {code}" if code >= 0 else f"died of {signal.Signals(-code).name}"
        raise ChildError(name, ended, done.stderr)
    return done.stdout
