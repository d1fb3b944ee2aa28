"""The engine releases to try, the Pythons that have wheels for them, and their environments."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.harness.venvs import made_venv

_OLD, _MID, _NEW = ("3.8", "3.9"), ("3.9", "3.10", "3.11"), ("3.11", "3.12", "3.13")


@dataclass(frozen=True, slots=True)
class Release:
    """A package's release, the Pythons with wheels for it (first choice first), and the numpy to install with it.

    Without a ``numpy`` the package is installed with all that it requires.
    """

    package: str
    version: str
    pythons: tuple[str, ...]
    numpy: str

    def __str__(self) -> str:
        """Return it as pip writes it."""
        return f"{self.package}=={self.version}"


def _releases(package: str, pythons: tuple[str, ...], numpy: str, *versions: str) -> tuple[Release, ...]:
    return tuple(Release(package, version, pythons, numpy) for version in versions)


# Every release of tflite-runtime; LiteRT's and onnxruntime's first ones and one of each minor release.
RELEASES = (
    *_releases("tflite-runtime", _OLD, "numpy<2", "2.7.0", "2.8.0", "2.9.1", "2.10.0", "2.11.0", "2.12.0"),
    *_releases("tflite-runtime", (*_OLD, "3.10"), "numpy<2", "2.13.0"),
    *_releases("tflite-runtime", ("3.11", "3.10", *_OLD), "numpy<2", "2.14.0"),
    *_releases("ai-edge-litert", _MID, "numpy<2", "1.0.1", "1.1.2", "1.2.0", "1.3.0", "1.4.0", "2.0.3", "2.1.0"),
    *_releases("ai-edge-litert", _NEW, "numpy", "2.1.6", "2.2.0", "2.3.0"),
    *_releases("onnxruntime", ("3.8",), "numpy<2", "1.6.0"),
    *_releases("onnxruntime", _OLD, "numpy<2", "1.7.0", "1.8.1", "1.9.0", "1.10.0", "1.11.1", "1.12.1", "1.13.1"),
    *_releases("onnxruntime", _OLD, "numpy<2", "1.14.1", "1.15.1", "1.16.3", "1.17.3", "1.18.1", "1.19.2"),
    *_releases("onnxruntime", ("3.11", "3.12"), "numpy", "1.20.1", "1.21.1", "1.22.1", "1.23.2", "1.24.4", "1.25.1"),
    *_releases("onnxruntime", _NEW, "numpy", "1.26.0", "1.27.0", "1.28.0", "1.29.0", "1.30.0", "1.31.1", "1.32.0"),
)


NEWEST = tuple({release.package: release for release in RELEASES}.values())
# ai-edge-quantizer 0.10, its name before, writes the same bytes.
QUANTIZER = Release("litert-quantizer", "0.11.0", ("3.11", "3.12", "3.13"), "")
RECIPES = (
    "dynamic_wi8_afp32",
    "dynamic_wi4_afp32",
    "weight_only_wi8_afp32",
    "weight_only_wi4_afp32",
    "static_wi8_ai8",
    "static_wi8_ai16",
)


@cache
def interpreters() -> dict[str, str]:
    """Return this machine's Pythons by ``3.X``: pyenv's own, or those on the PATH, where pyenv's may lead nowhere."""
    found = {}
    for python in sorted((Path.home() / ".pyenv" / "versions").glob("3.*/bin/python")):
        version = re.match(r"3\.\d+", python.parts[-3])
        if version:
            found[version[0]] = str(python)
    for minor in range(8, 15):
        if path := shutil.which(f"python3.{minor}"):
            found.setdefault(f"3.{minor}", path)
    return found


def release_venv(release: Release, folder: Path) -> str | None:
    """Return the Python of an environment with this release, made if missing; None if no Python here suits it."""
    version = next((version for version in release.pythons if version in interpreters()), None)
    if version is None:
        return None
    package = [str(release)]
    # The engines' other declared requirements are for tools that come along; inference needs numpy alone.
    installs = ([release.numpy], ["--no-deps", *package]) if release.numpy else (package,)
    home = folder / f"{release.package}-{release.version}-py{version}"
    return made_venv(home, interpreters()[version], *installs)
