"""`edgedigits train` as a process, and one whole run with all that it can do, which several tests look at."""

from __future__ import annotations

import os
import shutil
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
# What a run leaves that is killed at the worst moment: the new checkpoint is written and not yet in its place. What is
# on the disk then is copied; nothing else outlives a process.
KILLED_AFTER = 2
_COPIED = """
import os, shutil
from pathlib import Path
replace, written = Path.replace, []
def copied(path, target):
    if target.name == "checkpoint.keras":
        written.append(path)
        if len(written) == {count}:
            shutil.copytree(target.parent, os.environ["KILLED"])
    return replace(path, target)
Path.replace = copied
"""


def start_training(
    options: Sequence[object], *, killed: Path | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start `edgedigits train` on the digits with one thread.

    The folder ``killed`` gets what a run leaves that is killed when `KILLED_AFTER` epochs are on the disk.
    """
    # The first checkpoint is that of no epoch.
    program = _COMMAND if killed is None else _COPIED.format(count=KILLED_AFTER + 2) + _COMMAND
    command = [sys.executable, "-c", program, "--data", DIGITS, "--threads", 1, *options]
    # JAX, which Keras imports where it is installed, would make these tests' process less quiet than a user's.
    inherited = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**inherited, **({} if killed is None else {"KILLED": str(killed)}), **(environment or {})},
    )  # fmt: skip


@dataclass(frozen=True)
class TrainedRun:
    """A finished run with `OPTIONS` and --json: what it wrote, where nobody else may write, and what it said.

    ``killed`` is what it would have left if it had been killed when `KILLED_AFTER` epochs were on the disk.
    """

    folder: Path
    killed: Path
    cache: Path
    out: str
    err: str


def train_once(made_once: MadeOnce) -> TrainedRun:
    """Return the run that all tests share."""
    folder = made_once("trained", _train)
    names = (folder / name for name in ("run", "killed", "cache"))
    return TrainedRun(*names, (folder / "out").read_text(), (folder / "err").read_text())


def _train(folder: Path) -> None:
    process = start_training(
        [*OPTIONS, "-o", folder / "run", "--json"], killed=folder / "killed",
        environment={"EDGEDIGITS_CACHE": str(folder / "cache")},
    )  # fmt: skip
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    (folder / "out").write_text(out)
    (folder / "err").write_text(err)


# What a run with --quantize starts from: a network of the project, beside which no record lies.
QUANTIZED_OPTIONS = ("--quantize", "int8", "--epochs", 4, "--batch-size", 8, "--seed", 5)


@dataclass(frozen=True)
class QuantizedRun:
    """A finished run with --quantize from ``source``, and what it would have left if it had been killed."""

    source: Path
    folder: Path
    killed: Path
    err: str


def quantize_once(made_once: MadeOnce) -> QuantizedRun:
    """Return the run that all tests share."""
    folder = made_once("quantized", _quantize)
    names = (folder / name for name in ("source.keras", "run", "killed"))
    return QuantizedRun(*names, (folder / "err").read_text())


def _quantize(folder: Path) -> None:
    source = shutil.copy(TEACHER, folder / "source.keras")
    options = ["--from", source, *QUANTIZED_OPTIONS, "-o", folder / "run"]
    process = start_training(options, killed=folder / "killed")
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    (folder / "err").write_text(err)
