"""What is released: the sdist, and the wheel that is built from it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sharing import MadeOnce

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def distributions(made_once: MadeOnce) -> Path:
    """A folder with both."""

    def build(folder: Path) -> None:
        command = [sys.executable, "-m", "build", "--outdir", folder, ROOT]
        subprocess.run(command, check=True, capture_output=True)

    return made_once("dist", build)


@pytest.fixture(scope="session")
def wheel(distributions: Path) -> Path:
    """The wheel."""
    return next(distributions.glob("*.whl"))
