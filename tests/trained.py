"""`edgedigits train` as a process, and one whole run with all that it can do, which several tests look at."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sharing import MadeOnce

ROOT = Path(__file__).parents[1]
DIGITS = ROOT / "tests" / "data" / "digits.npz"
TEACHER = ROOT / "models" / "tiny.keras"
EPOCHS = 6
# All that keeps a state besides the weights and the optimizer, or that depends on the number of the epoch.
OPTIONS = (
    "--model", "nano", "--epochs", EPOCHS, "--batch-size", 8, "--seed", 3, "--paper", "--paper-share", 0.5,
    "--teacher", TEACHER, "--ema", 0.9, "--elastic", 0.02, "--label-smoothing", 0.1,
)  # fmt: skip

# A process started in the background may have inherited that Ctrl-C is ignored.
_COMMAND = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from edgedigits.cli.main import main
raise SystemExit(main(["train", *sys.argv[1:]]))
"""
# A signal from outside would come at another moment each time. This is the worst one: the new checkpoint is written
# and not yet in its place.
_KILLED = """
import os, signal
from pathlib import Path
replace, written = Path.replace, []
def killed(path, target):
    if target.name == "checkpoint.keras":
        written.append(path)
    if len(written) == {count}:
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(path, target)
Path.replace = killed
"""


def start_training(
    options: Sequence[object], *, kept: int | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start `edgedigits train` on the digits with one thread; it kills itself when ``kept`` epochs are on the disk."""
    # The first checkpoint is that of no epoch.
    program = _COMMAND if kept is None else _KILLED.format(count=kept + 2) + _COMMAND
    command = [sys.executable, "-c", program, "--data", DIGITS, "--threads", 1, *options]
    # JAX, which Keras imports where it is installed, would make these tests' process less quiet than a user's.
    inherited = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**inherited, **(environment or {})},
    )  # fmt: skip


@dataclass(frozen=True)
class TrainedRun:
    """A finished run with `OPTIONS` and --json: what it wrote, where nobody else may write, and what it said."""

    folder: Path
    cache: Path
    out: str
    err: str


def train_once(made_once: MadeOnce) -> TrainedRun:
    """Return the run that all tests share."""
    folder = made_once("trained", _train)
    return TrainedRun(folder / "run", folder / "cache", (folder / "out").read_text(), (folder / "err").read_text())


def _train(folder: Path) -> None:
    process = start_training(
        [*OPTIONS, "-o", folder / "run", "--json"], environment={"EDGEDIGITS_CACHE": str(folder / "cache")}
    )
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    (folder / "out").write_text(out)
    (folder / "err").write_text(err)
