"""Virtual environments that benchmarks run in: made once with uv and kept in the cache folder.

What cannot be installed raises InstallError with what uv says.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from benchmarks.harness.child import ROOT
from edgedigits.engines import ENGINES

# As pip does it; uv leaves it to the first start, which would be measured, or to every start where nothing is written.
COMPILED = "--compile-bytecode"


class InstallError(RuntimeError):
    """An environment could not be made."""


def made_venv(home: Path, python: str, *installs: Sequence[str]) -> str:
    """Return the Python of the environment at ``home``, which is made if it is not there.

    It is made of ``python``, with one ``pip install`` after another.
    """
    if not (home / "made").is_file():
        shutil.rmtree(home, ignore_errors=True)
        _uv("venv", "--python", python, str(home))
        for words in installs:
            _uv("pip", "install", "--python", str(home), "--only-binary", ":all:", *words)
        (home / "made").touch()
    return str(home / "bin" / "python")


def packages_venv(folder: Path, *packages: str) -> str:
    """Return the Python of an environment below ``folder`` that has these requirements and no others."""
    key = "-".join(packages).replace("==", "-").lstrip("-") or "empty"
    home = folder / f"{key}-py{sys.version_info.major}.{sys.version_info.minor}"
    return made_venv(home, sys.executable, *([(COMPILED, *packages)] if packages else []))


@cache
def project_venv(folder: Path, *, extras: str = "", constrained: bool = True) -> str:
    """Return the Python of an environment with this checkout's wheel, as users install it.

    The environment is made anew when code changed. With ``constrained``, packages have the releases of constraints.txt.
    """
    shutil.rmtree(folder / "wheel", ignore_errors=True)
    _uv("build", "--wheel", "-o", str(folder / "wheel"), str(ROOT))
    (wheel,) = (folder / "wheel").glob("*.whl")
    asked = [f"{wheel}{extras}", *(["-c", str(ROOT / "constraints.txt")] if constrained else [])]
    known = hashlib.sha256(wheel.read_bytes() + repr((asked, sys.version_info)).encode()).hexdigest()[:12]
    for old in folder.glob("edgedigits-*"):
        if old.name != f"edgedigits-{known}":
            shutil.rmtree(old)
    return made_venv(folder / f"edgedigits-{known}", sys.executable, [COMPILED, *asked])


def site_packages(python: str) -> Path:
    """Return the folder with the packages of an environment."""
    (found,) = Path(python).parents[1].glob("lib/python3.*/site-packages")
    return found


def installed_bytes(python: str) -> int:
    """Return the bytes of all packages of an environment but their byte code, which comes and goes."""
    files = site_packages(python).rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file() and file.suffix != ".pyc")


def versions(names: Sequence[str], python: str = sys.executable) -> dict[str, str]:
    """Return the installed versions of packages and engines in an environment."""
    packages = {name: ENGINES[name].distribution if name in ENGINES else name for name in names}
    code = "import json, sys; from importlib.metadata import version as v; print(json.dumps([*map(v, sys.argv[1:])]))"
    done = subprocess.run([python, "-c", code, *packages.values()], check=True, capture_output=True, text=True)
    return dict(zip(packages, json.loads(done.stdout), strict=True))


def _uv(*words: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    command = [sys.executable, "-m", "uv", "--quiet", *words]
    done = subprocess.run(command, check=False, env=environment, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise InstallError(f"uv {' '.join(words)}: {' '.join(done.stderr.split())}")


def unpacked(folder: Path, package: str, python: str) -> None:
    """Unpack the wheel of one package into a folder, whatever Python it is for: for the files in it, not to import."""
    if not (folder / "made").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        where = ("--python-version", python, "--python-platform", "x86_64-manylinux_2_40")
        _uv("pip", "install", "--target", str(folder), "--no-deps", "--only-binary", ":all:", *where, package)
        (folder / "made").touch()
