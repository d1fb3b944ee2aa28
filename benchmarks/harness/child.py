"""Run a script or a module of this package in a fresh process, so that nothing measured has a past."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def run_child(
    target: str | Path, *words: str, python: str = sys.executable, environment: Mapping[str, str] = os.environ
) -> Any:
    """Return the JSON value that a script (a path) or a module of this package (its name) prints last.

    Raises
    ------
    SystemExit: the process failed; with its exit code and what it wrote to standard error.

    """
    # A script runs outside the checkout: what it imports must come from its own environment.
    start, folder = ([str(target)], "/") if isinstance(target, Path) else (["-m", target], str(ROOT))
    command = [python, *start, *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, cwd=folder)
    if done.returncode:
        name = target.name if isinstance(target, Path) else target
        raise SystemExit(f"{name}: exit code {done.returncode}\n{done.stderr.strip()}")
    return json.loads(done.stdout.splitlines()[-1])
