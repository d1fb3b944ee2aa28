"""Virtual environments for what is measured: made once with uv, kept in the cache folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
# As pip does it; uv leaves it to the first start, which would be measured, or to every start where nothing is written.
COMPILED = "--compile-bytecode"


class InstallFailed(RuntimeError):
    """A venv could not be made."""


def made_venv(home: Path, python: str, *installs: Sequence[str]) -> str:
    """The Python of the venv at ``home``, made of ``python`` with one ``pip install`` after another if it is not there.

    Raises
    ------
    InstallFailed: with what uv says.

    """
    if not (home / "made").is_file():
        shutil.rmtree(home, ignore_errors=True)
        _uv("venv", "--python", python, str(home))
        for words in installs:
            _uv("pip", "install", "--python", str(home), "--only-binary", ":all:", *words)
        (home / "made").touch()
    return str(home / "bin" / "python")


def project_venv(folder: Path, *more: str, extras: str = "", constrained: bool = True) -> str:
    """The Python of a venv with this checkout's wheel, as users install it, and ``more``; made anew when code changed.

    With ``constrained`` the other packages have the releases of constraints.txt.

    Raises
    ------
    InstallFailed: with what uv says.

    """
    wheel = built_wheel(folder)
    asked = [f"{wheel}{extras}", *more, *(["-c", str(ROOT / "constraints.txt")] if constrained else [])]
    known = hashlib.sha256(wheel.read_bytes() + repr((asked, sys.version_info)).encode()).hexdigest()[:12]
    for old in folder.glob("edgedigits-*"):
        if old.name != f"edgedigits-{known}":
            shutil.rmtree(old)
    return made_venv(folder / f"edgedigits-{known}", sys.executable, [COMPILED, *asked])


@cache
def built_wheel(folder: Path) -> Path:
    """This checkout as a wheel, built once a run.

    Raises
    ------
    InstallFailed: with what uv says.

    """
    shutil.rmtree(folder / "wheel", ignore_errors=True)
    _uv("build", "--wheel", "-o", str(folder / "wheel"), str(ROOT))
    (built,) = (folder / "wheel").glob("*.whl")
    return built


def _uv(*words: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    command = [sys.executable, "-m", "uv", "--quiet", *words]
    done = subprocess.run(command, check=False, env=environment, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise InstallFailed(f"uv {' '.join(words)}: {' '.join(done.stderr.split())}")
