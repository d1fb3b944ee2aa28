"""Packages that the project does not depend on, in environments of their own in the cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from edgedigits.files import cache_folder


class NotHere(Exception):
    """Another set's packages or data cannot be had on this machine; the message says which and why."""


def run_elsewhere(packages: tuple[str, ...], script: str, *words: str | Path) -> None:
    """Run Python code with ``packages`` installed; the environment is made when it is not there.

    Raises
    ------
    NotHere: they cannot be installed, or the code failed.

    """
    try:
        executable = _environment(packages)
        subprocess.run([executable, "-W", "ignore", "-c", script, *map(str, words)], check=True, capture_output=True)
    except subprocess.CalledProcessError as error:
        said = (error.stderr or b"").decode(errors="replace").strip().splitlines()[-1:]
        raise NotHere(f"needs {', '.join(packages)}: {' '.join(said)[:200]}") from error


def _environment(packages: tuple[str, ...]) -> Path:
    name = hashlib.sha256(repr((sys.version_info[:2], packages)).encode()).hexdigest()[:8]
    home = cache_folder() / "reading" / "venvs" / f"{packages[0].split('==')[0]}-{name}"
    if not (home / "made").is_file():
        shutil.rmtree(home, ignore_errors=True)
        _uv("venv", "--python", sys.executable, str(home))
        _uv("pip", "install", "--python", str(home), "--only-binary", ":all:", *packages)
        (home / "made").touch()
    return home / "bin" / "python"


def _uv(*words: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    subprocess.run([sys.executable, "-m", "uv", "--quiet", *words], check=True, env=environment, capture_output=True)
