"""Another Python than this one, with the package under test on its path: an emulated board's, or a throw-away one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import edgedigits
from edgedigits.errors import TargetError
from edgedigits.files import cache_folder

_DESCRIBE = """
import json, platform, sys
from importlib.metadata import version
print(json.dumps({"python": platform.python_version(), **{name: version(name) for name in sys.argv[1:]}}))
"""


@dataclass(frozen=True, slots=True)
class PythonEnvironment:
    """Where commands can be run.

    Attributes
    ----------
    environment: the whole of it; of this process's own nothing is passed on.
    folder: for scratch files, gone with the place.

    """

    python: Path
    environment: Mapping[str, str]
    folder: Path

    def run(self, words: Sequence[str], *, show_errors: bool = False) -> subprocess.CompletedProcess[str]:
        """Run ``python words`` in the current folder; standard error is captured unless it is to be shown."""
        return subprocess.run(  # noqa: S603  our own commands
            [self.python, *words],
            env=dict(self.environment),
            stdout=subprocess.PIPE,
            stderr=None if show_errors else subprocess.PIPE,
            text=True,
            check=False,
        )

    def command(self, words: Sequence[str], *, show_errors: bool = False) -> subprocess.CompletedProcess[str]:
        """Run ``edgedigits words``."""
        return self.run(["-m", "edgedigits.cli.main", *words], show_errors=show_errors)

    def start(self, words: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        """Start ``edgedigits words``, which goes on by itself; what it says is appended to ``log``."""
        with log.open("ab") as stream:
            return subprocess.Popen(  # noqa: S603  our own commands
                [self.python, "-m", "edgedigits.cli.main", *words],
                env=dict(self.environment), stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
            )  # fmt: skip

    def with_variables(self, **variables: str) -> PythonEnvironment:
        """The same place with more in its environment."""
        return replace(self, environment={**self.environment, **variables})

    def versions(self, packages: Sequence[str]) -> dict[str, Any]:
        """The Python's version and those of installed packages.

        Raises
        ------
        TargetError: not even Python starts.

        """
        done = self.run(["-c", _DESCRIBE, *packages])
        if done.returncode:
            raise TargetError(f"{self.python}: expected a Python that starts, found: {done.stderr.strip()[-300:]}")
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def copy_package(folder: Path) -> Path:
    """Copy the installed `edgedigits` alone into ``folder``: beside it lie packages of this platform."""
    here = Path(edgedigits.__file__).parent
    shutil.copytree(here, folder / here.name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def clean_environment(folder: Path, python_path: Sequence[Path]) -> dict[str, str]:
    """Variables for a Python that shall see ``python_path`` and nothing that this process was given."""
    windows = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}  # no Python starts without
    return windows | {
        "PATH": os.defpath,
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(map(str, python_path)),
        "PYTHONNOUSERSITE": "1",
        "EDGEDIGITS_CACHE": str(cache_folder()),
    }
