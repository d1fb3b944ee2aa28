"""Running one of this package's modules in a process of its own and getting its result or error back.

Some engines cannot share a process (tensorflow and tflite-runtime), a crash of one must not end the others, and a
measurement needs a fresh process.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from edgedigits import errors
from edgedigits.errors import EdgeDigitsError, ModelRejectedError

# What engines write of themselves, such as LiteRT about its delegate, says nothing about an end.
_BANNER = re.compile(r"INFO: |W\d{4} |I\d{4} |WARNING: ")


def run_isolated(module: str, arguments: list[str], what: str) -> Any:
    """Run ``python -m module arguments`` and return the JSON value that it reports; ``what`` names it in messages.

    Raises
    ------
    EdgeDigitsError: the process reported an error; it has the same class.
    ModelRejectedError: the process crashed, for example at an instruction that this processor lacks.

    """
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  our own module
    try:
        report = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        died = how_it_died(done.returncode, done.stderr)
        raise ModelRejectedError(f"{what} {died}; take another engine or variant") from None
    if "error" in report:
        kind: type[EdgeDigitsError] = getattr(errors, report["kind"])
        raise kind(report["error"])
    return report["result"]


def how_it_died(code: int, said: str) -> str:
    """Return in words how a process ended with this exit code, negative for a signal, and what it said last."""
    died = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    lines = [line for line in said.strip().splitlines() if not _BANNER.match(line)]
    last = lines[-1:] or ["it wrote nothing to standard error"]
    return f"died of {died} ({last[0][:200]})"


def report_to_parent(work: Callable[[], Any]) -> int:
    """Do the work, print its result or error as JSON for `run_isolated`, and return the exit code."""
    try:
        print(json.dumps({"result": work()}))
    except EdgeDigitsError as error:
        print(json.dumps({"error": str(error), "kind": type(error).__name__}))
        return error.exit_code
    return 0
