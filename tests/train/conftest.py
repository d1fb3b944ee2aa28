"""A hundred real training digits, as data of their own, and a way to run `edgedigits train` in a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from edgedigits.datasets import Splits, load_splits
from edgedigits.images.decode import read_pixels

DIGITS = Path(__file__).parents[1] / "data" / "digits.npz"
# A process started in the background may have inherited that Ctrl-C is ignored.
COMMAND = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from edgedigits.cli.main import main; raise SystemExit(main(['train', *sys.argv[1:]]))"
)

Train = Callable[[Sequence[object]], "subprocess.Popen[str]"]


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What runs keep for others must neither come from elsewhere nor stay."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("EDGEDIGITS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def splits() -> Splits:
    """80 + 10 + 10 real digits."""
    return load_splits(str(DIGITS), read_pixels)


@pytest.fixture(scope="session")
def start_training() -> Train:
    """Start `edgedigits train` on the digits, one thread, in a process of its own."""

    def start(options: Sequence[object]) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", COMMAND, "--data", DIGITS, "--threads", 1, *options]
        # JAX, which Keras imports where it is installed, would make these tests' process less quiet than a user's.
        environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
        return subprocess.Popen(
            [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )

    return start
