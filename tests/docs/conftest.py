"""What README and docs assume: see own_model.py."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from pathlib import Path

import pytest
from own_model import EXPORT, make_workplace
from sharing import MadeOnce


@pytest.fixture(scope="session")
def workplace(made_once: MadeOnce) -> Path:
    """A folder with the models, the images and the pictures that the pages assume."""
    return made_once("workplace", make_workplace)


@pytest.fixture(scope="session")
def own_bundle(workplace: Path, shell: dict[str, str], made_once: MadeOnce) -> Path:
    """What `EXPORT` makes of them."""

    def export(folder: Path) -> None:
        for entry in ("my-model.keras", "my-images"):
            (folder / entry).symlink_to(workplace / entry)
        done = subprocess.run(EXPORT.split(), cwd=folder, env=shell, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    return made_once("exported", export) / "my-bundle"


@pytest.fixture(scope="session")
def shell() -> dict[str, str]:
    """An environment in which `edgedigits` is the one under test."""
    return {**os.environ, "PATH": f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"}
