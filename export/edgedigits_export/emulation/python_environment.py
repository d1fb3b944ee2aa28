"""Another Python than this one, with the package under test on its path: an emulated board's, or a temporary one."""

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
    """A Python in which commands can be run.

    Attributes
    ----------
    python: its interpreter.
    environment: all environment variables of a command; none of this process's own are passed on.
    folder: a folder for scratch files, which is removed with the environment.

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
        """Start ``edgedigits words`` and do not wait for it; its output is appended to ``log``."""
        with log.open("ab") as stream:
            return subprocess.Popen(  # noqa: S603  our own commands
                [self.python, "-m", "edgedigits.cli.main", *words],
                env=dict(self.environment), stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
            )  # fmt: skip

    def with_variables(self, **variables: str) -> PythonEnvironment:
        """Return the same Python with more environment variables."""
        return replace(self, environment={**self.environment, **variables})

    def versions(self, packages: Sequence[str]) -> dict[str, Any]:
        """Return the versions of the Python and of installed packages, by name.

        Raises
        ------
        TargetError: the Python does not start.

        """
        done = self.run(["-c", _DESCRIBE, *packages])
        if done.returncode:
            raise TargetError(f"{self.python}: expected a Python that starts, found: {done.stderr.strip()[-300:]}")
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def copy_package(folder: Path) -> Path:
    """Copy the installed `edgedigits` into ``folder``, away from the packages of this platform beside it."""
    here = Path(edgedigits.__file__).parent
    shutil.copytree(here, folder / here.name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def clean_environment(folder: Path, python_path: Sequence[Path]) -> dict[str, str]:
    """Return environment variables for a Python that sees ``python_path`` and nothing of this process's environment."""
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
