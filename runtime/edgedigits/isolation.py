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
import tempfile
from collections.abc import Callable
from typing import Any

from edgedigits import errors
from edgedigits.errors import EdgeDigitsError, ModelRejectedError
from edgedigits.parts import Progress, silent
from edgedigits.quiet import keep_engines_off_stdout

# What engines write of themselves, such as LiteRT about its delegate, says nothing about an end.
_BANNER = re.compile(r"INFO: |W\d{4} |I\d{4} |WARNING: ")


def run_isolated(module: str, arguments: list[str], what: str, progress: Progress = silent) -> Any:
    """Run ``python -m module arguments`` and return the JSON value that it reports; ``what`` names it in messages.

    ``progress`` is given what the process says by `tell_parent`.

    Raises
    ------
    EdgeDigitsError: the process reported an error; it has the same class.
    ModelRejectedError: the process crashed, for example at an instruction that this processor lacks.

    """
    command, report = [sys.executable, "-m", module, *arguments], {}
    with (
        tempfile.TemporaryFile("w+") as errors_,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors_, text=True) as process,  # noqa: S603  our own module
    ):
        try:
            for line in process.stdout or ():
                report = _parsed(line)
                if "progress" in report:
                    progress(report["progress"])
        except BaseException:  # an interruption, say
            process.kill()
            raise
        code = process.wait()
        errors_.seek(0)
        died = how_it_died(code, errors_.read())
    if "error" in report:
        kind: type[EdgeDigitsError] = getattr(errors, report["kind"])
        raise kind(report["error"])
    if "result" not in report:
        raise ModelRejectedError(f"{what} {died}; take another engine or variant")
    return report["result"]


def _parsed(line: str) -> dict[str, Any]:
    """Return what a process told in a line of JSON; nothing where the line is an engine's own."""
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def tell_parent(text: str) -> None:
    """Say something about work in progress to the process that called `run_isolated`."""
    print(json.dumps({"progress": text}), flush=True)


def how_it_died(code: int, said: str) -> str:
    """Return in words how a process ended with this exit code, negative for a signal, and what it said last."""
    died = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    if died == "SIGXCPU":
        return "takes more of the processor's time than a file may (SIGXCPU)"
    lines = [line for line in said.strip().splitlines() if not _BANNER.match(line)]
    last = lines[-1:] or ["it wrote nothing to standard error"]
    return f"died of {died} ({last[0][:200]})"


def report_to_parent(work: Callable[[], Any]) -> int:
    """Do the work, print its result or error as JSON for `run_isolated`, and return the exit code."""
    keep_engines_off_stdout()
    try:
        print(json.dumps({"result": work()}))
    except EdgeDigitsError as error:
        print(json.dumps({"error": str(error), "kind": type(error).__name__}))
        return error.exit_code
    return 0
