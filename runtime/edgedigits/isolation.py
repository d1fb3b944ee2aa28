"""Run one of this package's modules in a process of its own, and bring its result or its error back.

Engines do not live well together (tensorflow with tflite-runtime fails), one that crashes must not take the others
along, and a measurement wants a process without a past.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from edgedigits import errors
from edgedigits.errors import EdgeDigitsError, ModelRejectedError


def run_isolated(module: str, arguments: list[str], what: str) -> Any:
    """Run ``python -m module arguments``; returns the JSON value it ends with. ``what`` names it in messages.

    Raises
    ------
    EdgeDigitsError: what the process met, of the same class.
    ModelRejectedError: the process died, for example of an instruction that this processor lacks.

    """
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  our own module
    try:
        told = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        died = signal.Signals(-done.returncode).name if done.returncode < 0 else f"exit code {done.returncode}"
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise ModelRejectedError(f"{what} died of {died} ({last[0][:200]}); take another engine or variant") from None
    if "error" in told:
        kind: type[EdgeDigitsError] = getattr(errors, told["kind"])
        raise kind(told["error"])
    return told["result"]


def report_to_parent(work: Callable[[], Any]) -> int:
    """Do the work and print its JSON result, or its error, for `run_isolated`; returns the exit code."""
    try:
        print(json.dumps({"result": work()}))
    except EdgeDigitsError as error:
        print(json.dumps({"error": str(error), "kind": type(error).__name__}))
        return error.exit_code
    return 0
